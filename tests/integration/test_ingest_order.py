"""Whatever way the same readings take, the database ends with the same bits, and every count adds up."""

from __future__ import annotations

import asyncio
import itertools
import math
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deploy.stack import Endpoints
from energy.channel import Channel
from energy.readings import Reading, content_order
from energy.storage import Pool, StorageSettings, connect
from energy.storage.databases import create_database, drop_database
from ingest.checking.points import PointTable
from ingest.checking.verdicts import Bounds
from ingest.database import KeptConnection
from ingest.receiving.carrier import Delivery
from ingest.writing.store import Outcome, Store
from ingest.writing.writer import Writer
from tests.support.eventually import eventually
from tests.support.ingest_world import START_MS, batch_of, message

CODES = ("A-1", "A-2")
DAY_MS = 86_400_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NUMBERS = itertools.count(1)
BOUNDS = Bounds(0, START_MS + 100 * DAY_MS)
EXAMPLES = settings().max_examples // 4
ODD_NAN = struct.unpack("<d", (0x7FF8_0000_0000_0123).to_bytes(8, "little"))[0]

values = st.sampled_from(
    [0.0, -0.0, 1.5, 1.5000000000000002, -2.0, 5e-324, 1.7976931348623157e308, -1.7976931348623157e308]
)
measured = st.tuples(values, st.integers(0, 2))
missing = st.tuples(st.sampled_from([None, math.nan, ODD_NAN, -math.nan]), st.just(3))
reading = st.builds(
    lambda point, at, content: Reading(point, at, *content),
    st.sampled_from(CODES),
    st.sampled_from([0, START_MS, START_MS + 1, START_MS + 8 * DAY_MS]),  # chunks that two workers make at once, too
    st.one_of(measured, missing),
)

Batches = list[list[list[Reading]]]
"""Batches of messages of readings."""


@dataclass(frozen=True)
class Way:
    """One way of the same readings: the batches of each of two workers."""

    workers: tuple[Batches, Batches]

    def batches(self) -> Iterator[list[list[Reading]]]:
        """Every batch."""
        yield from self.workers[0]
        yield from self.workers[1]


@st.composite
def ways(draw: st.DrawFn) -> tuple[list[Reading], Way, Way]:
    """Some readings, and two ways: each in an order of its own, with repetitions, cut and shared out as it comes."""
    readings = draw(st.lists(reading, min_size=1, max_size=16))
    return readings, draw(one_way(readings)), draw(one_way(readings))


@st.composite
def one_way(draw: st.DrawFn, readings: Sequence[Reading]) -> Way:
    """The readings, all of them, some again."""
    again = draw(st.lists(st.sampled_from(readings), max_size=8))
    sent = draw(st.permutations([*readings, *again]))
    workers: tuple[Batches, Batches] = ([], [])
    while sent:
        size, parts = draw(st.integers(1, 8)), draw(st.integers(1, 3))
        batch, sent = sent[:size], sent[size:]
        workers[draw(st.integers(0, 1))].append([batch[part::parts] for part in range(parts) if batch[part::parts]])
    return Way(workers)


@pytest.fixture(scope="module")
def world(endpoints: Endpoints, template: str) -> Iterator[StorageSettings]:
    """A database for all examples: each way has points of its own in it."""
    dsn = asyncio.run(create_database(endpoints.dsn, "ingest_order", template=template))
    yield StorageSettings(dsn)
    asyncio.run(drop_database(endpoints.dsn, "ingest_order"))


@settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.too_slow])
@given(ways())
def test_any_way_leaves_the_same_bits(world: StorageSettings, example: tuple[list[Reading], Way, Way]) -> None:
    """Interleaved, repeated, split and contradicting, in batches of two workers at once: two ways, one outcome."""
    readings, *both = example
    outcomes = [asyncio.run(take(world, way, next(NUMBERS))) for way in both]
    assert outcomes[0] == outcomes[1]
    assert outcomes[0] == (expected_effective(readings), expected_contents(readings))


Bits = tuple[str, int, str, int]
"""Point, time in ms, the value's eight bytes as hexadecimal digits, quality."""


async def take(world: StorageSettings, way: Way, number: int) -> tuple[list[Bits], list[Bits]]:
    """Send the readings that way: the effective readings and everything that is kept, each sorted."""
    ids = {code: 2 * number + place for place, code in enumerate(CODES)}
    table = PointTable.of((code, point, "gw-a") for code, point in ids.items())
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(commit_all(world, table, batches)) for batches in way.workers]
    outcomes = [outcome for task in tasks for outcome in task.result()]
    async with connect(world) as connection:
        effective, stored, conflicts = [
            await connection.fetch(f"select point_id, ts, value, quality from {table} where point_id / 2 = $1", number)  # noqa: S608 - ours
            for table in ("readings_effective", "readings", "reading_conflicts")
        ]
    assert sum(outcome.stored for outcome in outcomes) == len(stored)
    assert sum(outcome.conflicts for outcome in outcomes) == len(conflicts)
    offered = sum(len(part) for messages in way.batches() for part in messages)
    assert sum(o.stored + o.duplicates + o.conflicts + o.rejected for o in outcomes) == offered
    return sorted(map(bits, effective)), sorted(map(bits, [*stored, *conflicts]))


async def commit_all(
    world: StorageSettings, table: PointTable, batches: Sequence[list[list[Reading]]]
) -> list[Outcome]:
    """What one worker does with its batches, one after the other, on a connection of its own."""
    connection = KeptConnection(world, lambda _: None)
    writer = Writer([], Store("worker", lambda: datetime(2026, 3, 1, tzinfo=UTC)), Channel(1), Channel(1))
    try:
        outcomes = []
        for messages in batches:
            deliveries = [delivery(part, seq) for seq, part in enumerate(messages, 1)]
            _, outcome = await writer.write(connection, batch_of(*deliveries, bounds=BOUNDS, table=table))
            outcomes.append(outcome)
        return outcomes
    finally:
        await connection.close()


def delivery(readings: list[Reading], seq: int) -> Delivery:
    """A delivery with these very readings: not every carrier speaks JSON, which has but one kind of no value."""
    return msgspec.structs.replace(message(readings, seq=seq), readings=readings)


def bits(row: Iterable[Any]) -> Bits:
    """A row of a table of readings."""
    point, at, value, quality = row
    return CODES[point % 2], round((at - EPOCH).total_seconds() * 1000), octets(value), quality


def octets(value: float) -> str:
    """The bytes of a value."""
    return struct.pack(">d", value).hex()


def content(one: Reading) -> Bits:
    """What is kept of a reading: one zero, and one NaN."""
    value = math.nan if one.value is None or math.isnan(one.value) else one.value + 0.0
    return one.point, one.at, octets(value), one.quality


def expected_contents(readings: Sequence[Reading]) -> list[Bits]:
    """By definition: every content once."""
    return sorted({content(one) for one in readings})


def expected_effective(readings: Sequence[Reading]) -> list[Bits]:
    """By definition: of each key the first by content order."""
    best: dict[tuple[str, int], Reading] = {}
    for one in sorted(readings, key=lambda r: content_order(r.quality, r.value)):
        best.setdefault((one.point, one.at), one)
    return sorted(map(content, best.values()))


@pytest.mark.parametrize("first_is_lost", [False, True])
async def test_who_waits_for_another_workers_key_sees_what_became_of_it(
    pool: Pool, database: StorageSettings, *, first_is_lost: bool
) -> None:
    """Two workers hold contradicting readings of one key at one moment; the first commits, or its session is ended."""
    table = PointTable.of([("A-1", 11, "gw-a"), ("A-2", 12, "gw-a")])
    first, second = ([[[Reading("A-1", START_MS, value)]]] for value in (2.0, 1.0))
    await commit_all(database, table, [[[Reading("A-2", START_MS, 1.0)]]])  # the chunk is there: no one waits for that
    async with pool.acquire() as holder, asyncio.TaskGroup() as group:
        blocker = holder.transaction()
        await blocker.start()
        await holder.execute("lock table ingest_batch in exclusive mode")  # a batch's last statement waits
        group.create_task(commit_all(database, table, first))
        await eventually(lambda: waiting(pool, "relation"))
        ahead = await pool.fetchval(WAITING, "relation")
        group.create_task(commit_all(database, table, second))
        await eventually(lambda: waiting(pool, "transactionid"))
        if first_is_lost:
            await pool.execute("select pg_terminate_backend($1)", ahead)
        await blocker.rollback()
    stored = await pool.fetch("select value from readings where point_id = 11")
    conflicts = await pool.fetch("select value from reading_conflicts")
    effective = await pool.fetch("select value from readings_effective where point_id = 11")
    assert sorted(row["value"] for row in [*stored, *conflicts]) == [1.0, 2.0]
    assert [row["value"] for row in effective] == [1.0]


WAITING = """
select pid from pg_locks join pg_stat_activity using (pid)
where datname = current_database() and not granted and locktype = $1
"""


async def waiting(pool: Pool, kind: str) -> bool:
    """Whether a session waits for a lock of that kind: for a table, or for another's transaction."""
    return await pool.fetchval(WAITING, kind) is not None
