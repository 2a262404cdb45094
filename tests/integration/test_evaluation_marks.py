"""What marks units as changed, that nothing is missed, and that nobody ever waits for a mark in a circle."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date, timedelta

import pytest
from asyncpg import DeadlockDetectedError, RaiseError

from alerts.evaluation.marks import Marks
from alerts.quotas.store import apply_quotas
from energy.storage import Connection, Pool
from tests.support.eventually import eventually
from tests.support.quota_world import FIRST_DAY, add_units, at, day_quota, quota, use

_ENTRY = """
insert into entry (unit_id, kind, subject, first_day, last_day, amount, unit, source, author, recorded_at)
select unit_id, 'output', 'p', '2026-03-02', '2026-03-03', 1, 't', 'hand', 'someone', '2026-03-04' from unit
"""
_ENTRY_OF = """
insert into entry (unit_id, kind, subject, first_day, last_day, amount, unit, source, author, recorded_at)
select unit_id, 'output', 'p', $2, $2, 1, 't', 'hand', 'someone', $3 from unit where code = $1
"""
_POINT = """
with gateway as (
    insert into gateway (code, region, unit_id) select 'g', '610302', unit_id from unit returning gateway_id
)
insert into point (code, meter_id, gateway_id, unit, flow)
select 'p', meter_id, gateway_id, 'kWh', 'produced' from meter, gateway where meter.code = 'u1-electricity'
"""
_CHANGES = {
    "a day": ("update unit_day set amount = amount + 1", FIRST_DAY),
    "a day that is gone": ("delete from unit_day", FIRST_DAY),
    "a month": ("update unit_month set kgce = kgce + 1", date.max),
    "a quota": ("update quota set limit_value = 7", FIRST_DAY),
    "a group": ("insert into quota_group (code, unit_id) select 'g', unit_id from unit", date.min),
    "an entry": (_ENTRY, date(2026, 3, 2)),
    "a point": (_POINT, date.min),
    "a meter": ("update meter set level = 1 where carrier = 'heat'", date.min),
    "a zone": ("update unit set time_zone = 'America/New_York'", date.min),
    "a product": ("insert into product (unit_id, code, unit) select unit_id, 'p', 't' from unit", date.min),
}


_MONTHS = """
insert into unit_month as old (unit_id, kind, month, carrier, amount, kgce, kgce_equal, kgco2, purchased, renewable,
    produced, sold, feedstock, stock_decrease, feedstock_kgce, feedstock_kgce_equal, quality, provisional, by_hand,
    covered_s, due_s, ready, days, metered_days)
select unit_id, kind, month::date, carrier, v.some, v.some / 2, round(v.some * 3, 2), -v.some, 0, 0, 0, 0, 0, 0, 0, 0,
    v.some % 5, v.some % 7 = 0, false, v.some, v.some * 2, null, 1 + v.some % 31, v.some % 20
from unit
cross join unnest(array['electricity', 'natural_gas']) as carrier
cross join unnest(array['month', 'statistics_month']) as kind
cross join generate_series(timestamp '2024-11-01', '2026-02-01', interval '1 month') as month
cross join lateral (select (random() * 50 + extract(month from month) * 0)::int::numeric as some) v
where random() < 0.3
on conflict (unit_id, kind, month, carrier) do update
set (amount, kgce, kgce_equal, kgco2, quality, provisional, covered_s, due_s, days, metered_days) = (excluded.amount,
    excluded.kgce, excluded.kgce_equal, excluded.kgco2, excluded.quality, excluded.provisional, excluded.covered_s,
    excluded.due_s, excluded.days, excluded.metered_days)
"""
_DAYS = """
insert into unit_day (unit_id, day, carrier, amount, kgce, kgce_equal, kgco2, quality, provisional, ready,
    metered_quality)
select unit_id, date '2026-03-01' + n, carrier, 1, 1, 1, 1, 0, false,
    case when random() < 0.8 then timestamptz '2026-03-02' + random() * interval '30 days' end,
    case when random() < 0.5 then 0 end
from unit cross join unnest(array['electricity', 'steam', 'raw_coal']) as carrier cross join generate_series(0, 20) as n
where random() < 0.1
on conflict (unit_id, day, carrier) do update
set (ready, metered_quality) = (excluded.ready, excluded.metered_quality)
"""
_MOVED = """
update unit_month m set month = (month + interval '10 years')::date
where random() < 0.2 and month < '2030-01-01' and not exists (
    select from unit_month o where (o.unit_id, o.kind, o.carrier) = (m.unit_id, m.kind, m.carrier)
        and o.month = m.month + interval '10 years'
)
"""
_RANDOM = (
    _MONTHS,
    _DAYS,
    "update unit_month set amount = amount + 0.125, kgce = kgce - 0.5 where random() < 0.5",
    "update unit_day set ready = ready + interval '1 day', quality = 1 where random() < 0.2",
    "update unit_month set quality = (quality + 1) % 5 where random() < 0.2",
    "update unit_month set provisional = not provisional where random() < 0.2",
    "update unit_day set metered_quality = case when metered_quality is null then 1 end where random() < 0.2",
    "delete from unit_month where random() < 0.2",
    "delete from unit_day where random() < 0.15",
    _MOVED,
    "update unit_month set (days, metered_days, due_s, covered_s) = (days + 1, 0, 7, 8), kgco2 = 9, kgce_equal = 4",
)
_EMPTY = (("delete from unit_day", "delete from unit_month"), ("truncate unit_day, unit_month",))
_ASTRAY = """
with must (row) as (
    select 'period' || t::text from period_sum t union all select 'carrier' || t::text from carrier_known t
),
stands (row) as (
    select 'period' || t::text from unit_period t union all select 'carrier' || t::text from unit_carrier t
)
(table must except all table stands) union all (table stands except all table must)
"""
"""Rows that stand as they must not, or must and do not, each as it is printed."""


async def world(connection: Connection) -> Marks:
    """A unit with a quota and a day, of which nothing is marked."""
    await add_units(connection, ["u1"])
    await apply_quotas(connection, [("u1", day_quota("q1", "10"))])
    await use(connection, "u1", "1", at(8))
    marks = Marks()
    await marks.take(connection, FIRST_DAY)
    await marks.judged(connection, marks.pending())
    return marks


@pytest.mark.parametrize("change", _CHANGES)
async def test_what_quotas_rest_on_marks_its_units(undone: Connection, change: str) -> None:
    """Whoever changes it, by whatever statement; and the mark says from which day on."""
    marks = await world(undone)
    statement, since = _CHANGES[change]
    await undone.execute(statement)
    await marks.take(undone, FIRST_DAY)
    assert set(marks.pending().values()) == {since}


async def test_a_finding_marks_its_unit(undone: Connection) -> None:
    """Rules look at findings too."""
    marks = await world(undone)
    await undone.execute(_POINT)
    await marks.take(undone, FIRST_DAY)
    marks.forget()
    await undone.execute(
        "insert into finding select point_id, '2026-03-02', 'stuck', $1, $2, 'warning', '{}' from point", at(1), at(2)
    )
    await marks.take(undone, FIRST_DAY)
    assert list(marks.pending().values()) == [date(2026, 3, 2)]


async def test_what_changed_nothing_marks_nobody(undone: Connection) -> None:
    """An upsert of what stands is no change."""
    marks = await world(undone)
    for statement in (
        "insert into unit_day select * from unit_day on conflict do nothing",
        "update meter set name_en = 'another' where carrier = 'heat'",
        "update quota set limit_value = 1 where false",
    ):
        await undone.execute(statement)
    assert await marks.take(undone, FIRST_DAY) == 0


async def test_a_mark_is_left_until_what_it_stands_for_is_committed(pool: Pool) -> None:
    """A leader that took it before would look at what was, and never again."""
    async with pool.acquire() as writer, pool.acquire() as leader:
        marks = await world(writer)
        await use(writer, "u1", "2", at(9))
        transaction = writer.transaction()
        await transaction.start()
        await use(writer, "u1", "3", at(10))
        assert await marks.take(leader, FIRST_DAY) == 0
        await transaction.commit()
        assert await marks.take(leader, FIRST_DAY) == 1
        assert list(marks.pending().values()) == [FIRST_DAY]


async def test_marks_of_the_past_outlive_whoever_took_them_until_they_are_judged(undone: Connection) -> None:
    """No full evaluation looks that far back: with the leader that took them they would be lost, and the late data."""
    await world(undone)
    early, late = FIRST_DAY - timedelta(days=90), FIRST_DAY - timedelta(days=50)
    for day in (late, early, FIRST_DAY):
        await use(undone, "u1", "3", at(9), day=day)
        await Marks().take(undone, FIRST_DAY)
    heir, next_heir = Marks(), Marks()
    await heir.recall(undone)
    (unit,) = heir.pending()
    assert heir.pending() == {unit: early}
    await heir.judged(undone, {unit: late})
    await next_heir.recall(undone)
    assert next_heir.pending() == {unit: early}
    await heir.judged(undone, {unit: early})
    await next_heir.recall(undone)
    assert not len(next_heir)


async def test_sums_of_periods_and_carriers_follow_their_days(undone: Connection) -> None:
    """Whatever is written, deleted or written again: the tables say what their rules say they must."""
    await world(undone)
    for number in range(40):
        await use(
            undone,
            "u1",
            str(number % 7),
            at(24, FIRST_DAY + timedelta(days=number)),
            day=FIRST_DAY + timedelta(days=number * 9 % 40),
        )
    await undone.execute("delete from unit_month where month = '2026-04-01'")
    await undone.execute("delete from unit_day where day > '2026-04-01'")
    assert await undone.fetchval("select count(*) from (table period_sum except table unit_period) x") == 0
    assert await undone.fetchval("select count(*) from (table unit_period except table period_sum) x") == 0
    assert await undone.fetch("table unit_carrier") == await undone.fetch("table carrier_known")
    row = await undone.fetchrow("select day, metered, since from unit_carrier where carrier = 'electricity'")
    assert row is not None
    assert tuple(row) == (date(2026, 4, 1), True, FIRST_DAY)
    begun = "select since from unit_carrier where carrier = 'electricity'"
    for change, since in (
        ("update unit_day set metered_quality = null where day <= '2026-03-04'", 5),
        ("delete from unit_day where day <= '2026-03-06'", 7),
        ("update unit_day set metered_quality = null where day >= '2026-03-09'", 7),
        ("update unit_day set metered_quality = null", None),
        ("update unit_day set metered_quality = 0 where day between '2026-03-11' and '2026-03-20'", 11),
    ):
        await undone.execute(change)
        assert await undone.fetchval(begun) == (since and FIRST_DAY + timedelta(days=since - 1)), change
        assert await undone.fetch("table unit_carrier") == await undone.fetch("table carrier_known")


async def test_whatever_is_done_to_days_and_months_what_follows_is_what_must_be(undone: Connection) -> None:
    """Many rows at once, of several years, in any order: the same rows to the last digit as if summed anew."""
    await add_units(undone, ["u1", "u2"], carriers=("electricity", "natural_gas"))
    await undone.execute("select setseed(0.5)")
    for turn in range(36):
        for statement in _RANDOM[turn % 3 :: 3] if turn % 12 else _EMPTY[turn % 24 // 12]:
            await undone.execute(statement)
            assert await undone.fetch(_ASTRAY) == [], (turn, statement)
    assert await undone.fetchval("select count(*) from unit_period") > 10
    assert await undone.fetchval("select count(*) from unit_carrier where not metered and since > day - 20") > 0


async def test_sums_of_what_stays_the_same_are_left_alone(undone: Connection) -> None:
    """A month that is complete for longer is no other sum, whatever its months are worth."""
    await add_units(undone, ["u1"])
    await undone.execute(_MONTHS)
    rows = await undone.fetch("select ctid::text, * from unit_period order by 1")
    await undone.execute("update unit_month set ready = '2027-01-01', purchased = purchased + 1")
    assert await undone.fetch("select ctid::text, * from unit_period order by 1") == rows


async def test_no_day_becomes_another_one(undone: Connection) -> None:
    """What is known of carriers would have to be searched for with every change."""
    await world(undone)
    for change in ("day = day - 1", "carrier = 'heat'"):
        with pytest.raises(RaiseError, match="never made another one's"):
            async with undone.transaction():
                await undone.execute(f"update unit_day set {change}")  # noqa: S608 - of this test


async def change_registry(connection: Connection, unit: str) -> None:
    """A gate meter becomes a sub-meter, or the other way round."""
    await connection.execute("update meter set level = 3 - level where code = $1", f"{unit}-electricity")


async def test_a_change_of_the_registry_loses_nothing_that_is_being_accounted(pool: Pool) -> None:
    """It waits for the row that says up to when a carrier is complete, and must not write what it had read before."""
    async with pool.acquire() as accounting, pool.acquire() as registry, pool.acquire() as watch:
        await add_units(accounting, ["u1"])
        await use(accounting, "u1", "1", at(8))

        async def waits() -> bool:
            return bool(await watch.fetchval("select count(*) from pg_locks where not granted"))

        for hour, metered in ((9, False), (10, True)):
            async with accounting.transaction():
                await use(accounting, "u1", "2", at(hour))
                changing = asyncio.ensure_future(change_registry(registry, "u1"))
                await eventually(waits)
            await changing
            row = await watch.fetchrow("select metered, ready from unit_carrier")
            assert row is not None
            assert tuple(row) == (metered, at(hour))
            assert await watch.fetch("table unit_carrier") == await watch.fetch("table carrier_known")


async def test_accounting_and_the_registry_in_a_circle_lose_nothing(pool: Pool) -> None:
    """Each holds what the other wants: the server ends one of them, which comes again as whole as before."""
    units = ["u1", "u2"]
    both_hold = asyncio.Barrier(2)

    async def write(connection: Connection, order: list[str], one: Callable[[Connection, str], Awaitable[None]]) -> int:
        await connection.execute("set deadlock_timeout = '20ms'")
        for times in range(5):
            try:
                async with connection.transaction():
                    await one(connection, order[0])
                    if not times:
                        await both_hold.wait()
                    await one(connection, order[1])
            except DeadlockDetectedError:
                continue
            return times
        raise AssertionError("it never came through")

    async with pool.acquire() as accounting, pool.acquire() as registry:
        await add_units(accounting, units)
        for unit in units:
            await use(accounting, unit, "1", at(8))
        ended = await asyncio.gather(
            write(accounting, units, lambda connection, unit: use(connection, unit, "2", at(9))),
            write(registry, units[::-1], change_registry),
        )
        assert sum(ended) >= 1  # more where the one that was ended is back before the other has woken
        rows = await registry.fetch("select metered, ready from unit_carrier")
        assert [tuple(row) for row in rows] == [(False, at(9))] * 2
        left = "select count(*) from (table unit_carrier except table carrier_known) x"
        assert await registry.fetchval(left) == 0


async def test_accounting_quotas_and_the_evaluation_never_wait_in_a_circle(pool: Pool) -> None:
    """Two workers, each with its own units, while people touch them in the other order, and marks are taken."""
    units = [f"u{number}" for number in range(6)]
    async with pool.acquire() as connection:
        await add_units(connection, units)
        await apply_quotas(connection, [(unit, quota(f"q-{unit}")) for unit in units])

    async def account(order: list[str]) -> None:
        """As a worker does: a transaction that touches one of its units after the other."""
        async with pool.acquire() as connection:
            for turn in range(8):
                async with connection.transaction():
                    for unit in order:
                        await use(connection, unit, str(turn), at(turn))

    async def people(order: list[str]) -> None:
        """As entries and quotas do: whatever units, in whatever order."""
        async with pool.acquire() as connection:
            for turn in range(8):
                async with connection.transaction():
                    for unit in order:
                        await connection.execute(
                            _ENTRY_OF,
                            *(unit, FIRST_DAY + timedelta(days=turn), at(turn)),
                        )

    marks = Marks()

    async def lead(rounds: int) -> None:
        async with pool.acquire() as connection:
            for _ in range(rounds):
                await marks.take(connection, FIRST_DAY)

    async with asyncio.timeout(60):
        await asyncio.gather(account(units[:3]), account(units[3:]), people(units[::-1]), lead(40))
    await lead(1)
    async with pool.acquire() as connection:
        ids = [row["unit_id"] for row in await connection.fetch("select unit_id from unit")]
    assert sorted(marks.pending()) == sorted(ids)
