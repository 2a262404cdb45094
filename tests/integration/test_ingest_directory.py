"""What ingest knows of the registry: all of it, read again only when it changed; new points one by one before that."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import TypeVar

import msgspec
import pytest

from energy.channel import Channel
from energy.clocks import ClockSettings, DataClock
from energy.errors import StorageRejectedError
from energy.readings import Reading
from energy.registry import Registry
from energy.registry.store import apply, registry_version
from energy.storage import Connection, Notifications, StorageSettings, translating
from energy.wire import Address
from ingest.checking.code_index import UNKNOWN
from ingest.checking.cutter import Cutter
from ingest.checking.directory import Directory
from ingest.checking.loading import load_table
from ingest.checking.look_limit import LookLimit
from ingest.checking.points import PointTable
from ingest.checking.settings import CheckSettings
from ingest.database import KeptConnection
from ingest.receiving.batcher import BatchLimits, Gathered
from ingest.receiving.intake import Intake
from ingest.writing.store import Store
from tests.support.ingest_world import START_MS, message
from tests.support.register_world import registry

T = TypeVar("T")
GATEWAY = Address("610302", "gw-u")
HOUR_MS = 3_600_000
MANY = 10_000
"""Several pieces of a COPY, and a rest."""
TABLES = ("unit", "gateway", "meter", "point")


def world(*codes: str, low: float | None = None, high: float | None = None, max_rate: float | None = None) -> Registry:
    """One unit with these points, all with the same bounds."""
    plain = registry([(code, "electricity", 1) for code in codes])
    points = tuple(msgspec.structs.replace(one, low=low, high=high, max_rate=max_rate) for one in plain.points)
    return msgspec.structs.replace(plain, points=points)


class Watch:
    """Real seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Tell it."""
        return self.now


@pytest.fixture
def watch() -> Watch:
    """The test's own time."""
    return Watch()


@pytest.fixture
async def directory(database: StorageSettings, watch: Watch) -> AsyncIterator[Directory]:
    """A directory that looks for unknown codes once per second, and reads when the test says so."""
    made = Directory(database, LookLimit(1.0, watch))
    yield made
    await made.close()


def known(table: PointTable, codes: Sequence[str]) -> list[int]:
    """The point id of each code, `UNKNOWN` for none."""
    return [UNKNOWN if one == UNKNOWN else int(table.ids[one]) for one in table.find(codes)]


async def test_every_point_is_read_with_its_owner_and_its_bounds(directory: Directory, connection: Connection) -> None:
    """Pieces of the stream are put together wherever they break, in whatever order the keys are."""
    await apply(connection, world("first", low=0.0, high=1e9))
    await connection.execute(
        "insert into point (code, meter_id, gateway_id, unit, low, max_rate)"
        " select 'P-' || n || repeat('x', n % 50), meter_id, gateway_id, 'kWh', nullif(n % 300, 0), nullif(n % 2, 0)"
        " from generate_series(1, $1::int4) n, meter, gateway",
        MANY,
    )
    await directory.load()
    table = directory.table
    rows = await connection.fetch("select code, point_id, gateway_id, low, high, max_rate from point")
    positions = table.find([row["code"] for row in rows]).tolist()
    assert sorted(positions) == list(range(MANY + 1))
    for row, position in zip(rows, positions, strict=True):
        own = table.classes[position]
        assert (table.ids[position], table.owners[position]) == (row["point_id"], row["gateway_id"])
        assert table.bounds.low[own] == (-math.inf if row["low"] is None else row["low"])
        assert table.bounds.high[own] == (math.inf if row["high"] is None else row["high"])
        assert table.bounds.max_rate[own] == (row["max_rate"] or math.inf)
    assert table.gateways == {"gw-u": rows[0]["gateway_id"]}


async def test_an_unchanged_registry_is_not_read_again(directory: Directory, connection: Connection) -> None:
    """However often somebody applies it; a real change is read."""
    await apply(connection, world("E1"))
    await directory.load()
    before = directory.table
    await apply(connection, world("E1"))
    await directory.load()
    assert directory.table is before
    await apply(connection, world("E1", high=5.0))
    await directory.load()
    assert directory.table.bounds.bounded


async def test_every_change_by_hand_is_a_change(connection: Connection, database: StorageSettings) -> None:
    """Rows changed past our own commands let the version grow and wake those who hold the registry."""
    statements = (
        *(f"update {table} set code = code || '-x'" for table in TABLES),  # noqa: S608 - ours
        *(f"truncate {table} cascade" for table in TABLES),
        "delete from point",
        "insert into unit (code, name_zh, name_en, district, industry) values ('V', '', '', '610302', '32')",
        "insert into gateway (code, region, unit_id) select 'gw-v', '610302', unit_id from unit",
        "insert into meter (code, unit_id, carrier, level, profile) select 'V', unit_id, 'heat', 1, '' from unit",
        "insert into point (code, meter_id, gateway_id, unit) select 'V', meter_id, gateway_id, '' from meter, gateway",
    )
    await apply(connection, world("E1"))
    before = await registry_version(connection)
    for statement in statements:
        attempt = connection.transaction()
        await attempt.start()
        await connection.execute(statement)
        assert await registry_version(connection) > before, statement
        await attempt.rollback()
    async with Notifications(database, "registry") as notifications:
        await connection.execute("delete from point")
        assert await notifications.wait(10)


async def test_a_statement_that_touches_no_row_changes_nothing(connection: Connection) -> None:
    """Nobody reads millions of points again for it."""
    await apply(connection, world("E1"))
    before = await registry_version(connection)
    for table in TABLES:
        await connection.execute(f"delete from {table} where code = 'nobody'")  # noqa: S608 - ours
        await connection.execute(f"update {table} set code = 'x' where code = 'nobody'")  # noqa: S608 - ours
    assert await registry_version(connection) == before


async def test_a_fresh_point_is_known_within_the_limit_though_nobody_tells(
    directory: Directory, connection: Connection, watch: Watch
) -> None:
    """A look at the needed codes is enough: nothing is read again, and what is unknown costs one look per interval."""
    await apply(connection, world("E1"))
    await directory.load()
    assert not await directory.look_up({"E2"})
    await apply(connection, world("E1", "E2", low=1.0, high=2.0))
    watch.now += 0.99
    assert not await directory.look_up({"E2"})
    watch.now += 0.01
    assert await directory.look_up({"E2", "nobody"})
    (position,) = directory.table.find(["E2"])
    table = directory.table
    assert table.ids[position] == await connection.fetchval("select point_id from point where code = 'E2'")
    assert table.owners[position] == table.gateways["gw-u"]
    assert (table.bounds.low[table.classes[position]], table.bounds.high[table.classes[position]]) == (1.0, 2.0)
    assert known(table, ["nobody"]) == [UNKNOWN]


async def test_codes_that_no_database_takes_are_looked_for_without_harm(
    directory: Directory, connection: Connection, watch: Watch
) -> None:
    """A sender may name anything: NUL, half a surrogate pair, a megabyte."""
    await apply(connection, world("E1"))
    for code in ("E1\0", "\ud800", "x" * 1_000_000, "", "E1\n", "电"):
        watch.now += 1
        assert not await directory.look_up({code})
    watch.now += 1
    assert await directory.look_up({"\0", "E1"})


class Meanwhile(KeptConnection):
    """Lets something happen between the snapshot of the registry and the moment at which it is taken over."""

    def __init__(self, database: StorageSettings, what: Callable[[], Awaitable[None]]) -> None:
        super().__init__(database, lambda _: None)
        self._what = what

    async def until_done(self, step: Callable[[Connection], Awaitable[T]]) -> T:
        """Run `step`; after the reading of the whole table, something happens."""
        result = await super().until_done(step)
        if step is load_table:
            await self._what()
        return result


async def test_a_point_found_while_the_registry_was_read_is_not_lost_again(
    directory: Directory, connection: Connection, database: StorageSettings
) -> None:
    """What was read is older than what was looked up."""

    async def register_and_find() -> None:
        await apply(connection, world("E1", "E2", low=1.0, high=2.0))
        assert await directory.look_up({"E2"})

    await apply(connection, world("E1"))
    directory._reading = Meanwhile(database, register_and_find)
    await directory.load()
    table = directory.table
    assert UNKNOWN not in known(table, ["E1", "E2"])
    assert table.bounds.classes()[table.classes[table.find(["E2"])[0]]] == (1.0, 2.0, math.inf)
    assert table.version < await registry_version(connection)


async def test_looks_at_once_wait_for_each_other(
    directory: Directory, connection: Connection, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An upload that is only tried asks beside the cutter: neither breaks the other's look, and each learns of both."""
    failures: list[object] = []
    monkeypatch.setattr(directory._looking, "_retried", failures.append)
    codes = [f"E{number}" for number in range(20)]
    await apply(connection, world(*codes))

    async def look(code: str) -> bool:
        watch.now += 1
        return await directory.look_up({code})

    assert all(await asyncio.gather(*map(look, codes)))
    assert UNKNOWN in known(directory.table, codes)  # the interval passed once: only the first ones were looked for
    assert failures == []


def cutting(directory: Directory) -> Cutter:
    """A cutter whose data time is a day after `START_MS`."""
    clock = DataClock(ClockSettings(datetime.fromtimestamp(START_MS / 1000 + 86_400, UTC), time.time()))
    return Cutter(Intake(BatchLimits(100, 10, 1.0), clock, 10), directory, clock, CheckSettings(), Channel(1))


async def test_what_is_only_tried_leaves_no_trace(directory: Directory, connection: Connection) -> None:
    """A dry run of a file with a wrong value flags nothing, and the next good one is not compared with it."""
    await apply(connection, world("E1", max_rate=10.0))
    await directory.load()
    cutter = cutting(directory)

    def offered(hours: int, value: float) -> Gathered:
        reading = Reading("E1", START_MS + hours * HOUR_MS, value)
        return Gathered(START_MS, 0.0, [message([reading], sender=GATEWAY)], 1)

    assert (await cutter.cut(offered(0, 0.0))).fast.count == 0
    assert (await cutter.checked(offered(1, 9_000.0))).fast.count == 0
    assert (await cutter.cut(offered(2, 10.0))).fast.count == 0
    assert (await cutter.cut(offered(3, 9_000.0))).fast.count == 1


async def test_a_change_too_fast_is_stored_and_flagged_once(directory: Directory, connection: Connection) -> None:
    """Within a message and from one batch to the next; sent again, nothing is flagged twice, and nothing is refused."""
    await apply(connection, world("E1", max_rate=10.0))
    await directory.load()
    cutter = cutting(directory)
    store = Store("worker-1", lambda: datetime(2026, 3, 1, tzinfo=UTC))
    sent = [
        [Reading("E1", START_MS, 0.0), Reading("E1", START_MS + HOUR_MS, 10.0)],
        [Reading("E1", START_MS + 2 * HOUR_MS, 20.1), Reading("E1", START_MS + 3 * HOUR_MS, 90.0)],
    ]
    for number, readings in enumerate([*sent, *sent], 1):
        batch = await cutter.cut(Gathered(START_MS, 0.0, [message(readings, sender=GATEWAY)], len(readings)))
        await store.commit(connection, batch, number)
    flags = await connection.fetch("select point_id, ts, flag, detail, batch from reading_flags order by ts")
    assert [(round(row["ts"].timestamp() * 1000) - START_MS, row["flag"], row["batch"]) for row in flags] == [
        (2 * HOUR_MS, "rate", 2),
        (3 * HOUR_MS, "rate", 2),
    ]
    assert await connection.fetchval("select count(*) from readings") == 4
    assert await connection.fetchval("select count(*) from rejects") == 0


async def test_bounds_that_say_nothing_are_kept_out_by_the_database_too(connection: Connection) -> None:
    """Whoever writes them: a range that is empty or infinite, a rate of nothing, a code that fits no message."""
    await apply(connection, world("E1"))
    for broken in ("low = 2, high = 1", "low = 'nan'", "high = 'infinity'", "max_rate = 0", "code = 'a b'"):
        with pytest.raises(StorageRejectedError), translating():
            await connection.execute(f"update point set {broken}")  # noqa: S608 - ours
