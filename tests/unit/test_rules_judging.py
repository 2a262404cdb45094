"""What a rule says of the rows of a frame: conditions, marks, whom it is about, and what people read."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.life.model import Condition
from alerts.projecting.methods import METHODS
from alerts.quotas.bands import DEFAULT_BANDS
from alerts.quotas.model import QuotaPeriod
from alerts.rules import messages
from alerts.rules.expressions import compile_expression
from alerts.rules.files import load_rules, rules_of
from alerts.rules.grammar import UNCHECKED
from alerts.rules.judging import Judge
from alerts.series.catalogue import Catalogue, Series
from alerts.series.frame import NEVER, Frame
from alerts.series.known import catalogue
from alerts.verdicts import UNKNOWN, Colour, Mark, Severity
from energy.config import parse_document

SHIPPED = {rule.code: rule for rule in load_rules((), catalogue())}
JUDGES = {code: Judge(rule, catalogue()) for code, rule in SHIPPED.items()}


def frame(judge: Judge, columns: Mapping[str, Sequence[float]], labels: Mapping[str, Sequence[object]] = {}) -> Frame:
    """A frame of these columns; every other series of the rule is not known."""
    count = len(next(iter(columns.values())))
    texts = {name: np.empty(count, np.object_) for name in {*labels, *judge.rule.where, *judge.rule.excepting}}
    for name, column in texts.items():
        column[:] = labels.get(name, [""] * count)
    return Frame(
        subject=judge.rule.subject,
        ids=np.arange(count),
        periods=np.zeros(count, np.int64),
        at_us=np.full(count, NEVER),
        end_us=np.full(count, 1_000_000),
        final=np.zeros(count, np.bool_),
        columns={name: np.array(columns.get(name, [math.nan] * count), np.float64) for name in judge.series},
        labels=texts,
    )


@pytest.mark.parametrize(
    ("elapsed", "pace", "says"),
    [
        (0.5, 1.01, Condition.RAISED),
        (0.5, 1.0, Condition.HELD),
        (0.5, 0.97, Condition.HELD),
        (0.5, 0.96, Condition.CLEAR),
        (0.01, 1.5, Condition.HELD),
        (0.01, 0.5, Condition.CLEAR),
        (0.01, math.nan, Condition.HELD),
        (0.5, math.nan, Condition.UNKNOWN),
        (math.nan, 1.5, Condition.UNKNOWN),
        (math.nan, 0.5, Condition.CLEAR),
    ],
)
def test_both_conditions_together_say_one_thing(elapsed: float, pace: float, says: Condition) -> None:
    """Raised, clear, between the two, or not known; surely not raised and not known to be clear is between."""
    judge = JUDGES["pace"]
    figures = {"elapsed_share": [elapsed], "pace": [pace], "min_elapsed": [0.03], "incomplete": [0.0]}
    judgement = judge.judge(frame(judge, figures))
    assert judgement.condition(0) is says
    assert judgement.raised.tolist() == [says is Condition.RAISED]


def test_what_may_be_raised_is_not_cleared_by_a_clear_condition_that_holds() -> None:
    """Half of the figures are there: the other half may say the contrary."""
    text = """[[rule]]
code = "two"
subject = "unit"
when = "step_day > 2 or lag_h > 9"
clear = "step_day < 1"
severity = "notice"
message = { zh = "", en = "" }
"""
    rule = next(rule for rule in rules_of([parse_document(text, "text")], catalogue()) if rule.code == "two")
    judge = Judge(rule, catalogue())
    judgement = judge.judge(frame(judge, {"step_day": [0.5, 0.5, 3], "lag_h": [math.nan, 1, math.nan]}))
    says = [judgement.condition(row) for row in range(3)]
    assert says == [Condition.UNKNOWN, Condition.CLEAR, Condition.RAISED]


_figure = st.sampled_from([math.nan, 0.0, 0.03, 0.5, 0.97, 1.0, 1.5, 311.0])


@given(st.sampled_from(sorted(JUDGES)), st.lists(_figure, min_size=12, max_size=12))
def test_stored_figures_are_judged_as_the_frame_was(code: str, figures: list[float]) -> None:
    """Evidence keeps the figures of the series that a rule names: they alone give the condition again."""
    judge = JUDGES[code]
    row = dict(zip(sorted(judge.series), figures, strict=False))
    judgement = judge.judge(frame(judge, {name: [value, value] for name, value in row.items()}))
    kept = {name: None if math.isnan(value) else value for name, value in row.items()}
    assert judge.decides <= row.keys()
    assert judge.condition(kept, {}) is judgement.condition(0)


@pytest.mark.parametrize("code", sorted(SHIPPED))
def test_rules_of_old_evidence_are_judged_without_the_catalogue(code: str) -> None:
    """Its figures are all that is known of their series: neither units nor which of them are flags."""
    judge = JUDGES[code]
    alone = Catalogue([Series(name, judge.rule.subject, UNCHECKED, "", "") for name in judge.decides], {})
    figures = dict.fromkeys(judge.decides, 311.0)
    labels = {name: values[0] for name, values in judge.rule.where.items()}
    assert Judge(judge.rule, alone).condition(figures, labels) is judge.condition(figures, labels)


def test_figures_without_units_may_stand_in_any_place() -> None:
    """Each alone, calculated with, or compared with a ratio."""
    units = dict.fromkeys("abc", UNCHECKED)
    for text in ("a and b > 1", "a / b > c", "a ** 2 > b", "not a or -b < c", "min(a, b) * c > 1"):
        assert compile_expression(text, units).text == text


def test_the_band_says_how_loudly_and_else_the_rule_does() -> None:
    """Each quota has its own bands; where none is reached there is nothing to show."""
    judge = JUDGES["share"]
    looked = judge.judge(frame(judge, {"band": [0, 1, 2, math.nan, 1]}, {"bands": [DEFAULT_BANDS] * 4 + [()]}))
    marks = [looked.mark(row) for row in range(5)]
    assert marks[1:3] == [band.mark for band in DEFAULT_BANDS[:2]]
    assert [marks[0], *marks[3:]] == [UNKNOWN] * 3
    judge = JUDGES["breach"]
    assert judge.judge(frame(judge, {"used": [1.0]})).mark(0) == Mark(Severity.CRITICAL, Colour.RED)


def test_a_rule_is_about_those_with_its_labels_and_none_of_those_excepted() -> None:
    """Of others it says that all is clear, so that an alert of before a change of the rule ends."""
    judge = JUDGES["night-base"]
    industries = ["3011", "3411", "", "06"]
    judgement = judge.judge(frame(judge, {"night_base": [0.9] * 4}, {"industry": industries}))
    assert judgement.raised.tolist() == [False, True, True, False]
    assert judgement.condition(0) is Condition.CLEAR
    stored = [judge.condition({"night_base": 0.9}, {"industry": industry}) for industry in industries]
    assert stored == [judgement.condition(row) for row in range(4)]
    judge = JUDGES["demand"]
    assert judge.judge(
        frame(judge, {"used": [2.0] * 2, "limit": [1.0] * 2}, {"measure": ["demand", "tce"]})
    ).raised.tolist() == [True, False]


def test_a_look_has_the_times_of_its_row() -> None:
    """No data is no time; the end of the period is the period's."""
    judge = JUDGES["breach"]
    look = judge.judge(frame(judge, {"used": [2.0], "limit": [1.0]})).look(0)
    assert (look.condition, look.at, look.corrects) == (Condition.RAISED, None, True)
    assert look.end == datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)


def test_an_empty_frame_is_judged() -> None:
    """A platform without quotas is no error."""
    judge = JUDGES["pace"]
    assert judge.judge(frame(judge, {"pace": []})).raised.tolist() == []


def test_people_read_figures_names_and_what_is_not_known() -> None:
    """In both languages, with the format that the rule asks for; braces that are meant stay."""
    figures = {"used": 1234.56, "share": 0.9, "none": None, "nan": math.nan}
    text = "{name} {used:,.1f} {share:.0%} {used} {none:.1f} {{x}} {absent}"
    assert messages.render(text, "en", figures, {"name": "A"}) == "A 1,234.6 90% 1234.56 not known {x} "
    assert messages.render("{nan:.1%}", "zh", figures, {}) == "未知"
    filled = messages.with_parameters("{{x}} {used:.1f} {level:.0%} {level}", {"level": 0.5})
    assert filled == "{{x}} {used:.1f} 50% 0.5"


def test_a_part_of_a_message_is_left_out_where_it_has_nothing_to_say() -> None:
    """Whole, where any figure in it is not known, or a label is empty; parameters in it stay."""
    text = messages.with_parameters("{used}[[ ({low} to {high} of {level})]][[, until {day}]] [x] {{y}}", {"level": 5})
    figures = {"used": 3, "low": 0.0, "high": 4}
    assert messages.render(text, "en", figures, {"day": "today"}) == "3 (0 to 4 of 5), until today [x] {y}"
    for unknown in (None, math.nan):
        assert messages.render(text, "en", figures | {"high": unknown}, {"day": ""}) == "3 [x] {y}"
    for fault in ("[[{used}", "{used}]]", "[[{used} [[{low}]]]]"):
        assert len(list(messages.faults(fault, figures, ()))) == 1, fault
    assert not list(messages.faults(text, figures, ("day",)))


def test_our_own_words_are_translated() -> None:
    """Each method of projection and kind of period has its words; a code or a name stands as it is."""
    assert messages.WORDS["method"].keys() == METHODS.keys()
    assert messages.WORDS["period"].keys() == set(get_args(QuotaPeriod))
    text = "{method} {unit}"
    assert messages.render(text, "zh", {}, {"method": "last_year", "unit": "pace"}) == "去年同期 pace"
