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
    """Run the gateways of CONFIG (TOML) until SIGTERM or SIGINT."""
    from collector.checks import load_settings  # noqa: PLC0415 - loaded when called
    from collector.service import run as serve  # noqa: PLC0415 - likewise
    from energy.services import run_main  # noqa: PLC0415 - likewise

    settings = load_settings(config)
    run_main(lambda: serve(settings))


@collector.command()
@click.argument("config", type=click.Path(path_type=Path))
def check(config: Path) -> None:
    """Check CONFIG: every fault with its line; nothing is started."""
    from collector.checks import load_settings  # noqa: PLC0415 - loaded when called

    settings = load_settings(config)
    meters = sum(len(gateway.meters) for gateway in settings.gateways)
    click.echo(f"{config}: {len(settings.gateways)} gateways, {meters} meters, no fault")
