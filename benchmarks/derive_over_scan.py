"""How near a full rebuild comes to one SQL statement that only reads and sums.

Numerator: readings per second of what `quotawatt derive rebuild` does from nothing, in two processes: reading, settling
contradictions, the counter algebra with all its cases, and writing quarter hours with quality, method and flags, gaps,
totals and marks. Denominator: rows per second of `insert into … select point_id, date_bin('15 minutes', ts, 'epoch'),
max(value) - min(value) … group by 1, 2` over the same rows, into a table without an index. Same cluster, same run; the
rounds alternate, and the medians count. The rows lie as ingest stores them: batches in the order in which they came,
each sorted by key. Beside it: one process; a check of what is right; hours, days and months.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.figures import Figure
from benchmarks.ingest_over_copy import prepare, template_of, yesterday_ms
from benchmarks.load import MINUTE_MS, Load
from deploy.stack import Endpoints
from energy.storage import StorageSettings, connect
from energy.storage.databases import create_database, drop_database
from ingest.accounting.deriving.rules import Rules
from ingest.accounting.rebuilding.follow import follow_up
from ingest.accounting.rebuilding.run import Wanted, run_portions
from ingest.accounting.validation.loading import shipped_checks
from ingest.writing.copy_format import READINGS_COLUMNS, encode_readings
from ingest.writing.merge import chunks

ROUNDS = 3
GATEWAYS, POINTS, MINUTES = 50, 100, 2_000
BATCH = 50_000
_DATABASE = "bench_derive"

_SUM = """
insert into scanned
select point_id, date_bin('15 minutes', ts, 'epoch'), max(value) - min(value) from readings group by 1, 2
"""
_EMPTY = "truncate consumption_15min, gap, unit_hour, unit_day, unit_month, day_dirty, scanned"


@dataclass(frozen=True, slots=True)
class Taken:
    """Readings per second, one of each round: of the statement, of rebuilds in two processes and in one, of checks."""

    scanned: list[float] = field(default_factory=list)
    rebuilt: list[float] = field(default_factory=list)
    alone: list[float] = field(default_factory=list)
    checked: list[float] = field(default_factory=list)
    rolled: list[float] = field(default_factory=list)


def measure(endpoints: Endpoints, directory: Path) -> list[Figure]:  # noqa: ARG001 - as all benchmarks
    """Run both sides and compare."""
    return asyncio.run(_measure(endpoints))


async def _measure(endpoints: Endpoints) -> list[Figure]:
    start_ms = yesterday_ms() - MINUTES * MINUTE_MS
    load = Load(GATEWAYS, POINTS, MINUTES, start_ms, 10)
    await prepare(endpoints, load)
    dsn = await create_database(endpoints.dsn, _DATABASE, template=template_of(load))
    await _fill(dsn, load)
    taken = Taken()
    for _ in range(ROUNDS):
        await _round(StorageSettings(dsn), load.readings, taken)
    await drop_database(endpoints.dsn, _DATABASE)
    return _figures(load, taken)


async def _fill(dsn: str, load: Load) -> None:
    async with connect(StorageSettings(dsn)) as connection:
        await connection.execute("create table scanned (point_id int4, ts timestamptz, used float8)")
        for number, rows in enumerate(load.rows(BATCH)):
            encoded = encode_readings(rows, number + 1)
            await connection.copy_to_table(
                "readings", source=chunks(encoded), columns=READINGS_COLUMNS, format="binary"
            )
        await connection.execute("vacuum analyze readings")


async def _round(database: StorageSettings, readings: int, taken: Taken) -> None:
    async with connect(database) as connection:
        await connection.execute(_EMPTY)
        taken.scanned.append(readings / await _seconds(connection.execute(_SUM)))
        for rates, workers in ((taken.alone, 1), (taken.rebuilt, 2)):
            await connection.execute(_EMPTY)
            await connection.execute("checkpoint")
            rates.append(readings / await _seconds(run_portions(database, Wanted(), Rules(), workers=workers)))
        taken.checked.append(readings / await _seconds(run_portions(database, Wanted(check=True), Rules(), workers=2)))
        taken.rolled.append(readings / await _seconds(follow_up(connection, Rules(), shipped_checks())))


async def _seconds(work: Awaitable[object]) -> float:
    begin = time.perf_counter()
    await work
    return time.perf_counter() - begin


def _figures(load: Load, taken: Taken) -> list[Figure]:
    about = {"readings": load.readings, "points": load.gateways * load.points, "interval": "60 s", "rounds": ROUNDS}
    scanned = statistics.median(taken.scanned)
    named = {
        "derive_readings_per_second": taken.rebuilt,
        "derive_readings_per_second_1_process": taken.alone,
        "derive_check_readings_per_second": taken.checked,
        "derive_rollup_readings_per_second": taken.rolled,
        "scan_rows_per_second": taken.scanned,
    }
    ratios = {"derive_over_scan": taken.rebuilt, "derive_over_scan_1_process": taken.alone}
    return [
        *(
            Figure(name, statistics.median(rates), "readings/s", {**about, "all": [round(one) for one in rates]})
            for name, rates in named.items()
        ),
        *(Figure(name, statistics.median(rates) / scanned, "1", about) for name, rates in ratios.items()),
    ]
