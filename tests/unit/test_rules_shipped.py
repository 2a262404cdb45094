"""The shipped rules: each is tried on made-up series, and speaks both languages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from alerts.life.model import AlertState
from alerts.life.words import NAMES, NOT_COMPARED
from alerts.rules import messages
from alerts.rules.files import load_rules
from alerts.rules.model import Rule
from alerts.series.known import catalogue
from alerts.trying.cases import decode
from alerts.trying.unit_tests import run_file
from alerts.trying.yaml_lines import load_yaml

ROOT = Path(__file__).parents[2]
FILES = [*sorted((ROOT / "tests/rules").glob("*.yaml")), ROOT / "docs/examples/rules-test.yaml"]
SHIPPED = load_rules((), catalogue())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_rules_do_what_their_unit_tests_expect(path: Path) -> None:
    """Every transition of every file, and every message that it shows."""
    report = run_file(path, catalogue())
    assert report.tests > 0
    assert report.failures == ()


def test_every_shipped_rule_is_seen_to_fire() -> None:
    """And one that is new does not come without a test."""
    fires = {
        course.rule
        for path in FILES
        for case in decode(load_yaml(path)).tests
        for course in case.transitions
        if any(change.to is AlertState.FIRING for change in course.expect)
    }
    assert {rule.code for rule in SHIPPED} <= fires


@pytest.mark.parametrize("rule", SHIPPED, ids=lambda rule: rule.code)
def test_what_a_rule_compares_has_words(rule: Rule) -> None:
    """In both languages: people read them when an alert is over."""
    names = set(re.findall(r"[a-z]\w*", rule.when)) & catalogue().units(rule.subject).keys()
    assert names <= NAMES.keys() | NOT_COMPARED


@pytest.mark.parametrize("rule", SHIPPED, ids=lambda rule: rule.code)
def test_messages_say_who_it_is_and_what_decided(rule: Rule) -> None:
    """The same figures in both languages, and the subject by name or code."""
    zh, en = (dict(messages.placeholders(text)) for text in (rule.message.zh, rule.message.en))
    shared = catalogue().units(rule.subject)
    assert {name: spec for name, spec in zh.items() if name in shared} == {
        name: spec for name, spec in en.items() if name in shared
    }
    assert {"name_zh", "unit"} & zh.keys()
    assert {"name_en", "unit"} & en.keys()
