"""`quotawatt demo`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from deploy.demo import BAOJI


@click.command()
@click.option("--city", type=click.Path(path_type=Path), default=BAOJI, help="City file (TOML). Default: Baoji's.")
@click.option("--until-alert", is_flag=True, help="No board: end after the first flag and DAYS, then audit the run.")
@click.option("--json", "as_json", is_flag=True, help="With --until-alert: print the outcome as one JSON object.")
@click.option("--days", type=click.IntRange(1, 366), default=3, show_default=True, help="With --until-alert.")
@click.option("--day-seconds", type=click.FloatRange(5, 86_400), help="Real seconds a day. Default: 60, or 20.")
@click.option("--picture", type=click.Path(path_type=Path), help="With --until-alert: the last board as SVG.")
def demo(  # noqa: PLR0913 - one per option
    city: Path, *, until_alert: bool, as_json: bool, days: int, day_seconds: float | None, picture: Path | None
) -> None:
    """Run a simulated city on real components and watch it.

    Meters with real load shapes on Modbus TCP, collectors, an MQTT broker, ingest, TimescaleDB, accounting and alerts.
    Ctrl-C stops all of it in order. The stack is started when it is not up: see `quotawatt stack`.
    A simulated day takes 60 seconds, with --until-alert 20.
    """
    if not until_alert and (as_json or picture):
        raise click.UsageError("--json and --picture go with --until-alert")
    from deploy.demo import commands  # noqa: PLC0415 - loads the platform only when called

    if until_alert:
        sys.exit(commands.until_alert(city, days=days, day_s=day_seconds or 20.0, as_json=as_json, picture=picture))
    commands.watch(city, day_s=day_seconds or 60.0)
