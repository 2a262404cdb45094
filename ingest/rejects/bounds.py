"""Removes the rejects that are beyond their bounds of age and size, in small pieces.

Where the size is beyond its bound, the gateways that have most in there give way, each with its oldest: one that floods
the platform with what is refused takes the room of its own refused readings, not of others'.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from energy.queries import load_queries
from energy.storage import Connection, translating
from ingest.rejects.settings import RejectSettings
from ingest.upkeep.done import Done, record

_SQL = load_queries("ingest.rejects", "bounds.sql")

PIECE = 5_000
"""Most rejects removed by one transaction."""
LEFT = 7 / 8
"""Where the bound of size is reached, so much of it is left, so that not every round has something to remove."""


@dataclass(slots=True)
class Removed:
    """What one round removed.

    Attributes:
        open: rejects never replayed, by code.
        replayed: the others, by code.
        bytes: of all of them.
    """

    open: Counter[str] = field(default_factory=Counter)
    replayed: Counter[str] = field(default_factory=Counter)
    bytes: int = 0

    @property
    def rejects(self) -> int:
        """How many."""
        return self.open.total() + self.replayed.total()

    def note(self, code: str, count: int, size: int, *, replayed: bool) -> None:
        """So many of one code are gone."""
        (self.replayed if replayed else self.open)[code] += count
        self.bytes += size

    def __str__(self) -> str:
        """The counts, for a person."""
        lost = ", ".join(f"{count} {code}" for code, count in self.open.most_common()) or "none"
        return f"never replayed: {lost}; replayed: {self.replayed.total()}"


def cap(sizes: Collection[int], room: int) -> int:
    """The greatest cap for which the `sizes`, each cut to it, fit into `room`; the greatest size when all fit."""
    left = room
    for number, size in enumerate(sorted(sizes)):
        even = left // (len(sizes) - number)
        if size > even:
            return even
        left -= size
    return max(sizes, default=0)


class Remover:
    """Keeps the bounds, one round after the other.

    Args:
        settings: the bounds.
    """

    def __init__(self, settings: RejectSettings) -> None:
        self._keep = timedelta(days=settings.keep_days)
        self._most = settings.keep_megabytes * 1_000_000
        self._counted = 0

    async def enforce(self, connection: Connection, now: datetime) -> tuple[Removed, int]:
        """One round at data time `now`: what was removed, and the bytes on disk before it.

        Nothing is removed while another worker is at it; raises as `energy.storage.translating` says.
        """
        removed = Removed()
        with translating():
            on_disk, newest = await connection.fetchrow(_SQL.measure) or (0, 0)
            if not await connection.fetchval(_SQL.lock):
                return removed, on_disk
            try:
                await self._remove_old(connection, now, removed)
                # As long as nothing new has come in, nobody's share has grown; what is on disk shrinks by vacuum only.
                if on_disk > self._most and newest > self._counted:
                    await self._remove_most(connection, removed)
                    self._counted = newest
                if removed.rejects:
                    until = now - self._keep
                    await record(
                        connection, now, [Done("rejects", "rows_deleted", until, removed.rejects, str(removed))]
                    )
            finally:
                await connection.execute(_SQL.unlock)
        return removed, on_disk

    async def _remove_old(self, connection: Connection, now: datetime, removed: Removed) -> None:
        while _noted(await connection.fetch(_SQL.remove_old, now - self._keep, PIECE), removed):
            pass

    async def _remove_most(self, connection: Connection, removed: Removed) -> None:
        sizes = {row["gateway"]: row["bytes"] for row in await connection.fetch(_SQL.sizes)}
        if sum(sizes.values()) <= self._most:
            return
        most = cap(sizes.values(), int(self._most * LEFT))
        for gateway, size in sizes.items():
            excess = size - most
            while excess > 0 and (rows := await connection.fetch(_SQL.remove_oldest_of, gateway, excess, PIECE)):
                excess -= _noted(rows, removed)


def _noted(rows: Iterable[Any], removed: Removed) -> int:
    """The bytes that one piece removed, after it was noted."""
    before = removed.bytes
    for code, replayed, count, size in rows:
        removed.note(code, count, size, replayed=replayed)
    return removed.bytes - before
