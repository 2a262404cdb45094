"""What the alerts package counts: one call counts, and logs where it tells something new."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Iterable

import prometheus_client
import structlog

from alerts.store import Outcome
from alerts.verdicts import Verdict

_log = structlog.get_logger("alerts")

_EVALUATIONS = prometheus_client.Counter("quotawatt_alerts_evaluations_total", "Evaluations of all quotas.", ["scope"])
_SECONDS = prometheus_client.Histogram(
    "quotawatt_alerts_evaluation_seconds",
    "Real seconds of an evaluation, from the read to the commit.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15),
)
_QUOTAS = prometheus_client.Gauge("quotawatt_alerts_quotas", "Quotas in their present period, by verdict.", ["verdict"])
_TRANSITIONS = prometheus_client.Counter(
    "quotawatt_alerts_transitions_total", "Changes of state, by the state reached.", ["state"]
)
_LEADING = prometheus_client.Gauge("quotawatt_alerts_leading", "1 while this instance is the one that evaluates.")
_FAILURES = prometheus_client.Counter(
    "quotawatt_alerts_database_failures_total", "Times the database failed the service; it tries again."
)


def evaluated(scope: str, seconds: float, outcomes: Iterable[Outcome]) -> None:
    """An evaluation was committed; `scope` is recent or recheck."""
    _EVALUATIONS.labels(scope).inc()
    _SECONDS.observe(seconds)
    tally = Tally(
        one.evidence.judgement.verdict
        for one in outcomes
        if one.evidence.quota.start <= one.evidence.now < one.evidence.quota.end
    )
    for verdict in Verdict:
        _QUOTAS.labels(verdict).set(tally[verdict])


def moved(outcome: Outcome) -> None:
    """An alert changed its state."""
    if outcome.transition is None:
        return
    _TRANSITIONS.labels(outcome.transition.to_state).inc()
    _log.info(
        "alert_moved",
        unit=outcome.evidence.quota.unit,
        quota=outcome.evidence.quota.code,
        period=outcome.evidence.quota.day.isoformat(),
        state=outcome.transition.to_state,
        before=outcome.transition.from_state,
        verdict=outcome.transition.verdict,
        used=str(outcome.evidence.used),
        limit=str(outcome.evidence.quota.limit),
    )


def leading(*, leads: bool) -> None:
    """This instance began or ceased to be the one that evaluates."""
    _LEADING.set(leads)
    _log.info("alerts_leading" if leads else "alerts_standing_by")


def database_failed() -> None:
    """The database failed in a way that passes."""
    _FAILURES.inc()
