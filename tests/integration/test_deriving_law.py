"""Derived rows follow from readings, registry and records: whatever the order, the workers and the way they went."""

from __future__ import annotations

import random

import pytest

from energy.storage import Connection, Pool
from ingest.accounting.deriving.rules import Rules
from ingest.accounting.deriving.step import Deriver
from tests.support.deriving import derive_all, drained
from tests.support.deriving_world import arrivals, course, expected, forget_derived, intervals, minutely, tables
from tests.support.register_world import populate, registry, store

_CODES = [("A", "electricity", 1), ("B", "electricity", 1), ("C", "natural_gas", 1), ("D", "electricity", 2)]
_CHANGES = (
    "update point set wrap = 100000 where code = 'A'",
    "update point set quantum = 0.01 where code = 'B'",
    "update point set quantity = 'voltage' where code = 'C'",
    "update point set quantity = 'register' where code = 'C'",
    "update point set max_rate = 30 where code = 'D'",
    "update point set interval_s = 300 where code = 'A'",
    "update meter set unit_id = (select unit_id from unit where code = 'V') where code = 'M-B'",
    "update meter set check_id = (select meter_id from meter where code = 'M-D') where code = 'M-A'",
    "update unit set time_zone = 'Europe/Berlin' where code = 'U'",
)
_EXCLUDE = """
with made as (
    insert into edit (point_id, kind, since, until, author, reason, recorded_at)
    select point_id, 'exclude', ts, ts + interval '20 minutes', 'a', 'r', ts
    from readings where point_id = (select point_id from point where code = $1) order by md5(ts::text) limit 1
    returning point_id, since, until
)
insert into derivation_dirty
select nextval('batch_id'), array_agg(point_id), array_agg(since), array_agg(until) from made having count(*) > 0
"""


async def _world(connection: Connection) -> None:
    await populate(connection, minutely(registry(_CODES)))
    await connection.execute(
        "insert into unit (code, name_zh, name_en, district, industry) values ('V', '二厂', 'Second', '610302', '32')"
    )


async def _takes_all(deriver: Deriver, connection: Connection) -> None:
    """As if no other worker lived: it takes what nobody holds."""
    await deriver.claim(connection)
    await connection.execute("update derivation_group set holder = $1 where holder is null", deriver._worker)


async def _agrees(connection: Connection) -> None:
    """What stands is what one pass over everything gives, and what deriving from nothing gives."""
    assert await intervals(connection) == await expected(connection)
    stood = await tables(connection)
    await forget_derived(connection)
    await derive_all(connection)
    assert await tables(connection) == stood


_KINDS = (
    (1.0, (0.004, 0.0)),
    (1.0, (0.0, 0.03)),
    (15.0, (0.15, 0.05)),
)
"""Minutes from reading to reading; how many are not plain, and how many are contradicted."""


@pytest.mark.parametrize("seed", [0, 1, 2, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(3, 60))])
async def test_any_history_leaves_what_one_pass_over_everything_gives(pool: Pool, seed: int) -> None:
    """Live readings, late ones, contradictions, repetitions, edits, changes of the registry; two workers by turns."""
    chance = random.Random(seed)  # noqa: S311 - a repeatable history, not a secret
    async with pool.acquire() as one, pool.acquire() as other:
        await _world(one)
        every, rates = _KINDS[seed % len(_KINDS)]
        readings = [
            one for code, _, _ in _CODES for one in course(chance, code, round(150 * every), every=every, rates=rates)
        ]
        rules = Rules(batches=chance.choice([3, 64]), readings=chance.choice([500, 300_000]))
        workers = [(Deriver(rules), one), (Deriver(rules), other)]
        went, away = 0, chance.choice([0.05, 0.25])
        for batch in arrivals(chance, readings, 12):
            await store(one, batch)
            if chance.random() < 0.02:
                await one.execute(chance.choice(_CHANGES))
            if chance.random() < 0.02:
                await one.execute(_EXCLUDE, chance.choice("CD"))  # edited points never go on from memory
            if chance.random() < away:  # the other worker goes on, and knows nothing of what was done since
                workers.reverse()
                await one.execute("update derivation_group set holder = null")
            deriver, connection = workers[0]
            await _takes_all(deriver, connection)
            if chance.random() < 0.8:
                went += (await deriver.step(connection)).forward
        for deriver, connection in workers:
            await drained(deriver, connection)
            await deriver.leave(connection)
        await derive_all(one)
        assert went or every > 1.0  # too wild to be calm
        await _agrees(one)
