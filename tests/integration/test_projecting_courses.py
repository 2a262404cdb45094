"""Courses from the database against sums by hand: classes, gaps, several carriers, zones, changes, groups."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import TypeAlias

import numpy as np
import pytest

from alerts.projecting.calendars import CELLS, CLASSES, calendar_of, day_number
from alerts.projecting.courses import CourseBook, read, refresh
from alerts.projecting.history import History, courses_of
from alerts.projecting.model import Courses
from alerts.series.frame import Floats
from energy.periods import day_start
from energy.registry import Registry, Unit
from energy.registry.store import apply
from energy.storage import Connection

NOW = datetime(2026, 2, 24, 20, tzinfo=UTC)
"""In Shanghai the 25th has begun, a week after the Spring Festival; in London it is the 24th."""
ZONES = {"CN": "Asia/Shanghai", "UK": "Europe/London"}
TODAY = {"CN": date(2026, 2, 25), "UK": date(2026, 2, 24)}
CARRIERS = ("electricity", "natural_gas")
DAY = timedelta(days=1)
Key: TypeAlias = tuple[str, date, str]
FIRST = date(2024, 12, 20)


class World:
    """Days of two units and two carriers, some of them missing, suspect or not complete."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311 - a repeatable course
        self.rows: dict[Key, tuple[int, int, bool]] = {}
        for unit in ZONES:
            for number in range((TODAY["CN"] - FIRST).days + 1):
                for carrier in CARRIERS:
                    if self.random.random() > 0.05:
                        quality = self.random.choice((0, 0, 0, 1, 2, 3, 4))
                        key = (unit, FIRST + number * DAY, carrier)
                        self.rows[key] = (self.random.randint(0, 5_000), quality, self.random.random() > 0.05)

    async def store(self, connection: Connection) -> None:
        """The units, a quota on each measure for the first, on its district for the second, and the days."""
        units = tuple(Unit(code, "虚构厂", "Works", "610302", "30", zone) for code, zone in ZONES.items())
        await apply(connection, Registry(units=units, gateways=(), meters=(), points=()))
        for measure in ("tce", "tco2", *CARRIERS, "demand", "assessed_tce"):
            await connection.execute(_QUOTA, f"Q-{measure}", "unit", "CN", measure)
        await connection.execute(_QUOTA, "Q-district", "district", "610302", "tce")
        await self.put(connection, self.rows)

    async def put(self, connection: Connection, keys: Iterable[Key]) -> None:
        """Write days in place of those that stand there; every carrier has a gate meter."""
        rows = []
        for unit, day, carrier in keys:
            amount, quality, complete = self.rows[unit, day, carrier]
            ready = day_start(day + DAY, ZONES[unit]) - timedelta(minutes=0 if complete else 15)
            rows.append((unit, day, carrier, amount, quality, ready))
        await connection.executemany(_PUT, rows)
        await connection.execute("update unit_carrier set metered = true")

    def known(self, unit: str, measure: str, day: date) -> float | None:
        """What the unit used on the day, by the rules; None where it is not known."""
        wanted = CARRIERS if measure in {"tce", "tco2"} else (measure,)
        rows = [self.rows.get((unit, day, carrier), (0, 4, False)) for carrier in wanted]
        if any(quality > 2 or not complete for _, quality, complete in rows):
            return None
        per = {"tce": 0.5, "tco2": 2.0}.get(measure, 1.0)
        return sum(amount for amount, _, _ in rows) * per / (1_000 if measure in {"tce", "tco2"} else 1)

    def history(self, unit: str, measure: str) -> History:
        """Day by day."""
        sums: dict[str, Floats] = defaultdict(lambda: np.zeros((1, CELLS)))
        today, calendar = TODAY[unit], calendar_of(ZONES[unit])
        for number in range(1_000):
            day = FIRST + number * DAY
            amount = self.known(unit, measure, day) if day <= TODAY["CN"] else None
            cell = calendar.cells_of(np.array([day_number(day)]))[0]
            recent = today - 29 * DAY <= day < today - DAY
            if recent:
                sums["counts"][0, cell] += 1
            for name, inside in (("recent", recent), ("year", day.year == today.year - 1)):
                if inside and amount is not None:
                    sums[f"{name}_sum"][0, cell] += amount
                    sums[f"{name}_squares"][0, cell] += amount**2
                    sums[f"{name}_days"][0, cell] += 1
        classes = {
            name: sums[f"recent_{name}"].reshape(1, 12, CLASSES).sum(axis=1) for name in ("sum", "squares", "days")
        }
        return History(
            classes["sum"], classes["squares"], classes["days"], sums["counts"], sums["year_sum"], sums["year_days"]
        )


_QUOTA = """
insert into quota
    (code, subject, key, unit_id, measure, period, limit_value, limit_unit, valid_from, source, min_elapsed)
select $1, $2, $3, (select unit_id from unit where $2 = 'unit' and code = $3), $4, 'year', 1, '', '2025-01-01', 'doc', 0
"""
_PUT = """
insert into unit_day (unit_id, day, carrier, amount, kgce, kgce_equal, kgco2, quality, provisional, ready)
select unit_id, $2, $3, $4::numeric, $4::numeric * 0.5, $4::numeric, $4::numeric * 2, $5, false, $6
from unit where code = $1
on conflict (unit_id, day, carrier) do update
set (amount, kgce, kgce_equal, kgco2, quality, ready) =
    (excluded.amount, excluded.kgce, excluded.kgce_equal, excluded.kgco2, excluded.quality, excluded.ready)
"""


async def book_of(connection: Connection) -> tuple[CourseBook, dict[str, int]]:
    """What is stored, and the units' ids."""
    ids = {row["code"]: row["unit_id"] for row in await connection.fetch("select code, unit_id from unit")}
    return await read(connection), ids


def check(world: World, book: CourseBook, ids: dict[str, int]) -> None:
    """Every course is what the days say."""
    for unit, measures in {"CN": ("tce", "tco2", *CARRIERS), "UK": ("tce",)}.items():
        for measure in measures:
            row = book.rows(np.array([ids[unit]]), np.array([measure], object))[0]
            assert row >= 0, (unit, measure)
            expected = courses_of(world.history(unit, measure))
            for name in Courses.__dataclass_fields__:
                found, hand = getattr(book.courses, name)[row], getattr(expected, name)[0]
                np.testing.assert_allclose(found, hand, rtol=1e-9, err_msg=f"{unit} {measure} {name}")


async def test_courses_are_sums_of_known_days(undone: Connection) -> None:
    """By the unit's own calendar and day: what is missing, suspect, not complete or of one carrier alone, is out."""
    world = World(1)
    await world.store(undone)
    assert (await refresh(undone, NOW)).left == 0
    book, ids = await book_of(undone)
    check(world, book, ids)
    assert len(book.units) == 5, "levels, and measures without days, have no course; the district's unit has one"
    assert np.isfinite(book.courses.recent[:-1, :2]).all()
    assert (
        book.rows(np.array([ids["UK"], 999, ids["CN"]]), np.array(["electricity", "tce", "demand"], object)).tolist()
        == [-1] * 3
    )
    assert not (await refresh(undone, NOW + timedelta(hours=3))).units, "once a day is enough"


async def test_changes_of_earlier_days_are_seen_and_later_ones_do_not_matter(undone: Connection) -> None:
    """Marks of last week and last year count, of today and yesterday they cost nothing; the next day does anew."""
    world = World(2)
    await world.store(undone)
    await refresh(undone, NOW)
    ids = (await book_of(undone))[1]
    late = {"present": TODAY["CN"] - DAY, "week": TODAY["CN"] - 8 * DAY, "year": date(2025, 5, 7)}
    for name, day in late.items():
        world.rows["CN", day, "electricity"] = (99_999, 0, True)
        await world.put(undone, [("CN", day, "electricity")])
        await refresh(undone, NOW, {ids["CN"]: day}, most=0)
        done = await refresh(undone, NOW)
        assert done == ((), 0) if name == "present" else done == ((ids["CN"],), 0), "what changed is not forgotten"
        check(world, *await book_of(undone))
    assert [(await refresh(undone, NOW + DAY, most=1)).left for _ in range(3)] == [1, 0, 0], "a bound is kept"
    with pytest.raises(AssertionError):
        check(world, *await book_of(undone))


async def test_a_group_is_the_sum_of_its_members(undone: Connection) -> None:
    """One more row, before the one of NaN; a member too many without a course leaves it without."""
    world = World(3)
    await world.store(undone)
    await refresh(undone, NOW)
    book, ids = await book_of(undone)
    both = np.array(list(ids.values()))
    courses, rows = book.with_groups([(both, "tce"), (np.append(both, 999), "tce"), (both[:0], "tce")])
    members = book.rows(both, np.array(["tce", "tce"], object))
    np.testing.assert_allclose(courses.recent[rows[0]], book.courses.recent[members].sum(axis=0))
    np.testing.assert_allclose(courses.year[rows[0]], book.courses.year[members].sum(axis=0))
    assert np.isnan(courses.level[rows[1:]]).all()
    assert np.isnan(courses.level[-1])
    assert len(courses.level) == len(book.units) + 4


async def test_no_plan_is_kept_for_how_many_units_come_next(undone: Connection) -> None:
    """A plan made for arrays of ten took minutes for five hundred units."""
    await World(7).store(undone)
    for days in range(8):
        assert (await refresh(undone, NOW + days * DAY)).units
    counts = await undone.fetchrow(
        "select sum(custom_plans) as made, sum(generic_plans) as kept from pg_prepared_statements"
        " where statement like '-- Write the four weeks%'"
    )
    assert counts is not None
    assert (counts["made"], counts["kept"]) == (8, 0)
