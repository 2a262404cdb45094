"""A unit's balance: which flows add, which are deducted, which count nothing, and what is filled in."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from energy.balance import Flow
from energy.consumption import IntervalQuality, Method
from energy.errors import ConfigError
from energy.registry.checks import check
from energy.registry.store import apply
from energy.storage import Connection
from tests.support.totals_world import (
    FIRST,
    Counted,
    Entry,
    Used,
    days,
    enter,
    populate,
    registry,
    settle,
    totals,
    undo,
    use,
)

MARCH = (FIRST, date(2026, 3, 31))
COAL = registry({"C1": Counted("raw_coal")})
HOUR = (1000, 1000, 1000, 1000)
"""Quanta of an hour: four base units of the carrier."""


def day(number: int) -> date:
    """The day so many days after the first of March."""
    return FIRST + timedelta(number)


def stock(number: int, amount: str) -> Entry:
    """Coal in stock at the end of a day."""
    return Entry("stock", "raw_coal", day(number), day(number), Decimal(amount))


def purchase(number: int, amount: str) -> Entry:
    """Coal bought on a day."""
    return Entry("purchase", "raw_coal", day(number), day(number), Decimal(amount))


async def test_each_flow_counts_as_the_balance_says(undone: Connection) -> None:
    """Purchased and renewable add, sold is deducted; produced and sub-meters add nothing, feedstock is a part."""
    world = {flow.value: Counted("electricity", flow) for flow in Flow}
    await populate(undone, registry(world))
    await use(undone, *(Used(point, 0, (1000 * 10**n,)) for n, point in enumerate(world)))
    (found,) = await undone.fetch("select * from unit_day")
    one = {name: int(found[name]) for name in ("purchased", "renewable", "produced", "sold", "feedstock", "amount")}
    assert one == {
        "purchased": 1, "renewable": 10, "produced": 100, "sold": 1000, "feedstock": 10_000, "amount": 1 + 10 - 1000,
    }  # fmt: skip
    assert found["kgce"] == Decimal("0.1229") * -989
    assert found["kgce_equal"] == Decimal("0.3066") * -989
    assert found["kgco2"] == Decimal("0.5543") * (1 - 1000 - 10_000)  # neither the sun's nor what is not burnt
    assert found["feedstock_kgce"] == 1229


async def test_a_power_plant_of_its_own_is_not_counted_twice(undone: Connection) -> None:
    """Coal that makes electricity is counted as coal; what the generator's meter shows changes nothing but itself."""
    world = {
        "C1": Counted("raw_coal"),
        "GRID": Counted("electricity"),
        "GEN": Counted("electricity", Flow.PRODUCED),
        "PV": Counted("electricity", Flow.RENEWABLE),
    }
    await populate(undone, registry(world))
    await use(undone, Used("C1", 0, HOUR), Used("GRID", 0, HOUR), Used("PV", 0, (500,) * 4))
    before = await days(undone, "carrier", "amount", "kgce", "kgce_equal", "kgco2", "quality", "ready")
    await use(undone, Used("GEN", 0, (999,) * 4, quality=3))
    assert await days(undone, "carrier", "amount", "kgce", "kgce_equal", "kgco2", "quality", "ready") == before
    assert [row[:2] for row in before] == [("electricity", 6), ("raw_coal", 4)]
    assert await days(undone, "produced", carrier="electricity") == [(Decimal("3.996"),)]


async def test_steam_of_its_own_boiler_that_is_sold_is_deducted(undone: Connection) -> None:
    """The gas was bought for it; so the unit's steam is below zero, and its sum is what stayed."""
    world = {"G1": Counted("natural_gas"), "S1": Counted("low_pressure_steam", Flow.SOLD)}
    await populate(undone, registry(world))
    await use(undone, Used("G1", 0, (900_000,)), Used("S1", 0, (2000,)))
    assert await days(undone, "carrier", "amount", "kgce") == [
        ("low_pressure_steam", -2, Decimal("-257.2")),
        ("natural_gas", 900, Decimal("1092.87")),
    ]


async def test_between_two_takings_consumption_runs_evenly(undone: Connection) -> None:
    """What was bought and what the stock lost is spread in whole quanta, and adds up to the last gram."""
    await populate(undone, COAL)
    await use(undone, Used("C1", 96, (600_000,)), Used("C1", 6 * 96, (250_000,)))
    await enter(undone, stock(-1, "500"), purchase(2, "60"), stock(6, "410"))
    found = await days(undone, "day", "amount", "purchased", "entered_purchased", "stock_decrease")
    week = [row for row in found if row[0] <= day(6)]  # type: ignore[operator]  # the first column is a day
    assert [str(row[1]) for row in week] == [f"142.85{n}" for n in (7, 7, 7, 8, 7, 7, 7)]
    assert sum(Decimal(str(row[1])) for row in week) == 1000
    assert week[1][2:] == (600, 0, Decimal("142.857") - 600)
    assert week[2][2:] == (0, 60, Decimal("142.857") - 60)
    assert sum(Decimal(str(row[4])) for row in week) == 90
    assert set(await days(undone, "quality", "method")) == {(IntervalQuality.ESTIMATED, Method.STOCK)}


async def test_what_is_bought_between_takings_moves_all_days_between_them(undone: Connection) -> None:
    """A late slip of one day changes what each day used, and what comes after the last taking nothing of it."""
    await populate(undone, COAL)
    await enter(undone, stock(-1, "0"), stock(3, "0"))
    await use(undone, Used("C1", 2 * 96, (8000,)))
    assert await days(undone, "amount") == [(2,)] * 4
    await use(undone, Used("C1", 4 * 96, (5000,)))
    assert await days(undone, "amount") == [*[(2,)] * 4, (5,)]


async def test_after_the_last_taking_purchases_stand_in_for_use(undone: Connection) -> None:
    """The next taking is not there yet: what is bought counts as it comes, and says so."""
    await populate(undone, COAL)
    await enter(undone, stock(0, "10"), purchase(0, "3"), purchase(1, "5"))
    await use(undone, Used("C1", 2 * 96, (7000,)))
    assert await days(undone, "day", "amount", "quality", "method") == [
        (day(0), 3, IntervalQuality.SUBSTITUTED, Method.STOCK),
        (day(1), 5, IntervalQuality.SUBSTITUTED, Method.STOCK),
        (day(2), 7, IntervalQuality.SUBSTITUTED, Method.STOCK),
    ]
    await enter(undone, stock(2, "1"))
    assert await days(undone, "day", "amount", "quality") == [
        (day(0), 3, IntervalQuality.SUBSTITUTED),
        (day(1), Decimal("10.5"), IntervalQuality.ESTIMATED),
        (day(2), Decimal("10.5"), IntervalQuality.ESTIMATED),
    ]


async def test_without_takings_a_metered_day_stays_measured(undone: Connection) -> None:
    """Before the first taking nothing changes either."""
    await populate(undone, COAL)
    await use(undone, Used("C1", 0, HOUR))
    assert await days(undone, "amount", "quality", "method") == [(4, IntervalQuality.MEASURED, None)]
    await enter(undone, stock(0, "10"))
    assert await days(undone, "amount", "quality", "method") == [(4, IntervalQuality.MEASURED, None)]


async def test_more_in_stock_than_can_be_is_suspect(undone: Connection) -> None:
    """A use below zero is not hidden: it is spread, so that sums hold, and marked."""
    await populate(undone, COAL)
    await enter(undone, stock(0, "10"), stock(2, "14"))
    assert await days(undone, "day", "amount", "quality") == [
        (day(1), -2, IntervalQuality.SUSPECT),
        (day(2), -2, IntervalQuality.SUSPECT),
    ]


async def test_an_undone_taking_leaves_nothing_behind(undone: Connection) -> None:
    """Undone in either order, what stands is what stood before them."""
    await populate(undone, COAL)
    await use(undone, Used("C1", 0, HOUR), Used("C1", 3 * 96, HOUR))
    before = await totals(undone)
    takings = stock(-1, "10"), stock(2, "7"), stock(5, "9")
    await enter(undone, *takings)
    assert len(await days(undone, "day")) == 6
    await undo(undone, takings[1])
    assert {row[0] for row in await days(undone, "amount")} == {Decimal("1.5")}
    await undo(undone, takings[0], takings[2])
    assert await totals(undone) == before


async def test_a_month_s_entry_is_spread_over_its_days_exactly(undone: Connection) -> None:
    """Twenty tonnes over 31 days: borders are rounded to thousandths, days are their differences."""
    await populate(undone, registry({}))
    await enter(undone, Entry("purchase", "diesel", *MARCH, Decimal(20)))
    found = await days(undone, "day", "amount", "quality", "method")
    assert [row[1] for row in found[:3]] == [Decimal("0.645"), Decimal("0.645"), Decimal("0.645")]
    assert (len(found), sum(Decimal(str(row[1])) for row in found)) == (31, 20)
    assert {row[2:] for row in found} == {(IntervalQuality.SUBSTITUTED, Method.STOCK)}
    assert [tuple(row) for row in await undone.fetch("select amount, kgce, by_hand, days from unit_month")] == [
        (20, 29142, True, 31)
    ]


async def test_sales_and_feedstock_that_are_filled_in_count_like_metered_ones(undone: Connection) -> None:
    """Deducted, and left out of CO2; the day is then no longer measured alone."""
    await populate(undone, registry({"G1": Counted("natural_gas")}))
    await use(undone, Used("G1", 0, (500_000,)))
    await enter(
        undone,
        Entry("sale", "natural_gas", FIRST, FIRST, Decimal(100)),
        Entry("feedstock", "natural_gas", FIRST, FIRST, Decimal(40)),
    )
    (found,) = await undone.fetch("select * from unit_day")
    assert (found["amount"], found["entered_sold"], found["entered_feedstock"]) == (400, 100, 40)
    assert found["kgco2"] == Decimal("2.014713008") * 360
    assert (found["quality"], found["feedstock_kgce"]) == (IntervalQuality.ESTIMATED, Decimal("48.572"))


async def test_what_is_not_known_is_neither_zero_nor_a_row(undone: Connection) -> None:
    """A day of missing quarter hours alone has no total; beside known ones it marks it, and is not covered."""
    await populate(undone, registry({"E1": Counted("electricity")}))
    await use(undone, Used("E1", 0, (None, None)))
    assert await days(undone, "day") == []
    assert [tuple(row) for row in await undone.fetch("select amount, quality from unit_hour")] == [(None, 4)]
    await use(undone, Used("E1", 2, (5, 5)))
    assert await days(undone, "amount", "quality", "covered_s", "due_s") == [
        (Decimal("0.01"), IntervalQuality.MISSING, 1800, 86_400)
    ]


@pytest.mark.parametrize(
    ("zone", "first", "hours"), [("Europe/London", date(2026, 3, 29), 23), ("Europe/London", date(2026, 10, 25), 25)]
)
async def test_days_are_as_long_as_the_clock_makes_them(undone: Connection, zone: str, first: date, hours: int) -> None:
    """A meter that counts one unit an hour counts 23 or 25 on the day on which the clock changes."""
    await populate(undone, registry({"E1": Counted("electricity")}, zone=zone))
    start = await undone.fetchval("select ($1::date - 1)::timestamp at time zone $2", first, zone)
    await use(undone, Used("E1", 0, (250,) * 4 * 72), start=start)
    found = {row[0]: row[1:] for row in await days(undone, "day", "amount", "covered_s", "due_s")}
    assert found[first] == (hours, hours * 3600, hours * 3600)
    assert await undone.fetchval("select count(*) from unit_hour where amount = 1") == 72


@pytest.mark.parametrize("first", [date(2026, 4, 5), date(2026, 10, 4)])
async def test_an_hour_in_which_the_clock_moves_by_half_of_it_is_cut_there(undone: Connection, first: date) -> None:
    """As on Lord Howe: hours are those of the calendar, whether their quarter hours come one by one or all at once."""
    zone, course = "Australia/Lord_Howe", tuple(range(96 * 24))
    await populate(undone, registry({"E1": Counted("electricity")}, zone=zone))
    start = await undone.fetchval("select ($1::date - 12)::timestamp at time zone $2", first, zone)
    pieces = [(n, 40) for n in range(0, len(course), 40)]
    near = [(n, 1) for n in range(12 * 96 - 12, 12 * 96 + 16)]
    for cuts in (pieces, near, [(0, len(course))]):
        for n, length in cuts:
            await use(undone, Used("E1", n, course[n : n + length]), start=start)
        assert await undone.fetch("select ts, amount from unit_hour order by ts") == await undone.fetch(
            "select hour_of(ts, $1) as ts, trim_scale(sum(quanta) * 0.001) as amount from consumption_15min"
            " group by 1 order by 1",
            zone,
        )


async def test_statistics_months_run_beside_calendar_months(undone: Connection) -> None:
    """From the 26th to the 25th, named by the month in which they end."""
    await populate(undone, registry({}, statistics_day=26))
    await enter(undone, *(Entry("purchase", "diesel", day(n), day(n), Decimal(1)) for n in (-4, -3, 24, 25, 31)))
    found = await undone.fetch("select kind, month, amount, days from unit_month order by 1, 2")
    assert [tuple(row) for row in found] == [
        ("month", date(2026, 2, 1), 2, 2),
        ("month", FIRST, 2, 2),
        ("month", date(2026, 4, 1), 1, 1),
        ("statistics_month", date(2026, 2, 1), 1, 1),
        ("statistics_month", FIRST, 2, 2),
        ("statistics_month", date(2026, 4, 1), 2, 2),
    ]
    spans = await undone.fetch("select month, first_day, last_day from board.unit_statistics_month order by 1")
    assert tuple(spans[1]) == (FIRST, date(2026, 2, 26), date(2026, 3, 25))


@pytest.mark.parametrize("calendar", [{}, {"zone": "Asia/Tokyo", "statistics_day": 20}])
async def test_what_the_registry_makes_of_points_holds_for_all_their_time(
    undone: Connection, calendar: dict[str, Any]
) -> None:
    """A flow, a carrier, a calendar set right later gives the tables that it would have given from the start."""
    wrong = {"E1": Counted("electricity"), "E2": Counted("electricity", Flow.INTERNAL), "X": Counted("raw_coal")}
    right = {
        "E1": Counted("electricity", Flow.SOLD), "E2": Counted("electricity", Flow.PURCHASED), "X": Counted("diesel"),
    }  # fmt: skip
    used = [Used(point, 90 * n, tuple(range(200))) for n, point in enumerate(wrong)]
    await populate(undone, registry(wrong))
    await use(undone, *used)
    await populate(undone, registry(right, **calendar))
    await settle(undone)
    after = await totals(undone)
    await undone.execute("truncate unit_hour, unit_day, unit_month")
    await use(undone, *used)
    assert after == await totals(undone)
    assert {str(row["flow"]) for row in await undone.fetch("select flow from unit_hour")} == {"sold", "purchased"}


def test_a_working_medium_made_on_site_is_no_renewable_energy() -> None:
    """It counts only when it is bought in, so a registry that would add it from a well does not load."""
    with pytest.raises(ConfigError, match="counts only when it is bought in"):
        check(registry({"W1": Counted("fresh_water", Flow.RENEWABLE)}))
    check(registry({"W1": Counted("fresh_water", Flow.PRODUCED), "W2": Counted("fresh_water")}))


async def test_what_stays_the_same_is_not_written_again(undone: Connection) -> None:
    """A step that is repeated leaves every row where it lies."""
    await populate(undone, COAL)
    await use(undone, Used("C1", 0, HOUR))
    await enter(undone, stock(-1, "5"), stock(2, "4"), purchase(1, "2"))
    tables = ("unit_hour", "unit_day", "unit_month")
    places = " union all ".join(f"select ctid::text from {table}" for table in tables)  # noqa: S608 - names of ours
    before = await undone.fetch(places)
    await use(undone, Used("C1", 0, HOUR))
    await enter(undone, purchase(1, "2"))
    assert await undone.fetch(places) == before


async def test_a_meter_that_moves_takes_its_past_along(undone: Connection) -> None:
    """Of the unit that it left nothing stays; the one that it came to has all of it."""
    await populate(undone, COAL)
    await apply(undone, registry({"V1": Counted("raw_coal")}, unit="V"))
    await use(undone, Used("C1", 0, HOUR), Used("V1", 0, HOUR))
    await undone.execute(
        "update meter set unit_id = (select unit_id from unit where code = 'V') where code = 'M-C1'",
    )
    await settle(undone)
    assert [tuple(row) for row in await undone.fetch("select unit, amount from board.unit_day")] == [("V", 8)]
    assert [tuple(row) for row in await undone.fetch("select unit, amount from board.unit_month")] == [("V", 8)]
    assert await undone.fetchval("select count(distinct unit_id) from unit_hour") == 1
