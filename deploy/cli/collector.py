"""`quotawatt collector`."""

from __future__ import annotations

from pathlib import Path

import click


@click.group()
def collector() -> None:
    """Poll meters, keep the readings on disk, send them."""


@collector.command()
@click.argument("config", type=click.Path(path_type=Path))
def run(config: Path) -> None:
    """Run the gateways of CONFIG (TOML) until SIGTERM or SIGINT.

    A change of the file is taken over while it runs, at once on SIGHUP.
    """
    from collector.checks import load_settings  # noqa: PLC0415 - loaded when called
    from collector.process.service import run as serve  # noqa: PLC0415 - likewise
    from energy.services import run_main  # noqa: PLC0415 - likewise

    settings = load_settings(config)
    run_main(lambda: serve(settings, file=config))
