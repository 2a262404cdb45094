"""One round of upkeep: short transactions, each of which does its part and writes it down, or changes nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from energy.queries import load_queries
from energy.storage import Connection, translating
from ingest.upkeep import policies, records, retention
from ingest.upkeep.chunks import set_intervals
from ingest.upkeep.done import Done, record
from ingest.upkeep.edition import Edition, read_edition
from ingest.upkeep.settings import UpkeepSettings

_SQL = load_queries("ingest.upkeep", "upkeep.sql")

MOST_TURNS = 1_000
"""Transactions of one kind in one round: what is left then, the next round does."""

_Part = Callable[[Connection], Awaitable[list[Done]]]


@dataclass(slots=True)
class Round:
    """What a round did.

    Attributes:
        edition: of the database.
        done: in order.
        held_back: readings whose time is over are kept because accounting has not derived them yet.
        standby: somebody else was at it, so that some or all was left to him.
    """

    edition: Edition
    done: list[Done] = field(default_factory=list)
    held_back: bool = False
    standby: bool = False


async def run_round(connection: Connection, now: datetime, settings: UpkeepSettings, *, real_time: bool) -> Round:
    """Do all that is due at data time `now`; safe to repeat, and to run beside another one.

    Args:
        connection: its own.
        now: data time.
        settings: how long things are kept.
        real_time: whether data time is the wall clock's, as TimescaleDB's policies believe.

    Raises:
        StorageError and its like: as `energy.storage.translating` says; what was done before stays done.
    """
    made = Round(await read_edition(connection))
    plan = policies.wanted(made.edition, settings, real_time=real_time)
    until = retention.horizon(now, settings)

    async def intervals(own: Connection) -> list[Done]:
        return await set_intervals(own, now, settings)

    async def arranged(own: Connection) -> list[Done]:
        made.held_back = await retention.held_back(own, until)
        return await policies.arrange(own, plan, paused=made.held_back)

    async def dropped(own: Connection) -> list[Done]:
        if made.held_back:
            return []
        ours = plan.retention is None
        return await (retention.drop_over(own, until, now) if ours else retention.note_dropped(own, until))

    async def deleted(own: Connection) -> list[Done]:
        return await records.delete_over(own, now, settings)

    of_derived: list[_Part] = [
        partial(retention.drop_derived, relation=relation, until=before, now=now)
        for relation, before in retention.derived_horizons(now, settings).items()
    ]
    once: list[_Part] = [intervals, arranged]
    repeated: list[_Part] = [dropped, *of_derived, deleted]
    for part in (*once, *repeated):
        for _ in range(MOST_TURNS if part in repeated else 1):
            found = await _turn(connection, part, now)
            if found is None:
                made.standby = True
                return made
            made.done += found
            if not found:
                break
    return made


async def _turn(connection: Connection, part: _Part, now: datetime) -> list[Done] | None:
    """What one transaction did; None when somebody else has the lock."""
    with translating():
        async with connection.transaction():
            if not await connection.fetchval(_SQL.lock):
                return None
            await connection.execute(_SQL.be_patient)
            done = await part(connection)
            await record(connection, now, done)
    return done
