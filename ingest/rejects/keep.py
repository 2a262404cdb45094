"""Keeps what a batch refuses, in the batch's own transaction, whatever its senders wrote."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from energy.queries import load_queries
from energy.storage import Connection
from ingest.checking.batch import Batch, Reject
from ingest.receiving.envelopes import DETAIL_CHARACTERS, MAX_KEPT_BYTES

_SQL = load_queries("ingest.rejects", "keep.sql")

SOURCE_CHARACTERS = 300
"""Most characters of a source that are kept; a topic may have 65 535 bytes, and an index entry 2 700."""
POINT_CHARACTERS = 64
"""Most characters of a point's code that are kept beside the payload; no registered point has more."""

_COLUMNS = (
    "received_at",
    "carrier",
    "gateway",
    "source",
    "stream",
    "seq",
    "reading_index",
    "point",
    "code",
    "detail",
    "payload",
    "batch",
)


async def keep_rejects(connection: Connection, batch: Batch, number: int) -> None:
    """Keep the rejects of `batch`, which is committed as `number`, within the transaction that is open.

    By COPY into a staging table, since a gateway may send nothing but what is refused: that must not hold up others.
    """
    await connection.execute(_SQL.create_staging)
    received_at = datetime.fromtimestamp(batch.offer.received_ms / 1000, UTC)
    await connection.copy_records_to_table(
        "rejects_staging", records=_records(batch, received_at, number), columns=_COLUMNS
    )
    await connection.execute(_SQL.keep_staged)


def _records(batch: Batch, received_at: datetime, number: int) -> Iterator[tuple[object, ...]]:
    for reject in batch.rejects:
        delivery, refusal = batch.offer.deliveries[reject.delivery], reject.refusal
        yield (
            received_at,
            delivery.carrier.name,
            delivery.address.gateway if delivery.address else None,
            storable(delivery.source, SOURCE_CHARACTERS),
            delivery.stream,
            refusal.seq,
            refusal.index,
            _point(batch, reject),
            refusal.code,
            storable(refusal.detail, DETAIL_CHARACTERS),
            reject.payload[:MAX_KEPT_BYTES],
            number,
        )


def _point(batch: Batch, reject: Reject) -> str | None:
    """The point that a refused reading names, None for a whole message."""
    if reject.refusal.index is None:
        return None
    return storable(batch.offer.deliveries[reject.delivery].readings[reject.refusal.index].point, POINT_CHARACTERS)


def storable(text: str, most: int) -> str:
    """`text` as PostgreSQL takes it, at most `most` characters: without NUL, and without half a surrogate pair."""
    return text[:most].encode(errors="replace").decode().replace("\0", "?")
