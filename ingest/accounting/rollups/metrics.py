"""What rolling up counts: functions named for what happened."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

from ingest.accounting.rollups.step import Rolled
from ingest.accounting.validation.queue import Step

_SECONDS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)

_STEPS = Histogram("quotawatt_rollups_step_seconds", "Real seconds per step that found work.", buckets=_SECONDS)
_DAYS = Counter("quotawatt_rollups_days_total", "Days of blocks of points that were rolled up.")
_CHANGED = Counter("quotawatt_rollups_changed_total", "Hours, days and months of points that this changed.")
_WAITING = Gauge("quotawatt_rollups_waiting_days", "Days of blocks of points that changed and wait, open ones too.")
_TO_JUDGE = Gauge("quotawatt_rollups_to_judge_days", "Days of blocks of points that wait to be judged by the checks.")
_JUDGED = Counter("quotawatt_rollups_judged_days_total", "Days of blocks of points that the checks judged.")
_FINDINGS = Counter("quotawatt_rollups_findings_changed_total", "Findings that came, went or changed.")
_STANDBY = Gauge("quotawatt_rollups_standby", "1 while another worker rolls up and this one stands by.")


def step_done(done: Rolled, *, seconds: float) -> None:
    """A step took `seconds` real seconds."""
    if done.days:
        _STEPS.observe(seconds)
        _DAYS.inc(done.days)
        _CHANGED.inc(done.changed)


def judged(done: Step) -> None:
    """The checks judged a day of a block, or none was due."""
    _TO_JUDGE.set(done.waiting)
    if done.block is not None:
        _JUDGED.inc()
        _FINDINGS.inc(done.validated.changed)


def looked(*, waiting: int, standby: bool) -> None:
    """Days that are marked were counted, by the worker that deals with them, or by one that stands by."""
    _WAITING.set(waiting)
    _STANDBY.set(standby)
