"""The guide to accounting in both languages: what it counts out of readings, the code counts."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from energy.balance import Flow
from energy.consumption import Flag, IntervalQuality, Method
from energy.readings import Quality, content_order
from energy.working_days import day_kind
from ingest.accounting.algebra.columns import INTERVAL_MS, Courses, Ints, Kind
from ingest.accounting.algebra.excursions import REACH
from ingest.accounting.algebra.overlaying import overlay
from ingest.accounting.algebra.pairing import pairs
from ingest.accounting.algebra.spreading import spread
from ingest.accounting.estimation.plan import plan
from ingest.accounting.estimation.rules import EstimationSettings
from ingest.accounting.estimation.shapes import of_check_meter, of_like_days
from tests.support.accounting_pages import BOTH, PAGES, Cells, code, table, tables_after, tables_of
from tests.support.algebra import (
    MINUTE,
    Change,
    Row,
    amounts_of,
    changes_of,
    one_series,
    readings_of,
    rows_of,
    spans_of,
)

RULES = EstimationSettings()


def test_both_pages_have_the_same_tables_and_figures() -> None:
    """What differs are words: code, and cells of figures alone, are the same."""
    english, chinese = (tables_of(page) for page in PAGES.values())
    assert [len(one) for one in english] == [len(one) for one in chinese]
    for one, other in zip(english, chinese, strict=True):
        for row, same in zip(one, other, strict=True):
            assert [code(cell) for cell in row] == [code(cell) for cell in same]
            figures = [(cell, twin) for cell, twin in zip(row, same, strict=True) if not re.search(r"[A-Za-z`]", cell)]
            assert [cell for cell, _ in figures] == [twin for _, twin in figures]


# Cases of readings ---------------------------------------------------------------------------------------------------


@dataclass
class Known:
    """What a case says beside its readings, in the words of the registry and of `quotawatt edits`."""

    kind: Kind = Kind.REGISTER
    series: dict[str, Any] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    excluded: list[tuple[int, int]] = field(default_factory=list)
    amounts: list[tuple[int, int, int]] = field(default_factory=list)
    accepted: list[tuple[int, int]] = field(default_factory=list)


def minute(text: str) -> int:
    """The ms of hh:mm."""
    hours, minutes = text.split(":")
    return (int(hours) * 60 + int(minutes)) * MINUTE


def known_of(cell: str) -> Known:
    """From such as `wrap 1000000` `max_rate 100` `exclude 00:10 to 00:20`."""
    known = Known()
    for piece in code(cell):
        match piece.split():
            case ["rate" | "interval" | "net_register"]:
                known.kind = Kind[piece.upper()]
            case ["float32"]:
                known.series["float32"] = True
            case [("wrap" | "max_rate" | "resolution") as name, value]:
                known.series[name] = float(value)
            case ["interval_s", value]:
                known.series |= {"interval_ms": 1000 * int(value), "gap_ms": 2000 * int(value)}
            case words:
                _edit(known, words)
    if known.kind is Kind.RATE:
        known.series["scale"] = 0.001  # W to kWh
    return known


def _edit(known: Known, words: list[str]) -> None:
    match words:
        case ["replacement", since, "to", until, *states]:
            known.changes.append(Change(minute(since), minute(until), **_states(states)))
        case ["replacement", since, *states]:
            known.changes.append(Change(minute(since), minute(since), **_states(states)))
        case ["ratio", value, "from", since]:
            known.changes.append(Change(minute(since), minute(since), continues=True, ratio=float(value)))
        case ["exclude", since, "to", until]:
            known.excluded.append((minute(since), minute(until)))
        case ["accept", since, "to", until]:
            known.accepted.append((minute(since), minute(until)))
        case ["amount", value, "from", since, "to", until]:
            known.amounts.append((minute(since), minute(until), int(Decimal(value) * 1000)))
        case _:
            pytest.fail(" ".join(words))


def _states(words: list[str]) -> dict[str, Any]:
    return {name: float(value) for name, value in zip(words[::2], words[1::2], strict=True)}


def shown_of(cell: str) -> list[tuple[int, float, int]]:
    """From such as `00:00 12.5, 00:15 –, 00:30 13 uncertain`; the first piece of code, if any."""
    found = []
    for one in ", ".join(code(cell)).split(", "):
        if one:
            at, value, *quality = one.split()
            grade = Quality[quality[0].upper()] if quality else Quality.MEASURED
            found.append((minute(at), math.nan if value == "–" else float(value), int(grade)))
    return found


def derived(known: Known, shown: list[tuple[int, float, int]]) -> list[Row]:
    """What the algebra makes of a case."""
    series = one_series(known.kind, **known.series, until=96 * INTERVAL_MS)
    found = pairs(readings_of(shown), series, changes_of(known.changes), spans_of(known.excluded))
    rows = spread(found, series, Courses.none())
    return rows_of(overlay(rows, series, amounts_of(known.amounts), spans_of(known.accepted)))


USUAL = {Kind.REGISTER: "register", Kind.NET_REGISTER: "register", Kind.RATE: "rate", Kind.INTERVAL: "interval"}


def _name(flag: Flag) -> str:
    assert flag.name
    return flag.name.lower()


def said(row: Row) -> tuple[str, ...]:
    """Quality, method and flags by name."""
    flags = [_name(one) for one in Flag if one in row.flags]
    return row.quality.name.lower(), row.method.name.lower(), *flags


def printed(row: Row, usual: tuple[str, ...]) -> str:
    """As the page writes a quarter hour: a star where something is said of it, a dash where nothing is known."""
    amount = "–" if row.quality is IntervalQuality.MISSING else f"{(Decimal(row.quanta) / 1000).normalize():f}"
    return amount + ("" if said(row) == usual else "*")


CASES = [
    pytest.param(page, cells, id=f"{language}: {cells[0]}")
    for language, page in PAGES.items()
    for rows in tables_after(page, "cases")
    for cells in rows
]


@pytest.mark.parametrize(("page", "cells"), CASES)
def test_every_case_counts_what_the_page_says(page: Path, cells: Cells) -> None:
    """Case, rule, what is known, readings, consumption per quarter hour in kWh, what is said of those with a star."""
    assert page in PAGES.values()
    _, _, told, readings, consumption, marks, _ = cells
    known = known_of(told)
    rows = derived(known, shown_of(readings))
    usual = ("measured", USUAL[known.kind])
    amounts = [one for piece in consumption.split(" · ") for one in _repeated(piece)]
    assert [printed(row, usual) for row in rows] == amounts
    starred = {frozenset(said(row)) for row in rows if said(row) != usual}
    assert starred == ({frozenset(code(marks))} if code(marks) else set())


def _repeated(piece: str) -> list[str]:
    amount, _, times = piece.partition(" ×")
    return [amount] * int(times or 1)


@BOTH
def test_every_flag_has_a_case(page: Path) -> None:
    """A rule without a worked number would be a rule that nobody can follow."""
    told = {mark for rows in tables_after(page, "cases") for cells in rows for mark in code(cells[5])}
    assert {_name(one) for one in Flag} <= told
    assert {one.name.lower() for one in IntervalQuality} <= told | {"measured"}


@BOTH
def test_words_are_those_of_the_code(page: Path) -> None:
    """Qualities, methods, flags with their numbers, flows; how far a judgement reaches."""
    assert [code(row[0]) for row in table(page, "qualities")] == [[one.name.lower()] for one in IntervalQuality]
    assert [code(row[0]) for row in table(page, "methods")] == [[one.name.lower()] for one in Method]
    assert [(code(row[0])[0], int(row[1])) for row in table(page, "flags")] == [(_name(one), int(one)) for one in Flag]
    assert [code(row[0]) for row in table(page, "flows")] == [[one.value] for one in Flow]
    assert re.search(rf"(at most|各不超过) {REACH} (usable readings|次可用读数)", page.read_text(encoding="utf-8"))


@BOTH
def test_of_contradicting_readings_that_one_counts(page: Path) -> None:
    """By content, in either order."""
    for came, counts in table(page, "conflicts"):
        found = [_content(one) for one in code(came)]
        assert min(found, key=_order) == min(found[::-1], key=_order) == _content(code(counts)[0])


def _content(text: str) -> tuple[int, float | None]:
    value, quality = text.split()
    return int(Quality[quality.upper()]), None if value == "–" else float(value)


def _order(one: tuple[int, float | None]) -> tuple[int, bool, float]:
    return content_order(*one)


# Estimation ----------------------------------------------------------------------------------------------------------

GAP = 20_529 * 96
"""Tuesday 17 March 2026, 08:00 in China, as a quarter hour from 1970 UTC."""
DAYS_BACK = (7, 14, 21)
"""10 March, 3 March, 24 February."""


@BOTH
def test_the_gap_of_the_page_runs_as_it_says(page: Path) -> None:
    """By the check meter, by like days, and where no register says how much it was."""
    *hours, total = [[Decimal(cell) for cell in row[1:]] for row in table(page, "estimation")]
    check, *like, mean, by_check, by_days, alone = (list(column) for column in zip(*hours, strict=True))
    assert [sum(column) for column in zip(*hours, strict=True)] == total
    gap = np.arange(GAP, GAP + 12)
    made = plan("Asia/Shanghai", GAP, GAP + 12, RULES)
    seen = [gap - 96 * back for back in DAYS_BACK]
    found = of_like_days(
        np.concatenate(seen[::-1]), np.concatenate([_quarters(one) for one in like[::-1]]), made, RULES
    )
    ran = of_check_meter(gap, _quarters(check), GAP, GAP + 12, RULES)
    assert found
    assert ran
    assert _hourly((found.amount / found.parts).tolist()) == mean
    advance = int(total[5] * 1000)
    assert _spread(ran.weight(), advance, Kind.REGISTER, Method.CHECK_METER) == (by_check, IntervalQuality.ESTIMATED)
    assert _spread(found.weight(), advance, Kind.REGISTER, Method.LIKE_DAYS) == (by_days, IntervalQuality.ESTIMATED)
    ended = (GAP + 12) * INTERVAL_MS
    amount = found.total(GAP * INTERVAL_MS, ended, Fraction(1))
    assert _spread(found.weight(), amount, Kind.RATE, Method.LIKE_DAYS) == (alone, IntervalQuality.SUBSTITUTED)


def _quarters(hours: list[Decimal]) -> Ints:
    """Quanta per quarter hour of so many kWh per hour, evenly."""
    return np.repeat(np.array([int(one * 250) for one in hours]), 4)


def _hourly(quanta: list[float]) -> list[Decimal]:
    return [Decimal(round(sum(quanta[n : n + 4]))) / 1000 for n in range(0, len(quanta), 4)]


def _spread(weight: Ints, delta: int, kind: Kind, method: Method) -> tuple[list[Decimal], IntervalQuality]:
    """The gap's hours, and their quality."""
    began, ended = GAP * INTERVAL_MS, (GAP + 12) * INTERVAL_MS
    series = one_series(kind)
    value = delta / 1000 if kind is Kind.REGISTER else 0.0
    found = pairs(readings_of([(began, 0.0), (ended, value)]), series, changes_of([]), spans_of([]))
    one = np.array([0], np.int64)
    course = Courses(one, np.array([0, 12]), weight.astype(np.float64), one + int(method), one + delta)
    rows = rows_of(spread(found, series, course))
    (quality,) = {row.quality for row in rows}
    assert {row.method for row in rows} == {method}
    return _hourly([float(row.quanta) for row in rows]), quality


@BOTH
def test_days_are_of_the_types_that_the_page_says(page: Path) -> None:
    """By the working calendar."""
    for day, weekday, type_ in table(page, "working days"):
        kind = day_kind(date.fromisoformat(day), "Asia/Shanghai")
        assert [f"{date.fromisoformat(day):%A}"] == code(weekday)
        assert [kind.class_.value] == code(type_)


@BOTH
def test_bounds_of_estimation_are_those_of_the_code(page: Path) -> None:
    """In words; if one of them changes, both pages have to."""
    assert EstimationSettings(7200, 8, 3, 8, 0.9, 366) == RULES
    assert "366" in page.read_text(encoding="utf-8")
