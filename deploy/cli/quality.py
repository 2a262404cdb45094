"""`quotawatt quality`: the data-quality evaluation of the national rules, per unit and month."""

from __future__ import annotations

import sys
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from deploy.cli.database import on_database, place_of

if TYPE_CHECKING:
    from energy.storage import Connection
    from ingest.accounting.quality.evaluation import Evaluation


@click.command()
@click.argument("unit", nargs=-1)
@click.option("--month", "asked", type=click.DateTime(["%Y-%m"]), metavar="MONTH", help="[default: the last whole one]")
@click.option("--district", default="", metavar="DIGITS", help="Units whose district (GB/T 2260) begins so.")
@click.option("--rules", type=click.Path(path_type=Path), help="Bounds other than the national ones (TOML).")
@click.option("--check", is_flag=True, help="End with exit code 1 unless every unit passed.")
@click.option("--json", "form", flag_value="json", help="One JSON array.")
@click.option("--csv", "form", flag_value="csv", help="One line per unit and criterion.")
@click.option("--config", "-c", type=click.Path(path_type=Path), help="Take database and clock from a worker's file.")
@click.option("--dsn", envvar="QUOTAWATT_DSN", show_envvar=True, help="postgresql://user@host:port/database")
def quality(  # noqa: PLR0913, PLR0917 - one for each option
    unit: tuple[str, ...],
    asked: datetime | None,
    district: str,
    rules: Path | None,
    form: str | None,
    config: Path | None,
    dsn: str | None,
    *,
    check: bool,
) -> None:
    """Evaluate the quality of the data of each UNIT (default: all) in a month.

    Completeness is the share of the time of all its meters that lies between readings as close as they are meant to
    be; agreement the greatest difference of the days' sum from the unit's statement of the month; day_border the
    share of midnights, month_border the hours from a month's beginning or end, at which gate meters were read; repair
    the longest silence, or wait for the record of a replacement, in working days; trust the share of the time of gate
    meters that is measured and that nothing makes suspect. What cannot be judged is not passed.
    """
    from deploy.cli import quality_text as text  # noqa: PLC0415 - loaded when called
    from energy.clocks import DataClock  # noqa: PLC0415 - likewise
    from energy.config import load_toml  # noqa: PLC0415 - likewise
    from energy.errors import RejectedError  # noqa: PLC0415 - likewise
    from energy.periods import local_day  # noqa: PLC0415 - likewise
    from ingest.accounting.quality.evaluation import Verdict, evaluate  # noqa: PLC0415 - likewise
    from ingest.accounting.quality.facts import read_month, units  # noqa: PLC0415 - likewise
    from ingest.accounting.quality.rules import QualityRules  # noqa: PLC0415 - likewise

    place = place_of(config, dsn)
    now = DataClock(place.clock).now()
    bounds = load_toml(rules, QualityRules) if rules else QualityRules()
    month = asked.date() if asked else _month_before(local_day(now))

    async def judge(connection: Connection) -> list[Evaluation]:
        chosen = await units(connection, unit or None, district)
        if missing := sorted(set(unit) - {one.code for one in chosen}):
            raise RejectedError(f"no such unit: {', '.join(missing)}")
        return [evaluate(await read_month(connection, one, month, now, bounds), bounds) for one in chosen]

    found = on_database(place.database, judge)
    match form:
        case "json":
            click.echo(text.as_json(found))
        case "csv":
            click.echo(text.as_csv(found), nl=False)
        case _:
            click.echo("\n".join(text.lines(found)))
    if check and not all(one.verdict is Verdict.PASSED for one in found):
        sys.exit(1)


def _month_before(today: date) -> date:
    return (today.replace(day=1) - timedelta(days=1)).replace(day=1)
