"""`quotawatt read`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collector.commissioning.reading import Attempt, Shown
    from collector.settings import CollectorSettings


@click.command()
@click.argument("config", type=click.Path(path_type=Path))
@click.argument("meter")
@click.option("--json", "as_json", is_flag=True, help="One JSON object for each request.")
def read(config: Path, meter: str, *, as_json: bool) -> None:
    """Poll one METER of the collector's CONFIG (TOML) once and show all that came, to compare with its display.

    METER is its name or one of its points. All values of its profile are read, those that are sent and those that are
    not: the raw words as they stood on the wire, what the display should show, and what is sent under which point.
    Nothing is kept or sent. A serial port that a running collector holds cannot be read meanwhile. Where nothing at
    all was answered, the exit code is 1.
    """
    import asyncio  # noqa: PLC0415 - loaded when called

    import msgspec  # noqa: PLC0415 - likewise

    from collector.checks import load_settings  # noqa: PLC0415 - likewise
    from energy.logs import configure_logs  # noqa: PLC0415 - likewise

    configure_logs()
    settings = load_settings(config)

    async def show() -> bool:
        answered = False
        async for attempt in _attempts(settings, meter):
            answered = answered or not attempt.error
            if as_json:
                click.echo(msgspec.json.encode(attempt).decode())
            else:
                for text in _lines(attempt):
                    click.echo(text)
        return answered

    if not asyncio.run(show()):
        raise SystemExit(1)


async def _attempts(settings: CollectorSettings, name: str) -> AsyncIterator[Attempt]:
    from collector.commissioning.reading import read_meter  # noqa: PLC0415 - loaded when called
    from energy.errors import RejectedError  # noqa: PLC0415 - likewise

    found = [
        (gateway, line, meter)
        for gateway in settings.gateways
        for line in gateway.lines
        for meter in line.meters
        if name in {meter.name, meter.point, *meter.points.values()}
    ]
    if not found:
        labels = [meter.label for gateway in settings.gateways for line in gateway.lines for meter in line.meters]
        advice = f"Known: {', '.join(labels)}." if labels else "None is polled: the meters send by themselves."
        raise RejectedError(f"no meter {name!r} that is polled", advice=advice)
    if len(found) > 1:
        points = [meter.point or next(iter(meter.points.values())) for _, _, meter in found]
        raise RejectedError(f"{len(found)} meters are called {name!r}", advice=f"Their points: {', '.join(points)}.")
    gateway, line, meter = found[0]
    async for attempt in read_meter(settings, gateway, line, meter):
        yield attempt


def _lines(attempt: Attempt) -> Iterator[str]:
    yield click.style(f"{attempt.request}  ({attempt.took_ms:g} ms)", bold=True)
    if attempt.error:
        yield click.style(f"  {attempt.error}", fg="red")
    rows = [("value", "on the wire", "raw", "shows", "sent as")] if attempt.values else []
    rows += [_cells(value) for value in attempt.values]
    widths = [max(len(row[at]) for row in rows) for at in range(4)] if rows else []
    remarks = ["", *(value.remark for value in attempt.values)]
    for row, remark in zip(rows, remarks, strict=False):
        name, wire, raw, shows = (cell.ljust(width) for cell, width in zip(row[:4], widths, strict=True))
        text = f"  {name}  {wire}  {raw.strip().rjust(widths[2])}  {shows}  {row[4]}".rstrip()
        noted = click.style(f"  ({remark})", fg="yellow") if remark else ""
        yield click.style(text, dim=True) if row is rows[0] else text + noted


def _cells(value: Shown) -> tuple[str, str, str, str, str]:
    sent = f"{value.point} = {value.sent:.12g} {value.sent_unit}".rstrip() if value.sent is not None else ""
    return value.name, value.raw_bytes, value.raw, f"{value.shows} {value.unit}".strip() or "-", sent
