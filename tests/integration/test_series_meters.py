"""Series of meters: whether they run, deliver, and agree with the meters below them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta

import numpy as np

from alerts.series import meters
from alerts.series.frame import Scope
from energy.consumption import Flag
from energy.registry import Gateway, Meter, Point, Registry, Unit
from energy.storage import Connection
from tests.support.totals_world import START, populate

NAMES = frozenset(one.name for one in meters.SERIES)
YESTERDAY = date(2026, 3, 10)
NOW = START + timedelta(days=10, hours=9)
PARENT, LEFT, RIGHT, OTHER = "main", "left", "right", "other"


async def _world(connection: Connection) -> None:
    """A gate meter with two meters below it, and one beside it; each has moved before, and is read until now."""
    codes = {PARENT: "", LEFT: PARENT, RIGHT: PARENT, OTHER: ""}
    world = Registry(
        units=(Unit("U", "虚构一厂", "Fictional Works", "610302", "30"),),
        gateways=(Gateway("gw-u", "610302", "U"),),
        meters=tuple(
            Meter(code, "U", "electricity", 2 if parent else 1, "any", parent=parent) for code, parent in codes.items()
        ),
        points=tuple(Point(f"P-{code}", code, "gw-u", "kWh") for code in codes),
    )
    await populate(connection, world)
    for code in codes:
        await connection.execute(_MONTH, f"P-{code}")
        await connection.execute(_QUARTER, f"P-{code}", NOW - timedelta(minutes=15), NOW)
        await connection.execute("delete from day_dirty")
        for ago in range(5):
            await _day(connection, code, YESTERDAY - timedelta(days=ago), 100_000 if code == PARENT else 40_000)


async def _day(  # noqa: PLR0913 - the columns of one row
    connection: Connection, code: str, day: date, quanta: int | None, *, flags: int = 0, quality: int = 0
) -> None:
    end = START + (day - date(2026, 3, 1) + timedelta(days=1))
    await connection.execute(_DAY, f"P-{code}", day, quanta, quality, flags, end)


async def _read(connection: Connection, now: datetime = NOW) -> Mapping[str, Mapping[str, float]]:
    """Series by meter."""
    frame = await meters.read(connection, Scope(now), NAMES)
    return {
        code: {name: float(column[n]) for name, column in frame.columns.items()}
        for n, code in enumerate(frame.labels["meter"])
    }


async def test_a_sound_meter_says_so_and_a_silent_one_says_nothing(undone: Connection) -> None:
    """Worked example: 100 kWh at the main meter, 40 + 40 below it: a gap of a fifth. Zeros are what was judged."""
    await _world(undone)
    found = (await _read(undone))[PARENT]
    assert found == {
        "suspect": 0, "stuck": 0, "still_d": 0, "replaced": 0, "reset": 0, "lag_h": 0, "missing": 0,
        "completeness_day": 1, "balance_gap": 0.2,
    }  # fmt: skip
    found = (await _read(undone, NOW + timedelta(days=9)))[PARENT]
    known = {name for name, value in found.items() if not np.isnan(value)}
    assert known == {"lag_h", "missing", "replaced", "completeness_day"}
    assert (found["lag_h"], found["completeness_day"]) == (216, 0)
    await undone.execute("delete from consumption_15min")
    await undone.execute("delete from consumption_day")
    found = (await _read(undone))[PARENT]
    assert {name: value for name, value in found.items() if not np.isnan(value)} == {"missing": 1, "replaced": 0}


async def test_a_balance_needs_every_meter_of_it(undone: Connection) -> None:
    """Where the parent or one below is not known, or has no point at all, there is no gap, not one of its size."""
    await _world(undone)
    await _day(undone, LEFT, YESTERDAY, 40_000, quality=4)
    assert np.isnan((await _read(undone))[PARENT]["balance_gap"])
    await _day(undone, LEFT, YESTERDAY, 70_000)
    assert (await _read(undone))[PARENT]["balance_gap"] == -0.1
    assert np.isnan((await _read(undone))[OTHER]["balance_gap"])
    unit = await undone.fetchval("select unit_id from unit")
    await undone.execute(
        "insert into meter (code, unit_id, carrier, level, profile, parent_id)"
        " select 'bare', $1, 'electricity', 3, 'any', meter_id from meter where code = 'main'",
        unit,
    )
    assert np.isnan((await _read(undone))[PARENT]["balance_gap"])


async def test_standing_still_is_told_from_idleness_and_from_a_coarse_register(undone: Connection) -> None:
    """A meter above others that move is stuck; one without any below may be idle: it stands still, for so many days."""
    await _world(undone)
    for code in (PARENT, OTHER):
        for ago in range(3):
            await _day(undone, code, YESTERDAY - timedelta(days=ago), 0)
    found = await _read(undone)
    assert [(found[code]["stuck"], found[code]["still_d"]) for code in (PARENT, OTHER)] == [(1, 3), (0, 3)]
    # A float32 that large shows no small steps: its standstill says nothing.
    await _day(undone, PARENT, YESTERDAY, 0, flags=Flag.COARSE)
    found = await _read(undone)
    assert found[PARENT]["stuck"] == 0
    assert np.isnan(found[PARENT]["still_d"])
    # Nobody in the unit used anything.
    for code in (LEFT, RIGHT):
        await _day(undone, code, YESTERDAY, 0)
    assert (await _read(undone))[OTHER]["still_d"] == 0


async def test_findings_changes_and_what_is_still_rolled_up(undone: Connection) -> None:
    """Failures make a meter suspect, one of missing data alone does not; a reset on record is a replacement."""
    await _world(undone)
    since = NOW - timedelta(hours=20)
    for code, check, severity in (
        (PARENT, "missing", "failure"),
        (LEFT, "range", "failure"),
        (RIGHT, "stuck_interval", "warning"),
    ):
        await undone.execute(_FINDING, f"P-{code}", YESTERDAY, check, since, severity)
    for code in (LEFT, RIGHT):
        await _day(undone, code, YESTERDAY, 40_000, flags=Flag.RESET)
    await undone.execute(_REPLACED, f"P-{RIGHT}", since)
    found = await _read(undone)
    assert [(found[code]["suspect"], found[code]["stuck"]) for code in (PARENT, LEFT, RIGHT)] == [
        (0, 0),
        (1, 0),
        (0, 1),
    ]
    assert [(found[code]["replaced"], found[code]["reset"]) for code in (PARENT, LEFT, RIGHT)] == [
        (0, 0),
        (0, 1),
        (1, 0),
    ]
    await undone.execute(
        "insert into day_dirty (block, day) select distinct point_id / 1000, $1::date from point", YESTERDAY
    )
    assert np.isnan((await _read(undone))[PARENT]["completeness_day"])
    # Before it was recorded nobody knew.
    assert (await _read(undone, since))[RIGHT]["replaced"] == 0


_MONTH = """
insert into consumption_month (point_id, kind, month, quanta, quality, covered_s, flags, ready)
select point_id, 'month', '2026-02-01', 1000, 0, 0, 0, '2026-03-01' from point where code = $1
"""
_QUARTER = """
insert into consumption_15min (point_id, ts, quanta, quality, covered_s, ready)
select point_id, $2, 100, 0, 900, $3 from point where code = $1
"""
_DAY = """
insert into consumption_day (point_id, day, quanta, quality, covered_s, flags, ready)
select point_id, $2, $3::int8, $4, 86400, $5, $6 from point where code = $1
on conflict (point_id, day) do update set (quanta, quality, flags) = (excluded.quanta, excluded.quality, excluded.flags)
"""
_FINDING = """
insert into finding (point_id, day, check_id, since, until, severity, detail)
select point_id, $2, $3, $4, $4::timestamptz + interval '1 hour', $5, '{}' from point where code = $1
"""
_REPLACED = """
insert into edit (point_id, kind, since, until, old_end, new_start, author, reason, recorded_at)
select point_id, 'replacement', $2, $2, 100, 0, 'tester', 'a test', $2::timestamptz + interval '1 hour'
from point where code = $1
"""
