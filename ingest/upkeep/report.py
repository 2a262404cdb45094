"""What `quotawatt upkeep show` tells of a database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime

from energy.queries import load_queries
from energy.storage import Connection, translating
from ingest.upkeep import retention
from ingest.upkeep.chunks import CONSUMPTION, HOURS, READINGS, Sizing, sizing
from ingest.upkeep.done import Done
from ingest.upkeep.edition import read_edition
from ingest.upkeep.settings import UpkeepSettings

_SQL = load_queries("ingest.upkeep", "upkeep.sql")
_CHUNKS = load_queries("ingest.upkeep", "chunks.sql")

_HOUR = 3_600


async def tell(connection: Connection, now: datetime, settings: UpkeepSettings, *, last: int) -> AsyncIterator[str]:
    """Line by line: the edition, chunks and the figures that their interval is chosen by, and the `last` things done.

    Changes nothing. Raises as `energy.storage.translating` says.
    """
    edition = await read_edition(connection)
    can = "policies and columnstore" if edition.has_policies else "no policies, no columnstore"
    yield f"TimescaleDB {edition.version}, licence {edition.license}: {can}"
    if edition.has_policies and not edition.passes_conflicts:
        yield "  `on conflict do nothing` loses rows in compressed chunks with it: the columnstore is not switched on"
    with translating():
        for relation in (READINGS, CONSUMPTION, HOURS):
            summary = await connection.fetchrow(_CHUNKS.summary, relation)
            if summary is None or not summary["chunks"]:
                yield f"{relation}: no chunks"
            else:
                span = f"{summary['since']:%Y-%m-%d} to {summary['until']:%Y-%m-%d}"
                chunks = "1 chunk" if summary["chunks"] == 1 else f"{summary['chunks']} chunks"
                yield f"{relation}: {chunks}, {summary['compressed']} compressed, {span}"
            yield f"  {_interval(await sizing(connection, relation, now, settings))}"
        until = retention.horizon(now, settings)
        held = (
            ", held back: accounting has older ones to derive" if await retention.held_back(connection, until) else ""
        )
        yield f"readings are kept from {until:%Y-%m-%d} on{held}"
        for row in await connection.fetch(_SQL.recent, last):
            yield f"  {row['at']:%Y-%m-%d %H:%M} {line_of(Done(*tuple(row)[1:]))}"


def line_of(done: Done) -> str:
    """One thing that was done, as a line."""
    until = f" before {done.until:%Y-%m-%d %H:%M}" if done.until else ""
    count = f" {done.count}" if done.count else ""
    return f"{done.relation} {done.action}{count}{until} {done.detail}".rstrip()


def _interval(found: Sizing) -> str:
    choice = found.choice
    if choice is None:
        return f"chunks of {found.current_s / _HOUR:g} h; too little was stored lately to say whether that is right"
    chosen = "as chosen" if choice.interval_s == found.current_s else f"next round: {choice.interval_s / _HOUR:g} h"
    return f"chunks of {found.current_s / _HOUR:g} h ({chosen}, bounded by {choice.bound}): {found}"
