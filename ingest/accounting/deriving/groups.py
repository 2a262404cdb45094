"""Who derives which units: groups of them, each left to one worker, and locked for as long as a step lasts.

A worker has a number, and holds an advisory lock on it for as long as its session lives; so everybody sees who lives.
It takes its share of the groups, those that nobody holds or whose holder is gone, and gives up what is beyond. That is
a matter of speed. What keeps two from deriving one unit is the lock on the group's row; and each step that took
marks counts in it, so that a worker knows whether anybody else has been there since (`Memory`).
"""

from __future__ import annotations

from collections.abc import Collection

from energy.storage import Connection, load_queries

_SQL = load_queries("ingest.accounting.deriving", "groups.sql")


async def enter(connection: Connection) -> int:
    """A number for a worker whose session this is; it is let go when the session ends, or by `leave`."""
    worker: int = await connection.fetchval(_SQL.enter)
    return worker


async def leave(connection: Connection, worker: int) -> None:
    """Give up all groups, and the number: an orderly end."""
    await connection.execute(_SQL.give_up, worker, 0)
    await connection.execute(_SQL.leave, worker)


async def claim(connection: Connection, worker: int) -> None:
    """Take groups up to a fair share, or give up what is beyond it. In a transaction of its own: others see it then."""
    row = await connection.fetchrow(_SQL.shares, worker)
    assert row is not None  # noqa: S101 - an aggregate has one row
    share = -(-row["groups"] // max(row["workers"], 1))
    if row["mine"] > share:
        await connection.execute(_SQL.give_up, worker, share)
    elif row["mine"] < share:
        await connection.execute(_SQL.take, worker, share - row["mine"])


async def lock(connection: Connection, worker: int) -> tuple[int, dict[int, int]]:
    """Lock the groups that are left to `worker` until the transaction ends, but for those that somebody works on.

    Returns how many groups there are, and of each one locked how many steps were made in it.
    """
    await connection.execute(_SQL.plan_each_time)
    await connection.execute(_SQL.registry_stands)
    rows = await connection.fetch(_SQL.lock, worker)
    total: int = await connection.fetchval(_SQL.count)
    return total, {row["grp"]: row["steps"] for row in rows}


async def lock_these(connection: Connection, groups: Collection[int]) -> int:
    """Lock these groups until the transaction ends, waiting for steps under way: for who derives outside steps.

    Marks stay as they are, so that nothing which a worker remembers becomes wrong: what it has not taken yet, it will.
    Returns how many groups there are.
    """
    await connection.execute(_SQL.registry_stands)
    await connection.fetch(_SQL.lock_these, list(groups))
    total: int = await connection.fetchval(_SQL.count)
    return total


async def count_step(connection: Connection, groups: list[int]) -> None:
    """Note in the `groups` locked that marks were taken."""
    await connection.execute(_SQL.count_step, groups)
