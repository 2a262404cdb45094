"""`quotawatt rejects`: what was refused, and how it gets in after all."""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from deploy.cli.database import on_database, place_of
from deploy.cli.terminal import width

if TYPE_CHECKING:
    from deploy.cli.database import Place
    from ingest.rejects.find import Chosen

F = TypeVar("F", bound=Callable[..., None])
T = TypeVar("T")


def _moment(text: str) -> datetime:
    """A date or a date and time, ISO 8601; UTC where it names no zone."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(f"{text!r} is no time such as 2026-03-01 or 2026-03-01T08:00+08:00") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _filters(command: F) -> F:
    """The options that say which rejects are meant, and where they are."""
    for option in (
        click.option("--until", type=_moment, metavar="TIME", help="Received before this time."),
        click.option(
            "--since",
            type=_moment,
            metavar="TIME",
            help="Received at or after this time (ISO 8601; UTC without a zone).",
        ),
        click.option("--carrier", metavar="NAME", help="By which way: mqtt, http, sparkplug, csv, replay."),
        click.option("--point", metavar="CODE", help="Readings of this point."),
        click.option("--code", metavar="WORD", help="Refused for this, such as unknown_point."),
        click.option("--gateway", metavar="CODE", help="Sent by this gateway; '' for what came from nobody known."),
        click.option("--dsn", envvar="QUOTAWATT_DSN", show_envvar=True, help="postgresql://user@host:port/database"),
        click.option(
            "--config",
            "-c",
            type=click.Path(path_type=Path),
            help="Take the database, and for a replay the rules, from a worker's file.",
        ),
    ):
        command = option(command)
    return command


@click.group()
def rejects() -> None:
    """List and replay what ingest refused."""


@rejects.command("list")
@_filters
@click.option("--open/--replayed", "is_open", default=None, help="Only those not replayed yet, or only the others.")
@click.option("--each", is_flag=True, help="Show single ones instead of how many there are of each kind.")
@click.option("--payload", "reject_id", type=int, metavar="ID", help="Show what was refused as ID, as it was kept.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="At most so many lines.")
@click.option("--json", "as_json", is_flag=True, help="One JSON array.")
def list_rejects(  # noqa: PLR0913 - one for each option
    config: Path | None,
    dsn: str | None,
    *,
    is_open: bool | None,
    each: bool,
    reject_id: int | None,
    limit: int,
    as_json: bool,
    **chosen: Any,
) -> None:
    """Show what was refused, counted by kind.

    A kind is a gateway, a code and a point; the latest stand first. Times are data time, in UTC.
    """
    from deploy.cli.rejects_text import each_lines, kind_lines  # noqa: PLC0415 - loaded when called
    from ingest.rejects import find  # noqa: PLC0415 - likewise

    place = place_of(config, dsn)
    which = find.Chosen(**chosen, open=is_open)
    if reject_id is not None:
        _show_payload(on_database(place.database, lambda connection: find.payload(connection, reject_id)), reject_id)
    elif each:
        ones = on_database(place.database, lambda connection: find.each(connection, which, limit + 1))
        _show(ones, limit, each_lines, as_json=as_json)
    else:
        kinds = on_database(place.database, lambda connection: find.summary(connection, which, limit + 1))
        _show(kinds, limit, kind_lines, as_json=as_json)


@rejects.command()
@_filters
@click.option("--dry-run", is_flag=True, help="Try it, say what would become of them, and change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--by", metavar="NAME", help="Who does it; kept with the batches. [default: your account's name]")
def replay(config: Path | None, dsn: str | None, *, dry_run: bool, yes: bool, by: str | None, **chosen: Any) -> None:
    """Store what was refused, now that the cause is mended.

    Takes those not replayed yet, by the registry and the rules as they are now: with --config those of a worker's
    file, else the defaults. What is refused still stays as it is. It may be cut off and run again at any time, also
    beside running workers.
    """
    from deploy.cli.rejects_text import replayed_lines  # noqa: PLC0415 - loaded when called
    from energy.clocks import DataClock  # noqa: PLC0415 - likewise
    from ingest.rejects.find import Chosen  # noqa: PLC0415 - likewise
    from ingest.rejects.replay import Replay  # noqa: PLC0415 - likewise

    place = place_of(config, dsn)
    which = Chosen(**chosen, open=True)
    if not yes and not dry_run:
        _ask(place, which)
    worker = f"replay-{by or _account()}"
    prepared = Replay.at(DataClock(place.clock), place.checks, worker, dry=dry_run)
    sums = on_database(place.database, lambda connection: prepared.run(connection, which))
    click.echo("\n".join(replayed_lines(sums, worker, dry=dry_run)))


def _account() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run as a number that has no name
        return f"uid-{os.getuid()}"


def _ask(place: Place, which: Chosen) -> None:
    from ingest.rejects.find import count_open  # noqa: PLC0415 - loaded when called

    count = on_database(place.database, lambda connection: count_open(connection, which))
    click.confirm(f"Replay {count} rejects?", abort=True)


def _show(
    rows: Sequence[T], limit: int, lines: Callable[[Sequence[T], int | None], Iterable[str]], *, as_json: bool
) -> None:
    """At most `limit` of the rows, of which one more was asked for."""
    import msgspec  # noqa: PLC0415 - loaded when called

    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(rows[:limit])))
        return
    if not rows:
        click.echo("Nothing was refused, as far as it is asked for and kept.")
        return
    click.echo("\n".join(lines(rows[:limit], width())))
    if len(rows) > limit:
        click.echo(f"... and more: --limit {limit} was reached")


def _show_payload(payload: bytes | None, reject_id: int) -> None:
    """To a terminal as text that does not command it; elsewhere byte by byte."""
    from deploy.cli.columns import shown  # noqa: PLC0415 - loaded when called

    if payload is None:
        raise click.ClickException(f"there is no reject {reject_id}, or not any more")
    if sys.stdout.isatty():
        click.echo(shown(payload.decode(errors="backslashreplace")))
    else:
        sys.stdout.buffer.write(payload)
