"""Files of time-of-use tables: CSV in either language, read whole, every fault named with its line. Pure.

    region,voltage,valid_from,months,days,from,to,kind,factor,source
    00,,2026-01-01,7-8,working,22:00,08:00,valley,0.4,EXAMPLE: invented

`months` as 1-12, 7-8 or 1 6-9 12, 11-2 goes over the turn of the year; `days` is all, working, rest, holiday or off
(rest and holiday); times are whole quarter hours from 00:00 to 24:00. `quotawatt tou check` reads it likewise.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import resources
from itertools import groupby
from typing import TypeVar

from alerts.time_of_use.model import QUARTERS, Days, Kind, Period, Table, faults
from energy.errors import Fault
from energy.records import Column, RecordError, Row, exact, read_rows
from energy.words import day_of

T = TypeVar("T")
_COLUMNS = (
    Column(("region", "地区"), required=True),
    Column(("voltage", "电压等级")),
    Column(("valid_from", "起始日期"), required=True),
    Column(("months", "月份"), required=True),
    Column(("days", "日类型"), required=True),
    Column(("from", "起"), required=True),
    Column(("to", "止"), required=True),
    Column(("kind", "时段"), required=True),
    Column(("factor", "系数")),
    Column(("source", "依据"), required=True),
)
_KINDS = {
    **{str(kind): kind for kind in Kind},
    "尖峰": Kind.SHARP_PEAK,
    "高峰": Kind.PEAK,
    "平段": Kind.FLAT,
    "低谷": Kind.VALLEY,
    "深谷": Kind.DEEP_VALLEY,
    "禁用": Kind.FORBIDDEN,
}
_ALL, _OFF = frozenset(Days), frozenset({Days.REST, Days.HOLIDAY})
_DAYS = {
    **{str(days): frozenset({days}) for days in Days},
    "all": _ALL,
    "off": _OFF,
    "全部": _ALL,
    "工作日": frozenset({Days.WORKING}),
    "休息日": frozenset({Days.REST}),
    "节假日": frozenset({Days.HOLIDAY}),
    "非工作日": _OFF,
}
_REGION = re.compile(r"[0-9]{2}|[0-9]{4}|[0-9]{6}")
_TIME = re.compile(r"([0-9]{1,2}):([0-9]{2})")
_MONTHS = re.compile(r"([0-9]{1,2})(?:-([0-9]{1,2}))?")
_LAST_MONTH = 12


def example() -> bytes:
    """The file that shows the form: invented, of a region that does not exist."""
    return resources.files("alerts.time_of_use").joinpath("data", "example.csv").read_bytes()


def read_tables(content: bytes, source: str) -> list[Table]:
    """The tables of a file, by region, voltage and first day.

    Raises:
        RecordError: with every fault: of form, of holes that no row covers, of rows that overlap.
    """
    found: list[Fault] = []
    rows: list[tuple[tuple[str, str, str], str, Period]] = []
    for row in read_rows(content, source, _COLUMNS):
        found += row.faults
        if not row.faults:
            taken = _row(row, source, found)
            if taken is not None:
                rows.append(taken)
    if found:
        raise RecordError(found)
    tables = []
    for (region, voltage, valid_from), group in groupby(sorted(rows, key=lambda one: one[0]), lambda one: one[0]):
        of_table = list(group)
        sources = "; ".join(dict.fromkeys(one[1] for one in of_table))
        periods = tuple(one[2] for one in of_table)
        table = Table(region, voltage, day_of(valid_from), sources, periods, min(one.line for one in periods))
        found += faults(table, source)
        tables.append(table)
    if not tables:
        found.append(Fault(source, 1, "", "no rows"))
    if found:
        raise RecordError(found)
    return tables


def _row(row: Row, source: str, found: list[Fault]) -> tuple[tuple[str, str, str], str, Period] | None:
    """Key, source and period of a row; None where it is wrong, which is added to `found`."""
    before = len(found)

    def cell(name: str, read: Callable[[str], T], otherwise: T) -> T:
        try:
            return read(row.cells[name]) if name in row.cells else otherwise
        except ValueError as error:
            found.append(Fault(source, row.line, name, str(error)))
            return otherwise

    period = Period(
        line=row.line,
        months=cell("months", _months, frozenset()),
        days=cell("days", lambda text: _word(text, _DAYS), frozenset()),
        since=cell("from", _quarter, 0),
        until=cell("to", _quarter, 0),
        kind=cell("kind", lambda text: _word(text, _KINDS), Kind.FLAT),
        factor=cell("factor", _factor, None),
    )
    key = (
        cell("region", _region, ""),
        row.cells.get("voltage", ""),
        cell("valid_from", lambda text: day_of(text).isoformat(), ""),
    )
    if (
        len(found) == before
        and period.since % QUARTERS == period.until % QUARTERS
        and (period.since, period.until) != (0, QUARTERS)
    ):
        found.append(Fault(source, row.line, "to", "a time other than `from` expected; a whole day is 00:00 to 24:00"))
    return (key, row.cells["source"], period) if len(found) == before else None


def _region(text: str) -> str:
    if not _REGION.fullmatch(text):
        raise ValueError(f"{text!r}: the first 2, 4 or 6 digits of districts expected")
    return text


def _word(text: str, words: dict[str, T]) -> T:
    if text not in words:
        raise ValueError(f"{text!r}: one of {', '.join(words)} expected")
    return words[text]


def _months(text: str) -> frozenset[int]:
    found: set[int] = set()
    for part in text.split():
        match = _MONTHS.fullmatch(part)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
        if not (1 <= first <= _LAST_MONTH and 1 <= last <= _LAST_MONTH):
            raise ValueError(f"{text!r}: months such as 1-12, 7-8 or 1 6-9 12 expected")
        found |= set(range(first, last + 1)) if first <= last else {*range(first, 13), *range(1, last + 1)}
    return frozenset(found)


def _quarter(text: str) -> int:
    match = _TIME.fullmatch(text)
    hour, minute = (int(match[1]), int(match[2])) if match else (-1, 0)
    quarter, rest = divmod(hour * 60 + minute, 15)
    if not match or rest or minute > 59 or not 0 <= quarter <= QUARTERS:  # noqa: PLR2004 - of a clock
        raise ValueError(f"{text!r}: a quarter hour from 00:00 to 24:00 expected, such as 08:30")
    return quarter


def _factor(text: str) -> float:
    factor = float(exact(text))
    if factor < 0:
        raise ValueError(f"{text!r}: a factor of at least 0 expected")
    return factor
