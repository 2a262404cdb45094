"""What waits to be judged: nothing that findings rest on changes without their being found anew."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from energy.factors import load_factors
from energy.registry import Gateway, Meter, Point, Registry, Unit
from energy.registry.store import apply
from energy.storage import Connection
from ingest.accounting.factors.sync import sync_factors
from ingest.accounting.totals.refresh import refresh, refresh_marked, take_unit_marks
from ingest.accounting.validation import queue
from ingest.accounting.validation.loading import Checks, load_checks, shipped_checks
from ingest.accounting.validation.reach import affected_days
from tests.support.validation_store import (
    findings,
    judge,
    put_intervals,
    roll_days,
    start_of,
    whole,
)
from tests.support.validation_world import ordinary

DAY = date(2026, 3, 4)
NOW = datetime(2026, 3, 10, tzinfo=UTC)


def _registry(**changes: Any) -> Registry:
    point = Point("E", "M", "gw", "kWh", max_rate=400.0)
    for name, value in changes.items():
        point = Point(**{**{field: getattr(point, field) for field in point.__struct_fields__}, name: value})
    return Registry(
        units=(Unit("U", "虚构一厂", "Fictional Works", "610302", "32"),),
        gateways=(Gateway("gw", "610302", "U"),),
        meters=(Meter("M", "U", "electricity", 1, "any"),),
        points=(point,),
    )


async def _point(connection: Connection, **changes: Any) -> int:
    await apply(connection, _registry(**changes))
    return int(await connection.fetchval("select point_id from point where code = 'E'"))


async def _drain(connection: Connection, checks: Checks | None = None, now: datetime = NOW) -> list[date]:
    """Judge all that is due; returns the days in their order."""
    days = []
    while (done := await queue.step(connection, checks or shipped_checks(), now=now, pause_s=3600)).day is not None:
        days.append(done.day)
    return days


async def _marked(connection: Connection) -> list[date]:
    return [row["day"] for row in await connection.fetch("select day from validation_day where marked order by day")]


async def test_a_mark_is_judged_once_and_the_newest_day_first(undone: Connection) -> None:
    """Days that have begun nowhere wait; an open one that was judged just now waits for the pause, or for an edit."""
    point = await _point(undone)
    open_now = datetime(2026, 3, 6, 3, tzinfo=UTC)
    await put_intervals(undone, point, start_of(DAY), ordinary(1, slots=96)[0])
    await queue.mark(undone, point // 1000, [DAY], shipped_checks())
    begun = [day for day in await _marked(undone) if day <= NOW.date()]
    assert begun == [DAY + timedelta(days=number) for number in range(3)]
    assert await _drain(undone, now=open_now) == begun[::-1]
    await queue.mark(undone, point // 1000, [DAY], shipped_checks())
    assert await _drain(undone, now=open_now) == begun[1::-1], "what is over waits for nothing"
    assert await _drain(undone, now=open_now) == []
    assert await _drain(undone, now=open_now + timedelta(hours=1)) == [begun[2]]
    await queue.mark(undone, point // 1000, [DAY], shipped_checks(), at_once=True)
    await queue.mark(undone, point // 1000, [DAY], shipped_checks())
    assert sorted(await _drain(undone, now=open_now + timedelta(hours=1))) == begun


async def test_what_is_judged_again_and_again_lets_what_waits_go_first(undone: Connection) -> None:
    """A day that late readings change all the time would hold up all older ones; an edit goes before both."""
    point = await _point(undone)
    block = point // 1000
    await queue.mark(undone, block, [DAY], shipped_checks())
    await _drain(undone)
    older = DAY - timedelta(days=200)
    await queue.mark(undone, block, [DAY, older], shipped_checks())
    first = (await queue.step(undone, shipped_checks(), now=NOW, pause_s=3600)).day
    assert first is not None
    assert first < DAY
    await queue.mark(undone, block, [DAY], shipped_checks(), at_once=True)
    assert (await queue.step(undone, shipped_checks(), now=NOW, pause_s=3600)).day == DAY + timedelta(days=2)


async def test_findings_of_days_whose_intervals_were_dropped_stand(undone: Connection, tmp_path: Path) -> None:
    """Judged anew nothing would be found of them: neither other rules nor an old mark bring that."""
    point = await _point(undone)
    quanta = ordinary(1, slots=96)[0]
    quanta[40] = 130_000
    await put_intervals(undone, point, start_of(DAY), quanta)
    await queue.mark(undone, point // 1000, [DAY], shipped_checks())
    await _drain(undone)
    found = await whole(undone)
    await undone.execute("delete from consumption_15min")
    path = tmp_path / "checks.toml"
    path.write_text("[default.spike]\nover = 1.9\n")
    rules, kept_from = load_checks(path), DAY + timedelta(days=2)
    assert await queue.mark_changed_rules(undone, rules, kept_from=kept_from) == 1
    assert await _marked(undone) == [day for day in await _marked(undone) if day >= kept_from]
    await queue.mark(undone, point // 1000, [DAY], rules)
    while (done := await queue.step(undone, rules, now=NOW, pause_s=1, kept_from=kept_from)).day is not None:
        assert done.day >= kept_from
    assert done.waiting == 0
    assert await whole(undone) == found


async def test_what_a_day_reaches_is_marked_and_nothing_before_it(undone: Connection) -> None:
    """A change far back brings the days for which it says what is usual."""
    point = await _point(undone)
    await queue.mark(undone, point // 1000, [date(2026, 1, 5)], shipped_checks())
    assert await _marked(undone) == affected_days([date(2026, 1, 5), date(2026, 1, 6)], shipped_checks())


async def test_other_parameters_and_another_registry_mark_what_they_bear_on(undone: Connection, tmp_path: Path) -> None:
    """What was judged by them already is not marked; findings follow them."""
    point = await _point(undone)
    quanta = ordinary(1, slots=96)[0]
    quanta[40] = 130_000
    await put_intervals(undone, point, start_of(DAY), quanta)
    await queue.mark(undone, point // 1000, [DAY], shipped_checks())
    await _drain(undone)
    assert await findings(undone) == [("E", "range", "failure"), ("E", "spike", "warning")]
    assert await queue.mark_changed_rules(undone, shipped_checks()) == 0
    path = tmp_path / "checks.toml"
    path.write_text("[default.spike]\nenabled = false\n")
    quiet, later = load_checks(path), NOW + timedelta(hours=2)
    assert await queue.mark_changed_rules(undone, quiet) == 3
    await _drain(undone, quiet, later)
    assert await findings(undone) == [("E", "range", "failure")]
    await _point(undone, max_rate=1000.0)
    assert await queue.mark_changed_rules(undone, quiet) == 3
    await _drain(undone, quiet, later + timedelta(hours=2))
    assert await findings(undone) == []


async def test_in_any_order_of_changes_the_findings_are_those_of_the_rows(undone: Connection) -> None:
    """Judged after each change by the days that it reaches, and once at the end over everything: the same table."""
    point = await _point(undone)
    days = [DAY - timedelta(weeks=week) for week in range(5)] + [DAY + timedelta(days=1)]
    for number, day in enumerate([days[0], days[5], *days[1:5]]):
        quanta = ordinary(1, slots=96, seed=number)[0]
        if day == DAY:
            quanta[30:50] = 0
            quanta[90:] = 21_000
        elif day == days[5]:
            quanta[:5] = 21_000
        await put_intervals(undone, point, start_of(day), quanta, readings=False)
        await queue.mark(undone, point // 1000, [day], shipped_checks())
        await _drain(undone, now=NOW + timedelta(hours=2 * number))
    step_by_step = await whole(undone)
    found = await undone.fetch("select check_id, day from finding order by day")
    assert [tuple(row) for row in found] == [
        ("zero_run", DAY),
        ("stuck_interval", days[5]),
    ]  # fmt: skip - a line
    await undone.execute("delete from finding")
    await judge(undone, [point], *days)
    assert await whole(undone) == step_by_step


async def test_use_of_a_month_is_held_against_the_year_or_the_month_before(undone: Connection) -> None:
    """Outside 50 to 200 % of the same days; a year ago says more than a month ago; too few days say nothing."""
    point = await _point(undone)
    february, march, last_year = date(2026, 2, 1), date(2026, 3, 1), date(2025, 3, 1)

    async def use(first: date, days: int, daily: int) -> None:
        await put_intervals(undone, point, start_of(first), [daily // 96] * (96 * days), readings=False)
        await roll_days(undone)

    async def found() -> list[tuple[Any, ...]]:
        await judge(undone, [point], date(2026, 3, 5))
        rows = await undone.fetch(
            "select day, since, until, detail->>'against' as against from finding where check_id = 'high_low'"
        )
        return [tuple(row) for row in rows]

    await use(february, 28, 9_600_000)
    await use(march, 6, 96_000_000)
    assert await found() == []
    await use(march, 7, 96_000_000)
    assert await found() == [(march, start_of(march), start_of(date(2026, 3, 8)), "month")]
    await use(march, 7, 19_200_000)
    assert await found() == []
    await use(march, 7, 4_700_000)
    assert [row[3] for row in await found()] == ["month"]
    await use(last_year, 7, 4_800_000)
    assert await found() == []
    await use(last_year, 7, 2_300_000)
    assert [row[3] for row in await found()] == ["year"]
    await judge(undone, [point], march)
    assert len(await found()) == 1


async def test_failures_make_intervals_suspect_and_units_restate(undone: Connection) -> None:
    """What overlaps them, unless a person accepted it; a warning changes nothing, and what is gone restates again."""
    point = await _point(undone)
    quanta = ordinary(1, slots=96)[0]
    quanta[40] = 130_000
    await put_intervals(undone, point, start_of(DAY), quanta)

    async def suspect() -> list[datetime]:
        rows = await undone.fetch("select ts from validated_15min where quality = 3 order by ts")
        return [row["ts"] for row in rows]

    await judge(undone, [point], DAY)
    assert await suspect() == [start_of(DAY, 40)]
    unit_id = await undone.fetchval("select unit_id from unit")
    restated = "select unit_id, since, until from unit_dirty"
    assert [tuple(row) for row in await undone.fetch(restated)] == [(unit_id, DAY - timedelta(days=1), DAY)]
    await judge(undone, [point], DAY)
    assert len(await undone.fetch(restated)) == 1
    await undone.execute("update consumption_15min set flags = 8192 where ts = $1", start_of(DAY, 40))
    assert await suspect() == []
    await put_intervals(undone, point, start_of(DAY, 40), [20_000], readings=False)
    await undone.execute("delete from readings")
    await judge(undone, [point], DAY)
    assert (await findings(undone), len(await undone.fetch(restated))) == ([], 2)


async def test_a_failure_makes_the_units_day_suspect_until_it_is_mended(undone: Connection) -> None:
    """Its amount stays as it is; no interval has changed, so the mark of the unit is what brings the day up to date."""
    point = await _point(undone)
    await sync_factors(undone, load_factors())
    quanta = ordinary(1, slots=96)[0]
    quanta[40] = 130_000
    await put_intervals(undone, point, start_of(DAY), quanta, readings=False)
    await refresh(undone, [point], [start_of(DAY)], [start_of(DAY, 96)])

    async def total() -> tuple[int, int]:
        unit_id = await undone.fetchval("select unit_id from unit")
        await refresh_marked(undone, await take_unit_marks(undone, [unit_id]))
        row = await undone.fetchrow("select quality, amount * 1000 as quanta from unit_day where day = $1", DAY)
        assert row is not None
        return row["quality"], int(row["quanta"])

    assert await total() == (0, quanta.sum())
    await judge(undone, [point], DAY)
    assert await total() == (3, quanta.sum())
    await _point(undone, max_rate=1000.0)
    await judge(undone, [point], DAY)
    assert await total() == (0, quanta.sum())


async def test_a_day_with_a_change_of_the_clock_is_judged_whole(undone: Connection) -> None:
    """23 and 25 hours in Berlin: the last slot of the long day belongs to it, the first of the next does not."""
    world = _registry()
    await apply(undone, replace_zone(world, "Europe/Berlin"))
    point = int(await undone.fetchval("select point_id from point where code = 'E'"))
    for day, slots in ((date(2026, 3, 29), 92), (date(2026, 10, 25), 100)):
        quanta = ordinary(1, slots=slots + 1)[0]
        quanta[[slots - 1, slots]] = 130_000
        await put_intervals(undone, point, start_of(day, zone="Europe/Berlin"), quanta, begin=10**8 * slots)
        await judge(undone, [point], day)
        rows = await undone.fetch("select since, until from finding where day = $1 and check_id = 'range'", day)
        last = start_of(day, slots, "Europe/Berlin")
        assert [tuple(row) for row in rows] == [(last - timedelta(minutes=15), last)]
        assert last == start_of(day + timedelta(days=1), zone="Europe/Berlin")


def replace_zone(world: Registry, zone: str) -> Registry:
    """The same world in another zone."""
    unit = world.units[0]
    changed = Unit(unit.code, unit.name_zh, unit.name_en, unit.district, unit.industry, zone)
    return Registry((changed,), world.gateways, world.meters, world.points)
