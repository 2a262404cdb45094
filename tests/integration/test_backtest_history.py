"""Back-tests: what the tables are shown to have been is what they were, and what is said of it is what was said."""

from __future__ import annotations

import asyncio
import json
import math
from datetime import date, timedelta
from pathlib import Path

from click.testing import CliRunner, Result
from msgspec.structs import replace

from alerts.evaluation.step import Engine, Wanted
from alerts.quotas.store import apply_quotas
from alerts.rules.files import load_rules
from alerts.series.known import catalogue
from alerts.series.loads import refresh
from alerts.trying.backtest import Looking, Span, backtest
from alerts.trying.history import History
from deploy.cli.backtest import backtest as backtest_command
from energy.storage import Connection, StorageSettings, connect
from ingest.accounting.rollups.marks import START, Marked
from ingest.accounting.rollups.step import step
from ingest.accounting.validation.loading import shipped_checks
from tests.support.deriving import derive_all
from tests.support.quota_world import day_quota, quota
from tests.support.register_world import Shown, instant, populate, registry, shown, store

POINTS = (("P-e", "electricity", 1), ("P-e2", "electricity", 1), ("P-g", "natural_gas", 1), ("P-s", "electricity", 2))
DAY = 1440
FIRST, LAST, STEP = -DAY - 600, DAY + 300, 465
"""Minutes around the turn of a month; looks seven hours and three quarters apart fall on every quarter of an hour."""
STALE_S = 6 * 3600.0
OUTAGE = range(380, 1_000)
TABLES = {
    "unit_hour": "unit_id, ts, carrier, flow",
    "unit_day": "unit_id, day, carrier",
    "unit_month": "unit_id, kind, month, carrier",
    "unit_carrier": "unit_id, carrier",
    "unit_period": "unit_id, period, period_start, carrier",
    "consumption_hour": "point_id, ts",
    "consumption_day": "point_id, day",
    "consumption_month": "point_id, kind, month",
}


def readings() -> list[Shown]:
    """Every quarter hour, with courses of their own; the gas meter is silent for ten hours, and then catches up."""
    return [
        shown(code, minute, round(5_000 + (minute - FIRST) * (0.2 + place / 7) + 20 * math.sin(minute / 200), 3))
        for minute in range(FIRST, LAST + 1, 15)
        for place, (code, _, _) in enumerate(POINTS)
        if not (code == "P-g" and minute in OUTAGE)
    ]


async def seen(connection: Connection) -> dict[str, list[str]]:
    """All rows of totals, each as the database prints it."""
    return {
        table: [row[0] for row in await connection.fetch(f"select t::text from {table} t order by {order}")]  # noqa: S608 - names of this module
        for table, order in TABLES.items()
    }


async def roll_up(connection: Connection) -> None:
    """Roll up all that is marked, open days too."""
    after: Marked | None = START
    while after is not None:
        after = (await step(connection, shipped_checks(), before=date.max, limit=500, after=after)).last


async def said(connection: Connection) -> list[tuple[object, ...]]:
    """Every transition, with the figures that it rests on."""
    return [tuple(row) for row in await connection.fetch(_SAID)]


async def written(connection: Connection) -> list[str]:
    """A digest of every table that evaluations write."""
    names = (
        "alert",
        "alert_transition",
        "quota_figure",
        "unit_touched",
        "unit_load_day",
        "unit_load_dirty",
        "unit_course",
    )
    digest = "select md5(string_agg(t::text, '' order by t::text)) from"
    return [await connection.fetchval(f"{digest} {name} t") for name in names]


_SAID = """
select a.rule, a.subject, a.subject_id, a.period_start, t.at, t.from_state, t.to_state, t.reason, t.severity,
    t.evidence -> 'figures', t.evidence -> 'parts', t.evidence -> 'previous', t.evidence -> 'method'
from alert_transition t join alert a using (alert_id) order by a.rule, a.subject_id, a.period_start, t.at, t.to_state
"""
_PRODUCT = """
insert into product (unit_id, code, unit, point_id) select unit_id, 'flour', 't', point_id from unit, point
where point.code = 'P-s'
"""
QUOTAS = [
    day_quota("e-day", "760", "electricity", "kWh"),  # on course, then broken, day by day
    day_quota("g-day", "650", "natural_gas", "m3"),  # of the meter with the outage
    quota("tce-month", limit="1.0", valid_from=date(2026, 1, 1)),
    quota(
        "per-tonne",
        measure="kgce_per_output",
        product="flour",
        limit="1",
        limit_unit="kgce/t",
        valid_from=date(2026, 1, 1),
    ),
    quota("demand", measure="demand", limit="33", limit_unit="kW", valid_from=date(2026, 1, 1)),
    quota("tce-year", limit="2.6", period="year", valid_from=date(2026, 1, 1)),
]


async def test_history_and_what_is_said_of_it_are_what_they_were(
    database: StorageSettings, connection: Connection
) -> None:
    """The engine at each look, and a back-test afterwards: the same tables and transitions to the last digit."""
    await populate(connection, registry(POINTS))
    await connection.execute("update unit set statistics_day = 2")
    await connection.execute(_PRODUCT)
    await apply_quotas(connection, [("U", one) for one in QUOTAS])
    shipped = load_rules((), catalogue())
    (breach,) = [rule for rule in shipped if rule.code == "breach"]
    rules = (*shipped, replace(breach, code="of-march-in-kwh", where={"limit_unit": ("kWh",), "starts": ("2026-03*",)}))
    engine = Engine(rules, catalogue(), stale_s=STALE_S)
    waiting, live = readings(), {}
    for minute in range(FIRST + STEP, LAST + 1, STEP):
        due = [one for one in waiting if instant(minute).timestamp() * 1000 >= one.at]
        waiting = [one for one in waiting if one not in due]
        await store(connection, due)
        await derive_all(connection)
        await roll_up(connection)
        await refresh(connection, instant(minute), (instant(minute) - timedelta(days=3)).date())
        await engine.evaluate(connection, instant(minute), Wanted(2))
        live[minute] = await seen(connection)
    assert len({str(one) for one in live.values()}) == len(live) == 8
    async with connect(database) as own:
        history = await History.open(own)
        for minute in reversed(live):
            await history.move(instant(minute))
            assert await seen(own) == live[minute], instant(minute)
    async with connect(database) as own:
        before = await written(connection)
        span = Span(instant(min(live)), instant(max(live)), timedelta(minutes=STEP))
        found = await backtest(own, rules, span, Looking(2, STALE_S))
        assert await said(own) == await said(connection)
        assert await written(connection) == before
    fired = {one.rule: one.fired for one in found.rules if one.fired}
    assert {"intensity", "demand", "breach", "pace", "projection", "share", "data-stale"} <= fired.keys(), fired
    certain = ("breach", "demand", "intensity")
    assert found.broken == sum(fired[rule] for rule in certain)
    (in_kwh,) = [one for one in found.rules if one.rule == "of-march-in-kwh"]
    assert (in_kwh.foretold, in_kwh.missed) == (1, 0)
    assert not any(one.missed for one in found.rules if one.rule in certain)


async def test_the_command_tells_and_draws(dsn: str, connection: Connection, tmp_path: Path) -> None:
    """A table, a picture and JSON of the chosen quota alone; nothing is written; what there is not is refused."""
    await populate(connection, registry(POINTS[:1]))
    await apply_quotas(
        connection, [("U", day_quota("one", "250", "electricity", "kWh")), ("U", day_quota("other", "9"))]
    )
    await store(connection, [one for one in readings() if one.point == "P-e"])
    await derive_all(connection)
    picture = tmp_path / "timeline.svg"
    asked = ["--dsn", dsn, "--only", "breach", "--only", "pace", "--quota", "one"]
    asked += ["--from", "2026-03-01", "--to", "2026-03-02 03:00"]
    told = await command(*asked, "--step", "9h", "--svg", str(picture))
    assert told.exit_code == 0, told.output
    assert "4 looks from 2026-03-01 00:00" in told.output
    assert "2 periods of quotas, 1 of them broken" in told.output
    assert "9.0 h" in told.output
    assert "other" not in told.output
    assert "one 2026-03-01 · breach" in picture.read_text(encoding="utf-8")
    outcome = json.loads((await command(*asked, "--step", "27h", "--json")).output)
    assert (outcome["looks"], [rule["foretold"] for rule in outcome["rules"]]) == (2, [1, 0])
    assert await connection.fetchval("select count(*) from alert") == 0
    lost = (await command(*asked, "--quota", "othr")).exception
    assert str(lost) == "no such quota: 'othr', did you mean 'other'?"
    lost = (await command("--dsn", dsn, *asked[-4:], "--unit", "absent")).exception
    assert str(lost) == "no such unit: 'absent'"
    assert "cannot be written" in (await command(*asked, "--svg", str(tmp_path / "absent" / "a.svg"))).stderr
    assert "unknown value 'breech', did you mean 'breach'?" in (await command(*asked, "--only", "breech")).stderr


async def command(*arguments: str) -> Result:
    """`quotawatt backtest …`, beside the test's own loop."""

    def run() -> Result:
        return CliRunner().invoke(backtest_command, arguments)

    return await asyncio.to_thread(run)
