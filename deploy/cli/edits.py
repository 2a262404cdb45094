"""`quotawatt edits`: what people say about readings."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from deploy.cli.database import on_database, place_of, where
from deploy.cli.terminal import width

if TYPE_CHECKING:
    from datetime import datetime

    from energy.storage import Connection
    from ingest.accounting.edits.model import Given

F = TypeVar("F", bound=Callable[..., None])
T = TypeVar("T")
_OF_EDIT = {
    "--since": ("TIME", "ISO 8601; of the unit's zone where it names none."),
    "--until": ("TIME", "Likewise."),
    "--old-end": ("STATE", "What the old register showed at --since, as its readings come."),
    "--new-start": ("STATE", "What the new register showed at --until, likewise."),
    "--ratio": ("NUMBER", "What readings are multiplied by from then on, until another change says otherwise."),
    "--amount": ("NUMBER", "What was used."),
    "--unit": ("SYMBOL", "Its unit of measure.  [default: the base unit of the point's carrier]"),
}


def _says(*names: str, required: Sequence[str]) -> Callable[[F], F]:
    """The options of one kind of edit, and those that each has."""

    def decorate(command: F) -> F:
        command = where(command)
        command = click.option("--document", metavar="TEXT", default="", help="The paper that shows it.")(command)
        command = click.option("--reason", metavar="TEXT", required=True, help="Why.")(command)
        command = click.option("--author", metavar="NAME", required=True, help="Who says it.")(command)
        for name in reversed(names):
            metavar, text = _OF_EDIT[name]
            command = click.option(name, metavar=metavar, required=name in required, help=text)(command)
        return click.argument("point")(command)

    return decorate


@click.group()
def edits() -> None:
    """Say what readings cannot: replacements, ratios, exclusions, amounts.

    Raw readings stay as they are. Each edit is a record with author and reason, and can be undone.
    """


@edits.group()
def add() -> None:
    """Add one edit to a point."""


@add.command()
@_says("--since", "--until", "--old-end", "--new-start", "--ratio", required=["--since"])
def replacement(**given: str | None) -> None:
    """Record that the register of POINT was replaced.

    The old one ended at --since, the new one began at --until (at the same moment without it); readings in between are
    not used. What flowed after the last reading is known only where the states are.
    """
    _add("replacement", given)


@add.command()
@_says("--since", "--ratio", required=["--since", "--ratio"])
def ratio(**given: str | None) -> None:
    """Multiply readings of POINT from a time on.

    For current or voltage transformers that were changed, where readings come with the old ratio still. What the
    register showed at that moment is interpolated; where it was written down, record a replacement with that state at
    both ends.
    """
    _add("ratio", given)


@add.command()
@_says("--since", "--until", required=["--since", "--until"])
def exclude(**given: str | None) -> None:
    """Do not use readings of POINT from --since to before --until."""
    _add("exclude", given)


@add.command()
@_says("--since", "--until", "--amount", "--unit", required=["--since", "--until", "--amount"])
def amount(**given: str | None) -> None:
    """Set what POINT used in whole quarter hours."""
    _add("amount", given)


@add.command()
@_says("--since", "--until", required=["--since", "--until"])
def accept(**given: str | None) -> None:
    """Accept what is suspect at POINT from --since to before --until."""
    _add("accept", given)


@edits.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--author", metavar="NAME", required=True, help="Who says it.")
@click.option("--reason", metavar="TEXT", default="", help="Why, for rows that give no reason.")
@where
def import_(file: Path, author: str, reason: str, config: Path | None, dsn: str | None) -> None:
    """Record the replacements of FILE (CSV), all or none of them.

    Columns: point, since, and perhaps until, old_end, new_start, ratio, document, reason; or 测点, 拆表时间, 装表时间,
    旧表止码, 新表起码, 倍率修正, 凭证, 原因. Every fault is listed with its line. The same file again changes nothing.
    """
    from deploy.cli.database import content_of  # noqa: PLC0415 - loaded when called
    from ingest.accounting.edits.replacements import replacements  # noqa: PLC0415 - likewise

    _take(replacements(content_of(file), str(file), author=author, reason=reason), config, dsn)


@edits.command("list")
@click.option("--point", metavar="CODE", help="Of this point.")
@click.option("--of-unit", "unit", metavar="CODE", help="Of this unit's points.")
@click.option("--in-force/--undone", "in_force", default=None, help="Only those in force, or only the others.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="At most so many.")
@click.option("--json", "as_json", is_flag=True, help="One JSON array.")
@where
def list_edits(  # noqa: PLR0913 - one for each option
    config: Path | None,
    dsn: str | None,
    *,
    point: str | None,
    unit: str | None,
    in_force: bool | None,
    limit: int,
    as_json: bool,
) -> None:
    """Show edits, undone ones too, the latest first.

    Times are of the unit's zone.
    """
    import msgspec  # noqa: PLC0415 - loaded when called

    from deploy.cli.edits_text import list_lines  # noqa: PLC0415 - likewise
    from ingest.accounting.edits.store import Chosen, recorded  # noqa: PLC0415 - likewise

    chosen = Chosen(point, unit, in_force)
    found = _on(config, dsn, lambda connection, _: recorded(connection, chosen, limit + 1))
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(found[:limit])))
        return
    if not found:
        click.echo("Nobody has edited anything, as far as it is asked for.")
        return
    click.echo("\n".join(list_lines(found[:limit], width())))
    if len(found) > limit:
        click.echo(f"... and more: --limit {limit} was reached")


@edits.command()
@click.argument("edit_id", metavar="ID", type=int)
@where
def show(edit_id: int, config: Path | None, dsn: str | None) -> None:
    """Show all of edit ID."""
    from deploy.cli.edits_text import show_lines  # noqa: PLC0415 - loaded when called
    from ingest.accounting.edits.store import Chosen, recorded  # noqa: PLC0415 - likewise

    found = _on(config, dsn, lambda connection, _: recorded(connection, Chosen(edit_id=edit_id), 1))
    if not found:
        raise click.ClickException(f"there is no edit {edit_id}")
    click.echo("\n".join(show_lines(found[0])))


@edits.command()
@click.argument("edit_id", metavar="ID", type=int)
@click.option("--author", metavar="NAME", required=True, help="Who undoes it.")
@click.option("--reason", metavar="TEXT", required=True, help="Why.")
@where
def undo(edit_id: int, author: str, reason: str, config: Path | None, dsn: str | None) -> None:
    """Undo edit ID: it stays on record, and does nothing any more."""
    from ingest.accounting.edits import store  # noqa: PLC0415 - loaded when called

    _on(config, dsn, lambda connection, now: store.undo(connection, edit_id, author=author, reason=reason, now=now))
    click.echo(f"Undone: edit {edit_id}. What it touched is derived anew.")


def _add(kind: str, given: dict[str, str | None]) -> None:
    from ingest.accounting.edits.model import Given, Kind  # noqa: PLC0415 - loaded when called

    point, author, reason, document, config, dsn = (
        given.pop(name) for name in ("point", "author", "reason", "document", "config", "dsn")
    )
    said = {name: text for name, text in given.items() if text is not None}
    one = Given(Kind(kind), point or "", said, author or "", reason or "", document or "")
    _take([one], Path(config) if config else None, dsn)


def _take(given: Sequence[Given], config: Path | None, dsn: str | None) -> None:
    from deploy.cli.edits_text import taken_lines  # noqa: PLC0415 - loaded when called
    from ingest.accounting.edits import store  # noqa: PLC0415 - likewise

    taken = _on(config, dsn, lambda connection, now: store.add(connection, given, now))
    click.echo("\n".join(taken_lines(taken)))


def _on(config: Path | None, dsn: str | None, work: Callable[[Connection, datetime], Awaitable[T]]) -> T:
    """What `work` finds on the database, given data time."""
    from energy.clocks import DataClock  # noqa: PLC0415 - loaded when called

    place = place_of(config, dsn)
    now = DataClock(place.clock).now()
    return on_database(place.database, lambda connection: work(connection, now))
