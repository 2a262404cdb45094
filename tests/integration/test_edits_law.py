"""What people say of readings, and take back, leaves what one pass over everything gives, and no trace of the past."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import pytest

from energy.records import RecordError
from energy.storage import Connection
from ingest.accounting.edits.model import Given, Kind
from ingest.accounting.edits.store import add, undo
from tests.support.deriving import derive_all
from tests.support.deriving_world import course, expected, forget_derived, intervals, minutely, tables
from tests.support.edits_world import anything
from tests.support.register_world import instant, populate, registry, shown, store

_NOW = datetime(2026, 4, 1, tzinfo=UTC)
_CODES = [("A", "electricity", 1), ("B", "natural_gas", 1)]
_MINUTES = 240
_SIGNED = ("Li Wei", "work order")


@pytest.fixture
def connection(undone: Connection) -> Connection:
    """What a test does on it is undone."""
    return undone


async def _raw(connection: Connection) -> list[str]:
    return [str(row) for row in await connection.fetch("select * from readings order by point_id, ts")]


@pytest.mark.parametrize("seed", range(2))
async def test_whatever_is_said_and_undone_leaves_what_stands(connection: Connection, seed: int) -> None:
    """With the edits in force the tables are those of one pass over everything; without any, those of before."""
    await _hold(connection, seed)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(2, 40))
async def test_many_histories_of_edits_leave_what_stands(connection: Connection, seed: int) -> None:
    """The same, for many histories."""
    await _hold(connection, seed)


async def _hold(connection: Connection, seed: int) -> None:
    # What is on record before or after all readings counts too; one pass over readings alone does not look there.
    beyond = 120 * (seed % 2)
    chance = random.Random(seed)  # noqa: S311 - a repeatable history, not a secret
    await populate(connection, minutely(registry(_CODES)))
    for code, _, _ in _CODES:
        await store(connection, course(chance, code, _MINUTES, every=5.0, rates=(0.03, 0.0)))
    await derive_all(connection)
    before, raw = await tables(connection), await _raw(connection)
    made: list[int] = []
    for _ in range(24):
        try:
            made += [
                one.edit_id
                for one in await add(connection, [anything(chance, "AB", _MINUTES, beyond)], _NOW)
                if one.new
            ]
        except RecordError:
            continue
        if chance.random() < 0.3 and made:
            await undo(connection, made.pop(chance.randrange(len(made))), author="Wu", reason="slip", now=_NOW)
        if chance.random() < 0.5:
            await derive_all(connection)
    await derive_all(connection)
    assert made
    if not beyond:
        assert await intervals(connection) == await expected(connection)
    stood = await tables(connection)
    assert stood != before
    await forget_derived(connection)
    await derive_all(connection)
    assert await tables(connection) == stood
    for edit_id in chance.sample(made, len(made)):
        await undo(connection, edit_id, author="Wu", reason="slip", now=_NOW)
        if chance.random() < 0.3:
            await derive_all(connection)
    await derive_all(connection)
    assert await tables(connection) == before
    assert await _raw(connection) == raw


async def _amounts(connection: Connection) -> list[tuple[float, int | None, int]]:
    """Quarter hours of A: hours since the beginning, quanta, quality."""
    rows = await connection.fetch(
        "select extract(epoch from ts - $1)::float8 / 3600, quanta, quality from consumption_15min"
        " where point_id = (select point_id from point where code = 'A') order by ts",
        instant(0),
    )
    return [tuple(row) for row in rows]


async def test_a_replacement_counts_both_registers(connection: Connection) -> None:
    """Old register 100 to 103 at removal, new one from 7 to 9: five units, nothing lost and nothing invented."""
    await populate(connection, registry(_CODES))
    await store(connection, [shown("A", 0, 100), shown("A", 15, 102), shown("A", 45, 8), shown("A", 60, 9)])
    await derive_all(connection)
    said = {"since": instant(30).isoformat(), "old_end": "103", "new_start": "7"}
    (taken,) = await add(connection, [Given(Kind.REPLACEMENT, "A", said, *_SIGNED)], _NOW)
    await derive_all(connection)
    assert [quanta for _, quanta, _ in await _amounts(connection)] == [2000, 1000, 1000, 1000]
    await undo(connection, taken.edit_id, author="Wu", reason="another meter", now=_NOW)
    await derive_all(connection)
    assert [quanta for _, quanta, _ in await _amounts(connection)] != [2000, 1000, 1000, 1000]


async def test_readings_that_come_after_an_edit_count_by_it(connection: Connection) -> None:
    """A ratio holds for readings that come later, live or late; an amount stands whatever comes."""
    await populate(connection, registry(_CODES))
    await store(connection, [shown("A", 0, 100), shown("A", 15, 102)])
    await derive_all(connection)
    ratio = Given(Kind.RATIO, "A", {"since": instant(15).isoformat(), "ratio": "2"}, *_SIGNED)
    span = {"since": instant(45).isoformat(), "until": instant(60).isoformat()}
    amount = Given(Kind.AMOUNT, "A", span | {"amount": "0.5"}, *_SIGNED)
    await add(connection, [ratio, amount], _NOW)
    await derive_all(connection)
    for minute, value in ((30, 103), (60, 109), (45, 105)):
        await store(connection, [shown("A", minute, value)])
        await derive_all(connection)
    assert [quanta for _, quanta, _ in await _amounts(connection)] == [2000, 2000, 4000, 500]


async def test_a_state_on_record_after_the_last_reading_counts_whatever_is_derived_anew(connection: Connection) -> None:
    """What is said of an earlier time lets the quarter hour of the last reading be derived again: with that state."""
    await populate(connection, registry(_CODES))
    await store(connection, [shown("A", minute, 100 + minute / 5) for minute in range(3, 120, 5)])
    removed = {"since": instant(170).isoformat(), "old_end": "134"}
    await add(connection, [Given(Kind.REPLACEMENT, "A", removed, *_SIGNED)], _NOW)
    await derive_all(connection)
    for minute in range(60, 118, 5):
        span = {"since": instant(minute).isoformat(), "until": instant(minute + 5).isoformat()}
        await add(connection, [Given(Kind.ACCEPT, "A", span, *_SIGNED)], _NOW)
        await derive_all(connection)
        amounts = [quanta for _, quanta, _ in await _amounts(connection)]
        assert sum(quanta or 0 for quanta in amounts) == 33_400
