"""The series of quotas: each in each of its periods, as far as complete data reaches."""

from __future__ import annotations

from alerts.rules.model import Subject
from alerts.series.catalogue import Series

_QUOTA: Subject = "quota"
_AMOUNT = "any"
"""The measure's own unit: tce, tCO2, kWh, kW, kgce per tonne, …"""


def _series(name: str, unit: str, zh: str, en: str) -> Series:
    return Series(name, _QUOTA, unit, zh, en)


USE = (
    _series("used", _AMOUNT, "本期已用量", "what was used in the period so far; of a level what it is"),
    _series("limit", _AMOUNT, "限额", "what is allowed in the period"),
    _series("remaining", _AMOUNT, "剩余额度", "what is left of the limit, below 0 after a breach"),
    _series("used_share", "1", "已用量占限额的比例", "share of the limit that was used"),
    _series(
        "band",
        "1",
        "已达到的预警档位序号，未达到任何档位为0",
        "which of the quota's bands is reached, counted from 1; 0 below the first",
    ),
)
COURSE = (
    _series("elapsed_share", "1", "本期已过时间的比例", "share of the period's time that has passed"),
    _series(
        "due_share",
        "1",
        "按用能进度曲线本期应已使用的比例",
        "share of the limit that is due by now by the quota's profile",
    ),
    _series(
        "min_elapsed",
        "1",
        "开始判断用能进度前须经过的时间比例",
        "share of the period that must have passed before its pace is judged",
    ),
    _series(
        "pace",
        "1",
        "用能进度：已用比例与应用比例之比，1为恰好用完",
        "share used over share due; 1 ends exactly at the limit",
    ),
)
END = (
    _series("projected", _AMOUNT, "预计期末用量", "what will have been used at the end of the period"),
    _series("projected_low", _AMOUNT, "预计期末用量区间下限", "lower end of the projection's interval"),
    _series("projected_high", _AMOUNT, "预计期末用量区间上限", "upper end of the projection's interval"),
    _series("projected_share", "1", "预计期末用量占限额的比例", "share of the limit that will have been used"),
)
DATA = (
    _series("completeness", "1", "本期数据完整率", "share of the period so far that lies between readings"),
    _series("lag_s", "s", "完整数据落后于时钟的秒数", "seconds by which complete data lags behind the clock"),
    _series(
        "incomplete",
        "",
        "有能源品种自开始计量后整日缺数（1是，0否）",
        "1 where a carrier has no data for whole days since its metering began",
    ),
    _series(
        "unmetered_days",
        "d",
        "本期内有能源品种开始计量之前、也未填报的天数",
        "days of the period before the metering of a carrier began, and not filled in either",
    ),
    _series("quality", "any", "数据质量标志", "the worst quality of the data"),
    _series("provisional", "", "含暂定系数（1是，0否）", "1 where a factor is provisional"),
    _series("value_known", "", "产值或产量已填报（1是，0否）", "1 where the output or output value is known"),
)
SERIES = (*USE, *COURSE, *END, *DATA)
LABELS = (
    "unit",
    "name_zh",
    "name_en",
    "quota",
    "measure",
    "limit_unit",
    "period",
    "starts",
    "kind",
    "subject_kind",
    "key",
    "district",
    "industry",
    "product",
    "standard",
    "standard_level",
    "method",
    "exhausted_on",
)
"""Codes, names and words as text; `standard` is the row of the product quota standards and `standard_level` its level
(advanced, access, limit) that the limit is, empty where nothing says it; `starts` is the period's first local day,
`exhausted_on` the local day on which the limit will have been used up by the projection `method`, empty where it will
not."""
