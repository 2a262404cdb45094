"""From a frame to what changes: rules over all rows, the state machine over those that it concerns. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property

import numpy as np

from alerts.evaluation.standing import SHIFT, Alerts, may_fire
from alerts.life.machine import advance
from alerts.life.model import Standing, Transition
from alerts.life.store import AlertKey, Known
from alerts.life.windows import Place, Window, covering
from alerts.rules.judging import Judge, Judgement
from alerts.series.frame import Frame, Ids

_EPOCH = date(1970, 1, 1).toordinal()


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

    @cached_property
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
    numbers: Ids = frame.ids * SHIFT + frame.periods
    return numbers


def changes(
    judges: Sequence[Judge], frame: Frame, known: Alerts, windows: Sequence[Window], now: datetime
) -> Iterator[Change]:
    """Look at every row by every rule; only rows in which something may change are taken to the state machine.

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
    for judge in judges:
        judgement = judge.judge(frame)
        alerts = known.of_rule(judge.rule.code)
        place = np.minimum(np.searchsorted(of_row, alerts.identity, sorter=order), len(order) - 1)
        row_of = order[place]
        there = of_row[row_of] == alerts.identity
        alerts, row_of = alerts.take(there), row_of[there]
        unknown = judgement.raised.copy()
        unknown[row_of] = False
        new = np.flatnonzero(unknown)
        moving = ~alerts.settled(judgement, row_of, now, watched=bool(windows))
        before: dict[int, Known | None] = dict.fromkeys(new[may_fire(judgement, new, now)].tolist())
        before.update(zip(row_of[moving].tolist(), alerts.known[moving], strict=True))
        for row in sorted(before):
            change = _look(judgement, row, before[row], windows, now)
            if change is not None:
                yield change


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
