"""Alerts of one quota of one unit in a database, with evidence, as an evaluation keeps them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from msgspec.structs import replace

from alerts.life.evidence import CarrierPart, Evidence, FactorUse, Judged, QuotaUse, Said
from alerts.life.machine import advance
from alerts.life.model import AlertState, Condition, Look, Standing
from alerts.life.store import AlertKey, Known, Outcome, keep, read_said, read_standings
from alerts.rules.messages import render
from alerts.rules.model import Message, Rule, Timing
from alerts.verdicts import Colour, Mark, Severity
from energy.storage import Connection

DAY = date(2026, 3, 1)
START = datetime(2026, 2, 28, 16, tzinfo=UTC)
END = START + timedelta(days=31)
RED = Mark(Severity.CRITICAL, Colour.RED)
KEY = AlertKey("quota_breach", "quota", 1, DAY)
BREACH = Rule(
    code="quota_breach",
    version="1a2b3c",
    subject="quota",
    when="used > limit",
    clear="",
    timing=Timing(keep_closed_s=8 * 3600),
    severity="critical",
    colour=Colour.RED,
    corrects=True,
    every_s=0,
    where={},
    labels={},
    message=Message("{unit}已用 {used:.1f}，限额 {limit:.0f}", "{unit} used {used:.1f} of {limit:.0f}"),
)
_UNIT = """
insert into unit (unit_id, code, name_zh, name_en, district, industry)
values (1, 'u-1', '虚构钛业', 'Fictional Titanium', '610303', '32');
insert into quota (quota_id, code, unit_id, key, measure, period, limit_value, limit_unit, valid_from, source,
    min_elapsed)
overriding system value
values (1, 'u-1.month', 1, 'u-1', 'tce', 'month', 100, 'tce', '2026-01-01', 'letter 7', 0.03);
insert into quota_figure (quota_id, period_start, used, limit_value, used_share, elapsed_share, method, verdict,
    severity, colour, provisional, ready, evaluated_at)
values (1, '2026-03-01', 104.5, 100, 1.045, 0.5, 'even', 'exceeded', 'critical', 'red', false, '2026-03-16T12:00Z',
    '2026-03-16T12:01Z');
"""


async def populate(connection: Connection) -> None:
    """One unit with one quota, whose figures of today are 104.5 of 100."""
    await connection.execute(_UNIT)


def at(hours: float) -> datetime:
    """So many hours after the start of the month."""
    return START + timedelta(hours=hours)


def evidence(used: float | None, now: datetime, condition: Condition, rule: Rule = BREACH) -> Evidence:
    """Of the month so far: all of it is electricity, by one factor."""
    share = None if used is None else round(used / 100, 9)
    figures = {"used": used, "limit": 100.0, "used_share": share, "quality": 1.0, "provisional": 0.0}
    names = {"unit": "u-1"}
    return Evidence(
        rule=rule,
        subject=Judged("quota", 1, "u-1.month", "虚构钛业", "Fictional Titanium", "u-1", "610303", "32"),
        now=now,
        at=now,
        condition=condition,
        mark=RED,
        figures=figures,
        period_start=DAY,
        start=START,
        end=END,
        message=Message(render(rule.message.zh, "zh", figures, names), render(rule.message.en, "en", figures, names)),
        quota=QuotaUse("u-1.month", 2, "letter 7", "tce", "tce", "month"),
        parts=(CarrierPart("electricity", (used or 0) / 0.1229e-3, "kWh", used or 0, 1, ready=now),),
        factors=(FactorUse("electricity", date(2021, 4, 1), "kWh", 0.1229, 0.3, 0.5, False, "GB/T 2589-2020"),),
        method="even",
    )


def as_said(before: Evidence, state: AlertState = AlertState.FIRING) -> Said:
    """What the evidence after `before` calls previous, of an alert that stood at `state`."""
    number = before.quota.version if before.quota else 0
    return Said(state, before.condition, before.now, before.figures, before.rule.version, number)


async def known(connection: Connection, key: AlertKey = KEY) -> Known | None:
    """The alert as an evaluation reads it."""
    found = await read_standings(connection, key.subject, since=DAY, ids=[key.subject_id])
    return next((one for one in found if one.key == key), None)


async def outcome(  # noqa: PLR0913 - the parts of one look
    connection: Connection,
    used: float | None,
    hours: float,
    *,
    key: AlertKey = KEY,
    mark: Mark = RED,
    before: Known | None = None,
) -> Outcome | None:
    """What a look at so many hours finds, of what is read now, or was read `before`; nothing is written."""
    was = before or await known(connection, key)
    now = at(hours)
    condition = Condition.UNKNOWN if used is None else Condition.RAISED if used > 100 else Condition.CLEAR
    look = Look(condition, mark, now, END, corrects=True)
    standing, move = advance(was.standing if was else None, look, BREACH.timing, now)
    if standing is None or (was is not None and standing == was.standing):
        return None
    proof = replace(evidence(used, now, condition), mark=mark) if move else None
    if proof is not None and was is not None:
        proof = replace(proof, previous=(await read_said(connection, [was.alert_id])).get(was.alert_id))
    return Outcome(key, 1, was.revision if was else 0, standing, move, proof)


async def look(connection: Connection, used: float | None, hours: float, key: AlertKey = KEY) -> Standing | None:
    """An evaluation: read, look, keep; returns where the alert stands."""
    found = await outcome(connection, used, hours, key=key)
    if found is not None:
        assert await keep(connection, [found]) == []
    after = await known(connection, key)
    return after.standing if after else None
