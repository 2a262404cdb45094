"""`quotawatt accounting`."""

from __future__ import annotations

from pathlib import Path

import click


@click.group()
def accounting() -> None:
    """Derive consumption, standard coal and CO2 from committed readings."""


@accounting.command()
@click.argument("config", type=click.Path(path_type=Path))
def run(config: Path) -> None:
    """Run one worker with the settings of CONFIG (TOML).

    At SIGTERM or SIGINT it finishes what is dirty, and ends.
    """
    from energy.config import load_toml  # noqa: PLC0415 - loaded when called
    from energy.services import run_main  # noqa: PLC0415 - likewise
    from ingest.accounting.service import run as serve  # noqa: PLC0415 - likewise
    from ingest.accounting.settings import AccountingSettings  # noqa: PLC0415 - likewise

    settings = load_toml(config, AccountingSettings)
    run_main(lambda: serve(settings))
