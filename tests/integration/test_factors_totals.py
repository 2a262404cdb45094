"""Totals after factors changed are those that would be had the factors always been so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from energy.carriers import carriers
from energy.factors import shipped_factors
from energy.storage import Connection
from ingest.accounting.factors.measured import read_measured
from ingest.accounting.factors.measured_store import record
from ingest.accounting.factors.sync import sync_factors
from ingest.accounting.totals.refresh import refresh, refresh_marked, take_unit_marks
from tests.support.factor_world import FIRST, with_grid
from tests.support.register_world import instant, populate, registry

CARRIERS = ("electricity", "raw_coal", "natural_gas")
DAYS = 3
SPAN = instant(0), instant(24 * 60 * DAYS)


async def metered(connection: Connection) -> list[int]:
    """A unit that used 10 units of three carriers in an hour of each of three days; returns its points."""
    points = await populate(connection, registry([(f"P-{carrier}", carrier, 1) for carrier in CARRIERS]))
    for point in points.values():
        for day in range(DAYS):
            await connection.execute(
                "insert into consumption_15min (point_id, ts, quanta, quality, covered_s, ready)"
                " select $1, $2::timestamptz + n * interval '15 min', 2500, 0, 900, $2 from generate_series(0, 3) n",
                point,
                instant(60 * (24 * day + 8)),
            )
    return list(points.values())


async def total(connection: Connection, points: list[int]) -> None:
    """Compute all totals."""
    since, until = ([at] * len(points) for at in SPAN)
    await refresh(connection, points, since, until)


async def totals(connection: Connection) -> list[tuple[object, ...]]:
    """Everything that totals say of days and months."""
    days = await connection.fetch("select * from unit_day order by unit_id, day, carrier")
    months = await connection.fetch("select * from unit_month order by unit_id, month, carrier")
    return [tuple(row) for row in (*days, *months)]


async def test_totals_follow_a_new_factor_a_measured_one_and_a_move(undone: Connection) -> None:
    """By the marks alone, which touch what changed; the same rows as from an empty table."""
    points = await metered(undone)
    await total(undone, points)
    before = await totals(undone)
    await sync_factors(undone, with_grid("2026,northwest,0.5", "2026,southwest,0.25"))
    second = FIRST + timedelta(days=1)
    header = "unit,carrier,valid_from,ncv,ncv_unit,source\n"
    measured = read_measured(f"{header}U,raw_coal,{second},22.5,GJ/t,r".encode(), "ncv.csv", carriers())
    now = datetime(2026, 3, 9, tzinfo=UTC)
    await record(undone, measured, author="Li", reason="analysis", now=now, place="ncv.csv")
    units = [row["unit_id"] for row in await undone.fetch("select unit_id from unit")]
    for district in ("610302", "510100"):
        await undone.execute("update unit set district = $1", district)
        await refresh_marked(undone, await take_unit_marks(undone, units))
    after = await totals(undone)
    for table in ("unit_hour", "unit_day", "unit_month"):
        await undone.execute(f"delete from {table}")  # noqa: S608 - names of this test
    await total(undone, points)
    assert after == await totals(undone)
    assert after != before
    found = await undone.fetch(
        "select day, kgce, kgco2 from unit_day where carrier <> 'natural_gas' order by carrier, day"
    )
    electricity, coal = found[:DAYS], found[DAYS:]
    assert {(row["kgce"], row["kgco2"]) for row in electricity} == {(Decimal("1.229"), Decimal("2.5"))}
    assert [row["kgce"] for row in coal] == [7143, Decimal("7677.18953446"), Decimal("7677.18953446")]


async def test_nothing_is_marked_twice_for_one_change(undone: Connection) -> None:
    """The same factors again leave nothing to total."""
    points = await metered(undone)
    await total(undone, points)
    new = with_grid("2026,northwest,0.5")
    units = [row["unit_id"] for row in await undone.fetch("select unit_id from unit")]
    await take_unit_marks(undone, units)
    await sync_factors(undone, new)
    marks = await take_unit_marks(undone, units)
    assert (marks.units, marks.since, marks.until) == (units, [FIRST], [FIRST + timedelta(days=DAYS - 1)])
    await sync_factors(undone, new)
    assert (await take_unit_marks(undone, units)).units == []
    assert len(shipped_factors().factors) < len(new.factors)
