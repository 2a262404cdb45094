"""`quotawatt alerts windows`: times of maintenance, in which alerts fire silently."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from deploy.cli.database import on_database, place_of, where
from deploy.cli.terminal import in_language, more, saying, width
from deploy.cli.times import moment

if TYPE_CHECKING:
    from alerts.rules.messages import Language
    from energy.storage import Connection


@click.group()
def windows() -> None:
    """Silence alerts of units, districts or industries for a time.

    Alerts are judged and kept as ever within a window; nobody is called. Times without an offset are of Shanghai.
    """


@windows.command()
@click.option("--of-unit", "unit", metavar="CODE", help="Of this unit.")
@click.option("--district", metavar="DIGITS", help="Of this province, city or county: 2, 4 or 6 digits (GB/T 2260).")
@click.option("--industry", metavar="DIGITS", help="Of this industry (GB/T 4754).")
@click.option("--all", "everybody", is_flag=True, help="Of all units.")
@click.option("--rule", metavar="CODE", help="Only of this rule.")
@click.option("--since", metavar="TIME", help="ISO 8601; a day means its beginning.  [default: now]")
@click.option("--until", metavar="TIME", required=True, help="Likewise.")
@click.option("--author", metavar="NAME", required=True, help="Who makes it.")
@click.option("--reason", metavar="TEXT", required=True, help="Why.")
@in_language
@where
def add(  # noqa: PLR0913 - one for each option
    config: Path | None,
    dsn: str | None,
    *,
    unit: str | None,
    district: str | None,
    industry: str | None,
    everybody: bool,
    rule: str | None,
    since: str | None,
    until: str,
    author: str,
    reason: str,
    language: Language,
) -> None:
    """Add a window."""
    from alerts.life import people  # noqa: PLC0415 - loads the drivers only when called
    from alerts.life.windows import Window, WindowSubject  # noqa: PLC0415 - likewise
    from alerts.rules.files import shipped_codes  # noqa: PLC0415 - likewise
    from energy.clocks import DataClock  # noqa: PLC0415 - likewise
    from energy.periods import DEFAULT_ZONE  # noqa: PLC0415 - likewise

    given: dict[WindowSubject, str | None] = {"unit": unit, "district": district, "industry": industry}
    chosen: list[tuple[WindowSubject, str | None]] = [(name, key) for name, key in given.items() if key]
    chosen += [("all", None)] if everybody else []
    if len(chosen) != 1:
        raise click.UsageError("give one of --of-unit, --district, --industry and --all")
    place = place_of(config, dsn)
    begins = DataClock(place.clock).now() if since is None else moment("--since", since, DEFAULT_ZONE)
    window = Window(*chosen[0], begins, moment("--until", until, DEFAULT_ZONE), author, reason, rule)

    async def taken(connection: Connection) -> tuple[int, bool]:
        known = rule is None or rule in shipped_codes() or await people.has_spoken(connection, rule)
        return await people.add_window(connection, window), known

    number, known = on_database(place.database, taken)
    if not known:
        said = (
            f"注意：随程序提供的规则中没有 {rule}，也从未有此名称的规则触发过",
            f"warning: no rule {rule} is shipped, and none of that name has ever raised anything",
        )
        click.echo(saying(language)(*said), err=True)
    click.echo(saying(language)(f"已登记：窗口 {number}。", f"Taken: window {number}."))


@windows.command("list")
@click.option("--ended", is_flag=True, help="Also those that have ended.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="At most so many.")
@in_language
@where
def list_windows(config: Path | None, dsn: str | None, limit: int, *, ended: bool, language: Language) -> None:
    """Show windows that run or are to come, the latest to begin first."""
    from alerts.life import people  # noqa: PLC0415 - loads the drivers only when called
    from deploy.cli.alerts_text import window_lines  # noqa: PLC0415 - likewise
    from energy.clocks import DataClock  # noqa: PLC0415 - likewise
    from energy.periods import DEFAULT_ZONE  # noqa: PLC0415 - likewise

    place = place_of(config, dsn)
    now = None if ended else DataClock(place.clock).now()
    found = on_database(place.database, lambda connection: people.windows(connection, limit + 1, open_at=now))
    if not found:
        click.echo(saying(language)("没有检修窗口。", "No maintenance window."))
        return
    click.echo("\n".join(window_lines(found[:limit], DEFAULT_ZONE, language, width())))
    if len(found) > limit:
        click.echo(more(limit, language))


@windows.command()
@click.argument("window_id", metavar="ID", type=int)
@click.option("--author", metavar="NAME", required=True, help="Who ends it.")
@in_language
@where
def end(window_id: int, author: str, config: Path | None, dsn: str | None, *, language: Language) -> None:
    """End window ID now: it stays on record."""
    from alerts.life import people  # noqa: PLC0415 - loads the drivers only when called
    from energy.clocks import DataClock  # noqa: PLC0415 - likewise

    place = place_of(config, dsn)
    now = DataClock(place.clock).now()
    on_database(place.database, lambda connection: people.end_window(connection, window_id, author, now))
    click.echo(saying(language)(f"已结束：窗口 {window_id}。", f"Ended: window {window_id}."))
