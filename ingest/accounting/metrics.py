"""What accounting counts: functions named for what happened, which count it and log what a person should know."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import structlog
from prometheus_client import Counter, Gauge, Histogram

from energy.errors import StorageError
from energy.logs import Availability
from ingest.accounting.deriving.step import Progress

_log = structlog.get_logger("ingest.accounting")
_database = Availability(_log, "database")

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60)

_STEPS = Histogram("quotawatt_accounting_step_seconds", "Real seconds per step that found work.", buckets=_SECONDS)
_BATCHES = Counter("quotawatt_accounting_batches_total", "Dirty batches derived.")
_READINGS = Counter("quotawatt_accounting_readings_total", "Readings read to derive, neighbours among them.")
_INTERVALS = Counter("quotawatt_accounting_intervals_total", "Quarter hours computed.")
_FORWARD = Counter("quotawatt_accounting_forward_total", "Of the quarter hours computed: by going on from memory.")
_WAITING = Gauge("quotawatt_accounting_waiting_batches", "Dirty batches that still waited after the last step.")
_LAG = Gauge("quotawatt_accounting_lag_seconds", "Data seconds from the newest reading derived to the end of its step.")
_STANDBY = Gauge("quotawatt_accounting_standby", "1 while no group of units is left to this worker.")
_FACTORS = Counter(
    "quotawatt_accounting_factors_replaced_total", "Times that this worker replaced factors of another version."
)
_FAILURES = Counter("quotawatt_accounting_database_failures_total", "Failures of the database that were waited out.")


def step_done(progress: Progress, *, seconds: float, now_ms: int) -> None:
    """A step took `seconds` real seconds and ended at data time `now_ms` (ms UTC)."""
    _database.back()
    _STANDBY.set(progress.standby)
    if progress.standby:
        return
    _WAITING.set(progress.waiting)
    if progress.batches or progress.intervals:
        _STEPS.observe(seconds)
        _BATCHES.inc(progress.batches)
        _READINGS.inc(progress.readings)
        _INTERVALS.inc(progress.intervals)
        _FORWARD.inc(progress.forward)
    if progress.newest_ms is not None:
        _LAG.set((now_ms - progress.newest_ms) / 1000)


def factors_loaded(version: str, directory: Path | None) -> None:
    """This worker goes by the data set `version`, with the files of `directory` in place of shipped ones."""
    _log.info("factors_loaded", version=version, directory=_named(directory))


def factors_synced(version: str, directory: Path | None, replaced: Sequence[str], changes: int) -> None:
    """The database says what our factors say; where it said those of another version, everybody's totals change.

    Wanted after an upgrade or a new directory; again and again where workers do not have the same.
    """
    if replaced:
        _FACTORS.inc()
        _log.warning(
            "factors_replaced",
            version=version,
            directory=_named(directory),
            replaced=list(replaced),
            changes=changes,
            advice="the same [factors] directory for every accounting worker, unless this was meant",
        )


def _named(directory: Path | None) -> str:
    return "none: the shipped files" if directory is None else str(directory)


def database_failed(error: StorageError) -> None:
    """The database failed in a way that passes; logged once per outage."""
    _FAILURES.inc()
    _database.lost(error)
