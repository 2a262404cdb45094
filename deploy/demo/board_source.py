"""Where the board's figures come from: the database, and the queues that the processes count themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import aiohttp
import msgspec
from prometheus_client.parser import text_string_to_metric_families

from deploy.demo.board_model import BoardSnapshot, ProcessLine, QueueLine, QuotaLine
from energy.clocks import DataClock
from energy.storage import Connection, load_queries, translating

_SQL = load_queries("deploy.demo", "board.sql")
_LATELY_S = 5.0
"""Real seconds over which readings per second are averaged."""

_CORRECTED_LATELY = timedelta(days=1)
"""Data time for which a correction of a period that is over stays on the board."""


class BoardCity(msgspec.Struct, frozen=True):
    """What the board knows of the city beforehand: names, zone, and districts by code."""

    name_zh: str
    name_en: str
    zone: str
    districts_zh: dict[str, str]
    districts_en: dict[str, str]


async def snapshot(
    connection: Connection,
    city: BoardCity,
    clock: DataClock,
    processes: Sequence[ProcessLine] = (),
    queues: Sequence[QueueLine] = (),
) -> BoardSnapshot:
    """Read one frame; `queues` are those that only their processes know, e.g. from `queue_lengths`.

    Raises:
        StorageError, …: as `energy.storage.translating` says.
    """
    zone = ZoneInfo(city.zone)
    now = clock.now().astimezone(zone)
    with translating():
        rows = await connection.fetch(_SQL.quotas, now - _CORRECTED_LATELY)
        flow = await connection.fetchrow(_SQL.flow, now - timedelta(seconds=_LATELY_S * clock.scale))
    assert flow is not None, "an aggregate always has a row"  # noqa: S101 - tells the type checker
    return BoardSnapshot(
        city_zh=city.name_zh,
        city_en=city.name_en,
        now=now,
        scale=clock.scale,
        quotas=tuple(_line(dict(row), zone) for row in rows),
        readings_per_s=float(flow["lately"]) / _LATELY_S,
        readings_stored=flow["stored"],
        gateways_online=flow["online"],
        gateways_total=flow["gateways"],
        queues=(*queues, QueueLine("dirty", flow["dirty"])),
        newest_reading=flow["newest"],
        processes=tuple(processes),
        districts_zh=city.districts_zh,
        districts_en=city.districts_en,
    )


async def queue_lengths(session: aiohttp.ClientSession, ports: Mapping[str, Sequence[int]]) -> tuple[QueueLine, ...]:
    """What waits in the processes: `ports` gives the health ports behind each name of a queue.

    A process that does not answer makes its queue unknown, not empty.
    """
    return tuple([QueueLine(name, await _length(session, of)) for name, of in ports.items()])


async def _length(session: aiohttp.ClientSession, ports: Sequence[int]) -> int | None:
    total = 0
    for port in ports:
        try:
            async with session.get(f"http://127.0.0.1:{port}/metrics") as answer:
                total += waiting(await answer.text())
        except (aiohttp.ClientError, TimeoutError):
            return None
    return total


def waiting(exposition: str) -> int:
    """Items in all queues of a process: pushed less popped, plus the envelopes that spools keep unconfirmed."""
    signs = {
        "quotawatt_energy_queue_pushed_total": 1,
        "quotawatt_energy_queue_popped_total": -1,
        "quotawatt_collector_spool_envelopes": 1,
    }
    return sum(
        signs[sample.name] * int(sample.value)
        for family in text_string_to_metric_families(exposition)
        for sample in family.samples
        if sample.name in signs
    )


def _line(row: Mapping[str, Any], zone: ZoneInfo) -> QuotaLine:
    local = {key: value.astimezone(zone) for key, value in row.items() if isinstance(value, datetime)}
    return msgspec.convert({**row, **local}, QuotaLine)
