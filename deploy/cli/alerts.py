"""`quotawatt alerts`: judge quotas and rules, show alerts with their evidence, take them on."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from alerts.life.terms import STATES
from alerts.verdicts import SEVERITY_TERMS
from deploy.cli.alert_windows import windows
from deploy.cli.database import on_database, place_of, where
from deploy.cli.terminal import Term, in_language, more, saying, width
from deploy.cli.times import moment

if TYPE_CHECKING:
    from datetime import datetime

    from alerts.life.evidence import Evidence
    from alerts.life.people import Listed, Move
    from alerts.life.today import Today
    from alerts.rules.messages import Language
    from energy.storage import Connection

F = TypeVar("F", bound=Callable[..., None])
T = TypeVar("T")


def _signed(command: F) -> F:
    """Who says it, and what besides."""
    command = in_language(where(command))
    command = click.option("--note", metavar="TEXT", default="", help="What is done about it.")(command)
    command = click.option("--by", "who", metavar="NAME", required=True, help="Who says it.")(command)
    return click.argument("alert_id", metavar="ID", type=int)(command)


@click.group()
def alerts() -> None:
    """Judge quotas and rules, show alerts with their evidence, take them on."""


alerts.add_command(windows)


@alerts.command()
@click.argument("config", type=click.Path(path_type=Path))
def run(config: Path) -> None:
    """Run the service that CONFIG describes until it is told to stop."""
    from alerts.service import run as run_service  # noqa: PLC0415 - loads the drivers only when called
    from alerts.settings import AlertsSettings  # noqa: PLC0415 - likewise
    from energy.config import load_toml  # noqa: PLC0415 - likewise
    from energy.services import run_main  # noqa: PLC0415 - likewise

    settings = load_toml(config, AlertsSettings)
    run_main(lambda: run_service(settings))


@alerts.command("list")
@click.option(
    "--state",
    "states",
    type=Term(STATES),
    multiple=True,
    help="In this state; may be repeated.  [default: those that are open]",
)
@click.option("--severity", "severities", type=Term(SEVERITY_TERMS), multiple=True, help="This grave; may be repeated.")
@click.option("--history", is_flag=True, help="In whatever state, if none is named.")
@click.option("--of-unit", "unit", metavar="CODE", help="Of this unit.")
@click.option("--rule", "rules", metavar="CODE", multiple=True, help="Of this rule; may be repeated.")
@click.option("--district", metavar="DIGITS", help="Of districts that begin so.")
@click.option("--industry", metavar="DIGITS", help="Of industries that begin so.")
@click.option("--since", metavar="TIME", help="Changed from then on; ISO 8601, a day means its beginning.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="At most so many.")
@click.option("--json", "as_json", is_flag=True, help="One JSON array.")
@in_language
@where
def list_alerts(  # noqa: PLR0913 - one for each option
    config: Path | None,
    dsn: str | None,
    *,
    states: tuple[str, ...],
    severities: tuple[str, ...],
    history: bool,
    unit: str | None,
    rules: tuple[str, ...],
    district: str | None,
    industry: str | None,
    since: str | None,
    limit: int,
    language: Language,
    as_json: bool,
) -> None:
    """List alerts: open ones first, gravest first.

    Of those as grave, quotas stand before units and meters, then the longest first. An exclamation mark says that it
    has escalated. OF is the quota, unit or meter, behind its unit's code where its own does not begin so, and the first
    day of the period. SINCE is when it fired, of what does not fire when it came to its state, in the unit's zone.
    """
    from alerts.life import people  # noqa: PLC0415 - loads the drivers only when called
    from alerts.life.model import AlertState  # noqa: PLC0415 - likewise
    from alerts.verdicts import Severity  # noqa: PLC0415 - likewise
    from energy.periods import DEFAULT_ZONE  # noqa: PLC0415 - likewise
    from energy.registry.store import check_units  # noqa: PLC0415 - likewise

    wanted = tuple(map(AlertState, states)) or (None if history else people.OPEN)
    from_then = None if since is None else moment("--since", since, DEFAULT_ZONE)
    grave = tuple(map(Severity, severities)) or None
    chosen = people.Chosen(wanted, unit, rules or None, grave, district, industry, from_then)

    async def read(connection: Connection, _: datetime) -> list[Listed]:
        await check_units(connection, [unit] if unit else [])
        return await people.listed(connection, chosen, limit + 1)

    found = _on(config, dsn, read)
    if as_json:
        _echo_json(found[:limit])
        return
    if not found:
        click.echo(saying(language)("没有符合条件的预警。", "No alert, as far as it is asked for."))
        return
    from deploy.cli.alerts_text import list_lines  # noqa: PLC0415 - loaded when called

    click.echo("\n".join(list_lines(found[:limit], language, width())))
    if len(found) > limit:
        click.echo(more(limit, language))


@alerts.command()
@click.argument("alert_id", metavar="ID", type=int)
@click.option("--json", "as_json", is_flag=True, help="JSON, with the evidence of each change.")
@in_language
@where
def show(alert_id: int, config: Path | None, dsn: str | None, *, language: Language, as_json: bool) -> None:
    """Show where alert ID stands, and every change of it."""
    from deploy.cli.alerts_text import show_lines  # noqa: PLC0415 - loaded when called

    found, moves = _on(config, dsn, lambda connection, _: _all_of(connection, alert_id))
    if as_json:
        _echo_json({"alert": found, "history": moves})
        return
    click.echo("\n".join(show_lines(found, moves, language, width())))


@alerts.command()
@click.argument("alert_id", metavar="ID", type=int)
@click.option(
    "--change", metavar="NO", type=int, help="This change of it, as `show` numbers them.  [default: the last]"
)
@in_language
@where
def explain(alert_id: int, change: int | None, config: Path | None, dsn: str | None, *, language: Language) -> None:
    """Show what alert ID rests on, and recompute it.

    Rule, quota and factors as they were, with their versions and sources; the figures (those marked * decide), beside
    what was said before and what is known today; the parts per carrier. Sums are made anew, and the rule's
    conditions judged anew on the stored figures: the exit code is 1 where they do not give what was stored.
    """
    from alerts.life.evidence import rejudge  # noqa: PLC0415 - loads numpy only when called
    from alerts.life.today import today as today_of  # noqa: PLC0415 - likewise
    from deploy.cli.alerts_evidence import evidence_lines  # noqa: PLC0415 - likewise
    from deploy.cli.alerts_text import head_lines  # noqa: PLC0415 - likewise

    async def explained(connection: Connection, now: datetime) -> tuple[Listed, Evidence, Today | None]:
        found, moves = await _all_of(connection, alert_id)
        evidence = _evidence_of(alert_id, moves, change)
        return found, evidence, await today_of(connection, found, evidence.figures, now)

    found, evidence, today = _on(config, dsn, explained)
    click.echo("\n".join(head_lines(found, language)))
    click.echo("")
    click.echo("\n".join(evidence_lines(evidence, found, language, today, width())))
    if rejudge(evidence) is not evidence.condition:
        sys.exit(1)


@alerts.command()
@_signed
def ack(  # noqa: PLR0913 - one for each option
    alert_id: int, who: str, note: str, config: Path | None, dsn: str | None, *, language: Language
) -> None:
    """Take alert ID on until it is over.

    Nobody else is called, and it does not escalate. Who takes it first has it: the exit code is 65 for others.
    """
    from alerts.life import people  # noqa: PLC0415 - loads the drivers only when called

    async def taken(connection: Connection, now: datetime) -> Listed | None:
        if await people.acknowledge(connection, alert_id, who, note, now):
            return None
        return await people.one(connection, alert_id)

    if (had := _on(config, dsn, taken)) is not None:
        raise _refused_taken(had)
    click.echo(saying(language)(f"已确认：预警 {alert_id}。", f"Taken on: alert {alert_id}."))


@alerts.command()
@_signed
def unack(  # noqa: PLR0913 - one for each option
    alert_id: int, who: str, note: str, config: Path | None, dsn: str | None, *, language: Language
) -> None:
    """Give alert ID back: people are called again."""
    from alerts.life import people  # noqa: PLC0415 - loads the drivers only when called

    move = _on(config, dsn, lambda connection, now: people.unacknowledge(connection, alert_id, who, note, now))
    say = saying(language)
    given_back = say(f"已撤回确认：预警 {alert_id}。", f"Given back: alert {alert_id}.")
    click.echo(given_back if move else say(f"预警 {alert_id} 无人确认。", f"Nobody had taken alert {alert_id} on."))


async def _all_of(connection: Connection, alert_id: int) -> tuple[Listed, list[Move]]:
    from alerts.life import people  # noqa: PLC0415 - loads the drivers only when called

    return await people.one(connection, alert_id), await people.history(connection, alert_id)


def _evidence_of(alert_id: int, moves: list[Move], change: int | None) -> Evidence:
    from energy.errors import RejectedError  # noqa: PLC0415 - loaded when called

    chosen = moves[-1:] if change is None else [move for move in moves if move.number == change]
    if not chosen:
        raise RejectedError(
            f"alert {alert_id} has no change {change}: it has {len(moves)}, counted from 1",
            advice=f"See `quotawatt alerts show {alert_id}`.",
        )
    if chosen[0].evidence is None:
        raise RejectedError(
            f"change {chosen[0].number} of alert {alert_id} was written by a version whose evidence has another form",
            advice=f"See `quotawatt alerts show {alert_id} --json`.",
        )
    return chosen[0].evidence


def _refused_taken(had: Listed) -> Exception:
    from deploy.cli.alerts_text import minute  # noqa: PLC0415 - loaded when called
    from energy.errors import RejectedError  # noqa: PLC0415 - likewise

    since = had.standing.acknowledged_at
    if since is None:  # given back in this very moment
        return RejectedError(f"somebody had alert {had.alert_id} just now: try again")
    whose = f"{had.standing.acknowledged_by} has it since {minute(since, had.time_zone)}"
    return RejectedError(
        f"alert {had.alert_id} is taken: {whose}", advice=f"`quotawatt alerts unack {had.alert_id}` gives it back."
    )


def _on(config: Path | None, dsn: str | None, work: Callable[[Connection, datetime], Awaitable[T]]) -> T:
    """What `work` finds on the database, given data time."""
    from energy.clocks import DataClock  # noqa: PLC0415 - loaded when called

    place = place_of(config, dsn)
    now = DataClock(place.clock).now()
    return on_database(place.database, lambda connection: work(connection, now))


def _echo_json(found: object) -> None:
    import msgspec  # noqa: PLC0415 - loaded when called

    click.echo(msgspec.json.format(msgspec.json.encode(found)))
