"""From a frame to what changes: rules over all rows, the state machine over those that it concerns. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np

from alerts.life.machine import advance
from alerts.life.model import Standing, Transition
from alerts.life.store import AlertKey, Known
from alerts.life.windows import Place, Window, covering
from alerts.rules.judging import Judge, Judgement
from alerts.series.frame import Frame, Ids

_EPOCH = date(1970, 1, 1).toordinal()
_SHIFT = 2**32

Places = dict[tuple[str, int], Known]
"""Known alerts by rule and the row's identity (`identities`)."""


@dataclass(frozen=True)
class Change:
    """What one look at one row came to, where something changed.

    Attributes:
        judgement, row: what was seen.
        known: the alert as it was read; None where there was none.
        standing, transition: from the state machine.
    """

    judgement: Judgement
    row: int
    known: Known | None
    standing: Standing
    transition: Transition | None

    @property
    def key(self) -> AlertKey:
        """What the alert is known by."""
        frame = self.judgement.frame
        period = frame.periods[self.row]
        return AlertKey(
            self.judgement.rule.code,
            frame.subject,
            int(frame.ids[self.row]),
            date.fromordinal(int(period) + _EPOCH) if frame.subject == "quota" else None,
        )


def identities(frame: Frame) -> Ids:
    """One number per row, of its subject and period."""
    numbers: Ids = frame.ids * _SHIFT + frame.periods
    return numbers


def identity(key: AlertKey) -> int:
    """The same of an alert."""
    days = 0 if key.period_start is None else key.period_start.toordinal() - _EPOCH
    return key.subject_id * _SHIFT + days


def changes(
    judges: Sequence[Judge], frame: Frame, known: Iterable[Known], windows: Sequence[Window], now: datetime
) -> Iterator[Change]:
    """Look at every row by every rule; only rows that are raised, or have an alert, are taken to the state machine.

    Args:
        judges: of the frame's kind of subject.
        frame: what is known.
        known: alerts of these subjects.
        windows: times of maintenance.
        now: data time.
    """
    if not len(frame.ids):
        return
    of_row = identities(frame)
    order = np.argsort(of_row, kind="stable")
    alerts = {rule: dict(of) for rule, of in _by_rule(known).items()}
    for judge in judges:
        judgement = judge.judge(frame)
        standing = alerts.get(judge.rule.code, {})
        for row in _rows(judgement, order, of_row, standing):
            before = standing.get(int(of_row[row]))
            change = _look(judgement, row, before, windows, now)
            if change is not None:
                yield change


def _by_rule(known: Iterable[Known]) -> Mapping[str, dict[int, Known]]:
    found: dict[str, dict[int, Known]] = {}
    for one in known:
        found.setdefault(one.key.rule, {})[identity(one.key)] = one
    return found


def _rows(judgement: Judgement, order: Ids, of_row: Ids, standing: Mapping[int, Known]) -> list[int]:
    """Rows that are raised, and those that have an alert."""
    wanted = judgement.raised.copy()
    if standing:
        numbers = np.fromiter(standing, np.int64, len(standing))
        place = np.minimum(np.searchsorted(of_row, numbers, sorter=order), len(order) - 1)
        rows = order[place]
        wanted[rows[of_row[rows] == numbers]] = True
    found: list[int] = np.flatnonzero(wanted).tolist()
    return found


def _look(
    judgement: Judgement, row: int, before: Known | None, windows: Sequence[Window], now: datetime
) -> Change | None:
    look = judgement.look(row)
    silenced = bool(windows) and bool(covering(windows, _place(judgement, row), now))
    was = before.standing if before else None
    standing, transition = advance(was, look, judgement.rule.timing, now, silenced=silenced)
    if standing is None or standing == was:
        return None
    return Change(judgement, row, before, standing, transition)


def _place(judgement: Judgement, row: int) -> Place:
    labels = judgement.frame.labels
    return Place(judgement.rule.code, *(str(labels[name][row]) for name in ("unit", "district", "industry")))
