"""Validation on real rows: each injected fault gives exactly its finding, and clean rows give none."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date, timedelta

import numpy as np
import pytest

from energy.registry import Gateway, Meter, Point, Registry, Unit
from energy.registry.store import apply
from energy.storage import Connection
from tests.support.validation_store import (
    SLOT,
    findings,
    judge,
    put_intervals,
    put_readings,
    roll_days,
    start_of,
    whole,
)
from tests.support.validation_world import ordinary

DAY = date(2026, 3, 4)
"""A working Wednesday; no holiday lies in the weeks before that have the same weekday, but for 18 February."""
EVENING = 32
"""Slots of the evening before that are there too."""


def _registry() -> Registry:
    meters = (
        Meter("GATE", "U", "electricity", 1, "any"),
        Meter("SUB-1", "U", "electricity", 2, "any", parent="GATE"),
        Meter("SUB-2", "U", "electricity", 2, "any", parent="GATE"),
        Meter("INTERVAL", "U", "natural_gas", 1, "any"),
    )
    registers = [
        Point(code, code, "gw", "kWh", max_rate=400.0, quantity="register") for code in ("GATE", "SUB-1", "SUB-2")
    ]
    phases = [(what, unit, n) for what, unit in (("voltage", "V"), ("current", "A")) for n in (1, 2, 3)]
    others = [
        *(Point(f"GATE-{what}-{n}", "GATE", "gw", unit, quantity=f"{what}_l{n}") for what, unit, n in phases),
        Point("GATE-PF", "GATE", "gw", "1", quantity="power_factor"),
        Point("GATE-P", "GATE", "gw", "W", quantity="power_active"),
        Point("INTERVAL", "INTERVAL", "gw", "m3", quantity="interval"),
    ]  # fmt: skip - a line each
    return Registry(
        units=(Unit("U", "虚构一厂", "Fictional Works", "610302", "32"),),
        gateways=(Gateway("gw", "610302", "U"),),
        meters=meters,
        points=(*registers, *others),
    )


Ids = dict[str, int]
Fault = Callable[[Connection, Ids], Awaitable[object]]


async def _clean(connection: Connection) -> Ids:
    """A gate meter, two complete sub-meters, its phases, and an interval meter: five weeks of a plausible load."""
    await apply(connection, _registry())
    ids = {row["code"]: row["point_id"] for row in await connection.fetch("select code, point_id from point")}
    for week in range(5):
        day = DAY - timedelta(weeks=week)
        since = start_of(day, -EVENING)
        loads = ordinary(2, slots=EVENING + 96, seed=week)
        for code, load in (("SUB-1", loads[0]), ("SUB-2", loads[1]), ("GATE", loads[0] + loads[1] + 250)):
            await put_intervals(connection, ids[code], since, load, begin=10**9 - week * 10**8)
    gas = ordinary(1, slots=EVENING + 96, seed=9)[0]
    await put_intervals(connection, ids["INTERVAL"], start_of(DAY, -EVENING), gas, readings=False)
    await put_readings(connection, ids["INTERVAL"], start_of(DAY, -EVENING + 1), (gas / 1000).tolist())
    for code, value in {
        **{f"GATE-voltage-{n}": 231.0 for n in (1, 2, 3)},
        **{f"GATE-current-{n}": 120.0 for n in (1, 2, 3)},
        "GATE-PF": 0.93,
        "GATE-P": 160_000.0,
    }.items():
        await put_readings(connection, ids[code], start_of(DAY, -EVENING), [value] * (EVENING + 96))
    return ids


def _alter(code: str, slot: int, quanta: list[int], *, move: bool = True) -> Fault:
    """Other amounts from a slot of the day on; with `move` the register follows."""

    async def fault(connection: Connection, ids: Ids) -> None:
        since, point = start_of(DAY, slot), ids[code]
        if move:
            before = await connection.fetch(
                "select ts, quanta from consumption_15min where point_id = $1 and ts >= $2 order by ts limit $3",
                point,
                since,
                len(quanta),
            )  # fmt: skip - one row
            shifts = np.cumsum([new - row["quanta"] for new, row in zip(quanta, before, strict=True)])
            for number, shift in enumerate(shifts.tolist(), start=1):
                last = number == len(quanta)
                await connection.execute(
                    "update readings set value = value + $3 where point_id = $1 and ts >= $2 and ($4 or ts < $5)",
                    point,
                    since + number * SLOT,
                    shift * 0.001,
                    last,
                    since + (number + 1) * SLOT,
                )  # fmt: skip - one row
        await put_intervals(connection, point, since, quanta, readings=False)

    return fault


def _sql(statement: str, code: str, slot: float, until: float) -> Fault:
    """A statement about the rows of a point from one slot to another."""

    async def fault(connection: Connection, ids: Ids) -> None:
        await connection.execute(statement, ids[code], start_of(DAY, slot), start_of(DAY, until))

    return fault


def _both(*faults: Fault) -> Fault:
    async def fault(connection: Connection, ids: Ids) -> None:
        for one in faults:
            await one(connection, ids)

    return fault


_MOVE = "update readings set ts = ts + interval '{} s' where point_id = $1 and ts >= $2 and ts < $3"
_SET = "update readings set value = {} where point_id = $1 and ts >= $2 and ts < $3"
_MARK = "update consumption_15min set {} where point_id = $1 and ts >= $2 and ts < $3"
_CONFLICT = (
    "insert into reading_conflicts (point_id, ts, value, quality, batch)"
    " select point_id, ts, value + 7, 2, 2 from readings where point_id = $1 and ts >= $2 and ts < $3"
)
_EXTRA = (
    "insert into readings (ts, point_id, value, quality, batch) select ts + interval '7 minutes', point_id, value, 0, 2"
    " from readings where point_id = $1 and ts >= $2 and ts < $3"
)
_FORGET = "delete from consumption_15min where point_id = $1 and ts >= $2 and ts < $3"
_DOUBTFUL = "update readings set ts = ts + interval '{} s', quality = 1 where point_id = $1 and ts >= $2 and ts < $3"

_TWICE = [("INTERVAL", "overlap", "failure"), ("INTERVAL", "time", "warning")]
FAULTS: dict[str, tuple[Fault, list[tuple[str, str, str]]]] = {
    "a doubtful clock that is 90 s out": (
        _sql(_DOUBTFUL.format(90), "SUB-1", 40, 40.5),
        [("SUB-1", "time", "warning")],
    ),
    "a doubtful clock that is 200 s out": (
        _sql(_DOUBTFUL.format(200), "SUB-1", 40, 40.5),
        [("SUB-1", "time", "failure")],
    ),
    "a reading in another slot": (
        _sql(_MOVE.format(300), "INTERVAL", 40, 40.5),
        _TWICE,
    ),
    "an amount that nobody knows": (
        _sql(_MARK.format("quanta = null, quality = 4, covered_s = 0"), "SUB-1", 40, 44),
        [("SUB-1", "missing", "failure")],
    ),
    "a gap whose total is known": (
        _sql(_MARK.format("quality = 1, flags = 256"), "SUB-1", 40, 44),
        [("SUB-1", "missing", "warning")],
    ),
    "a meter that falls silent": (
        _sql(_FORGET, "SUB-1", 80, 96),
        [("SUB-1", "missing", "failure")],
    ),
    "two values for one key": (_sql(_CONFLICT, "SUB-1", 40, 40.5), [("SUB-1", "conflict", "warning")]),
    "intervals that overlap": (
        _sql(_EXTRA, "INTERVAL", 40, 40.5),
        [("INTERVAL", "overlap", "failure")],
    ),
    "more than the greatest rate allows": (
        _alter("INTERVAL", 40, [-500], move=False),
        [("INTERVAL", "range", "failure")],
    ),
    "one slot far above the rest": (
        _alter("INTERVAL", 40, [90_000], move=False),
        [("INTERVAL", "spike", "warning")],
    ),
    "intervals that do not add up": (
        _alter("SUB-1", 40, [19_001], move=False),
        [("SUB-1", "sum", "failure")],
    ),
    "the same amount again and again": (
        _alter("SUB-1", 40, [20_000] * 8),
        [("SUB-1", "stuck_interval", "warning")],
    ),
    "a register that stands while power flows": (
        _alter("GATE", 40, [0] * 7),
        [("GATE", "balance", "warning"), ("GATE", "stuck_register", "failure")],
    ),
    "zero where there always was use": (
        _alter("SUB-1", 40, [0] * 8),
        [("SUB-1", "zero_run", "warning")],
    ),
    "a power factor that cannot be": (
        _sql(_SET.format("0.12"), "GATE-PF", 40, 44),
        [("GATE", "power_factor", "warning")],
    ),
    "a blown fuse": (
        _sql(_SET.format("0.4"), "GATE-voltage-2", 40, 41),
        [("GATE", "phase_voltage", "failure")],
    ),
    "a branch that is not metered": (
        _sql(_MARK.format("quanta = quanta / 2, flags = 1"), "SUB-2", 0, 96),
        [("GATE", "balance", "warning")],
    ),
    "children above their parent": (
        _sql(_MARK.format("quanta = quanta * 2, flags = 1"), "SUB-2", 0, 96),
        [("GATE", "balance", "warning")],
    ),
}


async def test_clean_rows_give_no_finding(undone: Connection) -> None:
    """Five weeks of a load that does nothing odd, of every kind of point."""
    ids = await _clean(undone)
    await roll_days(undone)
    done = await judge(undone, list(ids.values()), DAY)
    assert (await findings(undone), done.point_days) == ([], 4)


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_fault_gives_its_finding_and_nothing_else(undone: Connection, fault: str) -> None:
    """Found when it is there, the same when looked for again, gone when it is mended."""
    ids = await _clean(undone)
    points = list(ids.values())
    inner = undone.transaction()
    await inner.start()
    inject, expected = FAULTS[fault]
    await inject(undone, ids)
    await judge(undone, points, DAY)
    assert await findings(undone) == expected
    stands = await whole(undone)
    assert (await judge(undone, points, DAY)).changed == 0
    assert await whole(undone) == stands
    await inner.rollback()
    await undone.executemany("insert into finding values ($1, $2, $3, $4, $5, $6, $7)", stands)
    await judge(undone, points, DAY)
    assert await findings(undone) == []
