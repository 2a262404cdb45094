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

    docs/examples/ingest.toml has every key. It ends with SIGTERM or SIGINT.
    """
    from energy.config import load_toml  # noqa: PLC0415 - loaded when called
    from energy.services import run_main  # noqa: PLC0415 - likewise
    from ingest.service import run as serve  # noqa: PLC0415 - likewise
    from ingest.settings import IngestSettings  # noqa: PLC0415 - likewise

    settings = load_toml(config, IngestSettings)
    run_main(lambda: serve(settings))


@ingest.command()
@click.argument("gateway")
def token(gateway: str) -> None:
    """Make a token by which GATEWAY may push over HTTP.

    The token is for the gateway alone, and for whoever uploads files in its name; it is shown once. The line belongs
    into the file that tokens_file of [http] names, below [gateways]. To replace a token, let the gateway have both for
    a while: the list may hold several.
    """
    import msgspec  # noqa: PLC0415 - loaded when called

    from energy.registry.model import GatewayCode  # noqa: PLC0415 - likewise
    from ingest.receiving.http.tokens import line_of, new_token  # noqa: PLC0415 - likewise

    try:
        msgspec.convert(gateway, GatewayCode)
    except msgspec.ValidationError as error:
        raise click.BadParameter("1 to 63 small letters, digits and hyphens, the first no hyphen") from error
    made = new_token()
    click.echo(f"token: {made}\nline:  {line_of(gateway, made)}")
