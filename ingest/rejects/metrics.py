"""What is counted of rejects: functions named for what happened."""

from __future__ import annotations

import structlog
from prometheus_client import Counter, Gauge

from energy.errors import QuotawattError
from energy.logs import Availability
from ingest.rejects.bounds import Removed

_log = structlog.get_logger("ingest.rejects")
_work = Availability(_log, "bounds_of_rejects")

_REMOVED = Counter(
    "quotawatt_ingest_rejects_removed_total",
    "Kept rejects removed by their bounds, by code and whether they had been replayed.",
    ["code", "replayed"],
)
_BYTES = Gauge("quotawatt_ingest_rejects_bytes", "Bytes of the table of rejects with its indexes.")
_FAILED = Counter(
    "quotawatt_ingest_rejects_failures_total", "Looks at the bounds of rejects that failed; they are tried again."
)


def round_failed(error: QuotawattError) -> None:
    """The bounds could not be looked at; logged once, until they can again."""
    _FAILED.inc()
    _work.lost(error)


def round_done(removed: Removed, on_disk: int) -> None:
    """The bounds were looked at; what went away without ever being replayed is a warning."""
    _work.back()
    _BYTES.set(on_disk)
    for replayed, counts in (("no", removed.open), ("yes", removed.replayed)):
        for code, count in counts.items():
            _REMOVED.labels(code, replayed).inc(count)
    if removed.rejects:
        tell = _log.warning if removed.open else _log.info
        tell("rejects_removed", rejects=removed.rejects, bytes=removed.bytes, detail=str(removed))
