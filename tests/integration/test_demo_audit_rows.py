"""The audit against real tables: whatever is taken away, added or changed in them shows in one of its figures."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator

import pytest

from deploy.demo.audit import Flow, audit_flow, meter_spans, worst_error, wrong_totals
from deploy.stack import Endpoints
from energy.readings import Reading
from energy.storage import Connection, StorageSettings, connect
from energy.storage.databases import create_database
from tests.support.deriving import derive_all
from tests.support.register_world import populate, registry, shown, store
from tests.support.undoing import undoing

METERS = ("E1", "E2")
HOUR = [shown(point, minute, 100 + minute) for point in METERS for minute in range(0, 61, 15)]
SENT = [Reading(one.point, one.at, one.value) for one in HOUR]
SOUND = Flow(sent=10, stored=10, lost=0, duplicates=0)


@pytest.fixture(scope="module")
def hour(endpoints: Endpoints, template: str) -> str:
    """A database in which an hour of two meters was stored and derived, and nothing is wrong."""

    async def made() -> str:
        dsn = await create_database(endpoints.dsn, "audited_hour", template=template)
        async with connect(StorageSettings(dsn)) as opened:
            await populate(opened, registry([(point, "electricity", 1) for point in METERS]))
            await store(opened, HOUR)
            await derive_all(opened)
            assert await audit_flow(opened, SENT) == SOUND
            assert await _energy_error(opened) == 0
            assert await wrong_totals(opened) == 0
        return dsn

    return asyncio.run(made())


@pytest.fixture
async def connection(hour: str) -> AsyncIterator[Connection]:
    """A connection to it; what a test spoils there is undone."""
    async with undoing(hour) as opened:
        yield opened


async def _energy_error(connection: Connection) -> float:
    """The worst error, where every meter ran at one unit a minute."""
    spans = await meter_spans(connection)
    truths = {span.point: (span.last_ms - span.first_ms) / 60_000 for span in spans}
    return worst_error(spans, truths, dict.fromkeys(METERS, 0.001), meters=len(METERS))


@pytest.mark.parametrize(
    ("harm", "lost", "duplicates"),
    [
        ("delete from readings where value = 115 and point_id = (select min(point_id) from point)", 1, 0),
        ("delete from readings", 10, 0),
        ("update readings set value = 116 where value = 115", 2, 2),
        ("update readings set ts = ts + interval '1 ms' where value = 115", 2, 2),
        ("update readings set point_id = 3 - point_id where value = 115 and point_id = 1", 1, 1),
        ("insert into readings select ts + interval '7 minutes', point_id, value, 0, 0 from readings limit 1", 0, 1),
        ("insert into reading_conflicts select point_id, ts, value + 1, 0, 0 from readings limit 3", 0, 3),
        ("update readings set value = 'NaN' where value = 115", 2, 2),
    ],
)
async def test_a_raw_row_that_is_gone_new_or_another_one_is_counted(
    connection: Connection, harm: str, lost: int, duplicates: int
) -> None:
    """What was spooled and is not stored is lost; what is stored and was not spooled is surplus."""
    await connection.execute("drop index readings_point_ts")
    await connection.execute(harm)
    flow = await audit_flow(connection, SENT)
    assert (flow.lost, flow.duplicates) == (lost, duplicates)


async def test_a_row_that_stands_twice_is_surplus(connection: Connection) -> None:
    """Even where the unique index did not hold, raw and derived."""
    await connection.execute("drop index readings_point_ts")
    await connection.execute("drop index consumption_15min_point_ts")
    await connection.execute("insert into readings select * from readings limit 2")
    await connection.execute("insert into consumption_15min select * from consumption_15min limit 3")
    assert await audit_flow(connection, SENT) == Flow(sent=10, stored=12, lost=0, duplicates=5)


@pytest.mark.parametrize("minutes", [-15, 60])
async def test_a_derived_row_beyond_the_readings_is_surplus(connection: Connection, minutes: int) -> None:
    """Before the first quarter hour, and after the last one."""
    await connection.execute(
        "insert into consumption_15min"
        " select point_id, '2026-03-01T00:00+08:00'::timestamptz + $1 * interval '1 minute', 0, 0, 0, ready"
        " from consumption_15min limit 1",
        minutes,
    )
    assert (await audit_flow(connection, SENT)).duplicates == 1


@pytest.mark.parametrize(
    "harm",
    [
        "delete from consumption_15min where point_id = 1 and ts = (select min(ts) from consumption_15min)",
        "update consumption_15min set quanta = quanta + 100 where ts = (select max(ts) from consumption_15min)",
    ],
)
async def test_a_derived_row_that_is_gone_or_another_one_shows_as_energy(connection: Connection, harm: str) -> None:
    """A quarter of the hour's energy, or a sixth of a percent of it, is not what the meter counted."""
    await connection.execute(harm)
    assert await _energy_error(connection) > 0.001
    assert await wrong_totals(connection) == 1


@pytest.mark.parametrize("harm", ["delete from consumption_15min where point_id = 1", "delete from consumption_15min"])
async def test_a_meter_of_which_nothing_was_derived_shows_as_energy(connection: Connection, harm: str) -> None:
    """All of a meter's rows gone is no less wrong than one of them."""
    await connection.execute(harm)
    assert await _energy_error(connection) == 1


async def test_a_meter_that_never_delivered_is_no_proof(connection: Connection) -> None:
    """Of a meter without readings there is nothing to compare, so nothing is proven."""
    await connection.execute("delete from readings where point_id = 1")
    assert await _energy_error(connection) == math.inf


@pytest.mark.parametrize(
    "harm",
    [
        "delete from unit_day",
        "update unit_day set amount = amount + 0.001",
        "update unit_day set kgce = kgce * 1.01",
        (
            "with gone as (delete from unit_day returning *) insert into unit_day select (jsonb_populate_record("
            "null::unit_day, to_jsonb(gone) || jsonb_build_object('day', day + 1))).* from gone"
        ),
        "insert into unit_day select unit_id, day, 'heat', 0, 0, 0, 0, 0, false, ready from unit_day",
    ],
)
async def test_a_unit_s_day_that_its_gate_meters_do_not_support_is_counted(connection: Connection, harm: str) -> None:
    """A total that is gone, surplus or another one than its meters' intervals and its day's factor give."""
    await connection.execute(harm)
    assert await wrong_totals(connection) > 0
