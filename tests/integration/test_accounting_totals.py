"""A unit's days: calendar of its zone, factor of the day, gate meters alone, and up to when they are complete."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

from energy.storage import Connection, Pool
from tests.support.deriving import derive_all
from tests.support.register_world import instant, populate, registry, shown, store

GUIDE = Path(__file__).parents[2] / "docs" / "accounting.md"
DAY = 24 * 60
FIRST = date(2026, 3, 1)
GATES = registry([("E1", "electricity", 1), ("E2", "electricity", 1)])


async def _days(connection: Connection, *columns: str) -> list[tuple[object, ...]]:
    rows = await connection.fetch("select * from unit_day order by day, carrier")
    return [tuple(row[column] for column in columns) for row in rows]


async def test_the_quarter_hours_around_midnight_belong_to_their_days(pool: Pool) -> None:
    """A pair across local midnight is cut there; UTC's midnight means nothing."""
    async with pool.acquire() as connection:
        await populate(connection, registry([("E1", "electricity", 1)]))
        await store(connection, [shown("E1", DAY - 10, 0.0), shown("E1", DAY + 5, 15.0)])
        await derive_all(connection)
        assert await _days(connection, "day", "amount") == [(FIRST, 10), (FIRST + timedelta(1), 5)]


async def test_days_are_those_of_the_unit_s_zone(pool: Pool) -> None:
    """In London, Shanghai's midnight of March is 16:00 of the day before."""
    async with pool.acquire() as connection:
        await populate(connection, registry([("E1", "electricity", 1)], zone="Europe/London"))
        await store(connection, [shown("E1", minute, minute) for minute in (0, 15)])
        await derive_all(connection)
        assert await _days(connection, "day", "amount") == [(date(2026, 2, 28), 15)]


async def test_a_silent_gate_meter_holds_back_what_is_complete(pool: Pool) -> None:
    """`ready` is the earliest over the gate meters; while one has never reported there is none."""
    async with pool.acquire() as connection:
        await populate(connection, GATES)
        await store(connection, [shown("E1", minute, minute) for minute in (0, 15, 30)])
        await derive_all(connection)
        assert await _days(connection, "amount", "ready") == [(30, None)]
        await store(connection, [shown("E2", minute, minute) for minute in (0, 15)])
        await derive_all(connection)
        assert await _days(connection, "amount", "ready") == [(45, instant(15))]


async def test_a_meter_that_fell_silent_yesterday_holds_today_back_to_then(pool: Pool) -> None:
    """Today's total is complete only up to that meter's latest reading, and says so."""
    async with pool.acquire() as connection:
        await populate(connection, GATES)
        await store(connection, [shown("E2", DAY - 60, 0), shown("E2", DAY - 45, 1)])
        await store(connection, [shown("E1", DAY + minute, minute) for minute in (0, 15)])
        await derive_all(connection)
        assert await _days(connection, "day", "ready") == [
            (FIRST, None),  # by the end of that day E1 has said nothing yet
            (FIRST + timedelta(1), instant(DAY - 45)),
        ]


async def test_late_data_of_yesterday_moves_what_today_says_to_be_complete(pool: Pool) -> None:
    """How far a day is complete hangs on what was read, not on whether it came before or after the other meter's."""
    async with pool.acquire() as connection:
        await populate(connection, GATES)
        await store(connection, [shown("E2", 0, 0), shown("E2", 15, 1)])
        await derive_all(connection)
        await store(connection, [shown("E1", minute, minute) for minute in (0, 15, DAY + 15, 2 * DAY + 15)])
        await derive_all(connection)
        assert [row[0] for row in await _days(connection, "ready")] == [instant(15)] * 3
        await store(connection, [shown("E2", 30, 2)])
        await derive_all(connection)
        assert [row[0] for row in await _days(connection, "ready")] == [instant(30)] * 3


async def test_a_meter_that_never_reported_holds_back_every_day(pool: Pool) -> None:
    """Days that go by do not make a total complete that lacks a gate meter; the first report of it does."""
    async with pool.acquire() as connection:
        await populate(connection, GATES)
        await store(connection, [shown("E1", minute, minute) for minute in (0, DAY + 15)])
        await derive_all(connection)
        assert await _days(connection, "ready") == [(None,), (None,)]
        await store(connection, [shown("E2", 0, 0), shown("E2", 15, 1)])
        await derive_all(connection)
        assert await _days(connection, "ready") == [(instant(15),), (instant(15),)]


async def test_a_gap_over_several_days_is_spread_over_them(pool: Pool) -> None:
    """Three days of silence and one reading give each day its share, estimated."""
    async with pool.acquire() as connection:
        await populate(connection, registry([("E1", "electricity", 1)]))
        await store(connection, [shown("E1", 0, 0), shown("E1", 3 * DAY, 300)])
        await derive_all(connection)
        assert await _days(connection, "day", "amount", "quality") == [(FIRST + timedelta(n), 100, 1) for n in range(3)]


async def test_carriers_are_counted_apart_each_by_its_own_factor(pool: Pool) -> None:
    """Electricity and gas of one unit are two rows with their own units of measure and factors."""
    async with pool.acquire() as connection:
        await populate(connection, registry([("E1", "electricity", 1), ("G1", "natural_gas", 1)]))
        await store(connection, [shown(point, minute, minute) for point in ("E1", "G1") for minute in (0, 15)])
        await derive_all(connection)
        found = await _days(connection, "carrier", "kgce", "kgco2")
        assert found == [
            ("electricity", Decimal("1.8435"), Decimal("8.3145")),
            ("natural_gas", Decimal("18.2145"), Decimal("30.22069512")),
        ]


async def test_the_views_for_boards_agree_with_each_other(pool: Pool) -> None:
    """Quarter hours, hours, days and the month of one unit add up to the same, in units of measure and in words."""
    async with pool.acquire() as connection:
        await populate(connection, registry([("E1", "electricity", 1), ("S1", "electricity", 2)]))
        await store(connection, [shown(p, 15 * n, n * 2.5) for p in ("E1", "S1") for n in range(2 * 96 + 1)])
        await derive_all(connection)
        for view, rows in (("consumption_15min", 384), ("consumption_hour", 96), ("consumption_day", 4)):
            found = await connection.fetchrow(
                f"select count(*), sum(amount), min(quality), max(quality), sum(covered_s) from board.{view}"  # noqa: S608 - names of this test
            )
            assert tuple(found or ()) == (rows, 960, "measured", "measured", 384 * 900)
        days = await connection.fetch(
            "select day, amount, tce, unit_of_measure, quality from board.unit_day order by 1"
        )
        assert [tuple(row) for row in days] == [
            (FIRST + timedelta(n), 240, Decimal("0.029496"), "kWh", "measured") for n in range(2)
        ]
        (month,) = await connection.fetch("select unit, month, amount, tce, days, provisional from board.unit_month")
        assert tuple(month) == ("U", FIRST, 480, Decimal("0.058992"), 2, True)


async def test_the_worked_example_of_the_guide(pool: Pool) -> None:
    """Registers that advance by the example's amounts give its table, to the last digit."""
    _, _, example = GUIDE.read_text(encoding="utf-8").partition("<!-- day -->\n\n")
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in example.split("\n\n")[0].splitlines()]
    rows, total = lines[2:-1], lines[-1]
    async with pool.acquire() as connection:
        await populate(connection, registry([(f"P-{carrier}", carrier, 1) for carrier, *_ in rows]))
        amounts = {f"P-{carrier}": float(amount.split()[0]) for carrier, amount, *_ in rows}
        await store(connection, [shown(point, m, 7 + amounts[point] * m / 15) for point in amounts for m in (0, 15)])
        await derive_all(connection)
        found = await connection.fetch("select * from board.unit_day")
    by_carrier = {row["carrier"]: row for row in found}
    for carrier, amount, *figures in rows:
        row = by_carrier[carrier]
        assert f"{row['amount'].normalize():f} {row['unit_of_measure']}" == amount
        assert [row[column] for column in ("tce", "tce_equal", "tco2")] == [Decimal(figure) for figure in figures]
    sums = [sum(row[column] for row in found) for column in ("tce", "tce_equal", "tco2")]
    assert sums == [Decimal(figure) for figure in total[2:]]
