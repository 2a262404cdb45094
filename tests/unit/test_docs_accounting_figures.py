"""The guide to accounting in both languages: checks, calendars, factors, bounds and commands are the code's."""

from __future__ import annotations

import re
import shlex
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import click
import pytest

from deploy.cli import root
from energy.carriers import Co2Rule, carriers
from energy.data import shipped
from energy.factors import shipped_factors
from energy.periods import PeriodKind, day_start, period_of
from ingest.accounting.factors.measured import read_measured
from ingest.accounting.quality.evaluation import Criterion
from ingest.accounting.quality.rules import QualityRules
from ingest.accounting.validation.loading import shipped_checks
from ingest.accounting.validation.parameters import CHECKS, Check, Rules
from ingest.upkeep.settings import UpkeepSettings
from tests.support.accounting_pages import BOTH, DOCS, code, table, tables_of

EXAMPLE = DOCS / "worked-example.md"

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
    _, _, _, balance, worth, assessed, _ = tables_of(EXAMPLE)
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
