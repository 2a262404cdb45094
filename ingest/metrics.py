"""What ingest counts: functions named for what happened, which count it and log what a person should know."""

from __future__ import annotations

from collections import Counter as Tally

import structlog
from prometheus_client import Counter, Gauge, Histogram

from energy.errors import StorageError, TransportError, WireError
from energy.logs import Availability
from ingest.checking.batch import Batch
from ingest.writing.store import Outcome

_log = structlog.get_logger("ingest")
_database = Availability(_log, "database")
_broker = Availability(_log, "broker")

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60)
_SIZES = (1, 10, 100, 1_000, 5_000, 10_000, 20_000, 50_000)

_READINGS = Counter("quotawatt_ingest_readings_total", "Readings dealt with, by what became of them.", ["outcome"])
_REJECTED = Counter("quotawatt_ingest_rejected_total", "Readings and messages refused, by code.", ["code"])
_BATCHES = Counter("quotawatt_ingest_batches_total", "Batches committed.")
_BATCH_READINGS = Histogram("quotawatt_ingest_batch_readings", "Readings offered per batch.", buckets=_SIZES)
_COMMIT = Histogram(
    "quotawatt_ingest_commit_seconds", "Real seconds from a batch's turn to its commit, with retries.", buckets=_SECONDS
)
_RECEIPT_LAG = Histogram(
    "quotawatt_ingest_receipt_lag_seconds", "Real seconds from a batch's first message to its commit.", buckets=_SECONDS
)
_READING_LAG = Gauge(
    "quotawatt_ingest_reading_lag_seconds", "Data seconds from the newest reading of the last batch to its commit."
)
_RETRIES = Counter("quotawatt_ingest_database_failures_total", "Failures of the database that were waited out.")
_LOST = Counter("quotawatt_ingest_broker_failures_total", "Connections to the broker that were lost or refused.")
_BROKER_HOLDS = Gauge(
    "quotawatt_ingest_broker_messages",
    "Messages that the broker was found to send at once, and to keep for a client that is away, at the last start.",
    ["what"],
)
_UNANSWERED = Counter(
    "quotawatt_ingest_answers_lost_total", "Acknowledgements that could not be published: the gateway sends again."
)
_STATUSES = Counter("quotawatt_ingest_statuses_total", "Status messages, by whether they could be read.", ["readable"])
_FLAGGED = Counter("quotawatt_ingest_flagged_total", "Readings stored and flagged, by what looks wrong.", ["flag"])
_POINTS = Gauge("quotawatt_ingest_points", "Registered points known to this worker.")


def batch_committed(batch: Batch, outcome: Outcome, *, commit_s: float, receipt_s: float) -> None:
    """A batch was committed, `commit_s` real seconds after its turn came, `receipt_s` after its first message."""
    _BATCHES.inc()
    _BATCH_READINGS.observe(batch.offered)
    _COMMIT.observe(commit_s)
    _RECEIPT_LAG.observe(receipt_s)
    _READINGS.labels("stored").inc(outcome.stored)
    _READINGS.labels("duplicate").inc(outcome.duplicates)
    _READINGS.labels("conflict").inc(outcome.conflicts)
    _READINGS.labels("rejected").inc(outcome.rejected)
    for code, count in Tally(reject.refusal.code for reject in batch.rejects).items():
        _REJECTED.labels(code).inc(count)
    if len(batch.rows):
        _READING_LAG.set(outcome.committed_at.timestamp() - int(batch.rows.at.max()) / 1000)


def database_failed(error: StorageError) -> None:
    """The database failed in a way that passes; logged once per outage."""
    _RETRIES.inc()
    _database.lost(error)


def database_works() -> None:
    """The database did what it was asked."""
    _database.back()


def rows_refused(count: int, detail: str) -> None:
    """The database refused readings that had passed every check: a check is missing, or a constraint is wrong."""
    _log.error("rows_refused", count=count, detail=detail)


def broker_failed(error: TransportError) -> None:
    """The connection to the broker was lost or refused; logged once per outage."""
    _LOST.inc()
    _broker.lost(error)


def broker_probed(in_flight: int, kept: int, sent: int) -> None:
    """It was tried out what the broker has in flight and keeps; a number that reaches `sent` is "at least"."""
    _BROKER_HOLDS.labels("in_flight").set(in_flight)
    _BROKER_HOLDS.labels("kept").set(kept)
    _log.info("broker_probed", in_flight=in_flight, kept=kept, sent=sent)


def broker_not_probed(error: Exception) -> None:
    """It could not be tried out; nothing else depends on it."""
    _log.warning("broker_not_probed", error=str(error))


def broker_limit_low(limit: str, *, found: int, wanted: int, effect: str) -> None:
    """A limit of the broker makes resends frequent, or worse."""
    _log.warning("broker_limit_low", limit=limit, found=found, wanted=wanted, effect=effect)


def broker_works() -> None:
    """Connected and subscribed."""
    _broker.back()


def answers_lost(count: int) -> None:
    """Acknowledgements could not be published."""
    _UNANSWERED.inc(count)


def status_received() -> None:
    """A gateway told of itself."""
    _STATUSES.labels("yes").inc()


def status_unreadable(topic: str, error: WireError) -> None:
    """A status message breaks the contract."""
    _STATUSES.labels("no").inc()
    _log.warning("status_unreadable", topic=topic, error=str(error))


def readings_flagged(flag: str, count: int) -> None:
    """Readings that look wrong were let through with a hint."""
    _FLAGGED.labels(flag).inc(count)


def points_loaded(count: int) -> None:
    """The registry changed, and was read."""
    _POINTS.set(count)
    _log.info("points_loaded", points=count)
