"""`quotawatt record`."""

from __future__ import annotations

from pathlib import Path

import click

_NONE = ": no poll fell into the time; meters are asked at every whole interval_s of the clock, plus offset_s"


@click.command()
@click.argument("config", type=click.Path(path_type=Path))
@click.option(
    "--output", "-o", required=True, type=click.Path(path_type=Path), help="A new file; packed where it ends in .gz."
)
@click.option("--seconds", type=click.FloatRange(min=0, min_open=True), help="End after so long; default: at Ctrl-C.")
def record(config: Path, output: Path, seconds: float | None) -> None:
    """Poll the lines of the collector's CONFIG (TOML) and write down each exchange with its timing.

    The file replays in simulated meters (docs/simulated-meters.md). Nothing is kept in a spool or sent. It names no
    host and no point; the values are those of the plant.
    """
    from collector.checks import load_settings  # noqa: PLC0415 - loaded when called
    from collector.recording.session import record as write_down  # noqa: PLC0415 - likewise
    from energy.services import run_main  # noqa: PLC0415 - likewise

    settings = load_settings(config)

    async def main() -> None:
        count = await write_down(settings, output, seconds)
        click.echo(f"{output}: {count} exchange{'s' * (count != 1)}{'' if count else _NONE}")

    run_main(main)
