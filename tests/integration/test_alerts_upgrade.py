"""What was set, counted and said before the rules engine goes on after an upgrade."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date, timedelta

import pytest

from alerts.evaluation.step import Engine, Wanted
from alerts.quotas import store
from alerts.quotas.given import given_by_hand
from alerts.rules.files import load_rules
from alerts.series.known import catalogue
from energy.storage import Connection, StorageSettings, connect, load_queries
from energy.storage.databases import create_database, drop_database
from energy.storage.pool import SQL_DIRECTORY
from tests.support.quota_world import FIRST_DAY, at, quota

_TOTALS = load_queries("ingest.accounting.totals", "totals.sql")
_OLD = """
insert into unit (code, name_zh, name_en, district, industry, statistics_day)
values ('u', '虚构', 'Fictional', '610302', '32', 26);
insert into carrier_factor (carrier, valid_from, valid_to, unit, kgce, kgce_equal, kgco2, provisional, source)
values ('electricity', '2021-04-01', 'infinity', 'kWh', 0.1229, 0.3, 0.5, false, 'table');
insert into meter (code, unit_id, carrier, level, profile) select 'm', unit_id, 'electricity', 1, 'any' from unit;
insert into quota (code, unit_id, measure, period, limit_value, limit_unit, valid_from, valid_to, source, rule)
select 'old-1', unit_id, 'tce', 'month', 310.50, 'tce', date '2026-01-01', null::date, E'document\\n1', '{}'::jsonb
from unit
union all
select 'old-2', unit_id, 'electricity', 'day', 100, 'kWh', '2026-01-01', '2027-01-01', 'document 2',
    '{"min_elapsed": 0.5, "for_s": 900, "bands": [{"share": 0.7, "severity": "notice", "colour": "blue"}]}' from unit
union all
select 'old-3', unit_id, 'tco2', 'day', 1, 'tCO2', '2026-01-01', '2026-03-01', 'document 3', '{}' from unit;

insert into unit_day (
    unit_id, day, carrier, amount, kgce, kgce_equal, kgco2, quality, provisional, ready, covered_s, due_s,
    metered_quality)
select unit_id, day, 'electricity', 1, 12000, 1, 1, 0, false, (day + 1)::timestamp at time zone 'Asia/Shanghai', 86400,
    86400, case when extract(day from day) <> 20 then 0 end
from unit, generate_series(date '2026-01-20', '2026-03-01', '1 day') d (at), lateral (select at::date as day) t;
update unit_day set ready = timestamptz '2026-03-01 08:00+8' where day = '2026-03-01';
insert into unit_month (
    unit_id, kind, month, carrier, amount, kgce, kgce_equal, kgco2, purchased, renewable, produced, sold, feedstock,
    stock_decrease, feedstock_kgce, feedstock_kgce_equal, quality, provisional, by_hand, covered_s, due_s, ready, days)
select unit_id, kind, month, carrier, sum(amount), sum(kgce), sum(kgce_equal), sum(kgco2), 0, 0, 0, 0, 0, 0, 0, 0, 0,
    false, false, sum(covered_s), sum(due_s), max(ready), count(*)
from unit_day, lateral (values
    ('month', date_trunc('month', day)::date),
    ('statistics_month', (date_trunc('month', day) + case when extract(day from day) >= 26 then interval '1 month'
        else interval '0' end)::date)
) m (kind, month)
group by unit_id, kind, month, carrier;
"""
_STATE = """
insert into quota_state
select quota_id, $2, $3, $4, $5, $6, $7, 'critical', 'red', 400, 310.5, 1.2, 0.5, null, null, null, null, $5,
    '{"used": "400"}'
from quota where code = $1
"""
_TRANSITION = """
insert into quota_transition (quota_id, period_start, from_state, to_state, verdict, severity, colour, at, evidence)
select quota_id, $2, $3, $4, $5, 'critical', 'red', $6,
    '{"used": "400", "quota": {"limit": "310.5"}, "judgement": {"projected": "500"}, "previous": {"used": "390"}}'
from quota where code = $1
"""
JANUARY, FEBRUARY = date(2026, 1, 1), date(2026, 2, 1)
_SAID = [
    # It was on course, then over the limit, and fires.
    ("old-1", FIRST_DAY, "inactive", "pending", "on_course", at(1)),
    ("old-1", FIRST_DAY, "pending", "firing", "on_course", at(2)),
    ("old-1", FIRST_DAY, "firing", "firing", "exceeded", at(3)),
    # It broke, its period closed, and late data corrected it.
    ("old-1", JANUARY, "inactive", "firing", "exceeded", at(0, date(2026, 1, 20))),
    ("old-1", JANUARY, "firing", "resolved", "exceeded", at(9, FEBRUARY)),
    ("old-1", JANUARY, "resolved", "corrected", "ok", at(9, date(2026, 2, 2))),
    # It was only on course.
    ("old-1", FEBRUARY, "inactive", "firing", "on_course", at(0, date(2026, 2, 20))),
    ("old-1", FEBRUARY, "firing", "resolved", "ok", at(9, date(2026, 2, 21))),
    ("old-2", FIRST_DAY, "inactive", "pending", "on_course", at(7)),
    # It fires in a period that was taken from the quota by ending it, and another that never was looked at again.
    ("old-3", FIRST_DAY, "inactive", "firing", "exceeded", at(4)),
    ("old-3", date(2025, 12, 31), "inactive", "firing", "exceeded", at(4, date(2025, 12, 31))),
]
_STANDS = [
    ("old-1", FIRST_DAY, "firing", "exceeded", at(3), None, "exceeded"),
    ("old-1", JANUARY, "corrected", "ok", at(9, date(2026, 2, 2)), None, "ok"),
    ("old-1", FEBRUARY, "resolved", "on_course", at(9, date(2026, 2, 21)), None, "ok"),
    ("old-2", FIRST_DAY, "pending", "on_course", at(7), at(6.8), "on_course"),
    ("old-3", FIRST_DAY, "firing", "exceeded", at(4), None, "exceeded"),
    ("old-3", date(2025, 12, 31), "firing", "exceeded", at(4, date(2025, 12, 31)), None, "exceeded"),
    ("old-2", FEBRUARY, "inactive", None, at(9, FEBRUARY), None, "ok"),  # never was anything
]


@pytest.fixture
async def old(dsn: str) -> AsyncIterator[Connection]:
    """A database of the version before, in which things have happened."""
    name = f"{dsn.rsplit('/', 1)[1].partition('?')[0]}_old"
    old_dsn = await create_database(dsn, name)
    async with connect(StorageSettings(old_dsn)) as connection:
        await run(connection, "0000", "0019")
        await connection.execute(_OLD)
        for state in _STANDS:
            await connection.execute(_STATE, *state)
        for move in _SAID:
            await connection.execute(_TRANSITION, *move)
        yield connection
    await drop_database(dsn, name)


async def run(connection: Connection, since: str, until: str) -> None:
    """Run migrations."""
    for file in sorted(SQL_DIRECTORY.glob("*.sql")):
        if since <= file.name < until:
            await connection.execute(file.read_text(encoding="utf-8"))


async def test_an_upgrade_keeps_what_was_set_counted_and_said(old: Connection) -> None:
    """Limits, bands and shares; sums of days that nobody writes again; every transition; and the engine goes on."""
    await run(old, "0019", "9999")
    await _check_quotas(old)
    await _check_sums(old)
    rows = await old.fetch(
        "select q.code, period_start, rule, state, standing ->> 'said', standing ->> 'firings', standing ->> 'fired_at'"
        " from alert join quota q on quota_id = subject_id order by 1, 2"
    )
    assert [tuple(row) for row in rows] == [
        ("old-1", JANUARY, "breach", "corrected", "false", "1", _text(at(0, date(2026, 1, 20)))),
        ("old-1", FEBRUARY, "pace", "resolved", None, "1", _text(at(0, date(2026, 2, 20)))),
        ("old-1", FIRST_DAY, "breach", "firing", None, "1", _text(at(2))),
        ("old-2", FIRST_DAY, "pace", "pending", None, "0", None),
        ("old-3", date(2025, 12, 31), "breach", "firing", None, "1", _text(at(4, date(2025, 12, 31)))),
        ("old-3", FIRST_DAY, "breach", "firing", None, "1", _text(at(4))),
    ]
    rows = await old.fetch("select quota, period_start, from_state, to_state, at from board.quota_history order by at")
    wanted = sorted(((*move[:4], move[5]) for move in _SAID), key=lambda move: move[4])
    assert [tuple(row) for row in rows] == wanted
    assert {tuple(row) for row in await old.fetch('select used, "limit", projected from board.quota_history')} == {
        (400, 310.5, 500)
    }
    rules = [rule for rule in load_rules([], catalogue()) if rule.subject == "quota"]
    # 12 of 310.5 tce are used in March, and 336 were in February; of January only twelve days are known.
    await Engine(rules, catalogue(), stale_s=6 * 3600).evaluate(old, at(8.5), Wanted(60))
    rows = await old.fetch(
        "select period_start, from_state, to_state, reason from alert_transition join alert using (alert_id)"
        " join quota q on quota_id = subject_id where code = 'old-1' and rule = 'breach' and at = $1 order by 1, 2",
        at(8.5),
    )
    assert [tuple(row) for row in rows] == [
        (FEBRUARY, "inactive", "firing", "raised"),
        (FIRST_DAY, "firing", "corrected", "corrected"),
    ]
    rows = await old.fetch(
        "select distinct state, reason, t.evidence ->> 'used', a.evidence = t.evidence from alert_transition t"
        " join alert a using (alert_id) join quota q on quota_id = subject_id where code = 'old-3' and at = $1",
        at(8.5),
    )
    assert [tuple(row) for row in rows] == [("resolved", "withdrawn", "400", True)]


async def _check_quotas(old: Connection) -> None:
    first, second, _ = [one.quota for one in await store.recorded(old)]
    assert first == quota("old-1", key="u", limit="310.50", valid_from=JANUARY, source="document 1")
    assert (second.valid_to, second.judged_from, [band.share for band in second.bands]) == (
        date(2027, 1, 1),
        0.5,
        [0.7],
    )
    columns = "select key, subject, min_elapsed, jsonb_array_length(bands) from quota order by code limit 2"
    assert list(map(tuple, await old.fetch(columns))) == [("u", "unit", 0.03, 2), ("u", "unit", 0.5, 1)]
    again = await store.take(old, given_by_hand([first, second], ()), author="Li", now=at(8))
    assert again.same == ("old-1", "old-2")


async def _check_sums(old: Connection) -> None:
    """They are those that accounting would write."""
    assert await old.fetch("table unit_carrier") == await old.fetch("table carrier_known")
    assert await old.fetchval("select count(*) from (table period_sum except table unit_period) x") == 0
    assert await old.fetchval("select count(*) from unit_period") == 2
    columns = "select kind, month, days, metered_days, kgce from unit_month order by 1, 2"
    filled = await old.fetch(columns)
    days = [JANUARY + timedelta(days=number) for number in range(90)]
    unit = await old.fetchval("select unit_id from unit")
    await old.execute(_TOTALS.write_months, [unit] * len(days), ["electricity"] * len(days), days)
    assert filled == await old.fetch(columns)


def _text(when: object) -> str:
    """As JSON has it."""
    return str(when).replace(" ", "T")
