"""What boards read of totals: groups of units, longer periods, intensity, the assessed total; and what alerts read."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

from alerts.evaluation.memory import Memory
from alerts.quotas.store import apply_quotas
from alerts.series import quotas
from alerts.series.frame import Scope
from alerts.series.quotas import QuotaFrame
from energy.balance import Flow
from energy.product_quotas import Level
from energy.registry.store import apply
from energy.storage import Connection
from ingest.accounting.totals.intensity import product_intensities
from tests.support.quota_world import at, day_quota
from tests.support.totals_world import FIRST, Counted, Entry, Used, enter, populate, registry, settle, use

MARCH = (FIRST, date(2026, 3, 31))
APRIL = (date(2026, 4, 1), date(2026, 4, 30))
MAY = (date(2026, 5, 1), date(2026, 5, 31))
ELECTRICITY = registry({"E1": Counted("electricity")})


async def test_groups_add_their_units_up(undone: Connection) -> None:
    """By district, city, industry and size class; a unit without a class is in no class."""
    await populate(undone, ELECTRICITY)
    await apply(undone, registry({"E2": Counted("electricity")}, unit="V"))
    await undone.execute("update unit set district = '610303', size_class = null, industry = '31' where code = 'V'")
    await settle(undone)
    await use(undone, Used("E1", 0, (2000,)), Used("E2", 0, (3000,)))
    for view, period in (("group_day", "day"), ("group_month", "month")):
        rows = await undone.fetch(
            f"select grouping, key, units, amount, tce from board.{view} where {period} = $1 order by 1, 2",  # noqa: S608 - names of this test
            FIRST,
        )
        assert [tuple(row) for row in rows] == [
            ("city", "6103", 2, 5, Decimal("0.0006145")),
            ("district", "610302", 1, 2, Decimal("0.0002458")),
            ("district", "610303", 1, 3, Decimal("0.0003687")),
            ("industry", "30", 1, 2, Decimal("0.0002458")),
            ("industry", "31", 1, 3, Decimal("0.0003687")),
            ("size_class", "3", 1, 2, Decimal("0.0002458")),
        ]


async def test_quarters_and_years_add_their_months_up(undone: Connection) -> None:
    """March and April lie in two quarters of one year."""
    await populate(undone, registry({}))
    await enter(
        undone,
        Entry("purchase", "diesel", *MARCH, Decimal(3)),
        Entry("purchase", "diesel", *APRIL, Decimal(5)),
    )
    quarters = await undone.fetch("select quarter, amount, days from board.unit_quarter order by 1")
    assert [tuple(row) for row in quarters] == [(date(2026, 1, 1), 3, 31), (date(2026, 4, 1), 5, 30)]
    assert [tuple(row) for row in await undone.fetch("select year, amount, days from board.unit_year")] == [
        (date(2026, 1, 1), 8, 61)
    ]


async def test_coverage_is_over_all_points_of_the_gate(undone: Connection) -> None:
    """An hour of one of two meters is half an hour's coverage; what is made on site does not count in a day's."""
    world = {"E1": Counted("electricity"), "E2": Counted("electricity"), "E3": Counted("electricity", Flow.PRODUCED)}
    await populate(undone, registry(world))
    await use(undone, Used("E1", 0, (1,) * 4), Used("E3", 0, (1,) * 8))
    hours = await undone.fetch("select flow, coverage from board.unit_hour order by flow, ts")
    assert [tuple(row) for row in hours] == [("produced", 1), ("produced", 1), ("purchased", Decimal("0.5"))]
    assert await undone.fetchval("select coverage from board.unit_day") == Decimal("0.0208")


@pytest.mark.parametrize(
    ("output", "level"),
    [("9000", Level.LIMIT), ("10000", Level.ACCESS), ("7000", Level.OVER), ("12000", Level.ADVANCED)],
)
async def test_a_product_stands_where_its_quota_says(undone: Connection, output: str, level: Level) -> None:
    """817 tce for more or less cement, which is metered in March and filled in for April."""
    await populate(undone, registry({"C1": Counted("raw_coal"), "P1": Counted("raw_coal", Flow.INTERNAL, 3)}))
    await undone.execute(
        "insert into product (unit_id, code, unit, quota_key, point_id)"
        " select unit_id, 'cement', 't', 'cement_energy', point_id from unit, point where point.code = 'P1'"
    )
    coal = Decimal(817_000) / Decimal("714.3")
    await enter(
        undone,
        Entry("purchase", "raw_coal", *MARCH, coal.quantize(Decimal("0.001"))),
        Entry("output", "cement", *MARCH, Decimal(output)),
    )
    (found,) = await product_intensities(undone, "U", "month", FIRST)
    assert (found.product, found.output, found.level) == ("cement", Decimal(output), level)


async def test_output_that_is_filled_in_goes_before_what_a_meter_says(undone: Connection) -> None:
    """Never both: the month that a person states is that, another one is its meter's."""
    await populate(undone, registry({"P1": Counted("raw_coal", Flow.INTERNAL, 3)}))
    await undone.execute(
        "insert into product (unit_id, code, unit, point_id)"
        " select unit_id, 'cement', 't', point_id from unit, point where point.code = 'P1'"
    )
    for month, quanta in ((MARCH[0], 5000), (APRIL[0], 7000)):
        await undone.execute(
            "insert into consumption_month (point_id, kind, month, quanta, quality, covered_s, flags, ready)"
            " select point_id, 'month', $1, $2, 0, 0, 0, 'epoch' from point",
            month,
            quanta,
        )
    await enter(undone, Entry("output", "cement", *MARCH, Decimal(6)))
    rows = await undone.fetch("select period, output, by_hand from board.product_intensity")
    assert {tuple(row) for row in rows} == {
        ("month", 6, True), ("quarter", 6, True), ("month", 7, False), ("quarter", 7, False), ("year", 13, True),
    }  # fmt: skip


async def test_certificates_count_by_the_convention_of_their_month(undone: Connection) -> None:
    """What goes beyond the base is left out, by equal value until a day from which calorific value holds.

    In May nothing is known yet of energy, so that its certificates leave nothing out.
    """
    await populate(undone, registry({}))
    await undone.execute("insert into certificate_convention values ('2026-04-01', 'calorific', 'invented notice')")
    await enter(
        undone,
        Entry("certificate", "", MARCH[0], MAY[1], Decimal(92)),
        Entry("certificate_base", "", *MARCH, Decimal(1)),
        Entry("purchase", "raw_coal", MARCH[0], APRIL[1], Decimal(61)),
    )
    rows = await undone.fetch(
        "select period_start, certificate_mwh, assessed_tce from board.assessed where period = 'month' order by 1"
    )
    march, april = Decimal("22.1433") - Decimal("9.198"), Decimal("21.429") - Decimal("3.687")
    assert [tuple(row) for row in rows] == [(MARCH[0], 30, march), (APRIL[0], 30, april)]
    year = await undone.fetch("select certificate_mwh, assessed_tce from board.assessed where period = 'year'")
    assert [tuple(row) for row in year] == [(60, march + april)]


async def test_output_beyond_what_energy_is_known_for_has_no_intensity(undone: Connection) -> None:
    """A quarter of which one month has no energy would stand at the best level; the month that has some is judged."""
    await populate(undone, registry({}))
    await undone.execute(
        "insert into product (unit_id, code, unit, quota_key) select unit_id, 'cement', 't', 'cement_energy' from unit"
    )
    await enter(
        undone,
        Entry("purchase", "raw_coal", *APRIL, Decimal(1000)),
        *(Entry("output", "cement", *month, Decimal(9000)) for month in (APRIL, MAY)),
        *(Entry("output_value", "", *month, Decimal(10)) for month in (APRIL, MAY)),
    )
    (april,) = await product_intensities(undone, "U", "month", APRIL[0])
    (quarter,) = await product_intensities(undone, "U", "quarter", APRIL[0])
    assert (april.value, april.level) == (Decimal(714300) / 9000, Level.ADVANCED)
    assert quarter.output == 18_000
    assert quarter.kgce is quarter.value is None
    assert quarter.level is None
    rows = await undone.fetch("select tce_per_value from board.value_intensity where period = 'quarter'")
    assert [row[0] for row in rows] == [None]


async def test_alerts_count_what_is_filled_in_and_wait_only_for_meters(undone: Connection) -> None:
    """Coal by the month's bill is used; up to when the unit is complete, its meter alone says."""
    await populate(undone, registry({"E1": Counted("electricity"), "X1": Counted("low_pressure_steam", Flow.PRODUCED)}))
    await apply_quotas(undone, [("U", day_quota("Q", "10"))])
    await use(undone, Used("E1", 0, (1000,) * 4))
    await enter(undone, Entry("purchase", "raw_coal", *MARCH, Decimal(31)))
    frame = await _watched(undone, at(1), 0)
    (used,) = frame.columns["used"]
    assert round(used, 9) == 0.7147916  # 4 kWh of 0.1229 kgce, and one tonne of coal a day, of 0.7143 tce
    assert frame.ready_us.tolist() == [at(1).timestamp() * 1e6]


async def test_a_bill_does_not_make_up_for_a_silent_meter(undone: Connection) -> None:
    """Of a metered carrier only days that its meter has a part in count as days."""
    await populate(undone, registry({"C1": Counted("raw_coal")}))
    await apply_quotas(undone, [("U", day_quota("Q", "10"))])
    await use(undone, Used("C1", -96, (1000,)), Used("C1", 96, (1000,)))
    await enter(undone, Entry("purchase", "raw_coal", *MARCH, Decimal(31)))
    frame = await _watched(undone, at(30), 1)
    days = [date(1970, 1, 1) + timedelta(int(day)) for day in frame.periods]
    assert dict(zip(days, frame.columns["incomplete"], strict=True)) == {FIRST: 1, FIRST + timedelta(1): 0}


async def _watched(connection: Connection, now: datetime, recent_days: int) -> QuotaFrame:
    """The series of all quotas, as an evaluation reads them."""
    known, _ = await Memory().renew(connection, now, {})
    scope = Scope(now, None, recent_days)
    return await quotas.read(
        connection, known.book, known.members, scope, stale_s=6 * 3600, projecting=known.projecting
    )


async def _product(connection: Connection, points: dict[str, Counted]) -> None:
    await populate(connection, registry(points))
    await connection.execute(
        "insert into product (unit_id, code, unit, quota_key) select unit_id, 'cement', 't', 'cement_energy' from unit"
    )


async def _intensity(connection: Connection) -> tuple[object, ...]:
    (row,) = await connection.fetch("select * from board.product_intensity where period = 'month'")
    (value,) = await connection.fetch("select * from board.value_intensity where period = 'month'")
    assert (value["days"], value["output_days"]) == (row["days"], row["output_days"])
    assert (value["tce_per_value"] is None) == (row["kgce_per_output"] is None)
    (judged,) = await product_intensities(connection, "U", "month", FIRST)
    assert (judged.level is None) == (row["kgce_per_output"] is None)
    return row["days"], row["output_days"], row["kgce_per_output"], row["suspect"]


@pytest.mark.parametrize(("known", "stated"), [(30, False), (31, True)])
async def test_a_partly_known_month_has_no_intensity(undone: Connection, known: int, stated: bool) -> None:  # noqa: FBT001 - a case
    """Output of 31 days beside energy of fewer would stand at the best level; how many days are known is told."""
    await _product(undone, {"E1": Counted("electricity")})
    await use(undone, *(Used("E1", 96 * day, (1000,)) for day in range(known)))
    await enter(
        undone,
        Entry("output", "cement", *MARCH, Decimal(9000)),
        Entry("output_value", "", *MARCH, Decimal(10)),
        Entry("purchase", "diesel", FIRST, FIRST, Decimal(1)),  # an invoice of one day says nothing of the others
    )
    days, output_days, intensity, _ = await _intensity(undone)
    assert (days, output_days, intensity is not None) == (known, 31, stated)


@pytest.mark.parametrize("bought", [0, 3000])
async def test_a_stock_that_cannot_be_leaves_no_intensity(undone: Connection, bought: int) -> None:
    """900 t after 410 t with nothing bought between: no negative intensity, nor one that other days hide."""
    await _product(undone, {})
    await enter(
        undone,
        Entry("stock", "raw_coal", date(2026, 2, 28), date(2026, 2, 28), Decimal(410)),
        Entry("stock", "raw_coal", date(2026, 3, 7), date(2026, 3, 7), Decimal(900)),
        Entry("stock", "raw_coal", MARCH[1], MARCH[1], Decimal(900)),
        Entry("output", "cement", *MARCH, Decimal(9000)),
        Entry("output_value", "", *MARCH, Decimal(10)),
        *([Entry("purchase", "raw_coal", MARCH[1], MARCH[1], Decimal(bought))] if bought else []),
    )
    assert await _intensity(undone) == (31, 31, None, True)
    assert await undone.fetchval("select suspect from board.assessed where period = 'month'")


async def test_days_without_data_are_not_covered(undone: Connection) -> None:
    """One of two meters' carriers stops on the first day; the other goes on for ten."""
    await populate(undone, registry({"E1": Counted("electricity"), "C1": Counted("raw_coal")}))
    await use(undone, Used("E1", 0, (1,) * 96), Used("C1", 0, (1,) * 960))
    for view in ("unit_month", "group_month where grouping = 'city'"):
        rows = await undone.fetch(f"select carrier, coverage from board.{view}")  # noqa: S608 - names of this test
        assert dict(map(tuple, rows)) == {"electricity": Decimal("0.1"), "raw_coal": 1}


async def test_an_assessed_total_says_where_a_factor_is_provisional(undone: Connection) -> None:
    """As the carrier that it is made of does; figures have no zeros at their end."""
    await populate(undone, ELECTRICITY)
    await use(undone, Used("E1", 0, (2848,)))
    day, provisional = await undone.fetchrow("select tce::text, provisional from board.unit_day") or ("", None)
    assert provisional is True
    assert day == "0.0003500192"
    assert await undone.fetchval("select provisional from board.assessed where period = 'month'") is True
