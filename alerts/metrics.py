"""What the evaluation counts: one call counts, and logs where it tells something new."""

from __future__ import annotations

from collections.abc import Mapping

import prometheus_client
import structlog

from alerts.life.evidence import Evidence
from alerts.life.store import Outcome

_log = structlog.get_logger("alerts")

_EVALUATIONS = prometheus_client.Counter("quotawatt_alerts_evaluations_total", "Evaluations.", ["scope"])
_SECONDS = prometheus_client.Histogram(
    "quotawatt_alerts_evaluation_seconds",
    "Real seconds of an evaluation, from the read to the commit.",
    ["scope"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15),
)
_QUOTAS = prometheus_client.Gauge(
    "quotawatt_alerts_quotas", "Quotas in the periods that the last full evaluation covered, by verdict.", ["verdict"]
)
_MARKED = prometheus_client.Counter("quotawatt_alerts_marked_units_total", "Units that were marked as changed.")
_TRANSITIONS = prometheus_client.Counter(
    "quotawatt_alerts_transitions_total", "Changes of state, by rule and the state reached.", ["rule", "state"]
)
_LEADING = prometheus_client.Gauge("quotawatt_alerts_leading", "1 while this instance is the one that evaluates.")
_FAILURES = prometheus_client.Counter(
    "quotawatt_alerts_database_failures_total", "Times the database failed the service; it tries again."
)


def evaluated(scope: str, seconds: float) -> None:
    """An evaluation was committed; `scope` is marked, full, recheck or watch."""
    _EVALUATIONS.labels(scope).inc()
    _SECONDS.labels(scope).observe(seconds)


def quotas(verdicts: Mapping[str, int]) -> None:
    """How many quotas a full evaluation found in each verdict."""
    for verdict, count in verdicts.items():
        _QUOTAS.labels(verdict).set(count)


def marked(units: int) -> None:
    """So many units were marked as changed."""
    _MARKED.inc(units)


def moved(outcome: Outcome) -> None:
    """An alert changed its state."""
    move, proof = outcome.transition, outcome.evidence
    if move is None:
        return
    _TRANSITIONS.labels(outcome.key.rule, move.to_state).inc()
    if not isinstance(proof, Evidence):
        return
    _log.info(
        "alert_moved",
        rule=outcome.key.rule,
        subject=proof.subject.code,
        unit=proof.subject.unit,
        period=None if outcome.key.period_start is None else outcome.key.period_start.isoformat(),
        state=move.to_state,
        before=move.from_state,
        reason=move.reason,
        severity=move.mark.severity,
    )


def leading(*, leads: bool) -> None:
    """This instance began or ceased to be the one that evaluates."""
    _LEADING.set(leads)
    _log.info("alerts_leading" if leads else "alerts_standing_by")


def database_failed() -> None:
    """The database failed in a way that passes."""
    _FAILURES.inc()
