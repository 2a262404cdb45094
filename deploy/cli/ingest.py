"""`quotawatt ingest`."""

from __future__ import annotations

from pathlib import Path

import click


@click.group()
def ingest() -> None:
    """Receive readings, commit them, acknowledge."""


@ingest.command()
@click.argument("config", type=click.Path(path_type=Path))
def run(config: Path) -> None:
    """Run one worker with the settings of CONFIG (TOML).

    It ends with SIGTERM or SIGINT.
    """
    from energy.config import load_toml  # noqa: PLC0415 - loaded when called
    from energy.services import run_main  # noqa: PLC0415 - likewise
    from ingest.service import run as serve  # noqa: PLC0415 - likewise
    from ingest.settings import IngestSettings  # noqa: PLC0415 - likewise

    settings = load_toml(config, IngestSettings)
    run_main(lambda: serve(settings))
