"""`quotawatt backtest`: what rules would have said of stored history."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click

from deploy.cli.database import on_database, place_of, where
from deploy.cli.terminal import in_language, width
from deploy.cli.times import moment

if TYPE_CHECKING:
    from alerts.rules.messages import Language
    from alerts.rules.model import Rule
    from alerts.trying.backtest import BackTest, Span
    from energy.storage import Connection


def _duration(text: str) -> timedelta:
    from alerts.rules.durations import seconds_of  # noqa: PLC0415 - loaded when called

    try:
        found = timedelta(seconds=seconds_of(text))
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
    if not found:
        raise click.BadParameter("a length of time above 0 is expected, such as 15m")
    return found


def _zone(text: str) -> ZoneInfo:
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError):
        raise click.BadParameter(f"{text!r} is no IANA time zone, such as Asia/Shanghai") from None


@click.command()
@where
@click.option(
    "--rules", "-r", "files", multiple=True, type=click.Path(path_type=Path), help="A file of rules beside the shipped."
)
@click.option("--only", "codes", multiple=True, metavar="RULE", help="Only this rule, by its code; may be repeated.")
@click.option("--from", "since", required=True, metavar="TIME", help="First look, such as 2026-03-01 or with a time.")
@click.option("--to", "until", required=True, metavar="TIME", help="Last look; a day means its beginning.")
@click.option("--step", type=_duration, metavar="LENGTH", default="1h", show_default=True, help="From look to look.")
@click.option(
    "--zone", type=_zone, metavar="ZONE", default="Asia/Shanghai", show_default=True, help="Of times without an offset."
)
@click.option("--quota", "quotas", multiple=True, metavar="CODE", help="Only this quota; may be repeated.")
@click.option("--unit", "units", multiple=True, metavar="CODE", help="Only this unit; may be repeated.")
@click.option(
    "--stale", type=_duration, metavar="LENGTH", default="6h", show_default=True, help="How far data may lag."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object, with the course of every alert.")
@click.option("--svg", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Draw the timeline.")
@in_language
def backtest(  # noqa: PLR0913 - one per option
    config: Path | None,
    dsn: str | None,
    *,
    files: tuple[Path, ...],
    codes: tuple[str, ...],
    since: str,
    until: str,
    step: timedelta,
    zone: ZoneInfo,
    quotas: tuple[str, ...],
    units: tuple[str, ...],
    stale: timedelta,
    as_json: bool,
    svg: Path | None,
    language: Language,
) -> None:
    """Tell what rules would have said of stored history: when, how often, how early before the limit broke.

    The engine looks at the database as it stood at each time from --from to --to, as if all data had come in time.
    Nothing is written. Shorter steps find more, and take longer; the service looks whenever totals change.
    """
    import msgspec  # noqa: PLC0415 - loads only when called

    from alerts.trying.timeline import timeline  # noqa: PLC0415 - likewise
    from deploy.cli.backtest_text import table  # noqa: PLC0415 - likewise
    from deploy.stack.files import write_whole  # noqa: PLC0415 - likewise

    span = _span(since, until, step, zone)
    rules = _rules(files, codes)
    if svg is not None:
        _check_writable(svg)

    async def run(connection: Connection) -> BackTest:
        from alerts.trying.backtest import Looking, backtest, chosen_of  # noqa: PLC0415 - likewise

        chosen = await chosen_of(connection, quotas, units)
        looking = Looking(recent_days=2, stale_s=stale.total_seconds())
        return await backtest(connection, rules, span, looking, chosen=chosen, say=_progress(span, zone))

    found = on_database(place_of(config, dsn).database, run)
    if svg is not None:
        write_whole(svg, timeline(found.episodes, found.since, found.until, found.zone, language=language))
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(found), indent=2))
    else:
        click.echo("\n".join(table(found, language, width())))


def _check_writable(file: Path) -> None:
    """Before hours of looking, not after them."""
    if not os.access(file.parent, os.W_OK | os.X_OK) or file.is_dir():
        raise click.UsageError(f"--svg: {file} cannot be written")


def _span(since: str, until: str, step: timedelta, zone: ZoneInfo) -> Span:
    from alerts.trying.backtest import Span  # noqa: PLC0415 - loaded when called

    span = Span(moment("--from", since, zone.key), moment("--to", until, zone.key), step)
    if span.since >= span.until:
        raise click.UsageError("--to must come after --from")
    return span


def _rules(files: tuple[Path, ...], codes: tuple[str, ...]) -> tuple[Rule, ...]:
    from alerts.rules.files import load_rules  # noqa: PLC0415 - loaded when called
    from alerts.series.known import catalogue  # noqa: PLC0415 - likewise
    from energy.toml_words import unknown_value  # noqa: PLC0415 - likewise

    rules = load_rules(files, catalogue())
    known = [rule.code for rule in rules]
    if unknown := sorted(set(codes) - set(known)):
        raise click.UsageError(f"--only: {'; '.join(unknown_value(code, known) for code in unknown)}")
    return tuple(rule for rule in rules if not codes or rule.code in codes)


def _progress(span: Span, zone: ZoneInfo) -> Callable[[datetime], None]:
    """Tells on a terminal how far it has come; what is said next, such as an error, takes its place."""
    count = span.looks

    def say(moment: datetime) -> None:
        if sys.stderr.isatty():
            done = (moment - span.since) // span.step + 1
            click.echo(f"{moment.astimezone(zone):%Y-%m-%d %H:%M}  {done}/{count}\r", err=True, nl=done == count)

    return say
