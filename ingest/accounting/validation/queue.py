"""Which days wait to be judged: marked when intervals change, and when parameters or registry do.

A block of points (point_id / 1000) and a local day are judged together, in one transaction that also takes the mark:
whatever is cut off stays marked. Several workers take different days.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from energy.storage import Connection, load_queries, translating
from ingest.accounting.validation.loading import Checks
from ingest.accounting.validation.reach import affected_days, local_days
from ingest.accounting.validation.validate import Validated, validate

_SQL = load_queries("ingest.accounting.validation", "queue.sql")
_AHEAD = timedelta(hours=14)
"""No zone is further ahead of UTC: beyond it no day has begun anywhere."""


@dataclass(frozen=True, slots=True)
class Step:
    """What a step did: the day of the block that it judged, None where none was due; and how many are marked still.

    Those are days of blocks that have begun somewhere, due or not.
    """

    block: int | None = None
    day: date | None = None
    validated: Validated = field(default_factory=Validated)
    waiting: int = 0


async def mark(
    connection: Connection, block: int, days: Collection[date], checks: Checks, *, at_once: bool = False
) -> None:
    """Intervals or readings of the UTC `days` of a block changed: all days whose findings that bears on are marked.

    With `at_once` also an open day does not wait for its pause. Belongs into a transaction that sees the changed
    intervals, or comes after them.
    """
    zones = await connection.fetch(_SQL.zones, [block])
    touched = local_days(days, [row["time_zone"] for row in zones])
    await connection.execute(_SQL.mark, block, affected_days(touched, checks), at_once)


async def mark_changed_rules(connection: Connection, checks: Checks, *, kept_from: date = date.min) -> int:
    """Mark every day from `kept_from` on that was judged by other parameters or another registry than now.

    Returns how many. Of earlier days the intervals were dropped: what was found of them stands. To be called at start,
    and when `registry_version` has grown. Raises as `energy.storage.translating` says.
    """
    with translating():
        blocks = [row["block"] for row in await connection.fetch(_SQL.blocks)]
        now = await _fingerprints(connection, blocks, checks)
        return int(await connection.fetchval(_SQL.again, list(now), list(now.values()), kept_from))


async def step(
    connection: Connection, checks: Checks, *, now: datetime, pause_s: float, kept_from: date = date.min
) -> Step:
    """Judge one marked day of a block, the newest of those that are due and have waited; one transaction.

    A day that is over everywhere is due once it is marked, and so is one that is marked to be judged at once.

    Args:
        connection: the database.
        checks: the rules.
        now: data time; days that have begun nowhere yet wait.
        pause_s: data seconds that must lie between two judgements of a day that is open: it changes all the time.
        kept_from: the first day to judge; intervals of earlier ones were dropped.

    Raises:
        StorageError and its like: as `energy.storage.translating` says.
    """
    newest = (now.astimezone(UTC) + _AHEAD).date()
    with translating():
        async with connection.transaction():
            taken = await connection.fetchrow(_SQL.take, newest, now - timedelta(seconds=pause_s), now, kept_from)
            if taken is None:
                return Step(waiting=await connection.fetchval(_SQL.waiting, newest, kept_from))
            block, day = taken["block"], taken["day"]
            fingerprint = (await _fingerprints(connection, [block], checks))[block]
            points = [row["point_id"] for row in await connection.fetch(_SQL.points, block)]
            validated = await validate(connection, points, [day], checks)
            await connection.execute(_SQL.judged, block, day, fingerprint)
        return Step(block, day, validated, await connection.fetchval(_SQL.waiting, newest, kept_from))


async def _fingerprints(connection: Connection, blocks: Sequence[int], checks: Checks) -> Mapping[int, int]:
    seed = int.from_bytes(bytes.fromhex(checks.fingerprint), signed=True)
    rows = await connection.fetch(_SQL.fingerprints, blocks, seed)
    return {row["block"]: row["fingerprint"] for row in rows}
