"""What following counts, and the lines that name what is missing."""

from __future__ import annotations

from collections.abc import Iterable

import structlog
from prometheus_client import Counter, Gauge

from ingest.following.fold import Progress

_log = structlog.get_logger("ingest.following")

_LEADS = Gauge("quotawatt_ingest_follow_leads", "1 while this worker is the one that follows the gateways' streams.")
_FOLLOWED = Counter("quotawatt_ingest_envelopes_followed_total", "Envelopes entered into the account of their streams.")
_LAG = Gauge(
    "quotawatt_ingest_follow_lag_seconds", "Data seconds from the oldest commit of the last step to that step."
)
_GAPS = Gauge(
    "quotawatt_ingest_gaps",
    "Envelopes that did not come: to_come are still kept by their gateways, missing are not.",
    ["state"],
)
_SETTLED = Counter(
    "quotawatt_ingest_streams_settled_total",
    "Times that a stream was in so many pieces that its lower numbers were settled: counted, and followed no more.",
)
_ASKED = Counter("quotawatt_ingest_resends_asked_total", "Commands to gateways to send envelopes again.")
_SILENT = Counter(
    "quotawatt_ingest_gateways_silent_total", "Gateways over HTTP that were taken for offline since they were silent."
)
_UNWRITABLE = Counter("quotawatt_ingest_statuses_unwritable_total", "Statuses that the database refused.")


def step_done(progress: Progress, *, now: float) -> None:
    """A step was made; `now` is data time, Unix seconds."""
    _LEADS.set(not progress.standby)
    if progress.standby:
        gaps_counted(0, 0)
    _FOLLOWED.inc(progress.envelopes)
    _LAG.set(max(0.0, now - progress.oldest_at.timestamp()) if progress.oldest_at else 0.0)
    for missing in progress.missing:
        _log.warning(
            "envelopes_missing",
            gateway=missing.gateway,
            stream=missing.stream,
            count=missing.count,
            numbers=missing.numbers,
        )
    for settled in progress.settled:
        _SETTLED.inc()
        _log.warning(
            "envelopes_settled",
            gateway=settled.gateway,
            stream=settled.stream,
            until=settled.until,
            missing=settled.missing,
        )


def gaps_counted(to_come: float, missing: float) -> None:
    """So many envelopes are open now."""
    _GAPS.labels("to_come").set(to_come)
    _GAPS.labels("missing").set(missing)


def resend_asked(gateway: str, stream: str, ranges: Iterable[tuple[int, int]]) -> None:
    """A gateway is asked to send envelopes again."""
    _ASKED.inc()
    _log.info("resend_asked", gateway=gateway, stream=stream, ranges=list(ranges)[:8])


def gateways_silent(count: int) -> None:
    """So many gateways over HTTP were taken for offline."""
    if count:
        _SILENT.inc(count)
        _log.warning("gateways_silent", count=count)


def status_unwritable(gateway: str, error: Exception) -> None:
    """The database refuses a status that the contract allows."""
    _UNWRITABLE.inc()
    _log.error("status_unwritable", gateway=gateway, error=str(error))
