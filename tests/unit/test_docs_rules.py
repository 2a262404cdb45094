"""The page on rules in both languages: its examples are worked out anew, and the shipped rules are run over them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from alerts.life.model import Condition
from alerts.projecting.calendars import CLASSES, MONTHS
from alerts.projecting.model import Courses
from alerts.rules import messages
from alerts.rules.durations import in_words
from alerts.rules.expressions import compile_expression
from alerts.rules.files import load_rules
from alerts.rules.judging import Judge
from alerts.rules.kleene import FALSE, TRUE, UNKNOWN
from alerts.rules.model import Rule
from alerts.rules.tables import Change, RuleTable
from alerts.series.known import catalogue
from alerts.series.quotas import QuotaFrame
from alerts.verdicts import Mark, Severity
from energy.errors import ConfigError
from tests.support.accounting_pages import Cells, code, table
from tests.support.rule_pages import (
    agrees,
    arithmetic_of,
    both,
    moment,
    numbers,
    one_quota,
    pages,
    same_but_for_words,
    value_of,
    worked,
)

BOTH = both("rules")
RULES = {rule.code: rule for rule in load_rules((), catalogue())}
JUDGES = {code: Judge(rule, catalogue()) for code, rule in RULES.items()}
NAMES = {"name_zh": "示例企业", "name_en": "Example Works", "unit": "example-001"}
METER = {
    "unit_zh": "示例企业",
    "unit_en": "Example Works",
    "meter": "E1",
    "name_zh": "主变总表",
    "name_en": "main transformer",
}
KNOWN_AT = "2026-03-25 19:12"


def test_both_pages_have_the_same_tables_and_figures() -> None:
    """What differs are words."""
    same_but_for_words("rules")


# The shipped rules ---------------------------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("subject", ["quota", "unit", "meter"])
def test_the_shipped_rules_are_those_of_the_page(page: Path, subject: str) -> None:
    """Conditions, times and severity of each, and none is left out."""
    rows = {code(row[0])[0]: row[1:6] for row in table(page, f"{subject} rules")}
    assert rows.keys() == {rule.code for rule in RULES.values() if rule.subject == subject}
    for name, row in rows.items():
        rule = RULES[name]
        lasts = rule.timing.for_s if subject == "quota" else rule.every_s
        escalates = in_words(rule.timing.escalate_s)
        assert ["".join(code(cell)) for cell in row] == [
            rule.when,
            rule.clear,
            in_words(lasts),
            rule.severity,
            escalates,
        ]


@BOTH
def test_conditions_are_those_of_the_code(page: Path) -> None:
    """In their order."""
    assert [code(row[0])[0] for row in table(page, "conditions")] == [one.value for one in Condition]


# Rules of one's own --------------------------------------------------------------------------------------------------


@BOTH
def test_fields_of_rules_are_those_of_the_code(page: Path) -> None:
    """Each once, and what changes in a shipped rule is what the page says."""
    listed = [name for row in table(page, "rule fields") for name in code(row[0])]
    assert sorted(listed) == sorted(one.encode_name for one in msgspec.structs.fields(RuleTable))
    changeable = re.split(r"\.\s|。", page.read_text(encoding="utf-8").split("<!-- changeable -->\n")[1])[0]
    assert sorted(code(changeable)) == sorted(one.encode_name for one in msgspec.structs.fields(Change))


@BOTH
def test_conditions_are_as_true_as_the_page_says(page: Path) -> None:
    """By the language itself; figures that are not named are not known."""
    units = catalogue().units("quota")
    for text, given, says in table(page, "truth"):
        figures = dict.fromkeys(units, math.nan) | {
            name: float(value) for name, value in (piece.split() for piece in code(given))
        }
        columns = {name: np.array([figure]) for name, figure in figures.items()}
        (state,) = compile_expression(code(text)[0], units).states(columns)
        assert code(says) == [{TRUE: "true", FALSE: "false", UNKNOWN: "unknown"}[state]], text


@BOTH
def test_faults_of_a_file_are_said_as_on_the_page(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the file above them."""
    text = page.read_text(encoding="utf-8")
    ((_, file),) = re.findall(r"<!-- faulty file -->\n\n```(toml)\n(.*?)```", text, re.DOTALL)
    ((_, faults),) = re.findall(r"<!-- faults -->\n\n```(text)\n(.*?)```", text, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    Path("boiler.toml").write_text(file, encoding="utf-8")
    with pytest.raises(ConfigError) as refused:
        load_rules([Path("boiler.toml")], catalogue())
    assert [str(fault) for fault in refused.value.faults] == faults.splitlines()


@BOTH
def test_every_file_of_rules_on_the_page_is_one(page: Path, tmp_path: Path) -> None:
    """But for the faulty one; so are those of the page on projections."""
    text = re.sub(r"<!-- faulty file -->\n\n```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    projections = page.with_name(page.name.replace("rules", "projection")).read_text(encoding="utf-8")
    files = re.findall(r"```toml\n(.*?)```", text + projections, re.DOTALL)
    assert len(files) >= 2
    for file in files:
        (tmp_path / "rules.toml").write_text(file, encoding="utf-8")
        load_rules([tmp_path / "rules.toml"], catalogue())


# Examples ------------------------------------------------------------------------------------------------------------


def frame_of(given: str) -> QuotaFrame:
    """The quota that a row describes, such as `limit 310` `used 74.4` `ready 2026-03-07 04:48`."""
    said: dict[str, str] = {name: rest for name, _, rest in (piece.partition(" ") for piece in code(given))}
    measure, _, unit = said.get("measure", "tce tce").partition(" ")
    ready = moment(said.get("ready", KNOWN_AT))
    return one_quota(
        float(said["used"]),
        float(said["limit"]),
        ready,
        moment(said["now"]) if "now" in said else ready,
        measure=measure,
        unit=unit,
        complete="incomplete" not in said,
        unmetered=int(said.get("unmetered", 0)),
        courses=courses_of(code(given)),
    )


def courses_of(pieces: list[str]) -> Courses | None:
    """`like days 30 20` (working, rest), `last year 28 18`, `change 0.08` and `strays 3`."""
    said = {
        piece.rsplit(" ", count)[0]: [float(n) for n in piece.split()[-count:]]
        for piece in pieces
        for count in [2 if piece.startswith(("like", "last")) else 1]
        if piece.startswith(("like days", "last year", "change", "strays"))
    }
    if not said:
        return None
    (working, rest), year = said["like days"], [*said["last year"], np.nan]
    level = (20 * working + 8 * rest) / 28
    return Courses(
        recent=np.array([[working, rest, np.nan], [np.nan] * CLASSES]),
        level=np.array([level, np.nan]),
        spread=np.array([*said["strays"], np.nan]),
        year=np.array([year * MONTHS, [np.nan] * MONTHS * CLASSES]),
        scale=np.array([1 + said["change"][0], np.nan]),
    )


def quota_cases(page: Path) -> list[tuple[Cells, QuotaFrame]]:
    """Each row with its frame."""
    return [(row, frame_of(row[2])) for row in table(page, "quota cases")]


def said_by(row: Cells) -> tuple[Rule, Judge, list[str]]:
    """Rule, judge, and what the row says that it says."""
    (name,) = code(row[1])
    return RULES[name], JUDGES[name], code(row[4])


@BOTH
def test_quotas_are_judged_as_by_hand(page: Path) -> None:
    """Formulas give the figures, the engine's figures are these, and the rule says of both what the page says."""
    for row, frame in quota_cases(page):
        rule, judge, says = said_by(row)
        by_hand = _checked(row[3])
        for name, result in by_hand.items():
            assert agrees(frame.columns[name][0], result), (row[0], name, frame.columns[name][0])
        judgement = judge.judge(frame)
        assert judgement.applies[0], row[0]
        condition = judgement.condition(0)
        mark = judgement.mark(0)
        assert says == [condition, *([mark.severity, mark.colour] if condition == "raised" else [])], row[0]
        figures = {name: float(column[0]) for name, column in frame.columns.items()}
        exact = figures | {name: value_of(result) for name, result in by_hand.items()}
        assert judge.condition(exact, {"measure": str(frame.labels["measure"][0])}) is condition, row[0]
        assert _not_left_out(row[2], row[3]), row[0]
        assert rule.code


@BOTH
@pytest.mark.parametrize("subject", ["unit", "meter"])
def test_units_and_meters_are_judged_as_by_hand(page: Path, subject: str) -> None:
    """Formulas give the figures, of all that was told, and the rule says of them what the page says."""
    for row in table(page, f"{subject} cases"):
        rule, judge, says = said_by(row)
        figures = {name: value_of(result) for name, result in _checked(row[3]).items()}
        condition = judge.condition(figures, NAMES)
        assert says == [condition, *(_loud(rule) if condition == "raised" else [])], row[0]
        assert numbers(" ".join(code(row[2]))) <= numbers(arithmetic_of(row[3])), row[0]


@BOTH
def test_messages_are_those_that_people_read(page: Path) -> None:
    """Of every row that is raised, in the page's language."""
    language: messages.Language = "zh" if page.name.endswith(".zh.md") else "en"
    assert {row[0]: row[1] for row in table(page, "messages")} == messages_of(page, language)


def messages_of(page: Path, language: messages.Language) -> dict[str, str]:
    """By the numbers of their rows."""
    found = {}
    for row, frame in quota_cases(page):
        if "raised" in row[4]:
            labels = {name: str(frame.labels[name][0]) for name in frame.labels if name != "bands"}
            figures = {name: float(column[0]) for name, column in frame.columns.items()}
            found[row[0]] = _text(said_by(row)[0], language, figures, labels)
    for subject in ("unit", "meter"):
        for row in table(page, f"{subject} cases"):
            if "raised" in row[4]:
                figures = {name: value_of(result) for name, result in _checked(row[3]).items()}
                found[row[0]] = _text(said_by(row)[0], language, figures, METER if subject == "meter" else NAMES)
    return found


def test_every_shipped_rule_has_an_example_that_is_raised() -> None:
    """And rows are numbered through."""
    rows = [row for part in ("quota", "unit", "meter") for row in table(pages("rules")["en"], f"{part} cases")]
    assert {code(row[1])[0] for row in rows if "raised" in row[4]} == RULES.keys()
    assert [row[0] for row in rows] == [str(number + 1) for number in range(len(rows))]


def _checked(cell: str) -> dict[str, str]:
    """The results of the formulas of a cell, each of which is true."""
    found = {}
    for formula in code(cell):
        name, value, result = worked(formula)
        assert agrees(value, result), formula
        found[name] = result
    return found


def _not_left_out(given: str, by_hand: str) -> bool:
    """Whether each figure that is given is used in some formula: none could be another one unnoticed."""
    wanted = " ".join(piece for piece in code(given) if piece.startswith(("limit", "used")))
    return set(numbers(wanted)) <= set(numbers(by_hand))


def _loud(rule: Rule) -> list[str]:
    mark = Mark(Severity(rule.severity), rule.colour)
    return [mark.severity, mark.colour]


def _text(rule: Rule, language: messages.Language, figures: Mapping[str, Any], labels: Mapping[str, str]) -> str:
    return messages.render(getattr(rule.message, language), language, figures, labels)
