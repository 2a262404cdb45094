"""Looks for rejects: by kind, one by one, and the payload of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from datetime import datetime

import msgspec

from energy.queries import load_queries
from energy.storage import Connection, translating

SQL = load_queries("ingest.rejects", "find.sql")


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which rejects are meant; None leaves it open.

    Attributes:
        gateway: who sent it, empty for what came from nobody known.
        code: a refusal's code.
        point: the point that a refused reading names.
        carrier: the way in.
        since: received at or after this, data time.
        until: received before this.
        open: not replayed yet (true), or replayed (false).
    """

    gateway: str | None = None
    code: str | None = None
    point: str | None = None
    carrier: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    open: bool | None = None

    def parameters(self) -> tuple[object, ...]:
        """The first parameters of the queries in `find.sql`."""
        return astuple(self)


class Kind(msgspec.Struct, frozen=True):
    """Rejects of one gateway, code and point, counted; `detail` is that of the latest."""

    gateway: str | None
    code: str
    point: str | None
    rejects: int
    open: int
    first_at: datetime
    last_at: datetime
    detail: str


class Kept(msgspec.Struct, frozen=True):
    """One reject without its payload, of which it has the size.

    Attributes:
        reject_id: its number.
        received_at: data time.
        carrier, gateway, source: the way in, the sender if known, the topic or what stands for it.
        stream, seq, reading_index: the envelope and the reading in it, as far as they could be read.
        point, code, detail: what was refused, and why.
        bytes: size of the payload.
        batch: the batch with which it was kept.
        replayed_by: the batch that stored it after all, None as long as none did.
    """

    reject_id: int
    received_at: datetime
    carrier: str
    gateway: str | None
    source: str
    stream: str | None
    seq: int | None
    reading_index: int | None
    point: str | None
    code: str
    detail: str
    bytes: int
    batch: int | None
    replayed_by: int | None


async def summary(connection: Connection, chosen: Chosen, limit: int) -> Sequence[Kind]:
    """At most `limit` kinds of the rejects that are `chosen`, the latest first."""
    with translating():
        return [Kind(*row) for row in await connection.fetch(SQL.summary, *chosen.parameters(), limit)]


async def each(connection: Connection, chosen: Chosen, limit: int) -> Sequence[Kept]:
    """At most `limit` single rejects that are `chosen`, the latest first."""
    with translating():
        return [Kept(*row) for row in await connection.fetch(SQL.each, *chosen.parameters(), limit)]


async def count_open(connection: Connection, chosen: Chosen) -> int:
    """How many of those that are `chosen` are not replayed yet."""
    with translating():
        return sum(row["open"] for row in await connection.fetch(SQL.summary, *chosen.parameters(), None))


async def payload(connection: Connection, reject_id: int) -> bytes | None:
    """What was refused, as it was kept; None when there is no such reject (any more)."""
    with translating():
        found: bytes | None = await connection.fetchval(SQL.payload, reject_id)
    return found
