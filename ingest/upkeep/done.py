"""What upkeep did, and how it is written down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from energy.queries import load_queries
from energy.storage import Connection

_SQL = load_queries("ingest.upkeep", "upkeep.sql")

Action = Literal[
    "chunk_interval",
    "chunks_seen",
    "chunks_dropped",
    "rows_deleted",
    "policy_set",
    "policy_removed",
    "policy_paused",
    "policy_resumed",
    "columnstore_set",
]


@dataclass(frozen=True, slots=True)
class Done:
    """One thing that was done, a row of `upkeep_run`.

    Attributes:
        relation: the table.
        action: what was done with it.
        until: the time before which it was dropped or deleted.
        count: of chunks or rows.
        detail: figures and reasons, for a person.
    """

    relation: str
    action: Action
    until: datetime | None = None
    count: int = 0
    detail: str = ""


async def record(connection: Connection, now: datetime, done: Sequence[Done]) -> None:
    """Write down what was done at data time `now`, in the transaction that did it."""
    rows = [(now, one.relation, one.action, one.until, one.count, one.detail) for one in done]
    await connection.executemany(_SQL.record, rows)
