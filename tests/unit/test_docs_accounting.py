"""The guide to accounting in both languages: every number that it works out is worked out by the code."""

from __future__ import annotations

import math
import re
import shlex
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest

from deploy.cli import root
from energy.balance import Flow
from energy.carriers import Co2Rule, carriers
from energy.consumption import Flag, IntervalQuality, Method
from energy.data import shipped
from energy.factors import shipped_factors
from energy.periods import PeriodKind, day_start, period_of
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
from ingest.accounting.factors.measured import read_measured
from ingest.accounting.quality.evaluation import Criterion
from ingest.accounting.quality.rules import QualityRules
from ingest.accounting.validation.loading import shipped_checks
from ingest.accounting.validation.parameters import CHECKS, Check, Rules
from ingest.upkeep.settings import UpkeepSettings
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

DOCS = Path(__file__).parents[2] / "docs"
PAGES = {"en": DOCS / "accounting.md", "zh": DOCS / "accounting.zh.md"}
BOTH = pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
RULES = EstimationSettings()
EXAMPLES = (DOCS / "worked-example.md", DOCS / "worked-example.zh.md")

Cells = list[str]


def tables(page: Path) -> list[list[Cells]]:
    """The body of each table, without its heading."""
    found = re.findall(r"(?:^\|.*\|\n)+", page.read_text(encoding="utf-8"), re.MULTILINE)
    return [[[cell.strip() for cell in line.strip("|\n").split("|")] for line in one.splitlines()[2:]] for one in found]


def tables_after(page: Path, mark: str) -> list[list[Cells]]:
    """The tables that follow the comment `<!-- mark -->`, up to the next such comment."""
    _, found, rest = page.read_text(encoding="utf-8").partition(f"<!-- {mark} -->\n")
    assert found, mark
    part = rest.split("<!-- ", 1)[0]
    return [
        [[cell.strip() for cell in line.strip("|\n").split("|")] for line in one.splitlines()[2:]]
        for one in re.findall(r"(?:^\|.*\|\n)+", part, re.MULTILINE)
    ]


def table(page: Path, mark: str) -> list[Cells]:
    """The first of them."""
    return tables_after(page, mark)[0]


def code(cell: str) -> list[str]:
    """What stands as code in a cell."""
    return re.findall(r"`([^`]+)`", cell)


def test_both_pages_have_the_same_tables_and_figures() -> None:
    """What differs are words: code, and cells of figures alone, are the same."""
    english, chinese = (tables(page) for page in PAGES.values())
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


# Checks --------------------------------------------------------------------------------------------------------------


def _said_of(check: Check) -> list[str]:
    names = [name for name in check.__struct_fields__ if name not in {"enabled", "severity"}]
    return [f"{name} {getattr(check, name):g}" for name in names]


@BOTH
def test_the_checks_are_those_that_are_shipped(page: Path) -> None:
    """Every one, with its parameters, whether it is on, and its severity where it has one."""
    rows = table(page, "checks")
    assert [code(row[0])[0] for row in rows] == list(CHECKS)
    for row in rows:
        check = getattr(shipped_checks().default, code(row[0])[0])
        assert code(row[2]) == _said_of(check)
        assert code(row[3]) == ["on" if check.enabled else "off"]
        severity = getattr(check, "severity", None)
        assert severity is None or code(row[4]) == [severity]


@BOTH
def test_the_classes_are_those_that_are_shipped(page: Path) -> None:
    """What each has that the default has not; carriers that are not named have the default."""
    checks = shipped_checks()
    differs = {tuple(code(row[2])): code(row[0]) + code(row[1]) for row in table(page, "classes")}
    assert sorted(name for names in differs.values() for name in names) == sorted(checks.classes)
    for said, names in differs.items():
        for name in names:
            assert _differences(checks.default, checks.classes[name]) == list(said)


def _differences(default: Rules, rules: Rules) -> list[str]:
    found = []
    for name in CHECKS:
        usual, own = getattr(default, name), getattr(rules, name)
        if own.enabled != usual.enabled:
            found.append(f"{name} {'on' if own.enabled else 'off'}")
        found += [f"{name} {one}" for one in _said_of(own) if one not in _said_of(usual)]
    return found


# Calendars, factors --------------------------------------------------------------------------------------------------


@BOTH
def test_days_and_statistics_months_are_as_long_as_the_page_says(page: Path) -> None:
    """Across changes of the clock and of the year."""
    for zone, text, hours, quarters in table(page, "days"):
        day, where = date.fromisoformat(text), code(zone)[0]
        length = day_start(day + timedelta(days=1), where) - day_start(day, where)
        assert (length, length) == (timedelta(hours=int(hours)), int(quarters) * timedelta(minutes=15))
    for begins, text, month, first, last in table(page, "statistics months"):
        at = datetime.fromisoformat(f"{text}T12:00+08:00")
        found = period_of(at, PeriodKind.STATISTICS_MONTH, statistics_day=int(begins))
        assert (found.label, str(found.first_day)) == (month, first)
        assert found.end == day_start(date.fromisoformat(last) + timedelta(days=1))


def figure(value: Decimal) -> str:
    """Without trailing zeros and exponent."""
    return f"{value.normalize():f}"


@BOTH
def test_the_carriers_factors_are_those_that_are_shipped(page: Path) -> None:
    """All carriers, with number, unit and rule."""
    rows = table(page, "carriers")
    assert [code(row[1])[0] for row in rows] == list(carriers())
    for number, key, name, unit, *figures, by in rows:
        carrier = carriers()[code(key)[0]]
        factor = shipped_factors().on(carrier.key, date(2026, 3, 1), "610302")
        assert (number, name, code(unit)) == (carrier.number, carrier.name_zh, [factor.unit])
        assert figures == [figure(one) for one in (factor.kgce, factor.kgce_equal, factor.kgco2)]
        assert code(by) == [carrier.co2_rule] + ["provisional"] * factor.provisional


@BOTH
def test_grid_factors_are_those_that_are_shipped(page: Path) -> None:
    """Of both years that all regions have."""
    known = {
        (row.text("scope"), year): row.text("kgco2_per_kwh")
        for row in shipped().rows("co2_grid.csv")
        for year in (row.text("year"),)
    }
    rows = table(page, "grid")
    assert {code(row[0])[0] for row in rows} == {*shipped_factors().regions.values(), "national"}
    for region, *figures in rows:
        assert figures == [known[code(region)[0], year] for year in ("2022", "2023")]


@BOTH
def test_what_is_provisional_is_said_to_be(page: Path) -> None:
    """And electricity always, with the shipped files."""
    for carrier, day, kgce, kgco2, provisional in table(page, "provisional"):
        factor = shipped_factors().on(code(carrier)[0], date.fromisoformat(day), "610302")
        assert [figure(factor.kgce), figure(factor.kgco2)] == [kgce, kgco2]
        assert code(provisional) == ["yes" if factor.provisional else "no"]
    assert all(one.provisional for one in shipped_factors().factors if carriers()[one.carrier].co2_rule is Co2Rule.GRID)


@BOTH
def test_a_measured_calorific_value_is_worth_what_the_page_says(page: Path) -> None:
    """Standard coal to six decimals, CO2 exactly."""
    ((ncv, unit, carbon, oxidation, kgce, kgco2),) = table(page, "measured")
    line = f"U,raw_coal,2026-03-01,{ncv},{code(unit)[0]},{carbon},{oxidation},report"
    head = "unit,carrier,valid_from,ncv,ncv_unit,carbon_tc_per_gj,oxidation,source"
    (found,) = read_measured(f"{head}\n{line}\n".encode(), "page", carriers())
    assert found.kgco2 is not None
    assert [figure(round(found.kgce, 6)), figure(found.kgco2)] == [kgce, kgco2]


@BOTH
def test_the_sums_of_the_example_are_those_of_its_own_page(page: Path) -> None:
    """That page is held to a real database by another test."""
    _, _, _, balance, worth, assessed, _ = tables(EXAMPLES[0])
    consumption = {row[0]: row[5] for row in balance}
    *rows, total, feedstock, certificates, left = table(page, "example")
    assert rows == [[row[0], consumption[row[0]], *row[4:]] for row in worth[:-1]]
    assert total[2:] == worth[-1][4:]
    in_tonnes = [[figure(Decimal(cell) / 1000) for cell in row[2:4]] for row in (total, feedstock, certificates, left)]
    assert in_tonnes == [row[1:] for row in assessed]


# Data quality, retention ---------------------------------------------------------------------------------------------


@BOTH
def test_bounds_of_data_quality_are_those_of_the_code(page: Path) -> None:
    """Each criterion, and each bound once."""
    rows = table(page, "quality")
    assert [code(row[0]) for row in rows] == [[one.value] for one in Criterion]
    bounds = dict(one.split() for row in rows for one in code(row[2]))
    rules = QualityRules()
    assert bounds == {name: f"{getattr(rules, name):g}" for name in rules.__struct_fields__}


@BOTH
def test_what_is_kept_is_kept_so_long(page: Path) -> None:
    """By the keys of upkeep."""
    settings = UpkeepSettings()
    kept = [one.split() for row in table(page, "kept") for one in code(row[2])]
    assert kept
    assert all(getattr(settings, name) == float(days) for name, days in kept)


OPERATING = (
    (DOCS / "operating.md").read_text(encoding="utf-8").split("\n## Accounting: what to know\n")[1].split("\n## ")[0]
)
COMMANDS = re.findall(r"^\$ quotawatt ([^#\n]+?) *(?:#.*)?$", OPERATING, re.MULTILINE)


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_that_operators_are_told_is_one(line: str) -> None:
    """It is parsed as it stands, with all that it needs."""
    command: click.Command = root
    left = shlex.split(line)
    while isinstance(command, click.Group):
        found = command.get_command(click.Context(command), left.pop(0))
        assert found is not None, line
        command = found
    assert command.make_context("command", left).params


def test_operators_are_told_of_commands() -> None:
    """The pattern finds them."""
    assert len(COMMANDS) >= 6
