"""What delivery counts: one call counts, and logs where it tells something new."""

from __future__ import annotations

import prometheus_client
import structlog

_log = structlog.get_logger("alerts.delivery")

_SENT = prometheus_client.Counter(
    "quotawatt_delivery_sent_total", "Alerts sent, the same one again included.", ["alertmanager"]
)
_ACCEPTED = prometheus_client.Counter("quotawatt_delivery_accepted_total", "Alerts accepted.", ["alertmanager"])
_REFUSED = prometheus_client.Counter(
    "quotawatt_delivery_refused_total", "Alerts refused for what they hold.", ["alertmanager"]
)
_FAILURES = prometheus_client.Counter("quotawatt_delivery_failures_total", "Rounds that failed.", ["alertmanager"])
_AGE = prometheus_client.Gauge(
    "quotawatt_delivery_oldest_unaccepted_seconds",
    "Real seconds since the oldest change that it has not accepted; 0 when it has all.",
    ["alertmanager"],
)
_SILENCES = prometheus_client.Gauge(
    "quotawatt_delivery_silences", "Alerts that are acknowledged, or under a maintenance window.", ["alertmanager"]
)
_LEADING = prometheus_client.Gauge("quotawatt_delivery_leading", "1 while this instance is the one that delivers.")


def sent(alertmanager: str, count: int) -> None:
    """A request with so many alerts begins."""
    _SENT.labels(alertmanager).inc(count)


def accepted(alertmanager: str, count: int) -> None:
    """So many were taken."""
    _ACCEPTED.labels(alertmanager).inc(count)


def refused(alertmanager: str, alert_id: int, reason: str) -> None:
    """One was refused for what it holds; it is tried again with the next resend."""
    _REFUSED.labels(alertmanager).inc()
    _log.warning("alert_refused", alertmanager=alertmanager, alert_id=alert_id, reason=reason)


def failed(alertmanager: str) -> None:
    """An Alertmanager did not answer as it should; it is tried again."""
    _FAILURES.labels(alertmanager).inc()


def restarted(alertmanager: str) -> None:
    """An Alertmanager is another process than before, so that it knows nothing."""
    _log.info("alertmanager_restarted", alertmanager=alertmanager)


def waiting(alertmanager: str, oldest_s: float) -> None:
    """For how long the oldest change has not been accepted."""
    _AGE.labels(alertmanager).set(oldest_s)


def silences(alertmanager: str, count: int) -> None:
    """How many alerts are to be silenced."""
    _SILENCES.labels(alertmanager).set(count)


def leading(*, leads: bool) -> None:
    """This instance began or ceased to be the one that delivers."""
    _LEADING.set(leads)
    _log.info("delivery_leading" if leads else "delivery_standing_by")
