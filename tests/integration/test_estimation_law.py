"""Gaps obey the law: whatever came when, the same readings give the same courses, and deriving them ends."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence

import msgspec
import pytest

from energy.consumption import IntervalQuality, Method
from energy.registry import Meter, Registry
from energy.storage import Connection
from tests.support.deriving import derive_all, drained, worker
from tests.support.deriving_world import forget_derived, tables
from tests.support.register_world import T0, Shown, populate, registry, shown, store

HOUR = 60
DAY = 24 * HOUR
DAYS = 27
QUANTITIES = ("register", "rate")
GAPS = {"E": ((22.4, 22.7), (23.2, 25.9)), "C": ((10.1, 10.4), (24.1, 24.5))}
"""In days from the world's beginning; what lies within is not read."""


@pytest.fixture
def connection(undone: Connection) -> Connection:
    """What a test does on it is undone."""
    return undone


def _world(quantity: str = "register") -> Registry:
    """Two meters, read hourly, that check each other."""
    plain = registry([("E", "electricity", 1), ("C", "electricity", 2)])
    unit = "kW" if quantity == "rate" else "kWh"
    return msgspec.structs.replace(
        plain,
        meters=tuple(
            Meter(f"M-{code}", "U", "electricity", level, "any", check_meter=f"M-{other}")
            for code, level, other in (("E", 1, "C"), ("C", 2, "E"))
        ),
        points=tuple(
            msgspec.structs.replace(point, interval_s=3600, quantity=quantity, unit=unit) for point in plain.points
        ),
    )


def _history(chance: random.Random, point: str, quantity: str) -> list[Shown]:
    """A month of hours with a course of days and weeks, and something of chance."""
    total, rows = 1000.0, []
    for hour in range(DAYS * 24):
        amount = 5 + (hour % 24) * (0.3 if hour // 24 % 7 in (0, 6) else 1) + chance.random()
        total += amount
        if not any(began < hour / 24 < ended for began, ended in GAPS[point]):
            rows.append(shown(point, hour * HOUR, amount if quantity == "rate" else total))
    return rows


def _day(row: Shown) -> tuple[str, int]:
    return row.point, (row.at - T0) // (DAY * 60_000)


def _batches(chance: random.Random, rows: Sequence[Shown]) -> list[list[Shown]]:
    """In order but for some days, which come late, in any order, some hours of them twice."""
    late = {(point, day) for point in "EC" for day in chance.sample(range(DAYS), 3)}
    late |= {("C", 22), ("E", 15), ("C", 3)}  # over a gap that it checks; like days of both
    on_time = [row for row in rows if _day(row) not in late]
    order = sorted(late, key=lambda day: (day == ("C", 22), chance.random()))  # nothing after it makes up for it
    batches = [on_time[: len(on_time) // 2], on_time[len(on_time) // 2 :]]
    batches += [[row for row in rows if _day(row) == one] + chance.sample(rows, 5) for one in order]
    return [batch for batch in batches if batch]


@pytest.mark.parametrize(
    ("quantity", "seed"),
    [
        ("register", 1),
        ("rate", 2),
        *(pytest.param(quantity, seed, marks=pytest.mark.long) for seed in range(20) for quantity in QUANTITIES),
    ],
)
async def test_late_data_in_any_order_gives_the_same_courses(connection: Connection, quantity: str, seed: int) -> None:
    """Late days before a gap, late rows of the check meter, repetitions; meters that check each other, yet it ends."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    await populate(connection, _world(quantity))
    rows = sorted(
        (row for point in GAPS for row in _history(chance, point, quantity)), key=lambda row: (row.at, row.point)
    )
    async with asyncio.timeout(60), worker(connection) as deriver:  # what goes in circles never ends
        for batch in _batches(chance, rows):
            await store(connection, batch)
            await drained(deriver, connection)
    live = await tables(connection)
    await forget_derived(connection)
    async with asyncio.timeout(60):
        await derive_all(connection)
    afresh = await tables(connection)
    assert {name: set(rows) ^ set(afresh[name]) for name, rows in live.items() if rows != afresh[name]} == {}
    shaped = await connection.fetch(
        "select distinct method, quality from consumption_15min where method = any($1) order by 1",
        [Method.CHECK_METER, Method.LIKE_DAYS],
    )
    expected = IntervalQuality.SUBSTITUTED if quantity == "rate" else IntervalQuality.ESTIMATED
    assert [tuple(row) for row in shaped] == [(Method.CHECK_METER, expected), (Method.LIKE_DAYS, expected)]
