"""Alerts of periods that are over, and of quotas that are not what they were, by the real step on a real database."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec

from alerts.delivery.store import read_changes
from alerts.delivery.texts import correction_annotations_of
from alerts.evaluation.step import Engine, Wanted
from alerts.life.evidence import Evidence
from alerts.quotas.store import apply_quotas, end
from alerts.rules.files import load_rules
from alerts.series.known import catalogue
from energy.storage import Connection
from tests.support.quota_world import FIRST_DAY, add_units, at, day_quota, quota, use

NEXT_DAY = FIRST_DAY + timedelta(days=1)
SINCE = FIRST_DAY - timedelta(days=30)


async def look(connection: Connection, now: datetime, engine: Engine | None = None) -> Engine:
    """At everything, with nothing in memory unless an engine is given."""
    rules = [rule for rule in load_rules([], catalogue()) if rule.subject == "quota"]
    engine = engine or Engine(rules, catalogue(), stale_s=6 * 3600)
    await engine.evaluate(connection, now, Wanted(3))
    return engine


async def said(connection: Connection, rule: str = "breach") -> list[tuple[str, str]]:
    """The states that alerts of a rule went to, with why."""
    rows = await connection.fetch(
        "select to_state, reason from alert_transition join alert using (alert_id) where rule = $1"
        " order by transition_id",
        rule,
    )
    return [(row[0], row[1]) for row in rows]


async def test_a_day_that_held_and_breaks_by_late_data_fires(undone: Connection) -> None:
    """Nothing was ever said of it; it fires the day after, for the next shift, and then remembers what it said."""
    await add_units(undone, ["u1"])
    await apply_quotas(undone, [("u1", day_quota("q1", "10"))])
    await use(undone, "u1", "9", at(24))
    await use(undone, "u1", "0.1", at(30), day=NEXT_DAY)
    engine = await look(undone, at(30))
    assert await said(undone) == []
    for used, hours in (("10.5", 44.0), ("10.5", 51.9), ("10.5", 52.1)):
        await use(undone, "u1", used, at(44))
        await use(undone, "u1", "0.2", at(hours), day=NEXT_DAY)
        await look(undone, at(hours), engine)
    assert await said(undone) == [("firing", "raised"), ("firing", "escalated"), ("resolved", "period_closed")]


async def test_a_day_that_was_told_to_have_held_and_broke_after_all_is_told(undone: Connection) -> None:
    """Broken, corrected, and broken by late data: delivery takes that up, with the figures of before and of now."""
    await add_units(undone, ["u1"])
    await apply_quotas(undone, [("u1", day_quota("q1", "10"))])
    await use(undone, "u1", "11", at(24))
    await look(undone, at(24.1))
    for used, hours in (("9", 26.0), ("10.5", 30.0)):
        await use(undone, "u1", used, at(hours))
        await use(undone, "u1", "0.1", at(hours), day=NEXT_DAY)
        await look(undone, at(hours))
    assert await said(undone) == [("firing", "raised"), ("corrected", "corrected"), ("corrected", "corrected")]
    (change,) = [one for one in await read_changes(undone, at(30)) if one.rule == "breach"]
    assert correction_annotations_of(change)["correction_en"] == (
        "Correction: it did happen after all; said before: used 9 tce, limit 10 tce; now: used 10.5 tce, limit 10 tce"
    )


_WITHDRAWN, _CORRECTED = ("resolved", "withdrawn"), ("corrected", "corrected")
_CHANGES: dict[str, tuple[dict[str, Any], tuple[str, str], set[str]]] = {
    "ended": ({}, _WITHDRAWN, set()),
    "deleted": ({}, _WITHDRAWN, set()),
    "monthly": ({"period": "month", "limit": "1000"}, _WITHDRAWN, set()),
    "later": ({"valid_from": NEXT_DAY + timedelta(days=1)}, _WITHDRAWN, set()),
    "wider": ({"limit": "12"}, _CORRECTED, {"pace", "projection", "share"}),
    "other": ({"measure": "electricity", "limit_unit": "kWh", "limit": "1000000"}, _CORRECTED, set()),
    "level": ({"measure": "demand", "limit_unit": "kW"}, _CORRECTED, {"share"}),  # what is not known yet clears nothing
}
"""Quotas by what becomes of them: fields that change, how the breach ends, and which rules have something open yet."""


async def test_whatever_becomes_of_a_quota_its_alert_ends_openly(undone: Connection) -> None:
    """It was ended, deleted, or is one of another period, limit, measure or time: no alert fires on for ever."""
    await add_units(undone, list(_CHANGES))
    first: dict[str, Any] = {"limit": "10", "period": "day", "valid_from": SINCE}
    await apply_quotas(undone, [(code, quota(code, **first)) for code in _CHANGES])
    for code in _CHANGES:
        await use(undone, code, "11", at(8, NEXT_DAY), day=NEXT_DAY)
    engine = await look(undone, at(8, NEXT_DAY))
    changed = [(code, quota(code, **(first | fields))) for code, (fields, _, _) in _CHANGES.items() if fields]
    await apply_quotas(undone, changed)
    await end(undone, "ended", NEXT_DAY, author="Wu", now=at(8, NEXT_DAY))
    gone = await undone.fetchval("select quota_id from quota where code = 'deleted'")
    for table in ("quota_version", "quota"):
        await undone.execute(f"delete from {table} where quota_id = $1", gone)  # noqa: S608 - ours
    await look(undone, at(8.1, NEXT_DAY), engine)
    rows = await undone.fetch(
        "select u.code, a.rule, a.state, t.reason, a.evidence::text from alert a join unit u using (unit_id)"
        " join alert_transition t on t.alert_id = a.alert_id and t.to_state = a.state where period_start = $1",
        NEXT_DAY,
    )
    for code, (_, ends, open_still) in _CHANGES.items():
        of = [row for row in rows if row["code"] == code]
        (breach,) = [row for row in of if row["rule"] == "breach"]
        assert (breach["state"], breach["reason"]) == ends, code
        assert {row["rule"] for row in of if row["state"] in {"firing", "pending"}} == open_still, code
        found = msgspec.json.decode(breach["evidence"], type=Evidence)
        assert 11 in {found.figures["used"], found.previous and found.previous.figures["used"]}, code
