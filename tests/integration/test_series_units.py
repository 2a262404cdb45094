"""Series of units out of what accounting wrote: load, level, and how well they are measured."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest

from alerts.series import loads, units
from alerts.series.frame import NEVER, Scope
from alerts.time_of_use.files import read_tables
from alerts.time_of_use.store import record
from energy.storage import Connection
from tests.support.totals_world import (
    FIRST,
    QUARTER,
    START,
    Counted,
    Entry,
    Used,
    enter,
    forget,
    populate,
    registry,
    settle,
    use,
)

DAY = 96
ELECTRIC = {"E": Counted("electricity")}
NAMES = frozenset(one.name for one in units.SERIES)
TABLE = b"""region,voltage,valid_from,months,days,from,to,kind,factor,source
6103,,2026-01-01,1-12,all,22:00,06:00,valley,0.4,EXAMPLE
6103,,2026-01-01,1-12,all,06:00,06:30,sharp_peak,2,EXAMPLE
6103,,2026-01-01,1-12,all,06:30,20:00,flat,1,EXAMPLE
6103,,2026-01-01,1-12,all,20:00,22:00,forbidden,,EXAMPLE
"""


def _at(quarters: float) -> datetime:
    """The instant so many quarter hours after the first day's beginning."""
    return START + quarters * QUARTER


async def _series(connection: Connection, now: datetime, unit: int = 0) -> Mapping[str, float]:
    frame = await units.read(connection, Scope(now), NAMES)
    return {name: float(column[unit]) for name, column in frame.columns.items()}


async def _kept(connection: Connection, now: datetime) -> Mapping[str, float]:
    await loads.refresh(connection, now, FIRST)
    return await _series(connection, now)


async def test_where_nothing_is_known_no_series_says_zero(undone: Connection) -> None:
    """A unit that never delivered has no load, level, lag or completeness; only what the registry knows is a number."""
    await populate(undone, registry({**ELECTRIC, "G": Counted("natural_gas")}))
    known = {name: value for name, value in (await _kept(undone, _at(DAY * 40))).items() if not np.isnan(value)}
    assert known == {"missing": 2, "factor_missing": 0, "factor_provisional": 1}
    frame = await units.read(undone, Scope(_at(DAY)), frozenset({"lag_h"}))
    assert frame.at_us.tolist() == [NEVER]
    assert set(frame.columns) == {"lag_h"}
    assert frame.labels["unit"].tolist() == ["U"]


async def test_demand_is_of_all_gate_meters_together(undone: Connection) -> None:
    """Worked example: 4 kWh in 15 minutes are 16 kW; a quarter hour that one meter does not know has no demand."""
    await populate(undone, registry({**ELECTRIC, "F": Counted("electricity"), "S": Counted("electricity", None, 2)}))
    await use(
        undone,
        Used("E", 0, (1000, 3000, 2000, 9000)),
        Used("F", 0, (1000, 1000, 1000, None)),
        Used("S", 0, (500_000,) * 4),
    )
    known = await _kept(undone, _at(4.1))
    assert (known["demand_kw"], known["demand_max_kw"], known["demand_max_at"]) == (12, 16, _at(1).timestamp())
    assert tuple(await undone.fetchrow("select due, known, sound from unit_load_day") or ()) == (96, 3, 3)
    # It comes late, doubtful first: what is suspect is no evidence against a unit.
    await use(undone, Used("F", 3, (1000,), quality=3))
    assert (await _kept(undone, _at(4.1)))["demand_max_kw"] == 16
    await use(undone, Used("F", 3, (1000,)))
    known = await _kept(undone, _at(4.2))
    assert (known["demand_kw"], known["demand_max_kw"]) == (40, 40)
    assert np.isnan((await _series(undone, _at(9)))["demand_kw"])  # an hour and a quarter old: nobody knows


async def test_late_data_of_a_day_long_over_changes_its_maximum_and_no_other_day_is_read(undone: Connection) -> None:
    """Which days are to be computed again follows from what stands, whoever was away; the rest costs nothing."""
    await populate(undone, registry(ELECTRIC))
    await use(undone, Used("E", 0, (1000,) * DAY * 5))
    now = _at(DAY * 5)
    assert await loads.refresh(undone, now, FIRST) == 5
    assert await loads.refresh(undone, now, FIRST) == 0
    await use(undone, Used("E", DAY + 7, (5000,)))
    assert await loads.refresh(undone, now, FIRST) == 1
    known = await _series(undone, now)
    assert (known["demand_max_kw"], known["demand_max_at"]) == (20, _at(DAY + 7).timestamp())
    await forget(undone, "E", DAY, DAY)
    assert await loads.refresh(undone, now, FIRST) == 0
    assert (await _series(undone, now))["demand_max_kw"] == 4
    # Readings between two that there were already move energy within a day: no total says so. A live one is no change.
    for at, computed in ((_at(DAY * 5), 0), (_at(1), 1)):
        await undone.execute(_MOVE, _at(0), _at(1))
        await undone.execute(_NOTE, at)
        await undone.execute("delete from derivation_dirty")  # as a step of accounting does
        assert await loads.refresh(undone, now, FIRST) == computed
    assert (await _series(undone, now))["demand_max_kw"] == 8
    # So it is on a day that is still open, although no quarter hour has ended since.
    await undone.execute(_NOTE, _at(DAY * 4 + 1))
    await undone.execute("delete from derivation_dirty")
    assert await loads.refresh(undone, _at(DAY * 5 - 0.5), FIRST) == 1


async def test_nothing_is_known_before_its_time(undone: Connection) -> None:
    """A back-test keeps its own days; who looks back at the live ones finds today's not known, not its future."""
    await populate(undone, registry(ELECTRIC))
    await record(undone, read_tables(TABLE, "table"), author="tester", now=START)
    shape = tuple(1000 + 37 * (n % 41) for n in range(DAY * 3))
    then = _at(DAY * 2 + 50.5)
    await use(undone, Used("E", 0, shape[: DAY * 2 + 50]))
    lived = await _kept(undone, then)
    await use(undone, Used("E", DAY * 2 + 50, (90_000, *shape[DAY * 2 + 51 :])))
    assert (await _kept(undone, _at(DAY * 3)))["demand_max_kw"] == 360
    found = await _series(undone, then)
    assert np.isnan([found["demand_kw"], found["peak_kwh"], found["forbidden_kwh"]]).all()
    assert found["demand_max_kw"] == max(shape[: DAY * 2]) / 250
    await undone.execute("truncate unit_load_day")
    assert await _kept(undone, then) == pytest.approx({**lived, "lag_h": 0}, nan_ok=True)


async def test_use_by_kind_of_hour_goes_by_the_units_wall_clock(undone: Connection) -> None:
    """Across midnight, at half past, and on a day of 23 hours every quarter hour is of exactly one kind."""
    await populate(undone, registry(ELECTRIC, zone="Europe/London"))
    await record(undone, read_tables(TABLE, "table"), author="tester", now=START)
    spring = datetime(2026, 3, 29, tzinfo=UTC)  # 00:00 in London; the clock goes from 01:00 to 02:00
    await use(undone, Used("E", 0, (1000,) * (23 * 4 + 90)), start=spring)
    now = spring + timedelta(hours=23) + 90 * QUARTER
    await loads.refresh(undone, now, FIRST)
    first, second = await undone.fetch("select * from unit_load_day order by day")
    assert [first[kind] for kind in ("valley_kwh", "sharp_peak_kwh", "flat_kwh", "forbidden_kwh", "due")] == [
        28, 2, 54, 8, 92,
    ]  # fmt: skip
    assert first["peak_kwh"] == 0
    assert second["forbidden_kwh"] == 8
    known = await _series(undone, now)
    assert (known["forbidden_kwh"], known["peak_kwh"]) == (8, 2)
    assert known["peak_share"] == pytest.approx(2 / 92)
    assert known["peak_share_month"] == pytest.approx(4 / 182)


async def test_hours_without_a_table_in_force_are_of_no_kind(undone: Connection) -> None:
    """Without a table of the region, or before its first day, use is not known by kind: nothing is shipped.

    A table that comes later finds its days by itself; of two the one of the closer region counts.
    """
    await populate(undone, registry(ELECTRIC))
    await use(undone, Used("E", 0, (1000,) * DAY))
    expected: list[tuple[bytes, float | None]] = [
        (TABLE.replace(b"6103,", b"6104,"), None),
        (TABLE.replace(b"2026-01-01", b"2026-03-02"), None),
    ]
    expected += [(TABLE.replace(b"forbidden,", b"peak,1.5"), 0.0), (TABLE.replace(b"6103,", b"610302,"), 8.0)]
    for table, forbidden in expected:
        assert await record(undone, read_tables(table, "table"), author="tester", now=START) == 1
        await loads.refresh(undone, _at(DAY * 2), FIRST)
        assert await undone.fetchval("select forbidden_kwh from unit_load_day") == forbidden
    assert await loads.refresh(undone, _at(DAY * 2), FIRST) == 0


async def test_base_loads_go_by_the_working_calendar(undone: Connection) -> None:
    """Worked example: 8 kW by day, 2 kW else on working days, 1 kW on days off: 1/8 by night, 1/4.5 on days off.

    Saturday 2026-02-28 is worked in lieu.
    """
    await populate(undone, registry(ELECTRIC))
    since = START - 14 * timedelta(days=1)  # Sunday 2026-02-15, the first day of the Spring Festival
    worked = [date(2026, 2, day) for day in (24, 25, 26, 27, 28)] + [date(2026, 3, day) for day in range(2, 7)]
    days = [date(2026, 2, 15) + timedelta(days=n) for n in range(21)]
    shape = [(2000 if 32 <= quarter < 72 else 500) if day in worked else 250 for day in days for quarter in range(DAY)]
    await use(undone, Used("E", 0, tuple(shape)), start=since)
    now = since + timedelta(days=21, hours=1)  # Sunday 2026-03-08, 01:00: the night is not over
    await loads.refresh(undone, now, days[0])
    known = await _series(undone, now)
    assert known["night_base"] == pytest.approx(1 / 8)  # of Saturday's night
    assert known["holiday_base"] == pytest.approx(1 / 4.5)


async def test_steps_are_against_the_same_days_of_weeks_before(undone: Connection) -> None:
    """Worked example: weeks of 7 kWh a day, then a day of 14, which is twice its like; the week is 8/7 of its.

    A bad week between does not move the median, and a day of which too little was read says nothing.
    """
    await populate(undone, registry(ELECTRIC))
    rest = (0,) * (DAY - 1)
    await use(undone, Used("E", 0, (7_000, *rest) * 34 + (14_000, *rest)))
    await use(undone, Used("E", DAY * 14, (70_000,)))
    now = _at(DAY * 35 + 3)
    known = await _series(undone, now)
    assert known["step_day"] == pytest.approx(2)
    assert known["step_week"] == pytest.approx(8 / 7)
    await forget(undone, "E", DAY * 35 - 50, 50)
    known = await _series(undone, now)
    assert np.isnan([known["step_day"], known["step_week"]]).all()


async def test_a_unit_that_falls_silent_lags_and_is_incomplete(undone: Connection) -> None:
    """Its days have no rows at all then: absence counts as nothing read, not as nothing due."""
    await populate(undone, registry({**ELECTRIC, "G": Counted("natural_gas"), "N": Counted("natural_gas")}))
    await use(undone, Used("E", 0, (1000,) * DAY * 2), Used("G", 0, (1000,) * DAY))
    known = await _kept(undone, _at(DAY * 3.5))
    assert known["lag_h"] == 60  # of gas, whose other meter has never delivered
    assert known["missing"] == 1
    assert known["completeness_day"] == 0
    # Electricity 2 of 3 days, gas 1 of 2 meters on 1 of 3.
    assert known["completeness_month"] == pytest.approx((2 + 1) / (3 + 6))
    assert np.isnan(known["demand_kw"])


async def test_factors_and_entries(undone: Connection) -> None:
    """Carriers without a factor, or with a provisional one; the share that rests on those; how old the filled-in is."""
    await populate(undone, registry({**ELECTRIC, "G": Counted("natural_gas")}))
    await use(undone, Used("E", 0, (1_000_000,) + (0,) * 191), Used("G", 0, (100_000,) + (0,) * 191))
    await enter(undone, Entry("purchase", "raw_coal", FIRST, FIRST + timedelta(days=3), Decimal(4)))
    await undone.execute("update entry set recorded_at = $1", START)
    await settle(undone)
    known = await _series(undone, _at(DAY * 2.5))
    assert (known["factor_missing"], known["factor_provisional"], known["entry_age_d"]) == (0, 1, -1)
    electricity, gas, coal = 122.9, 121.43, 2 * 714.3
    assert known["provisional_share"] == pytest.approx(electricity / (electricity + gas + coal))
    await undone.execute("delete from carrier_factor where carrier = 'natural_gas'")
    assert (await _series(undone, _at(DAY * 2.5)))["factor_missing"] == 1
    await undone.execute("delete from carrier_factor")
    assert np.isnan((await _series(undone, _at(DAY * 2.5)))["factor_missing"]), "accounting has not loaded them yet"


_MOVE = "update consumption_15min set quanta = quanta + case ts when $1 then 500 else -500 end where ts in ($1, $2)"
_NOTE = """
insert into derivation_dirty (batch, points, since, until)
select 0, array_agg(point_id), array[$1::timestamptz], array[$1::timestamptz] from point
"""
