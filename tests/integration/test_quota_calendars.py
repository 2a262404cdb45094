"""Quotas whose periods, members or validity begin, end or change mid-way, through the real step on a real database."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from alerts.evaluation.step import Engine, Wanted
from alerts.quotas.given import given_by_hand
from alerts.quotas.model import Group
from alerts.quotas.store import apply_quotas, take
from alerts.rules.files import load_rules
from alerts.series.known import catalogue
from energy.periods import day_start
from energy.storage import Connection
from tests.support.quota_world import FIRST_DAY, add_units, at, day_quota, quota, use

YEAR = date(2026, 1, 1)
NEW_YORK = "America/New_York"


def engine() -> Engine:
    """By the shipped rules of quotas."""
    rules = [rule for rule in load_rules([], catalogue()) if rule.subject == "quota"]
    return Engine(rules, catalogue(), stale_s=6 * 3600)


async def look(connection: Connection, now: datetime, days: int = 2) -> None:
    """At all quotas, with nothing in memory."""
    await engine().evaluate(connection, now, Wanted(days))


async def figures(connection: Connection, *columns: str) -> dict[tuple[str, date], tuple[object, ...]]:
    """Columns of the figures by quota and first day of the period."""
    rows = await connection.fetch("select * from quota_figure join quota using (quota_id) order by code, period_start")
    return {(row["code"], row["period_start"]): tuple(row[column] for column in columns) for row in rows}


async def use_days(connection: Connection, unit: str, tce: str, first: date, days: int, **fields: str) -> None:
    """The same on so many days that follow each other."""
    for number in range(days):
        day = first + timedelta(days=number)
        await use(connection, unit, tce, at(24, day), day=day, **fields)


async def test_statistics_months_are_each_units_own_and_else_the_calendars(undone: Connection) -> None:
    """From the 26th where the unit says so; of one that says nothing, and of a district, from the first.

    Totals keep statistics months only of units that have a day of their own: the others would never be judged.
    """
    await add_units(undone, ["own", "plain"])
    await undone.execute("update unit set statistics_day = 26 where code = 'own'")
    specs = [
        quota("q-own", key="own", period="statistics_month", limit="10", valid_from=YEAR),
        quota("q-plain", key="plain", period="statistics_month", limit="10", valid_from=YEAR),
        quota("q-all", subject="district", key="610302", period="statistics_month", limit="10", valid_from=YEAR),
    ]
    await take(undone, given_by_hand(specs), author="Li", now=at(0))
    for unit in ("own", "plain"):
        await use_days(undone, unit, "4", date(2026, 2, 24), 8)
    await look(undone, at(24, date(2026, 3, 3)))
    found = await figures(undone, "used", "verdict")
    assert found["q-own", date(2026, 2, 26)] == (24, "exceeded")
    assert found["q-plain", FIRST_DAY] == (12, "exceeded")
    assert found["q-all", FIRST_DAY] == (24, "exceeded")


async def test_days_on_which_the_clock_changes_are_as_long_as_they_are(undone: Connection) -> None:
    """Of 23 and of 25 hours half has passed after 11.5 and 12.5; a quota begins with the day of its own zone."""
    await add_units(undone, ["u1"])
    await undone.execute("update unit set time_zone = $1", NEW_YORK)
    await apply_quotas(undone, [("u1", day_quota("q1", "24", valid_from=YEAR))])
    for day, hours in ((date(2026, 3, 8), 11.5), (date(2026, 11, 1), 12.5)):
        now = day_start(day, NEW_YORK) + timedelta(hours=hours)
        await use(undone, "u1", "12", now, day=day)
        await look(undone, now, 1)
        found = await figures(undone, "used", "elapsed_share", "pace", "verdict")
        assert found["q1", day] == (12, 0.5, 1, "ok")


async def test_a_quota_governs_the_periods_that_begin_while_it_is_valid(undone: Connection) -> None:
    """From within February until within March: March, and the days between; a year's from March on: not this year."""
    await add_units(undone, ["u1"])
    within: dict[str, Any] = {"valid_from": date(2026, 2, 10), "valid_to": date(2026, 3, 20)}
    quotas = [quota("m", limit="10", **within), quota("y", period="year"), day_quota("d", "1", **within)]
    await apply_quotas(undone, [("u1", one) for one in quotas])
    await look(undone, at(24, date(2026, 4, 1)), 60)
    found = sorted(await figures(undone))
    assert [day for code, day in found if code == "m"] == [FIRST_DAY]
    assert [day for code, day in found if code == "y"] == []
    days = [day for code, day in found if code == "d"]
    assert (days[0], days[-1], len(days)) == (date(2026, 2, 10), date(2026, 3, 19), 38)


async def test_a_group_counts_its_members_as_they_are_now(undone: Connection) -> None:
    """With one more of them what it has used since the period began counts too; without any nothing is known."""
    await add_units(undone, ["u1", "u2", "u3"])
    specs = [quota("g", subject="group", key="works", limit="100"), quota("d", subject="district", key="610302")]
    await take(undone, given_by_hand(specs, [Group("works", ("u1",))]), author="Li", now=at(0))
    for unit in ("u1", "u2", "u3"):
        await use_days(undone, unit, "40", FIRST_DAY, 1)
    now, one = at(24), engine()
    seen = []
    for change in (None, Group("works", ("u1", "u2")), Group("works", ("u2",)), "moved"):
        if isinstance(change, Group):
            await take(undone, given_by_hand([], [change]), author="Li", now=now)
        elif change:
            await undone.execute("update unit set district = '610303'")
        now += timedelta(minutes=1)
        await one.evaluate(undone, now, Wanted(2))
        found = await figures(undone, "used", "verdict")
        seen.append((found["g", FIRST_DAY], found["d", FIRST_DAY]))
    assert seen == [
        ((40, "on_course"), (120, "exceeded")),
        ((80, "on_course"), (120, "exceeded")),
        ((40, "on_course"), (120, "exceeded")),
        ((40, "on_course"), (None, "no_data")),
    ]
