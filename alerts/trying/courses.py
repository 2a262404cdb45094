"""The life of a made-up alert: a rule over a subject's series, from the start of a test to its end. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from alerts.life.commands import acknowledge
from alerts.life.machine import advance
from alerts.life.model import ACTIVE, Standing, Transition
from alerts.rules.durations import seconds_of
from alerts.rules.judging import BANDS, Judge, Judgement
from alerts.rules.model import Rule
from alerts.series.frame import NEVER, Frame
from alerts.trying.cases import Case, Tried
from alerts.trying.notation import values_of


@dataclass(frozen=True, slots=True)
class Step:
    """One evaluation of one alert.

    Attributes:
        at_s: seconds since the start.
        row: of the judgement.
        standing: how the alert stands afterwards.
        transition: if there was one.
    """

    at_s: int
    row: int
    standing: Standing | None
    transition: Transition | None


def course(judge: Judge, case: Case, tried: Tried, evaluation_s: int) -> tuple[Judgement, tuple[Step, ...]]:
    """Every evaluation of a rule over a subject's series, from the start of the test to its end."""
    times = np.arange(0, case.seconds + 1, evaluation_s, dtype=np.int64)
    judgement = judge.judge(_frame(judge, case, tried, times))
    timing, every = judge.rule.timing, judge.rule.every_s
    taken = sorted(
        (seconds_of(one.at), one.by)
        for one in case.acknowledged
        if (one.rule, one.subject) == (judge.rule.code, tried.name)
    )
    windows = [(seconds_of(window.from_), seconds_of(window.to)) for window in tried.silenced]
    standing: Standing | None = None
    steps: list[Step] = []
    last = -every
    for row, at in enumerate(times.tolist()):
        now = case.start + timedelta(seconds=at)
        while taken and taken[0][0] <= at:
            by = taken.pop(0)[1]
            if standing is not None and standing.state in ACTIVE:
                standing, transition = acknowledge(standing, by, now)
                steps.append(Step(at, row, standing, transition))
        if at - last < every:
            continue
        last = at
        silenced = any(start <= at < end for start, end in windows)
        standing, transition = advance(standing, judgement.look(row), timing, now, silenced=silenced)
        steps.append(Step(at, row, standing, transition))
    return judgement, tuple(steps)


def _frame(judge: Judge, case: Case, tried: Tried, times: NDArray[np.int64]) -> Frame:
    """The subject at every time of evaluation: a row each, so that a rule is judged once."""
    count, interval = len(times), seconds_of(case.interval)
    start_us = round(case.start.timestamp()) * 1_000_000
    behind = _sampled(str(tried.behind), times, interval) if tried.behind != "" else np.zeros(count)
    ends = seconds_of(tried.ends)
    at_s = times - np.nan_to_num(behind)
    at_s = np.minimum(at_s, ends) if ends else at_s
    at_us = start_us + np.round(at_s * 1e6).astype(np.int64)
    at_us[np.isnan(behind)] = NEVER
    given = {name: _sampled(str(text), times, interval) for name, text in tried.series.items()}
    nothing = np.full(count, np.nan)
    return Frame(
        subject=tried.subject,
        ids=np.zeros(count, dtype=np.int64),
        periods=np.zeros(count, dtype=np.int64),
        at_us=at_us,
        end_us=np.full(count, start_us + ends * 1_000_000 if ends else NEVER, dtype=np.int64),
        final=np.full(count, bool(ends)) & ~np.isnan(behind) & (at_s >= ends),
        columns={name: given.get(name, nothing) for name in judge.series | given.keys()},
        labels=_labels(judge.rule, tried, count),
    )


def _labels(rule: Rule, tried: Tried, count: int) -> dict[str, NDArray[np.object_]]:
    names = tried.labels.keys() | rule.where.keys() | rule.excepting.keys()
    labels = {name: np.full(count, tried.labels.get(name, ""), dtype=np.object_) for name in names}
    bands = np.empty(count, dtype=np.object_)
    bands.fill(tried.bands)
    return {**labels, BANDS: bands}


def _sampled(text: str, times: NDArray[np.int64], interval: int) -> NDArray[np.float64]:
    """The value in force at each time: the one of its interval; none after the last."""
    values = np.array([np.nan if value is None else value for value in values_of(text)] + [np.nan])
    return values[np.minimum(times // interval, len(values) - 1)]
