"""The law from end to end: any history of everything leaves what `derive rebuild` makes of it from nothing.

Meters of every kind with faults of all sorts, long silences that a check meter fills, late, repeated and contradicting
readings, edits and their undoing, changes of the registry; two workers who derive by turns, at once and anew.
"""

from __future__ import annotations

import asyncio
import random
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from deploy.stack import Endpoints
from energy.records import RecordError
from energy.registry import Point, Registry
from energy.storage import Connection, Pool, StorageSettings, open_pool
from energy.storage.databases import create_database, drop_database
from ingest.accounting.deriving.rules import Rules
from ingest.accounting.deriving.step import Deriver
from ingest.accounting.edits.store import add, undo
from ingest.accounting.rebuilding.run import Wanted, run
from ingest.accounting.validation.loading import shipped_checks
from tests.support.deriving import derive_all, drained
from tests.support.deriving_world import arrivals, course, forget_derived, tables
from tests.support.edits_world import NOW, anything
from tests.support.register_world import T0, Shown, populate, registry, store
from tests.support.rollup_world import TABLES, rolled
from tests.support.validation_store import judge_all

QUANTITIES = {"A": "register", "B": "net_register", "C": "rate", "D": "interval", "E": "register"}
"""By code of the point; the meter of A is checked by that of E."""
MINUTES = 600
SILENT = range(T0 + 200 * 60_000, T0 + 420 * 60_000)
"""More than a straight line may bridge."""
_SHOWS: dict[str, Callable[[float], float]] = {
    "net_register": lambda state: 50_000 - abs(state - 50_000),
    "rate": lambda state: state % 300,
    "interval": lambda state: state % 20,
}
_CHANGES = (
    "update point set wrap = 100000 where code in ('A', 'B')",
    "update point set max_rate = 2000 where code in ('A', 'B', 'E')",
    "update point set max_rate = null",
    "update point set quantum = 0.01 where code = 'C'",
    "update point set quantity = 'net_register' where code = 'E'",
    "update meter set check_id = null where code = 'M-A'",
    "update unit set time_zone = 'Europe/Berlin'",
)
_ACTIONS = ("arrive", "arrive", "arrive", "one", "one", "other", "both", "claim", "anew", "say", "unsay", "change")


def _world() -> Registry:
    world = registry([(code, "electricity", 1) for code in QUANTITIES])

    def with_quantity(point: Point) -> Point:
        quantity = QUANTITIES[point.code]
        unit = "kW" if quantity == "rate" else point.unit
        return msgspec.structs.replace(point, quantity=quantity, unit=unit, interval_s=300)

    meters = tuple(
        msgspec.structs.replace(one, check_meter="M-E") if one.code == "M-A" else one for one in world.meters
    )
    return msgspec.structs.replace(world, meters=meters, points=tuple(map(with_quantity, world.points)))


def _readings(chance: random.Random, wild: float) -> list[Shown]:
    return [
        Shown(code, one.at, round(_SHOWS.get(quantity, float)(one.value), 3), one.quality)
        for code, quantity in QUANTITIES.items()
        for one in course(chance, code, MINUTES, every=5.0, rates=(wild, wild / 3))
        if code == "E" or one.at not in SILENT
    ]


@settings(max_examples=max(settings().max_examples // 32, 1), phases=[Phase.explicit, Phase.generate])
@given(
    chance=st.integers(0, 2**32).map(random.Random),
    wild=st.sampled_from([0.0, 0.02, 0.15]),
    actions=st.lists(st.sampled_from(_ACTIONS), min_size=5, max_size=60),
)
def test_any_history_leaves_what_a_rebuild_makes_from_nothing(
    places: tuple[str, str], chance: random.Random, wild: float, actions: list[str]
) -> None:
    """Quarter hours, gaps, totals, hours, days and months: every row and every column."""
    asyncio.run(_hold(*places, _History(chance, wild, actions)))


@pytest.fixture(scope="module")
def places(endpoints: Endpoints, template: str) -> tuple[str, str]:
    """Where databases are made, and out of which."""
    return endpoints.dsn, template


class _History:
    """One history on its way.

    Args:
        chance: decides what actions do.
        wild: share of the readings that are anything but plain.
        actions: some of `_ACTIONS`, in order.
    """

    def __init__(self, chance: random.Random, wild: float, actions: list[str]) -> None:
        self._chance, self._actions = chance, actions
        self._rules = Rules(batches=chance.choice([1, 64]), readings=chance.choice([100, 2_000, 300_000]))
        self._workers = [Deriver(self._rules), Deriver(self._rules)]
        batches = arrivals(chance, _readings(chance, wild), 60)
        each = -(-len(batches) // max(actions.count("arrive"), 1))
        self._waiting = [batches[at : at + each] for at in range(0, len(batches), each)][::-1]
        self._said: list[int] = []

    async def live(self, one: Connection, other: Connection) -> None:
        """All of it, until nothing is left to arrive or to derive."""
        for action in ("claim", *self._actions):
            if action in {"claim", "both", "one", "other", "anew"}:
                await self._work(action, one, other)
            elif action == "arrive":
                await self._arrive(one)
            elif action == "change":
                await one.execute(self._chance.choice(_CHANGES))
            else:
                await self._say(one, action)
        while self._waiting:
            await self._arrive(one)
        for worker, connection in zip(self._workers, (one, other), strict=True):
            await drained(worker, connection)
            await worker.leave(connection)
        await derive_all(one)

    async def _work(self, action: str, one: Connection, other: Connection) -> None:
        first, second = self._workers
        match action:
            case "claim":
                await first.claim(one)
                await second.claim(other)
            case "one":
                await first.step(one)
            case "other":
                await second.step(other)
            case "both":
                await asyncio.gather(first.step(one), second.step(other))
            case _:  # it ends in order, and another one begins that knows nothing
                await first.leave(one)
                self._workers[0] = Deriver(self._rules)

    async def _arrive(self, connection: Connection) -> None:
        for batch in self._waiting.pop() if self._waiting else ():
            await store(connection, batch)

    async def _say(self, connection: Connection, action: str) -> None:
        if action == "unsay" and self._said:
            edit = self._said.pop(self._chance.randrange(len(self._said)))
            await undo(connection, edit, author="Wu", reason="slip", now=NOW)
            return
        said = anything(self._chance, "".join(QUANTITIES), MINUTES, beyond=60)
        try:
            self._said += [made.edit_id for made in await add(connection, [said], NOW) if made.new]
        except RecordError:  # a change of a rate's register, say
            return


async def _hold(dsn: str, template: str, history: _History) -> None:
    async with _database(dsn, template) as (database, pool), pool.acquire() as one, pool.acquire() as other:
        await populate(one, _world())
        await history.live(one, other)
        await judge_all(one, datetime.fromtimestamp(T0 / 1000, UTC) + timedelta(days=40))
        lived = await _everything(one)
        assert all(lived.values())
        await forget_derived(one)
        await one.execute(f"truncate derivation_dirty, day_dirty, {', '.join(TABLES)}")
        await run(database, Wanted(), Rules(), shipped_checks())
        rebuilt = await _everything(one)
        for table, rows in lived.items():
            assert rows == rebuilt[table], table


async def _everything(connection: Connection) -> dict[str, object]:
    return {**await tables(connection), **await rolled(connection)}


@asynccontextmanager
async def _database(dsn: str, template: str) -> AsyncIterator[tuple[StorageSettings, Pool]]:
    """A database of one example's own: what two workers do is committed."""
    name = f"law_{uuid.uuid4().hex[:12]}"
    database = StorageSettings(await create_database(dsn, name, template=template))
    async with open_pool(database) as pool:
        yield database, pool
    await drop_database(dsn, name)
