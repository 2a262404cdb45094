"""Totals where something is missing, dropped, repeated by the clock, or changed at the same moment."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import asyncpg
import pytest

from energy.balance import Flow
from energy.consumption import IntervalQuality
from energy.storage import Connection, StorageSettings, connect
from ingest.accounting.totals.refresh import refresh_marked, take_unit_marks
from tests.support.eventually import eventually
from tests.support.totals_world import (
    FIRST,
    QUARTER,
    START,
    Counted,
    Entry,
    Used,
    days,
    enter,
    populate,
    registry,
    settle,
    totals,
    use,
)

COAL = registry({"C1": Counted("raw_coal")})
DAY = 96


def day(n: int) -> date:
    """Some days after the first."""
    return FIRST + timedelta(n)


def stock(n: int, amount: str) -> Entry:
    """A taking at the end of a day."""
    return Entry("stock", "raw_coal", day(n), day(n), Decimal(amount))


async def test_between_takings_no_day_is_better_than_the_worst_of_them(undone: Connection) -> None:
    """Each is made of all purchases: a weighbridge that was silent for an hour makes all of them too small."""
    await populate(undone, COAL)
    await enter(undone, stock(-1, "0"), stock(3, "0"))
    await use(undone, Used("C1", DAY, (8000,) * 90 + (None,) * 6), Used("C1", 4 * DAY, (8000,)))
    found = [(day(n), IntervalQuality.MISSING) for n in range(4)] + [(day(4), IntervalQuality.SUBSTITUTED)]
    assert await days(undone, "day", "quality") == found


async def test_what_a_check_doubts_between_takings_is_doubted_on_all_their_days(undone: Connection) -> None:
    """And believed again when the finding goes, by the mark of its own day."""
    await populate(undone, COAL)
    await enter(undone, stock(-1, "0"), stock(3, "0"))
    await use(undone, Used("C1", DAY, (8000,) * 96))
    await undone.execute(
        "insert into finding (point_id, day, check_id, since, until, severity, detail)"
        " select point_id, $1, 'spike', $2, $2::timestamptz + interval '1 hour', 'failure', '{}' from point",
        day(1),
        START + DAY * QUARTER,
    )
    await _mark(undone, day(1))
    assert await days(undone, "quality") == [(IntervalQuality.SUSPECT,)] * 4
    await undone.execute("delete from finding")
    await _mark(undone, day(1))
    assert await days(undone, "quality") == [(IntervalQuality.ESTIMATED,)] * 4


async def test_what_a_check_doubts_is_doubted_on_the_days_that_it_touches(undone: Connection) -> None:
    """What began before midnight is told of the next day, and doubts both; else the day before is as good as it was."""
    await populate(undone, COAL)
    await use(undone, Used("C1", 0, (8000,) * (3 * DAY)))
    for own, since, touched in ((1, DAY, [1]), (2, 2 * DAY - 2, [1, 2])):
        await undone.execute("delete from finding")
        await undone.execute(
            "insert into finding (point_id, day, check_id, since, until, severity, detail)"
            " select point_id, $1, 'spike', $2, $2::timestamptz + interval '1 hour', 'failure', '{}' from point",
            day(own),
            START + since * QUARTER,
        )
        for n in range(3):
            await _mark(undone, day(n))
        doubted = [
            n for n, (quality,) in enumerate(await days(undone, "quality")) if quality == IntervalQuality.SUSPECT
        ]
        assert doubted == touched


@pytest.mark.parametrize("bill_first", [True, False])
async def test_a_bill_does_not_hide_a_meter_of_which_nothing_is_known(undone: Connection, *, bill_first: bool) -> None:
    """What the bill says counts, and that the meter beside it is missing is told; whichever comes first."""
    await populate(undone, COAL)
    bill = Entry("purchase", "raw_coal", day(0), day(0), Decimal(5))
    if bill_first:
        await enter(undone, bill)
    await use(undone, Used("C1", 0, (None,) * 4))
    if not bill_first:
        await enter(undone, bill)
    found = await days(undone, "amount", "quality", "metered_quality")
    assert found == [(5, IntervalQuality.MISSING, None)]


async def test_days_whose_hours_were_dropped_keep_what_was_metered(undone: Connection) -> None:
    """Also between takings, where a day that still has its hours changes them all, and when the registry changes."""
    await populate(undone, COAL)
    await enter(undone, stock(-1, "100"), stock(7, "20"))
    await use(undone, *(Used("C1", n * DAY, (8000,)) for n in range(8)))
    assert await days(undone, "purchased", "amount") == [(8, 18)] * 8
    for relation in ("consumption_15min", "unit_hour"):
        await _drop(undone, relation, START + 3 * DAY * QUARTER)
    await use(undone, Used("C1", 6 * DAY + 1, (16_000,)))
    assert await days(undone, "purchased", "amount") == [*[(8, 20)] * 6, (24, 20), (8, 20)]
    before = await totals(undone)
    await undone.execute(
        "insert into unit_dirty (unit_id, since, until, hours) select unit_id, '-infinity', 'infinity', true from unit"
    )
    await settle(undone)
    assert await totals(undone) == before


async def test_late_quarter_hours_leave_hours_alone_of_which_others_were_dropped(undone: Connection) -> None:
    """Summed again from what came late alone, the hour would lose the rest."""
    await populate(undone, COAL)
    await use(undone, Used("C1", 0, (1000,) * 12))
    before = await totals(undone)
    await _drop(undone, "consumption_15min", START + 8 * QUARTER)
    await use(undone, Used("C1", 1, (500,)))
    assert await totals(undone) == before
    await use(undone, Used("C1", 8, (2000,)))
    assert await days(undone, "amount") == [(13,)]


async def test_a_day_without_a_factor_is_an_error_and_not_left_out(undone: Connection) -> None:
    """Every carrier has a factor for every day once the factors were written: before, nothing is totalled."""
    await populate(undone, COAL)
    await undone.execute("delete from carrier_factor where carrier = 'raw_coal'")
    with pytest.raises(asyncpg.NotNullViolationError):
        await use(undone, Used("C1", 0, (1,)))


@pytest.mark.parametrize(
    ("zone", "first"),
    [
        ("America/Havana", date(2024, 11, 3)),
        ("Atlantic/Azores", date(2026, 10, 25)),
        ("Africa/Cairo", date(2026, 4, 24)),
    ],
)
async def test_a_day_whose_midnight_comes_twice_or_never_has_all_its_hours(
    undone: Connection, zone: str, first: date
) -> None:
    """A meter that counts one unit an hour counts as many as the day has; none is the day before's."""
    await populate(undone, registry({"C1": Counted("raw_coal")}, zone=zone))
    start = datetime(first.year, first.month, first.day, 12, tzinfo=UTC) - timedelta(days=2)
    await use(undone, Used("C1", 0, (250,) * 4 * DAY), start=start)
    found = {row[0]: row[1] for row in await days(undone, "day", "amount")}
    rows = await undone.fetch(
        "select (ts at time zone time_zone)::date as day, count(*) / 4 as hours from consumption_15min, unit group by 1"
    )
    assert found == {row["day"]: row["hours"] for row in rows}
    assert found[first] in {23, 25}


async def test_a_unit_that_moves_with_its_meters_waits_for_no_step_that_waits_for_it(
    database: StorageSettings, connection: Connection
) -> None:
    """A step keeps points in their groups and then writes days; a registry moves the unit, and then its meters."""
    await populate(connection, registry({"C1": Counted("raw_coal"), "C2": Counted("raw_coal", Flow.SOLD)}))
    await use(connection, Used("C1", 0, (1000,)))
    await connection.execute(
        "insert into unit (code, name_zh, name_en, district, industry) values ('V', '', '', '610302', '30')"
    )
    async with connect(database) as step, connect(database) as moving, asyncio.TaskGroup() as group:
        async with step.transaction():
            await step.execute("select pg_advisory_xact_lock_shared(8175543449906474869)")

            async def move() -> None:
                """As a registry is applied."""
                async with moving.transaction():
                    await moving.execute("update unit set district = '510100' where code = 'U'")
                    await moving.execute("update meter set unit_id = (select unit_id from unit where code = 'V')")

            moved = group.create_task(move())

            async def waits() -> bool:
                """Whether the registry waits for the step."""
                return bool(await connection.fetchval("select exists (select from pg_locks where not granted)"))

            await eventually(waits)
            await step.execute("update unit_day set ready = ready")
        await moved
    marked = await connection.fetch("select distinct code from unit_dirty join unit using (unit_id) order by 1")
    assert [row["code"] for row in marked] == ["U", "V"]


async def _mark(connection: Connection, marked: date) -> None:
    await connection.execute("insert into unit_dirty (unit_id, since, until) select unit_id, $1, $1 from unit", marked)
    units = [row[0] for row in await connection.fetch("select unit_id from unit")]
    await refresh_marked(connection, await take_unit_marks(connection, units))


async def _drop(connection: Connection, relation: str, until: datetime) -> None:
    """As upkeep drops chunks."""
    await connection.execute(f"delete from {relation} where ts < $1", until)  # noqa: S608 - names of ours
    await connection.execute(
        "insert into upkeep_run (relation, action, until, at) values ($1, 'chunks_dropped', $2, $2)", relation, until
    )
