"""A registry in the database and rejects of its gateways, for tests of keeping, listing and replaying them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from energy.readings import Reading
from energy.registry.store import apply
from energy.storage import Connection
from ingest.checking.points import PointTable
from ingest.checking.verdicts import Bounds
from ingest.receiving.carrier import Delivery
from ingest.rejects.find import Chosen
from ingest.rejects.replay import Replay, Replayed
from ingest.writing.store import Outcome, Store, reserve_numbers
from tests.support.ingest_worker import registry
from tests.support.ingest_world import BOUNDS, START_MS, batch_of

NOW = datetime.fromtimestamp(START_MS / 1000 + 60, UTC)
STORE = Store("worker-1", lambda: NOW)
NOBODY = PointTable.of(())


def unknown(count: int, *, gateway: str = "gw-a", since: int = 0) -> list[Reading]:
    """Readings of the first point of `gateway`, one each second after the start."""
    return [Reading(f"{gateway}-0", START_MS + 1_000 * n, float(n), 0) for n in range(since, since + count)]


async def keep(connection: Connection, *deliveries: Delivery, table: PointTable = NOBODY) -> Outcome:
    """Commit a batch of `deliveries` when the points of `table` are registered, by default none."""
    (number,) = await reserve_numbers(connection, 1)
    return await STORE.commit(connection, batch_of(*deliveries, table=table), number)


async def register(connection: Connection, gateway: str = "gw-a", points: int = 1) -> None:
    """Register a gateway with its points."""
    await apply(connection, registry(gateway, points))


async def replay(
    connection: Connection, chosen: Chosen | None = None, *, bounds: Bounds = BOUNDS, dry: bool = False
) -> Replayed:
    """Replay what is `chosen`, by default all."""
    return await Replay(Store("replay-tester", lambda: NOW), bounds, START_MS, dry).run(connection, chosen or Chosen())


async def table(connection: Connection, query: str) -> Sequence[tuple[Any, ...]]:
    """The rows of a query."""
    return [tuple(row) for row in await connection.fetch(query)]
