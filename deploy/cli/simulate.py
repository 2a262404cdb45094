"""`quotawatt simulate`: meters without a plant."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from deploy.cli.terminal import in_language

if TYPE_CHECKING:
    from alerts.rules.messages import Language
    from collector.profiles import Library
    from deploy.demo.city import City
    from energy.clocks import ClockSettings
    from simulators.settings import LineSettings, SimulatorSettings

_PATH = click.Path(path_type=Path)
# click keeps the lines of a paragraph behind a backspace as they are.
_EXAMPLES = """\b
Examples:
  quotawatt simulate meters --profile eastron_sdm630 --profile acrel_dtsd1352
  quotawatt simulate meters --profile eastron_sdm630 --faults random --seed 7
"""


@click.group()
def simulate() -> None:
    """Serve simulated meters that replay real consumption."""


@simulate.command(epilog=_EXAMPLES)
@click.argument("config", type=_PATH, required=False)
@click.option("--profile", "profiles", multiple=True, metavar="NAME", help="A meter of this profile; repeat for more.")
@click.option(
    "--profile-dir",
    multiple=True,
    metavar="DIR",
    type=_PATH,
    help="A directory with profiles of your own, beside those that come along; may be given again.",
)
@click.option(
    "--transport",
    type=click.Choice(["tcp", "rtu", "rtu-over-tcp"]),
    default="tcp",
    show_default=True,
    help="Modbus TCP, RTU on a pseudo-terminal, or RTU frames over TCP.",
)
@click.option("--listen", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=0, show_default=True, type=click.IntRange(0, 65_535), help="TCP port; 0 for any free.")
@click.option(
    "--faults", type=click.Choice(["none", "random"]), default="none", show_default=True, help="What goes wrong."
)
@click.option("--seed", default=0, show_default=True, help="Of the random faults: the same again does the same.")
def meters(config: Path | None, profiles: tuple[str, ...], **options: Any) -> None:
    """Serve simulated meters until SIGTERM or SIGINT, and print where.

    Either CONFIG (TOML) says which; docs/simulated-meters.md explains its keys, faults among them. Or --profile does,
    once for each meter of one line: `quotawatt profiles list` names the profiles. The second form prints the table by
    which a collector reads the meters.
    """
    from collector.profiles import Library  # noqa: PLC0415 - loaded when called
    from energy.services import run_main  # noqa: PLC0415 - likewise
    from simulators.checks import load_settings  # noqa: PLC0415 - likewise
    from simulators.service import run as serve  # noqa: PLC0415 - likewise

    if (config is None) == (not profiles):
        raise click.UsageError("Give either a file or --profile.")
    _refuse_idle(options, by_file=config is not None)
    settings = load_settings(config) if config else _quick(profiles, **options)
    tell = _tell_place if config else partial(_tell_table, Library(settings.profile_dirs))
    run_main(lambda: serve(settings, tell))


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
@in_language
def forecast(city: Path, days: int, language: Language) -> None:
    """Tell which quota of CITY (TOML) will fire when.

    The answer is a Markdown table. It is worked out without a past, as a demo runs for its first eight days; from then
    on a running demo projects by the days that it has seen, and its warnings may come at other times.
    """
    from deploy.demo import forecast as forecasts  # noqa: PLC0415 - loaded when called
    from deploy.demo.city import load_city  # noqa: PLC0415 - likewise

    loaded = load_city(city)
    click.echo(forecasts.as_markdown(loaded, forecasts.forecast(loaded, days), language))


def _refuse_idle(options: dict[str, Any], *, by_file: bool) -> None:
    """Refuse options that were given and would do nothing."""
    context = click.get_current_context()
    given = {name for name in options if context.get_parameter_source(name) is ParameterSource.COMMANDLINE}
    if by_file and given:
        names = ", ".join(f"--{name.replace('_', '-')}" for name in sorted(given))
        belong = "belongs" if len(given) == 1 else "belong"
        raise click.UsageError(f"{names} {belong} to --profile: a file says it itself.")
    if options["transport"] == "rtu" and given & {"listen", "port"}:
        raise click.UsageError("--transport rtu: a pseudo-terminal has no port and no address.")


def _quick(profiles: tuple[str, ...], **options: Any) -> SimulatorSettings:
    """One line of the command line's options; `options` are those of `meters`."""
    from simulators.quick import quick_line, random_faults  # noqa: PLC0415 - loaded when called
    from simulators.settings import SimulatorSettings  # noqa: PLC0415 - likewise

    start = datetime.now().astimezone()
    return SimulatorSettings(
        lines=(quick_line(profiles, options["transport"], options["listen"], options["port"]),),
        start=start,
        profile_dirs=options["profile_dir"],
        seed=options["seed"],
        faults=random_faults(start) if options["faults"] == "random" else (),
    )


def _tell_place(line: LineSettings, place: str) -> None:
    click.echo(f"{line.name}\t{place}")


def _tell_table(library: Library, line: LineSettings, place: str) -> None:
    """A comment and a table: TOML that a collector's file can take in."""
    from simulators.quick import collector_table  # noqa: PLC0415 - loaded when called

    click.echo(f"# {line.name}: {place}\n{collector_table(line, place, library)}")


def _clock(city: City, scale: float, real_origin: float | None) -> ClockSettings:
    from energy.clocks import ClockSettings  # noqa: PLC0415 - loaded when called

    began = datetime.now().astimezone().timestamp() if real_origin is None else real_origin
    return ClockSettings(origin=city.city.start, real_origin=began, scale=scale)
