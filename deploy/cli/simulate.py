"""`quotawatt simulate`: meters without a plant."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from deploy.demo.city import City
    from energy.clocks import ClockSettings

_PATH = click.Path(path_type=Path)


@click.group()
def simulate() -> None:
    """Serve simulated meters that replay real consumption."""


@simulate.command()
@click.argument("config", type=_PATH)
def run(config: Path) -> None:
    """Serve the lines of CONFIG (TOML) until SIGTERM or SIGINT."""
    from energy.config import load_toml  # noqa: PLC0415 - loaded when called
    from energy.services import run_main  # noqa: PLC0415 - likewise
    from simulators.service import run as serve  # noqa: PLC0415 - likewise
    from simulators.settings import SimulatorSettings  # noqa: PLC0415 - likewise

    settings = load_toml(config, SimulatorSettings)
    run_main(lambda: serve(settings))


@simulate.command()
@click.argument("city", type=_PATH)
@click.option("--listen", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    default=15_020,
    show_default=True,
    type=click.IntRange(1, 65_000),
    help="Port of the first gateway; the others follow.",
)
@click.option(
    "--scale",
    type=click.FloatRange(min=0, min_open=True),
    help="Seconds of data time per real second, from the city's start on.",
)
@click.option("--real-origin", type=float, help="With --scale: Unix time at which data time starts; default: now.")
def city(city: Path, listen: str, port: int, scale: float | None, real_origin: float | None) -> None:
    """Serve every gateway of CITY (TOML) and print where.

    Without --scale the meters follow the system's clock; with it data time starts at the city's start.
    """
    from deploy.demo.city import load_city  # noqa: PLC0415 - loaded when called
    from deploy.demo.city_parts import simulator_settings  # noqa: PLC0415 - likewise
    from energy.services import run_main  # noqa: PLC0415 - likewise
    from simulators.service import run as serve  # noqa: PLC0415 - likewise

    loaded = load_city(city)
    ports = {unit.gateway: port + index for index, unit in enumerate(loaded.unit)}
    for gateway, at in ports.items():
        click.echo(f"{gateway}\t{listen}:{at}")
    clock = None if scale is None else _clock(loaded, scale, real_origin)
    settings = simulator_settings(loaded, host=listen, ports=ports, clock=clock)
    run_main(lambda: serve(settings))


@simulate.command()
@click.argument("city", type=_PATH)
@click.option("--days", default=4, show_default=True, type=click.IntRange(1, 366), help="How far to look.")
def forecast(city: Path, days: int) -> None:
    """Tell which quota of CITY (TOML) will fire when.

    The answer is a Markdown table.
    """
    from deploy.demo import forecast as forecasts  # noqa: PLC0415 - loaded when called
    from deploy.demo.city import load_city  # noqa: PLC0415 - likewise

    loaded = load_city(city)
    click.echo(forecasts.as_markdown(loaded, forecasts.forecast(loaded, days)))


def _clock(city: City, scale: float, real_origin: float | None) -> ClockSettings:
    from energy.clocks import ClockSettings  # noqa: PLC0415 - loaded when called

    began = datetime.now().astimezone().timestamp() if real_origin is None else real_origin
    return ClockSettings(origin=city.city.start, real_origin=began, scale=scale)
