"""`quotawatt check`."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("config", type=click.Path(path_type=Path))
def check(config: Path) -> None:
    """Check the collector's CONFIG (TOML): every fault with its line; nothing is started."""
    from collector.checks import load_settings  # noqa: PLC0415 - loaded when called

    settings = load_settings(config)
    lines = [line for gateway in settings.gateways for line in gateway.lines]
    counts = {
        "gateway": len(settings.gateways),
        "line": len(lines),
        "meter": sum(len(line.meters) for line in lines),
        "listener": sum(len(gateway.listeners) for gateway in settings.gateways),
    }
    said = ", ".join(f"{count} {name}{'s' * (count != 1)}" for name, count in counts.items() if count)
    click.echo(f"{config}: {said}: no fault")
