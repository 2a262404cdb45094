"""Traps of comparable systems, each through the real step on a real database: every test fails on its trap.

| trap | test |
|---|---|
| alerts: no real hysteresis | `test_a_pace_that_wobbles_says_one_thing` |
| alerts: flapping | the same; of repeated and late looks: `tests/property/test_life_machine_properties.py` |
| alerts: a mail every 4 s | `test_looking_every_four_seconds_says_nothing_more`; what arrives: `tests/integration/test_delivery.py` |
| alerts: no data is treated as all clear | `test_no_data_is_no_all_clear`; of part of it: `tests/integration/test_evaluation.py`; that it is told itself: `tests/rules/unit.yaml` |
| late data: ignored, or seen only within 30 minutes | `test_late_data_of_weeks_ago_is_judged_and_corrected` |
| warnings: grade numbers turned upside down | `test_more_used_is_graver_in_words`; files: `tests/unit/test_alerts_quotas.py` |
| time: yesterday as date minus one, last month as month minus one | `test_periods_end_where_the_calendar_says` |
"""  # noqa: E501 - a line of a table is one line

from __future__ import annotations

from datetime import date, datetime, timedelta

from alerts.evaluation.step import Engine, Evaluated, Wanted
from alerts.quotas.store import apply_quotas
from alerts.rules.files import load_rules
from alerts.series.known import catalogue
from energy.storage import Connection
from tests.support.quota_world import FIRST_DAY, add_units, at, day_quota, quota, use

RECENT_DAYS = 2
NEW_YEARS_EVE, NEW_YEAR, LEAP_DAY = date(2023, 12, 31), date(2024, 1, 1), date(2024, 2, 29)


def engine() -> Engine:
    """By all shipped rules."""
    return Engine(load_rules([], catalogue()), catalogue(), stale_s=6 * 3600)


async def look(connection: Connection, now: datetime) -> Evaluated:
    """At everything, as the timer does."""
    return await engine().evaluate(connection, now, Wanted(RECENT_DAYS))


async def said(connection: Connection, rule: str) -> list[str]:
    """The states that alerts of a rule went to, in their order."""
    rows = await connection.fetch(
        "select to_state from alert_transition join alert using (alert_id) where rule = $1 order by transition_id", rule
    )
    return [row[0] for row in rows]


async def test_a_pace_that_wobbles_says_one_thing(undone: Connection) -> None:
    """A spike is pending and no more; two hours between 0.98 and 1.02 fire once; 0.96 ends it, once.

    Without a threshold of its own to clear it would end at every dip, and without `for` a spike would be told.
    """
    await add_units(undone, ["u1"])
    await apply_quotas(undone, [("u1", day_quota("q1", "24"))])
    one, paces = engine(), [1.2, 0.96, 1.01, 0.99, 1.02, *([0.98, 1.02] * 4), 0.98, 0.96, 0.98]
    for number, pace in enumerate(paces):
        hours = 8 + number / 4
        await use(undone, "u1", f"{hours * pace:.6f}", at(hours))
        await one.evaluate(undone, at(hours), Wanted(RECENT_DAYS))
    assert await said(undone, "pace") == ["pending", "inactive", "pending", "firing", "resolved"]


async def test_looking_every_four_seconds_says_nothing_more(undone: Connection) -> None:
    """A breach that stands is told once, however often it is looked at and however much it grows; nor kept anew."""
    await add_units(undone, ["u1"])
    await apply_quotas(undone, [("u1", day_quota("q1", "10"))])
    one, rules = engine(), ["breach", "pace", "projection", "share"]
    for number in range(6):
        await use(undone, "u1", f"{11 + number}", at(8))
        now = at(8) + timedelta(seconds=4 * number)
        found = await (one if number % 2 else engine()).evaluate(undone, now, Wanted(RECENT_DAYS))
        written = sorted(one.key.rule for one in found.written if one.key.subject == "quota")
        assert written == ([] if number else rules), number
    assert await said(undone, "breach") == ["firing"]


async def test_no_data_is_no_all_clear(undone: Connection) -> None:
    """Of a unit that is on course data stops: nothing is cleared, and the verdict is grey.

    Of one that never had any the verdict is grey from the beginning.
    """
    await add_units(undone, ["u1", "u2"])
    await apply_quotas(undone, [(unit, day_quota(f"q-{unit}", "24")) for unit in ("u1", "u2")])
    for hours in (8.0, 8.5):
        await use(undone, "u1", f"{hours * 1.5}", at(hours))
        await look(undone, at(hours))
    for hours in (12.0, 15.0, 23.0):
        await look(undone, at(hours))
    assert await said(undone, "pace") == ["pending", "firing"]
    shown = await undone.fetch("select quota, verdict, severity, colour from board.quota_status order by quota")
    assert [tuple(row) for row in shown] == [
        ("q-u1", "stale", "unknown", "grey"),
        ("q-u2", "no_data", "unknown", "grey"),
    ]


async def test_late_data_of_weeks_ago_is_judged_and_corrected(undone: Connection) -> None:
    """A day of five weeks ago breaks by late data, and then holds after all: both are told, by its mark alone."""
    await add_units(undone, ["u1"])
    await apply_quotas(undone, [("u1", day_quota("q1", "10"))])
    await use(undone, "u1", "9", at(24))
    await look(undone, at(25))
    later = 24.0 * 35
    await use(undone, "u1", "1", at(later), day=FIRST_DAY + timedelta(days=34))
    await look(undone, at(later))
    for number, used in enumerate(("11", "9.5")):
        await undone.execute("delete from unit_touched")
        await use(undone, "u1", used, at(later), day=FIRST_DAY)
        (mark,) = await undone.fetch("select unit_id, min(since) as since from unit_touched group by 1")
        since: date = mark["since"]
        days = (at(later).date() - since).days + 1  # as the service looks back for marks
        await engine().evaluate(
            undone, at(later) + timedelta(minutes=number + 1), Wanted(days, {mark["unit_id"]: since})
        )
    assert await said(undone, "breach") == ["firing", "corrected"]
    both = await undone.fetchrow(
        "select evidence #> '{figures,used}', evidence #> '{previous,figures,used}' from alert_transition"
        " where to_state = 'corrected'"
    )
    assert both is not None
    assert [float(figure) for figure in both] == [9.5, 11]


async def test_more_used_is_graver_in_words(undone: Connection) -> None:
    """Of consumption 100 % is bad: 80, 90 and 101 % used are blue, yellow and red, each with its word of severity."""
    shares = {"u1": "50", "u2": "80", "u3": "90", "u4": "101"}
    await add_units(undone, list(shares))
    await apply_quotas(undone, [(unit, day_quota(unit, "100")) for unit in shares])
    for unit, used in shares.items():
        await use(undone, unit, used, at(23.75))
    await look(undone, at(23.75))
    rows = await undone.fetch(
        "select code, rule, severity, colour from alert a join quota on quota_id = subject_id"
        " where rule in ('share', 'breach') and state = 'firing' order by code, rule"
    )
    assert [tuple(row) for row in rows] == [
        ("u2", "share", "notice", "blue"),
        ("u3", "share", "attention", "yellow"),
        ("u4", "breach", "critical", "red"),
        ("u4", "share", "attention", "yellow"),
    ]


async def test_periods_end_where_the_calendar_says(undone: Connection) -> None:
    """Looked at in the first hour of a new year, and after a leap day: each day counts where it belongs.

    It is still the day, month and year before in UTC; and February's 29th is no day of March.
    """
    await add_units(undone, ["u1"])
    begin = date(2023, 1, 1)
    kinds = ("day", "month", "quarter", "year")
    await apply_quotas(undone, [("u1", quota(kind, period=kind, valid_from=begin)) for kind in kinds])
    used = {NEW_YEARS_EVE: "1", NEW_YEAR: "2", LEAP_DAY: "4", LEAP_DAY + timedelta(days=1): "8"}
    for day, tce in used.items():
        await use(undone, "u1", tce, at(1, day), day=day)
        await look(undone, at(1, day))
    rows = await undone.fetch(
        "select code, period_start, used from quota_figure join quota using (quota_id) where used is not null"
    )
    march = LEAP_DAY + timedelta(days=1)
    assert {(row[0], row[1]): row[2] for row in rows} == {
        **{("day", day): float(tce) for day, tce in used.items()},
        ("month", date(2023, 12, 1)): 1,
        ("month", NEW_YEAR): 2,
        ("month", date(2024, 2, 1)): 4,
        ("month", march): 8,
        ("quarter", date(2023, 10, 1)): 1,
        ("quarter", NEW_YEAR): 14,
        ("year", begin): 1,
        ("year", NEW_YEAR): 14,
    }
