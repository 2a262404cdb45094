"""`quotawatt entries`: what units fill in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from deploy.cli.database import on_database, place_of, where
from deploy.cli.terminal import width

if TYPE_CHECKING:
    from energy.storage import Connection
    from ingest.accounting.entries.model import Given, Source

F = TypeVar("F", bound=Callable[..., None])
T = TypeVar("T")
_DAY = click.DateTime(["%Y-%m-%d"])


@click.group()
def entries() -> None:
    """Fill in what no meter says: purchases, stocks, production, certificates.

    Each entry is a record with its author. A later one for the same unit, kind, subject and days replaces the earlier
    one, which is kept; each can be undone.
    """


@entries.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--author", metavar="NAME", required=True, help="Who says it.")
@where
def import_(file: Path, author: str, config: Path | None, dsn: str | None) -> None:
    """Take the entries of FILE (CSV), all or none of them.

    Columns: unit, kind, subject, first_day, last_day, amount, unit_of_measure, document, reason; or 用能单位, 类别,
    品种, 起始日期, 截止日期, 数量, 计量单位, 凭证, 备注. Every fault is listed with its line.
    The same file again changes nothing.
    """
    from deploy.cli.database import content_of  # noqa: PLC0415 - loaded when called
    from ingest.accounting.entries.files import entries_in  # noqa: PLC0415 - likewise
    from ingest.accounting.entries.model import Source  # noqa: PLC0415 - likewise

    _take(entries_in(content_of(file), str(file), author=author), Source.FILE, config, dsn)


@entries.command()
@click.argument("unit")
@click.argument("kind")
@click.argument("subject", required=False)
@click.option("--first-day", metavar="DAY", required=True, help="From this day; a stock is that at its end.")
@click.option("--last-day", metavar="DAY", help="To this day, included.  [default: the first one]")
@click.option("--amount", metavar="NUMBER", required=True, help="How much.")
@click.option("--unit-of-measure", metavar="SYMBOL", required=True, help="In which unit of measure.")
@click.option("--document", metavar="TEXT", help="The paper that shows it.")
@click.option("--reason", metavar="TEXT", help="A remark.")
@click.option("--author", metavar="NAME", required=True, help="Who says it.")
@where
def add(config: Path | None, dsn: str | None, author: str, **said: str | None) -> None:
    """Enter one amount for UNIT.

    KIND is purchase, stock, sale, feedstock or statement with a carrier as SUBJECT; output with a product;
    output_value, certificate or certificate_base without.
    """
    from ingest.accounting.entries.model import Given, Source  # noqa: PLC0415 - loaded when called

    given = {name: text for name, text in said.items() if text is not None}
    _take([Given(given, author, given["unit"])], Source.HAND, config, dsn)


@entries.command("list")
@click.option("--of-unit", "unit", metavar="CODE", help="Of this unit.")
@click.option("--kind", metavar="KIND", help="Of this kind, in either language.")
@click.option("--subject", metavar="WORD", help="Of this carrier or product.")
@click.option("--from", "first", type=_DAY, metavar="DAY", help="Touching this day or later ones.")
@click.option("--to", "last", type=_DAY, metavar="DAY", help="Touching this day or earlier ones.")
@click.option("--in-force/--past", "in_force", default=None, help="Only those in force, or only the others.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="At most so many.")
@click.option("--json", "as_json", is_flag=True, help="One JSON array.")
@where
def list_entries(  # noqa: PLR0913 - one for each option
    config: Path | None,
    dsn: str | None,
    *,
    unit: str | None,
    kind: str | None,
    subject: str | None,
    first: datetime | None,
    last: datetime | None,
    in_force: bool | None,
    limit: int,
    as_json: bool,
) -> None:
    """Show entries, replaced and undone ones too, the latest first."""
    import msgspec  # noqa: PLC0415 - loaded when called

    from deploy.cli.entries_text import list_lines  # noqa: PLC0415 - likewise
    from ingest.accounting.entries.store import Chosen, recorded  # noqa: PLC0415 - likewise
    from ingest.accounting.entries.words import kind_of  # noqa: PLC0415 - likewise

    chosen = Chosen(
        unit,
        _word(kind_of, kind, "--kind"),
        _word(_subject, subject, "--subject"),
        in_force,
        first.date() if first else None,
        last.date() if last else None,
    )
    found = _on(config, dsn, lambda connection, _: recorded(connection, chosen, limit + 1))
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(found[:limit])))
        return
    _show(found[:limit], list_lines, "Nothing was entered, as far as it is asked for.")
    if len(found) > limit:
        click.echo(f"... and more: --limit {limit} was reached")


def _word(read: Callable[[str], str], text: str | None, option: str) -> str | None:
    """What a word of a filter stands for: one that means nothing must not look as if nothing were there."""
    try:
        return None if text is None else read(text)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint=option) from None


def _subject(text: str) -> str:
    """A carrier by its key or name, else the code of a product."""
    from energy.words import carrier_of  # noqa: PLC0415 - loaded when called

    try:
        return carrier_of(text)
    except ValueError:
        return text


@entries.command()
@click.argument("entry_id", metavar="ID", type=int)
@click.option("--author", metavar="NAME", required=True, help="Who undoes it.")
@click.option("--reason", metavar="TEXT", required=True, help="Why.")
@where
def undo(entry_id: int, author: str, reason: str, config: Path | None, dsn: str | None) -> None:
    """Undo entry ID, which stays on record.

    The one that it replaced, if it did, counts again.
    """
    from ingest.accounting.entries import store  # noqa: PLC0415 - loaded when called

    earlier = _on(
        config, dsn, lambda connection, now: store.undo(connection, entry_id, author=author, reason=reason, now=now)
    )
    click.echo(f"Undone: entry {entry_id}." + (f" Entry {earlier} counts again." if earlier is not None else ""))


@entries.command()
@click.argument("unit")
@click.argument("code")
@click.option("--unit-of-measure", metavar="SYMBOL", required=True, help="What its output is measured in.")
@click.option("--name-zh", metavar="TEXT", default="", help="Its Chinese name.")
@click.option("--name-en", metavar="TEXT", default="", help="Its English name.")
@click.option("--quota-key", metavar="KEY", default="", help="Row of the product quota standards that applies.")
@click.option("--point", metavar="CODE", default="", help="The point that meters it; then nothing is filled in.")
@where
def product(  # noqa: PLR0913, PLR0917 - one for each option
    unit: str,
    code: str,
    unit_of_measure: str,
    name_zh: str,
    name_en: str,
    quota_key: str,
    point: str,
    config: Path | None,
    dsn: str | None,
) -> None:
    """Register product CODE of UNIT, or change it."""
    from energy.words import unit_symbol  # noqa: PLC0415 - likewise
    from ingest.accounting.entries.model import Product  # noqa: PLC0415 - loaded when called
    from ingest.accounting.entries.products import register  # noqa: PLC0415 - likewise

    given = Product(code, unit_symbol(unit_of_measure), name_zh, name_en, quota_key, point)
    _on(config, dsn, lambda connection, _: register(connection, unit, given))
    click.echo(f"Registered: product {code} of {unit}.")


@entries.command()
@click.option("--of-unit", "unit", metavar="CODE", help="Of this unit.")
@where
def products(unit: str | None, config: Path | None, dsn: str | None) -> None:
    """Show products."""
    from deploy.cli.entries_text import product_lines  # noqa: PLC0415 - loaded when called
    from ingest.accounting.entries.products import listed  # noqa: PLC0415 - likewise

    found = _on(config, dsn, lambda connection, _: listed(connection, unit))
    _show(found, product_lines, "No product is registered, as far as it is asked for.")


def _take(given: Sequence[Given], source: Source, config: Path | None, dsn: str | None) -> None:
    from deploy.cli.entries_text import taken_lines, warning_lines  # noqa: PLC0415 - loaded when called
    from ingest.accounting.entries import store  # noqa: PLC0415 - likewise
    from ingest.accounting.entries.takings import NegativeUse, negative_uses  # noqa: PLC0415 - likewise

    async def take(connection: Connection, now: datetime) -> tuple[list[store.Taken], list[NegativeUse]]:
        taken = await store.enter(connection, given, source, now)
        return taken, await negative_uses(connection, [one.entry_id for one in taken])

    taken, doubtful = _on(config, dsn, take)
    click.echo("\n".join(taken_lines(taken)))
    for line in warning_lines(doubtful):
        click.echo(line, err=True)


def _show(rows: Sequence[T], lines: Callable[[Sequence[T], int | None], Iterable[str]], nothing: str) -> None:
    click.echo("\n".join(lines(rows, width())) if rows else nothing)


def _on(config: Path | None, dsn: str | None, work: Callable[[Connection, datetime], Awaitable[T]]) -> T:
    """What `work` finds on the database, given data time."""
    from energy.clocks import DataClock  # noqa: PLC0415 - loaded when called

    place = place_of(config, dsn)
    now = DataClock(place.clock).now()
    return on_database(place.database, lambda connection: work(connection, now))
