"""One step of following: committed batches become what is known of streams, each once, wherever it is cut off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from energy.periods import DEFAULT_ZONE
from energy.queries import load_queries
from energy.storage import Connection, translating

SQL = load_queries("ingest.following", "following.sql")

MOST_NAMED = 100
"""Streams whose missing numbers one step names in the log; the next step names the next ones."""
MOST_NEW_STREAMS = 24
"""Streams that a gateway never used before which are followed in a day: a spool is made anew once in years."""
MOST_PIECES = 1_000
"""Ranges in which the numbers of a stream may lie: each step writes all ranges of the streams that it touches."""
KEPT_PIECES = 500
"""What is left of more: the highest ones. The numbers below them are settled."""
MOST_SETTLED = 100
"""Streams of which one step settles numbers; the next step does the next ones."""


@dataclass(frozen=True, slots=True)
class Missing:
    """Numbers of a stream that turned out to be missing: how many, and the lowest ranges as text."""

    gateway: str
    stream: str
    count: int
    numbers: str


@dataclass(frozen=True, slots=True)
class Settled:
    """Numbers of a stream up to `until` are counted and followed no more; so many of them had not come."""

    gateway: str
    stream: str
    until: int
    missing: int


@dataclass(frozen=True, slots=True)
class Progress:
    """What a step did.

    Attributes:
        batches: batches followed.
        envelopes: numbered envelopes in them, repeated ones too.
        oldest_at: data time of the oldest commit among them; None without.
        drained: nothing is left that was committed when the step began.
        missing: what has turned out to be missing since it was judged last.
        settled: streams that were too much in pieces.
        standby: another worker follows, so that nothing was done.
    """

    batches: int = 0
    envelopes: int = 0
    oldest_at: datetime | None = None
    drained: bool = False
    missing: Sequence[Missing] = ()
    settled: Sequence[Settled] = ()
    standby: bool = False


async def step(connection: Connection, limit: int, *, judge: bool) -> Progress:
    """Follow up to `limit` batches. Only one worker at a time may: see `ingest.following.follower`.

    What a status says of the lowest number kept, or by naming another stream, is taken over only when everything
    committed before it is followed: until then an envelope that the gateway forgot because it was confirmed would be
    taken for a missing one.

    Args:
        connection: the one that has the lock.
        limit: most batches.
        judge: whether to find out as well which numbers have turned out to be missing, which looks at all open ones,
            and which streams are too much in pieces, which looks at all.

    Raises as `energy.storage.translating` says; the next step does what is left.
    """
    with translating():
        announced = await connection.fetch(SQL.announced)
        superseding = await connection.fetch(SQL.superseding) if judge else []
        folded = await connection.fetchrow(SQL.fold, limit, DEFAULT_ZONE, MOST_NEW_STREAMS)
        assert folded is not None  # noqa: S101 - it always has one row
        drained = folded["batches"] < limit
        missing: list[Missing] = []
        settled: list[Settled] = []
        # Each statement is a transaction: it locks rows in their order, as those do who write statuses. What a cut-off
        # leaves undone the next step does.
        if drained:
            await _apply(connection, SQL.take_over, announced)
            await _apply(connection, SQL.supersede, superseding)
        if drained and judge:
            rows = await connection.fetch(SQL.name_missing, MOST_NAMED)
            missing = [Missing(row["gateway"], row["stream"], int(row["count"]), row["numbers"]) for row in rows]
            # Only now: while we are behind, what another worker has stored of a backlog seems to be open.
            settled = await _settle(connection)
    return Progress(folded["batches"], folded["envelopes"], folded["oldest_at"], drained, missing, settled)


async def _settle(connection: Connection) -> list[Settled]:
    """Bound what is kept of streams that are in many pieces."""
    crowded = await connection.fetch(SQL.crowded, MOST_PIECES, MOST_SETTLED)
    done = [await connection.fetchrow(SQL.settle, row["gateway"], row["stream"], KEPT_PIECES) for row in crowded]
    return [Settled(row["gateway"], row["stream"], row["settled_to"], int(row["missing"])) for row in done if row]


async def _apply(connection: Connection, query: str, rows: Sequence[Any]) -> None:
    """Run `query` with the three columns of `rows`, if there are any."""
    if rows:
        await connection.execute(query, *(list(column) for column in zip(*rows, strict=True)))
