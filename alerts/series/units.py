"""The series of units: their electric load, their level, and how well they are measured."""

from __future__ import annotations

from alerts.rules.model import Subject
from alerts.series.catalogue import Series
from alerts.series.frame import Frame, Scope
from energy.storage import Connection

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
TIME_OF_USE = (
    _series("forbidden_kwh", "kWh", "今天至今在禁用时段的用电量", "electricity drawn in forbidden hours today so far"),
    _series("peak_kwh", "kWh", "今天至今在尖峰和高峰时段的用电量", "electricity drawn in peak hours today so far"),
    _series(
        "peak_share",
        "1",
        "最近一个完整日尖峰和高峰时段用电占比",
        "share of the last whole day's electricity that fell in peak hours",
    ),
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
DATA = (
    _series(
        "lag_h",
        "h",
        "数据落后于时钟的小时数(各能源品种中最大者)",
        "hours by which complete data lags behind the clock, of the carrier that lags most",
    ),
    _series("missing", "1", "从未上传数据的进户计量点个数", "gate points that have never delivered"),
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
SERIES = (*DEMAND, *TIME_OF_USE, *BASE_LOAD, *STEP, *DATA, *FACTORS, *ENTRIES)
LABELS = ("unit", "name_zh", "name_en", "district", "industry")


async def read(connection: Connection, scope: Scope, names: frozenset[str]) -> Frame:
    """The series `names` of every unit in `scope`, and all labels; groups of which none is asked are not read."""
    raise NotImplementedError
