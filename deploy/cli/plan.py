"""`quotawatt plan`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collector.commissioning.forecast import LineForecast, MeterForecast


@click.command()
@click.argument("config", type=click.Path(path_type=Path))
@click.option("--requests/--no-requests", default=True, show_default=True, help="Show each meter's requests.")
def plan(config: Path, *, requests: bool) -> None:
    """Show what the collector's CONFIG (TOML) will ask, and whether it fits.

    For each line: the requests of each meter, the registers that they bring and how many of those nobody asked for,
    and how long asking is expected to take against the intervals. Nothing is asked. Where something cannot fit, the
    exit code is 1.
    """
    from collector.checks import load_settings  # noqa: PLC0415 - loaded when called
    from collector.commissioning.forecast import forecast  # noqa: PLC0415 - likewise
    from collector.planning.learned_file import LearnedFile  # noqa: PLC0415 - likewise
    from collector.profiles.library import Library  # noqa: PLC0415 - likewise

    settings = load_settings(config)
    library = Library(settings.profile_dirs)
    fits = True
    blocks: list[str] = []
    for gateway in settings.gateways:
        first = len(blocks)
        learned = LearnedFile(settings.learned_file(gateway))
        for line in gateway.lines:
            foretold = forecast(line, library, learned)
            blocks.append("\n".join(_line(foretold, requests=requests)))
            fits = fits and foretold.load <= 1
        blocks += [
            f"  listens at {listener.host}:{listener.port}: its meters send by themselves"
            for listener in gateway.listeners
        ]
        blocks[first] = f"{click.style(gateway.code, bold=True)}\n{blocks[first]}"
    click.echo("\n\n".join(blocks))
    if not fits:
        raise SystemExit(1)


def _line(line: LineForecast, *, requests: bool) -> Iterator[str]:
    yield f"  {line.kind} {line.place}: {_many(len(line.meters), 'meter')}"
    for meter in line.meters:
        yield from _meter(meter, requests=requests)
    yield f"    asking all once takes about {_seconds(line.cycle_s)}; {line.load:.1%} of the line's time is needed"
    for warning in line.warnings():
        yield click.style(f"    warning: {warning}", fg="yellow")


def _meter(meter: MeterForecast, *, requests: bool) -> Iterator[str]:
    registers, wasted = sum(one.registers for one in meter.asked), sum(one.wasted for one in meter.asked)
    yield (
        f"    {meter.label}, unit {meter.address}, {meter.profile}: {_many(len(meter.asked), 'request')}, "
        f"{registers} {meter.unit_of_size}, {wasted} of them not asked for, "
        f"about {_seconds(meter.seconds)} every {meter.interval_s:g} s"
    )
    if requests:
        for one in meter.asked:
            yield f"      {one.request}: {', '.join(one.values)}"
    if meter.refused:
        yield click.style(f"      refused by the device and not asked for: {', '.join(meter.refused)}", fg="yellow")


def _many(count: int, name: str) -> str:
    return f"{count} {name}{'s' * (count != 1)}"


def _seconds(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
