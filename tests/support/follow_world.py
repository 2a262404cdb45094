"""Committed batches and statuses as ingest writes them, for tests of what follows them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from energy.storage import Connection
from energy.wire import Address, DroppedRange, DroppedTotal, Status
from ingest.following.fold import Progress, step
from ingest.following.status import Heard, write

REGION = "610303"
NOON = datetime(2026, 3, 1, 4, tzinfo=UTC)
"""Noon of 2026-03-01 in China."""
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Sent:
    """An envelope in a batch; refused whole when it has no readings."""

    gateway: str
    stream: str
    seq: int
    readings: int = 10
    rejected: int = 0


def stream_name(number: int) -> str:
    """A stream."""
    return f"{number:032x}"


async def commit(connection: Connection, envelopes: Sequence[Sent], at: datetime = NOON) -> int:
    """Record a batch with these envelopes as the writer does; returns its number."""
    batch = await connection.fetchval("select nextval('batch_id')")
    senders: dict[tuple[str, str], int] = {}
    numbers = [senders.setdefault((one.gateway, one.stream), len(senders) + 1) for one in envelopes]
    await connection.execute(
        "with recorded as (insert into ingest_batch values ($1, 'w', $2, $2, $3, 0, 0, 0, 0, 0)) "
        "insert into batch_envelopes values ($1, $4, $5, $6, $7, $8, $9)",
        batch,
        at,
        len(envelopes),
        [gateway for gateway, _ in senders],
        [stream for _, stream in senders],
        numbers,
        [one.seq for one in envelopes],
        [one.readings for one in envelopes],
        [one.rejected if one.readings else 1 for one in envelopes],
    )
    return int(batch)


def status(  # noqa: PLR0913 - a status has so many members
    stream: str | None,
    last_seq: int | None = None,
    kept_from: int | None = None,
    *,
    dropped: Iterable[tuple[int, int]] = (),
    total: int | None = None,
    online: bool = True,
    at: datetime = NOON,
) -> Status:
    """A status of a gateway."""
    ranges = [DroppedRange(first, last, "size") for first, last in dropped]
    told = None if stream is None else round(at.timestamp() * 1000)
    return Status(
        1, online, stream, kept_from, last_seq, ranges, told, None if total is None else DroppedTotal(total, 10 * total)
    )


async def report(  # noqa: PLR0913 - what a worker hears, and how
    connection: Connection,
    gateway: str,
    told: Status,
    *,
    at: datetime = NOON,
    carrier: str = "mqtt",
    via: str = "broker",
) -> None:
    """Write a status down as a worker does that hears it at data time `at`."""
    heard = Heard(Address(REGION, gateway), told, carrier, via, round(at.timestamp() * 1000))
    await write(connection, [heard])


async def follow(connection: Connection, limit: int = 100) -> list[Progress]:
    """Step until nothing is left."""
    done = [await step(connection, limit, judge=True)]
    while not done[-1].drained:
        done.append(await step(connection, limit, judge=True))
    return done


async def ledger(connection: Connection, gateway: str) -> list[dict[str, Any]]:
    """The rows of one gateway, by day and stream."""
    rows = await connection.fetch("select * from board.ledger where gateway = $1 order by day, stream", gateway)
    return [dict(row) for row in rows]
