"""The series of units: their electric load, their level, and how well they are measured."""

from __future__ import annotations

from datetime import UTC, timedelta

import numpy as np

from alerts.rules.model import Subject
from alerts.series import loads
from alerts.series.catalogue import Series
from alerts.series.columns import group, instants, texts
from alerts.series.frame import NEVER, Floats, Frame, Scope
from energy.storage import Connection, load_queries

_UNIT: Subject = "unit"


def _series(name: str, unit: str, zh: str, en: str) -> Series:
    return Series(name, _UNIT, unit, zh, en)


DEMAND = (
    _series(
        "demand_kw", "kW", "最近一个完整的一刻钟内的平均受电功率", "mean power drawn in the latest whole quarter hour"
    ),
    _series(
        "demand_max_kw",
        "kW",
        "本自然月至今的最大需量(15分钟平均功率的最大值)",
        "maximum demand of the calendar month so far: the greatest 15-minute mean of the power drawn",
    ),
    _series(
        "demand_max_at",
        "s",
        "最大需量所在15分钟的起始时刻(1970年以来的秒数)",
        "when the 15 minutes of that maximum began, seconds since 1970 UTC",
    ),
)
"""Electric demand (需量), of all gate meters of purchased electricity together, by quarter hours of the clock.

2 and 2 kWh by two meters in a quarter hour are 16 kW. One meter's quarter hour is missing, substituted or suspect: that
quarter hour has no demand. Suppliers bill the maximum of a month over 15 minutes that slide; why the sliding one is not
below this, see `alerts.series.loads`. Older than an hour, the latest quarter hour is not known. every = "1m" and more.
"""
HOURS = (
    _series("forbidden_kwh", "kWh", "今天至今在禁用时段的用电量", "electricity drawn in forbidden hours today so far"),
    _series("peak_kwh", "kWh", "今天至今在尖峰和高峰时段的用电量", "electricity drawn in peak hours today so far"),
    _series(
        "peak_share",
        "1",
        "最近一个完整日尖峰和高峰时段用电占比",
        "share of the last whole day's electricity that fell in peak hours",
    ),
)
"""Use by kind of hour, by the time-of-use tables (分时电价, 发改价格〔2021〕1093号; 有序用电) of the deployment.

By the unit's own wall clock and working calendar, quarter hour by quarter hour; not known without a table in force.
Drawn 2 kWh from 20:00 to 20:30, which the table forbids: forbidden_kwh is 2. Yesterday 96 kWh, of them 24 in peak and
sharp peak hours: peak_share is 0.25; not known where less than 0.95 of the day is. every = "1m" and more.
"""
MONTH_HOURS = (
    _series(
        "peak_share_month",
        "1",
        "本自然月至今尖峰和高峰时段用电占比",
        "share of the calendar month's electricity so far that fell in peak hours",
    ),
)
"""The same of the month so far, today included. every = "15m" and more."""
BASE_LOAD = (
    _series(
        "night_base",
        "1",
        "最近一夜(0至5时)平均功率与近28天工作日8至18时平均功率之比",
        "mean power of the last night (0 to 5 o'clock) over that of 8 to 18 o'clock on the working days of 28 days",
    ),
    _series(
        "holiday_base",
        "1",
        "最近一个休息日或节假日平均功率与近28天工作日平均功率之比",
        "mean power of the last day of rest or holiday over that of the working days of 28 days",
    ),
)
"""What runs while nobody works, by the working calendar of mainland China (of other zones by weekdays).

8 kW from 8 to 18 o'clock and 2 kW else on working days, 1 kW on days off: 1 / 8 after a night off, 1 / 4.5 for the day
off. The night is that of today, or of yesterday while today's is not over; at least five working days must be known.
Saturdays and Sundays that are worked in lieu are working days. Source: the comparison is this project's own convention.
every = "1h" and more.
"""
STEP = (
    _series(
        "step_day",
        "1",
        "最近一个完整日的能耗与前四周同一星期日能耗中位数之比",
        "the last whole day's energy over the median of the same weekday of four weeks before",
    ),
    _series(
        "step_week",
        "1",
        "最近七个完整日的能耗与之前四周能耗中位数之比",
        "the energy of the last seven whole days over the median of the four weeks before",
    ),
)
"""The level (all carriers, standard coal by calorific value) against the weeks before, by their median: one bad or
festive week does not move it.

7 kgce on each Monday before, 14 yesterday, a Monday: step_day is 2. A day counts when each of the unit's carriers is
there, none missing, and nine tenths lie between readings; three of the four weeks must be known. A fall is below 1.
Source: high/low checks of meter data [VEE], which take 0.5 to 2. every = "1h" and more.
"""
DELIVERY = (
    _series(
        "lag_h",
        "h",
        "数据落后于时钟的小时数(各能源品种中最大者)",
        "hours by which complete data lags behind the clock, of the carrier that lags most",
    ),
    _series("missing", "1", "从未上传数据的进户计量点个数", "gate points that have never delivered"),
)
"""Whether data comes. Electricity is complete until 08:00, gas until 06:30, it is 10:00: lag_h is 3.5. What is made on
site of energy that is counted already does not count. Rules on lag_h must have `for` 0: the data stands still while it
grows. every = "1m" and more.
"""
COMPLETENESS = (
    _series(
        "completeness_day",
        "1",
        "最近一个完整日的数据完整率",
        "share of the last whole day that lies between readings, over all gate points",
    ),
    _series(
        "completeness_month",
        "1",
        "本自然月已过完整日的数据完整率",
        "likewise of the whole days of the calendar month that have passed",
    ),
)
"""How much of the time lies between readings (数据完整率; NHJC-06 asks for 0.9). Two gate meters, one of which was
silent all day: 0.5. A day without any data is due too, from the first day on of which the carrier has any.
every = "15m" and more.
"""
FACTORS = (
    _series("factor_missing", "1", "没有有效折标系数的能源品种个数", "carriers without a factor in force today"),
    _series("factor_provisional", "1", "仅有暂定系数的能源品种个数", "carriers whose factor in force is provisional"),
    _series(
        "provisional_share",
        "1",
        "本自然月至今按暂定系数折算的能耗占比",
        "share of the calendar month's energy so far that rests on provisional factors",
    ),
)
"""Whether figures rest on factors in force. 100 kgce by a provisional factor and 300 by another: provisional_share is
0.25, over the whole days of the month. Electricity is provisional as long as the year's factor is not published.
every = "1h" and more.
"""
ENTRIES = (
    _series(
        "entry_age_d",
        "d",
        "手工填报的能源品种距最近填报日的天数(取最大)",
        "days since the last day filled in, of the carrier filled in by hand that is furthest behind",
    ),
)
"""What people fill in (purchases, stock takings). Coal filled in until the 20th, diesel until the 25th, today is the
31st: 11 days. every = "1h" and more.
"""
SERIES = (*DEMAND, *HOURS, *MONTH_HOURS, *BASE_LOAD, *STEP, *DELIVERY, *COMPLETENESS, *FACTORS, *ENTRIES)
LABELS = ("unit", "name_zh", "name_en", "district", "industry")

_SQL = load_queries("alerts.series", "units.sql")
_LOADS = (
    (DEMAND, loads.DEMAND, 32),
    (HOURS, loads.HOURS, 2),
    (MONTH_HOURS, loads.MONTH_HOURS, 32),
    (BASE_LOAD, loads.BASE, 29),
)
"""What is read of the shapes of days, and how many days back, whatever the zone."""
_GROUPS = (
    (STEP, _SQL.step),
    (DELIVERY, _SQL.delivery),
    (COMPLETENESS, _SQL.completeness),
    (FACTORS, _SQL.factors),
    (ENTRIES, _SQL.entries),
)


async def read(connection: Connection, scope: Scope, names: frozenset[str]) -> Frame:
    """The series `names` of every unit in `scope`, and all labels; groups of which none is asked are not read.

    `at_us` is up to when any of the unit's carriers is complete: a rule's `for` runs by it. A lag grows while that
    stands still, so that rules on lag_h need their threshold to say how long, and `for` 0. Where nothing has ever come,
    `for` runs by the clock.

    Raises as `energy.storage.translating` says, where the caller translates.
    """
    units = None if scope.units is None else list(scope.units)
    rows = [dict(row) for row in await connection.fetch(_SQL.units, scope.now, units)]
    ids = np.array([row["unit_id"] for row in rows], np.int64)
    columns: dict[str, Floats] = {}
    today = scope.now.astimezone(UTC).date()
    for series, query, back in _LOADS:
        if names & {one.name for one in series}:
            span = (today - timedelta(days=back), today + timedelta(days=1))
            columns |= await group(connection, query, "unit_id", ids, series, scope.now, units, *span)
    for series, query in _GROUPS:
        if names & {one.name for one in series}:
            columns |= await group(connection, query, "unit_id", ids, series, scope.now, units)
    nothing = np.zeros(len(ids), np.int64)
    return Frame(
        subject=_UNIT,
        ids=ids,
        periods=nothing,
        at_us=instants([row["at"] for row in rows]),
        end_us=np.full(len(ids), NEVER),
        final=np.zeros(len(ids), np.bool_),
        columns={name: column for name, column in columns.items() if name in names},
        labels={name: texts(rows, "code" if name == "unit" else name) for name in LABELS},
    )
