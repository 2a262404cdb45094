"""Which days are worked, rested or celebrated: the working calendar that the State Council announces for each year.

Source of the days: 国务院办公厅关于节假日安排的通知, one a year, as the package `chinese-calendar` (MIT) has them.
A year that it does not know yet goes by weekdays alone, and what is said of its days says so. Zones outside mainland
China go by weekdays too: whoever needs another country's holidays needs another calendar.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import chinese_calendar  # type: ignore[import-untyped] # it ships no types; only this module imports it

ZONES = frozenset(
    {"Asia/Shanghai", "Asia/Urumqi", "Asia/Chongqing", "Asia/Chungking", "Asia/Harbin", "Asia/Kashgar", "PRC"}
)
"""Zones in which the calendar of mainland China holds."""
_FRIDAY = 4


class DayClass(StrEnum):
    """What kind of day it is."""

    WORKING = "working"
    """Monday to Friday, unless a holiday says otherwise."""
    MADE_UP = "made_up"
    """调休上班: a Saturday or Sunday that is worked for a long holiday."""
    REST = "rest"
    """A Saturday or Sunday that belongs to no holiday."""
    HOLIDAY = "holiday"
    """Any day of a holiday, the weekends and the days off in lieu within it among them."""


@dataclass(frozen=True, slots=True)
class DayKind:
    """What is known of a day.

    Attributes:
        class_: what kind of day it is.
        weekday: 0 for Monday to 6 for Sunday.
        announced: false where the calendar of mainland China holds but its year is not known: `class_` is then what
            the weekday alone says.
    """

    class_: DayClass
    weekday: int
    announced: bool


def day_kind(day: date, zone: str) -> DayKind:
    """What kind of day `day` is in the IANA time zone `zone`."""
    weekday = day.weekday()
    plain = DayClass.WORKING if weekday <= _FRIDAY else DayClass.REST
    if zone not in ZONES:
        return DayKind(plain, weekday, announced=True)
    if day.year not in _YEARS:
        return DayKind(plain, weekday, announced=False)
    if day in chinese_calendar.holidays:
        return DayKind(DayClass.HOLIDAY, weekday, announced=True)
    if day in chinese_calendar.workdays:
        return DayKind(DayClass.MADE_UP, weekday, announced=True)
    return DayKind(plain, weekday, announced=True)


_YEARS = frozenset(day.year for day in chinese_calendar.holidays)
