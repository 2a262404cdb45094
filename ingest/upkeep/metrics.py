"""What upkeep counts: functions named for what happened, which count it and log what a person should know."""

from __future__ import annotations

import structlog
from prometheus_client import Counter, Gauge

from energy.errors import QuotawattError
from energy.logs import Availability
from ingest.upkeep.edition import FIRST_PASSING, Edition
from ingest.upkeep.steps import Round

_log = structlog.get_logger("ingest.upkeep")
_work = Availability(_log, "upkeep")

_ROUNDS = Counter("quotawatt_upkeep_rounds_total", "Rounds of upkeep, by outcome.", ["outcome"])
_DROPPED = Counter("quotawatt_upkeep_dropped_chunks_total", "Chunks dropped because their time was over.")
_DELETED = Counter("quotawatt_upkeep_deleted_rows_total", "Rows deleted because their time was over.", ["relation"])
_HELD_BACK = Gauge("quotawatt_upkeep_held_back", "1 while readings are kept longer because they are not derived yet.")


def round_done(made: Round) -> None:
    """A round ended; what it changed is logged with its figures."""
    _work.back()
    _ROUNDS.labels("standby" if made.standby else "done").inc()
    _HELD_BACK.set(made.held_back)
    for one in made.done:
        if one.action == "chunks_dropped":
            _DROPPED.inc(one.count)
        if one.action == "rows_deleted":
            _DELETED.labels(one.relation).inc(one.count)
        until = one.until.isoformat() if one.until else None
        _log.info(one.action, relation=one.relation, until=until, count=one.count, detail=one.detail)
    if made.held_back:
        _log.warning("retention_held_back", reason="accounting has not derived all that is older than readings_days")


def edition_found(edition: Edition) -> None:
    """The database's TimescaleDB was looked at."""
    _log.info("timescaledb_found", version=edition.version, policies=edition.has_policies)
    if edition.has_policies and not edition.passes_conflicts:
        safe = ".".join(map(str, FIRST_PASSING))
        _log.warning("columnstore_left_off", version=edition.version, safe_from=safe, compressed=edition.compressed)


def round_failed(error: QuotawattError) -> None:
    """A round could not be finished; the next one goes on. Logged once as long as it is so."""
    _ROUNDS.labels("failed").inc()
    _work.lost(error)
