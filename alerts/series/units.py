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
MONTH_HOURS = (
    _series(
        "peak_share_month",
        "1",
        "本自然月至今尖峰和高峰时段用电占比",
        "share of the calendar month's electricity so far that fell in peak hours",
    ),
)
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
DELIVERY = (
    _series(
        "lag_h",
        "h",
        "数据落后于时钟的小时数(各能源品种中最大者)",
        "hours by which complete data lags behind the clock, of the carrier that lags most",
    ),
    _series("missing", "1", "从未上传数据的进户计量点个数", "gate points that have never delivered"),
)
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
FACTORS = (
    _series("factor_missing", "1", "没有有效折标系数的能源品种个数", "carriers without a factor in force today"),
    _series("factor_provisional", "1", "仅有暂用系数的能源品种个数", "carriers whose factor in force is provisional"),
    _series(
        "provisional_share",
        "1",
        "本自然月至今按暂用系数折算的能耗占比",
        "share of the calendar month's energy so far that rests on provisional factors",
    ),
)
ENTRIES = (
    _series(
        "entry_age_d",
        "d",
        "手工填报的能源品种距最近填报日的天数(取最大)",
        "days since the last day filled in, of the carrier filled in by hand that is furthest behind",
    ),
)
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
    stands still, so that rules on lag_h and missing need their threshold to say how long, and `for` 0.

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
