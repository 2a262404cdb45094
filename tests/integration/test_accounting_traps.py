"""Traps of comparable systems, each through the real step into a real database: every test fails on its trap.

| trap | test |
|---|---|
| counters: a missing meter becomes 0 kWh | `test_a_missing_meter_becomes_no_0` |
| counters: a catch-up after a gap is zeroed as implausible | `test_a_catch_up_after_a_gap_is_not_zeroed` |
| counters: a reset loses the energy between zero and the first reading | `test_a_reset_loses_nothing_after_zero` |
| counters: a 0.1 kWh dip becomes +215 kWh | `test_a_dip_of_a_tenth_becomes_no_215` |
| counters: float32 kWh stands still above 8.4 million, then jumps | `test_a_float32_that_stands_still_is_not_stuck` |
| factors: heat 0.0341 per GJ that belongs to MJ | `test_a_gj_of_heat_is_not_0_0341_kgce`; that the wrong row does not load: `tests/unit/test_factors_plausible.py::test_heat_in_the_wrong_unit_does_not_load` |
| time: local wall time in a key | `test_the_hour_that_comes_twice_in_autumn_is_kept_twice` |
| time: 5.001 minutes of jitter make a hole | `test_jitter_makes_no_hole` |
| time: yesterday as date minus one, last month as month minus one | `test_days_and_months_end_where_the_calendar_says`; every kind of period and zone: `tests/unit/test_accounting_periods.py`, `tests/property/test_accounting_periods.py` |
| late data: ignored, or seen only within 30 minutes | `test_late_data_of_weeks_ago_counts`; for quotas: `tests/integration/test_alerts_traps.py::test_late_data_of_weeks_ago_is_judged_and_corrected` |
| real bug a: no data is uploaded as "0" | `test_a_missing_meter_becomes_no_0` |
| real bug b: the first slot of a day is today's last state less yesterday's first; days and months never add up | `test_the_first_slot_of_a_day_is_its_own` |
| real bug c: previous day as date - 1, previous month as yyyymm - 1 | as for time |
| real bug d: no check of after - before | `test_a_difference_below_zero_is_checked` |
| real bug g: 0.0341 kgce/GJ, 0.0013 kgce/m3 | `test_a_gj_of_heat_is_not_0_0341_kgce` |
"""  # noqa: E501 - a line of a table is one line

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from energy.registry import Point, Registry
from energy.storage import Connection
from tests.support.deriving import derive_all
from tests.support.register_world import T0, Shown, populate, registry, shown, store
from tests.support.validation_store import findings, judge_all

DAY = 24 * 60
WEEK = 7 * DAY
FIRST = date(2026, 3, 1)
_ROWS = "select amount, quality, method from board.consumption_15min where point = $1 order by ts"


@pytest.fixture
def connection(undone: Connection) -> Connection:
    """What a test does on it is undone."""
    return undone


def _world(carrier: str = "electricity", *, quantity: str = "register", zone: str = "Asia/Shanghai") -> Registry:
    world = registry([("E", carrier, 1), ("SILENT", carrier, 1)], zone=zone)
    if quantity == "rate":
        rate = Point("E", "M-E", "gw-u", "kW", quantity="rate", interval_s=900)
        return Registry(world.units, world.gateways, world.meters, (rate, *world.points[1:]))
    return world


async def _derived(connection: Connection, readings: list[Shown], sets: str = "") -> list[tuple[Any, ...]]:
    """What boards see of point E (amount, quality, method) after one step; `sets` is what its registry says besides."""
    if sets:
        await connection.execute(f"update point set {sets} where code = 'E'")  # noqa: S608 - words of this module
    await store(connection, readings)
    await derive_all(connection)
    return [tuple(row) for row in await connection.fetch(_ROWS, "E")]


async def _amounts(connection: Connection, table: str, period: str) -> dict[date, Decimal]:
    """Amounts of the unit by day or month."""
    rows = await connection.fetch(f"select {period}, amount from {table} order by 1")  # noqa: S608 - likewise
    return {row[period]: row["amount"] for row in rows}


@pytest.mark.parametrize("quantity", ["register", "rate"])
async def test_a_missing_meter_becomes_no_0(connection: Connection, quantity: str) -> None:
    """A meter that never spoke has no row; a power silent for six hours an unknown amount; and the unit's day says so.

    A register silent for as long has counted on: no row of it is 0 either.
    """
    await populate(connection, _world(quantity=quantity))
    rows = await _derived(connection, [shown("E", minute, 100 + minute / 15) for minute in (0, 15, 375, 390)])
    assert await connection.fetch(_ROWS, "SILENT") == []
    assert all(amount is None or amount > 0 for amount, _, _ in rows)
    if quantity == "rate":
        assert rows[1:25] == [(None, "missing", "none")] * 24
    else:
        assert rows[1:25] == [(1, "estimated", "linear")] * 24
        assert await connection.fetchval("select ready from unit_day") is None  # no day is complete without SILENT


async def test_a_catch_up_after_a_gap_is_not_zeroed(connection: Connection) -> None:
    """Three days offline, then 7 200 kWh at once: all of it counts, spread over the three days, and is estimated."""
    await populate(connection, _world())
    readings = [shown("E", 0, 500.0), shown("E", 3 * DAY, 7_700.0), shown("E", 3 * DAY + 15, 7_725.0)]
    rows = await _derived(connection, readings, "max_rate = 110")
    assert rows == [(25, "estimated", "linear")] * 288 + [(25, "measured", "register")]
    assert await _amounts(connection, "unit_day", "day") == {
        FIRST + timedelta(days=n): amount for n, amount in enumerate((2400, 2400, 2400, 25))
    }


async def test_a_catch_up_beyond_what_is_plausible_is_kept_and_suspect(connection: Connection) -> None:
    """More than the meter's greatest rate allows is a case for a person, not for a zero."""
    await populate(connection, _world())
    rows = await _derived(connection, [shown("E", 0, 500.0), shown("E", DAY, 10_100.0)], "max_rate = 110")
    assert rows == [(100, "suspect", "linear")] * 96


async def test_a_reset_loses_nothing_after_zero(connection: Connection) -> None:
    """48 211 to 2.25 kWh: the 2.25 since zero count."""
    await populate(connection, _world())
    states = [48_210.0, 48_211.0, 2.25, 3.25, 4.25, 5.25]
    rows = await _derived(connection, [shown("E", 15 * n, state) for n, state in enumerate(states)])
    assert (
        rows
        == [(1, "measured", "register"), (Decimal("2.25"), "estimated", "restart")] + [(1, "measured", "register")] * 3
    )


async def test_a_dip_of_a_tenth_becomes_no_215(connection: Connection) -> None:
    """215.0, 214.9, 216.0: in all 1 kWh, whatever is known so far; neither 214.9 nor the way over the top."""
    await populate(connection, _world())
    await connection.execute("update point set wrap = 1000 where code = 'E'")
    assert await _derived(connection, [shown("E", 0, 215.0), shown("E", 15, 214.9)]) == [
        (Decimal("-0.1"), "suspect", "register")
    ]
    half = (Decimal("0.5"), "measured", "register")
    assert await _derived(connection, [shown("E", 30, 216.0)]) == [half, half]


@pytest.mark.parametrize("known", ["float32", "nothing"])
async def test_a_float32_that_stands_still_is_not_stuck(connection: Connection, known: str) -> None:
    """1 kWh steps of a 1 kW load at 10 million kWh: nothing is lost, suspected or found, where it is known as float32.

    Of a register that is not, hours without a step while power flows are a fault: the check does look.
    """
    world = _world()
    power = Point("P", "M-E", "gw-u", "W", quantity="power_active")
    await populate(connection, Registry(world.units, world.gateways, world.meters, (*world.points, power)))
    await store(connection, [shown("P", 15 * n + 1, 1_000.0) for n in range(96)])
    states = [float(np.float32(10_000_000 + n / 4)) for n in range(97)]
    assert len(set(states)) < 30  # it does stand still
    rows = await _derived(
        connection,
        [shown("E", 15 * n, state) for n, state in enumerate(states)],
        "float32 = true" if known == "float32" else "",
    )
    assert sum(amount for amount, _, _ in rows) == round(states[-1] - states[0])
    assert {quality for _, quality, _ in rows} == {"measured"}
    await judge_all(connection, datetime.fromtimestamp(T0 / 1000, UTC) + timedelta(days=2))
    stuck = [one for one in await findings(connection) if one[0] == "E" and one[1] in {"stuck_register", "spike"}]
    assert bool(stuck) == (known == "nothing")


@pytest.mark.parametrize(
    ("carrier", "kgce"), [("heat", ("34.12", "34.13")), ("natural_gas", ("1.1", "1.4"))], ids=["heat", "gas"]
)
async def test_a_gj_of_heat_is_not_0_0341_kgce(connection: Connection, carrier: str, kgce: tuple[str, str]) -> None:
    """One GJ of heat is 34.12 kgce, one m3 of gas some 1.3: neither is a thousandth of it."""
    await populate(connection, _world(carrier))
    await _derived(connection, [shown("E", 0, 10.0), shown("E", 15, 11.0)])
    row = await connection.fetchrow("select amount, kgce from unit_day where carrier = $1", carrier)
    assert row is not None
    assert row["amount"] == 1
    assert Decimal(kgce[0]) <= row["kgce"] <= Decimal(kgce[1])


async def test_the_hour_that_comes_twice_in_autumn_is_kept_twice(connection: Connection) -> None:
    """London sets 02:00 back to 01:00 on 25 October 2026: both hours count, and the day has 25."""
    await populate(connection, _world(zone="Europe/London"))
    start = datetime(2026, 10, 24, 23, tzinfo=UTC)  # 00:00 in London
    readings = [_at("E", start + timedelta(minutes=15 * n), 10.0 * n) for n in range(101)]
    rows = await _derived(connection, readings)
    assert rows == [(10, "measured", "register")] * 100
    assert await _amounts(connection, "unit_day", "day") == {date(2026, 10, 25): 1000}
    await judge_all(connection, start + timedelta(days=3))
    hours = await connection.fetch("select ts, amount from board.consumption_hour where point = 'E' order by ts")
    assert [tuple(row) for row in hours] == [(start + timedelta(hours=n), 40) for n in range(25)]


async def test_jitter_makes_no_hole(connection: Connection) -> None:
    """Read every 5.001 minutes: each of a day's quarter hours is there, covered, and about what the others are."""
    await populate(connection, _world())
    rows = await _derived(connection, [shown("E", 5.001 * n, 1.0 * n) for n in range(289)], "interval_s = 300")
    assert len(rows) == 97
    assert {quality for _, quality, _ in rows} == {"measured"}
    assert all(Decimal("2.99") <= amount <= Decimal("3.01") for amount, _, _ in rows[:-1])
    assert await connection.fetchval("select sum(covered_s) from consumption_15min") == round(288 * 5.001 * 60)


@pytest.mark.parametrize(
    ("zone", "border", "before", "after"),
    [
        ("Asia/Shanghai", "2026-02-28T16:00Z", date(2026, 2, 28), date(2026, 3, 1)),
        ("Asia/Shanghai", "2025-12-31T16:00Z", date(2025, 12, 31), date(2026, 1, 1)),
        ("Asia/Shanghai", "2024-02-28T16:00Z", date(2024, 2, 28), date(2024, 2, 29)),
        ("Asia/Shanghai", "2024-02-29T16:00Z", date(2024, 2, 29), date(2024, 3, 1)),
        ("Europe/London", "2026-03-29T23:00Z", date(2026, 3, 29), date(2026, 3, 30)),
        ("Europe/London", "2026-10-26T00:00Z", date(2026, 10, 25), date(2026, 10, 26)),
    ],
    ids=["the 1st", "January", "a leap day begins", "a leap day ends", "clock forward", "clock back"],
)
async def test_days_and_months_end_where_the_calendar_says(
    connection: Connection, zone: str, border: str, before: date, after: date
) -> None:
    """30 kWh in the hour before a day ends, 60 in the hour after: each day and month has its own."""
    await populate(connection, _world(zone=zone))
    middle = datetime.fromisoformat(border)
    readings = [
        _at("E", middle + timedelta(minutes=minute), 100.0 + minute * (0.5 if minute < 0 else 1.0))
        for minute in range(-60, 61, 15)
    ]
    await _derived(connection, readings)
    assert await _amounts(connection, "unit_day", "day") == {before: 30, after: 60}
    months = [(before.replace(day=1), 30), (after.replace(day=1), 60)]
    together = {months[0][0]: 90} if months[0][0] == months[1][0] else dict(months)
    assert await _amounts(connection, "unit_month", "month") == together
    await judge_all(connection, middle + timedelta(days=40))
    of_points = await connection.fetch(
        "select month, amount from board.consumption_month where point = 'E' and kind = 'month' order by month"
    )
    assert {row["month"]: row["amount"] for row in of_points} == together


@pytest.mark.parametrize("delay", [29, 31, 5 * WEEK])
async def test_late_data_of_weeks_ago_counts(connection: Connection, delay: int) -> None:
    """What an offline gateway brings, of a day that was over, moves its quarter hours, its day and its month."""
    await populate(connection, _world())
    live = [shown("E", minute, 100 + minute / 15) for minute in (0, 15, delay + 45, delay + 60)]
    await _derived(connection, live)
    estimated = await connection.fetchval("select count(*) from board.consumption_15min where quality <> 'measured'")
    assert estimated
    # Nothing flowed for a quarter hour, then twice as much.
    rows = await _derived(connection, [shown("E", 30, 101.0), shown("E", 45, 103.0)])
    assert rows[:3] == [(amount, "measured", "register") for amount in (1, 0, 2)]
    day = await connection.fetchval("select amount from unit_day where day = $1", FIRST)
    month = await connection.fetchval("select amount from unit_month where month = $1", FIRST)
    total = await connection.fetch("select ts, quanta from consumption_15min order by ts")
    begin = datetime.fromtimestamp(T0 / 1000, UTC)
    for amount, end in ((day, begin + timedelta(days=1)), (month, begin + timedelta(days=31))):
        assert amount == sum(row["quanta"] for row in total if row["ts"] < end) * Decimal("0.001")
    assert sum(row["quanta"] for row in total) == round((live[-1].value - 100) * 1000)


async def test_the_first_slot_of_a_day_is_its_own(connection: Connection) -> None:
    """00:00 to 00:15 is its own difference, not today's last state less yesterday's first; days and months add up."""
    await populate(connection, _world())
    states = [1000.0 + n * (n + 1) / 2 for n in range(3 * 96 + 1)]  # slot n counts n + 1
    rows = await _derived(connection, [shown("E", 15 * n, state) for n, state in enumerate(states)])
    assert [amount for amount, _, _ in rows] == list(range(1, 3 * 96 + 1))
    days = [round(states[96 * (n + 1)] - states[96 * n]) for n in range(3)]
    assert await _amounts(connection, "unit_day", "day") == {
        FIRST + timedelta(days=n): one for n, one in enumerate(days)
    }
    assert await _amounts(connection, "unit_month", "month") == {FIRST: sum(days)}


@pytest.mark.parametrize(
    ("states", "found"),
    [
        ((999_999.5, 0.5), (1, "measured", "register")),
        ((1000.0, 400.0), (None, "missing", "none")),
    ],
    ids=["over the top", "another meter"],
)
async def test_a_difference_below_zero_is_checked(
    connection: Connection, states: tuple[float, float], found: tuple[object, ...]
) -> None:
    """A register that passed its top counts the way over it; a fall that nothing explains is not known."""
    await populate(connection, _world())
    rows = await _derived(connection, [shown("E", 15 * n, one) for n, one in enumerate(states)], "wrap = 1000000")
    assert rows == [found]


def _at(point: str, at: datetime, value: float) -> Shown:
    return Shown(point, round(at.timestamp() * 1000), value)
