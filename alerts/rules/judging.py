"""What a rule says of every subject of a frame: its two conditions, what they mean together, and how loudly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from alerts.life.model import Condition, Look
from alerts.rules import messages
from alerts.rules.expressions import compile_expression
from alerts.rules.kleene import FALSE, TRUE, UNKNOWN, States
from alerts.rules.model import Rule
from alerts.series.catalogue import Catalogue
from alerts.series.frame import NEVER, Coded, Frame
from alerts.verdicts import UNKNOWN as UNKNOWN_MARK
from alerts.verdicts import Mark, Severity

BAND = "band"
"""The series that says which band of a quota is reached, from 1; 0 for none."""
BANDS = "bands"
"""The column of labels that holds each quota's own bands: a tuple of `alerts.quotas.model.Band` (or anything with a
`mark`), in rising order, so that band 1 is the first. A rule with severity "band" needs both columns of its frames."""

CONDITIONS = (Condition.CLEAR, Condition.RAISED, Condition.HELD, Condition.UNKNOWN)
"""What the codes of `Judgement.codes` stand for."""
NOT_ABOUT = Condition.CLEAR
"""What a rule says of whatever its labels leave out, so that an alert of before ends."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
CLEAR, RAISED, HELD, NOT_KNOWN = range(4)
_CODES = np.array([[NOT_KNOWN] * 3, [HELD, HELD, CLEAR], [RAISED] * 3], dtype=np.int8)
"""By `when` (a row each for UNKNOWN, FALSE, TRUE) and `clear` (likewise, a column each)."""
_OPPOSITES = np.array([UNKNOWN, TRUE, FALSE], dtype=np.int8)


@dataclass(frozen=True)
class Judgement:
    """What one rule says of a frame's rows; all arrays are as long as the frame.

    Attributes:
        judge: of the rule.
        applies: the rule is about this subject at all (its labels).
        when, clear: the two conditions as TRUE, FALSE, UNKNOWN; without a clear condition of its own `clear` is the
            opposite of `when`.
        codes: positions in CONDITIONS.
    """

    judge: Judge
    frame: Frame
    applies: NDArray[np.bool_]
    when: States
    clear: States
    codes: NDArray[np.int8]

    @property
    def rule(self) -> Rule:
        """Which one."""
        return self.judge.rule

    @property
    def raised(self) -> NDArray[np.bool_]:
        """Rows of which the rule raises something."""
        raised: NDArray[np.bool_] = self.applies & (self.codes == RAISED)
        return raised

    def condition(self, row: int) -> Condition:
        """What is said of one row."""
        return CONDITIONS[self.codes[row]] if self.applies[row] else NOT_ABOUT

    def look(self, row: int) -> Look:
        """One row as the state machine takes it."""
        frame = self.frame
        return Look(
            condition=self.condition(row),
            mark=self.mark(row),
            at=_time(frame.at_us[row]),
            end=_time(frame.end_us[row]),
            final=bool(frame.final[row]),
            corrects=self.rule.corrects,
        )

    def mark(self, row: int) -> Mark:
        """Severity and colour of one row, should it fire."""
        rule = self.rule
        if rule.severity != "band":
            return Mark(Severity(rule.severity), rule.colour)
        band = self.frame.columns[BAND][row]
        bands = self._bands[row]
        if not 1 <= band <= len(bands):  # NaN is not between either
            return UNKNOWN_MARK
        mark: Mark = bands[int(band) - 1].mark
        return mark

    @cached_property
    def _bands(self) -> NDArray[np.object_]:
        """Once for all rows: a frame may make its labels anew each time it is asked."""
        return self.frame.labels[BANDS]


class Judge:
    """A rule with its expressions checked, to be held for as long as the rule is in use.

    Args:
        rule: from `alerts.rules.files`, or out of stored evidence.
        catalogue: the series that there are.

    Raises:
        grammar.ExpressionError: the rule names what this catalogue does not have.
    """

    def __init__(self, rule: Rule, catalogue: Catalogue) -> None:
        units = catalogue.units(rule.subject)
        self.rule = rule
        self._when = compile_expression(rule.when, units)
        self._clear = compile_expression(rule.clear, units) if rule.clear else None
        said = {name for text in (rule.message.zh, rule.message.en) for name, _ in messages.placeholders(text)}
        banded = {BAND} if rule.severity == "band" else set()
        self.decides = self._when.names | (self._clear.names if self._clear else frozenset()) | banded
        """The series by which the rule decides."""
        self.series = self.decides | frozenset(said & units.keys())
        """These, and those that its message shows: what evidence has to keep."""

    def judge(self, frame: Frame) -> Judgement:
        """Judge all rows of a frame of the rule's subject."""
        applies = applies_to(self.rule, frame.labels, len(frame.ids))
        when, clear = self._states(frame.columns)
        return Judgement(self, frame, applies, when, clear, _codes(when, clear))

    def condition(self, figures: Mapping[str, float | None], labels: Mapping[str, str]) -> Condition:
        """What the rule says of the figures and labels of one subject, such as those of stored evidence.

        They are columns of one row, judged by the same code as a frame. A figure of None, or none at all, is not known;
        a label that is absent is empty.
        """
        named = {
            name: np.array([labels.get(name, "")], np.object_) for name in (*self.rule.where, *self.rule.excepting)
        }
        if not applies_to(self.rule, named, 1)[0]:
            return NOT_ABOUT
        columns = {
            name: np.array([np.nan if (figure := figures.get(name)) is None else figure], dtype=np.float64)
            for name in self.decides
        }
        return CONDITIONS[_codes(*self._states(columns))[0]]

    def _states(self, columns: Mapping[str, NDArray[np.float64]]) -> tuple[States, States]:
        when = self._when.states(columns)
        return when, _opposite(when) if self._clear is None else self._clear.states(columns)


def _time(us: np.int64) -> datetime | None:
    return None if us == NEVER else _EPOCH + timedelta(microseconds=int(us))


def applies_to(rule: Rule, labels: Mapping[str, NDArray[np.object_]], count: int) -> NDArray[np.bool_]:
    """Which of `count` subjects a rule is about, by columns of the labels that it names."""
    applies = np.ones(count, dtype=np.bool_)
    for label, values in rule.where.items():
        applies &= _is_one_of(labels, label, values)
    for label, values in rule.excepting.items():
        applies &= ~_is_one_of(labels, label, values)
    return applies


def _is_one_of(labels: Mapping[str, NDArray[np.object_]], label: str, values: tuple[str, ...]) -> NDArray[np.bool_]:
    exact = frozenset(values)
    starts = tuple(value[:-1] for value in values if value.endswith("*"))

    def accepts(text: str) -> bool:
        return text in exact or str(text).startswith(starts)

    if isinstance(labels, Coded):
        return labels.where(label, accepts)
    column = labels[label]
    return np.fromiter(map(accepts, column), np.bool_, len(column))


def _opposite(states: States) -> States:
    opposite: States = _OPPOSITES[states + 1]
    return opposite


def _codes(when: States, clear: States) -> NDArray[np.int8]:
    """What both conditions say together.

    Raised wins. What may be raised is not known, whatever the clear condition says. What is surely not raised is clear
    where that surely holds, else held.
    """
    codes: NDArray[np.int8] = _CODES[when + 1, clear + 1]
    return codes
