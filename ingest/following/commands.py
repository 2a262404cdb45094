"""What gateways are told to do, by the way on which they are reached."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol

from energy.storage import Connection, StorageSettings, translating
from energy.wire import MAX_COMMANDS, VERSION, Address, Command
from ingest import metrics as ingest_metrics
from ingest.database import KeptConnection
from ingest.following.fold import SQL
from ingest.following.holes import MOST_RANGES, Holes, Range

_GREATEST = 2**63 - 1


class Commands:
    """Hands out what waits for gateways that post over HTTP.

    Args:
        database: where it waits, so that any worker may be the one that gets the status.
    """

    def __init__(self, database: StorageSettings) -> None:
        self._connection = KeptConnection(database, ingest_metrics.database_failed)

    async def commands_for(self, address: Address) -> Sequence[Command]:
        """The commands for the answer to a status of `address`, at most 16; each is handed out once.

        Raises:
            StorageError and its like: as `energy.storage.translating` says; nothing was handed out.
        """
        return await self._connection.once(lambda connection: hand_out(connection, address.gateway))


async def hand_out(connection: Connection, gateway: str) -> list[Command]:
    """Take what `gateway` is to be asked for; raises as `energy.storage.translating` says."""
    with translating():
        rows = await connection.fetch(SQL.hand_out, gateway, MAX_COMMANDS, MOST_RANGES)
    found = [(row["stream"], _ranges_of(row["numbers"])) for row in rows]
    return [resend(stream, ranges) for stream, ranges in found if ranges]


async def find_holes(connection: Connection, most: int) -> list[tuple[Holes, Address, bool]]:
    """What is open in the streams of gateways that are online; with where they are, and whether over HTTP.

    Raises as `energy.storage.translating` says.
    """
    with translating():
        rows = await connection.fetch(SQL.holes, most)
    return [
        (
            Holes((row["gateway"], row["stream"]), _ranges_of(row["to_come"]), _ranges_of(row["missing"])),
            Address(row["region"], row["gateway"]),
            row["carrier"] == "http",
        )
        for row in rows
    ]


async def note_asked(
    connection: Connection, key: tuple[str, str], ranges: Sequence[Range], *, at: datetime, waits: bool
) -> None:
    """Write down that a gateway is asked for `ranges`, which wait for its next status if it `waits`.

    Raises as `energy.storage.translating` says.
    """
    firsts, lasts = [first for first, _ in ranges], [last for _, last in ranges]
    with translating():
        await connection.execute(SQL.asked, *key, at, firsts, lasts, waits)


def resend(stream: str, ranges: Sequence[Range]) -> Command:
    """The command to send `ranges` of `stream` again."""
    return Command(VERSION, "resend", stream, list(ranges))


class _HalfOpen(Protocol):
    """A range as the database driver gives it; without an upper bound it ends at the greatest int8."""

    @property
    def lower(self) -> int: ...
    @property
    def upper(self) -> int | None: ...


def _ranges_of(numbers: Iterable[_HalfOpen]) -> list[Range]:
    return [(part.lower, _GREATEST if part.upper is None else part.upper - 1) for part in numbers]
