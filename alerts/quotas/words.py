"""What people write in tables of quotas, in both languages. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, partial

from alerts.quotas.measures import measures
from alerts.verdicts import COLOUR_TERMS, SEVERITY_TERMS
from energy.carriers import carriers
from energy.words import unit_symbol

_SUBJECTS = {
    "用能单位": "unit",
    "单位": "unit",
    "单位组": "group",
    "集团": "group",
    "区县": "district",
    "市": "city",
    "行业": "industry",
    "规模": "size_class",
}
_KINDS = {"限额": "quota", "用能预算": "budget", "预算": "budget"}
_PERIODS = {"日": "day", "统计月": "statistics_month", "月": "month", "季": "quarter", "季度": "quarter", "年": "year"}
_LEVELS = {"先进值": "advanced", "准入值": "access", "限定值": "limit"}
_MEASURES = {
    "综合能耗(当量值)": "tce",
    "综合能耗(等价值)": "tce_equal",
    "二氧化碳排放": "tco2",
    "考核能耗(当量值)": "assessed_tce",
    "考核能耗(等价值)": "assessed_tce_equal",
    "单位产品综合能耗(当量值)": "kgce_per_output",
    "单位产品综合能耗(等价值)": "kgce_equal_per_output",
    "单位产品电耗": "kwh_per_output",
    "单位产值综合能耗(当量值)": "tce_per_value",
    "单位产值综合能耗(等价值)": "tce_equal_per_value",
    "最大需量": "demand",
}
SEVERITIES = {word: severity for severity, word in SEVERITY_TERMS.items()}
"""Severities of bands by their Chinese words."""
COLOURS = {COLOUR_TERMS[colour]: colour for colour in ("blue", "yellow", "orange", "red")}
"""Colours of bands likewise."""
PROFILES = {"均匀": "even", "上年": "last_year", "工作日": "working_days"}
"""Profiles that need no figures."""
_UNITS = {
    "吨标准煤": "tce",
    "千克标准煤": "kgce",
    "吨二氧化碳": "tCO2",
    "千克二氧化碳": "kgCO2",
    "千瓦": "kW",
    "平方米": "m2",
}
_WIDE = str.maketrans("（）／", "()/")


def word_of(field: str) -> Callable[[str], str]:
    """How the cells of `field` are read: a Chinese word becomes the one of the model, any other stays as it is."""
    return _READERS.get(field, str)


def chinese_of(field: str, text: str) -> str:
    """How a Chinese table writes what the model calls `text`; the same where it has no word of its own."""
    words = _measure_words() if field == "measure" else _TABLES.get(field, {})
    return next((word for word, known in words.items() if known == text), text)


def _known(words: Mapping[str, str], text: str) -> str:
    return words.get(text.translate(_WIDE), text)


def _measure(text: str) -> str:
    return text if text in measures() else _known(_measure_words(), text)


@cache
def _measure_words() -> dict[str, str]:
    return {one.name_zh: one.key for one in carriers().values()} | _MEASURES


def _unit(text: str) -> str:
    """Each side of a fraction by itself, such as 千克标准煤/吨."""
    return "/".join(_UNITS.get(part, unit_symbol(part)) for part in text.translate(_WIDE).split("/"))


_TABLES: dict[str, Mapping[str, str]] = {
    "subject": _SUBJECTS,
    "kind": _KINDS,
    "period": _PERIODS,
    "level": _LEVELS,
    "severity": SEVERITIES,
    "colour": COLOURS,
    "profile": PROFILES,
}
_READERS: dict[str, Callable[[str], str]] = {
    **{field: partial(_known, _TABLES[field]) for field in ("subject", "kind", "period", "level")},
    "measure": _measure,
    "limit_unit": _unit,
}
