"""Metering that begins within a period: what was before is not missing, and not known either; by the real step."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import msgspec

from alerts.evaluation.step import Engine, Wanted
from alerts.life.evidence import Evidence
from alerts.quotas.store import apply_quotas
from alerts.rules.files import load_rules
from alerts.series.known import catalogue
from energy.storage import Connection, load_queries
from tests.support.quota_world import FIRST_DAY, add_units, at, quota, use

_TOTALS = load_queries("ingest.accounting.totals", "totals.sql")
BEGUN = FIRST_DAY + timedelta(days=9)
GAS = "natural_gas"


async def look(connection: Connection, now: datetime) -> tuple[str, float]:
    """What is shown of the one quota after looking at everything, with nothing in memory."""
    rules = [rule for rule in load_rules([], catalogue()) if rule.subject == "quota"]
    await Engine(rules, catalogue(), stale_s=6 * 3600).evaluate(connection, now, Wanted(2))
    row = await connection.fetchrow("select verdict, used from board.quota_status")
    assert row is not None
    return row["verdict"], row["used"]


async def paces(connection: Connection) -> list[tuple[str, str]]:
    """The states that the pace went to, each with why."""
    rows = await connection.fetch(
        "select to_state, reason from alert_transition join alert using (alert_id) where rule = 'pace' order by at"
    )
    return [(row[0], row[1]) for row in rows]


async def add_gas_meter(connection: Connection) -> None:
    """Register a gate meter of gas."""
    await connection.execute(
        "insert into meter (code, unit_id, carrier, level, profile) select 'gas', unit_id, $1, 1, 'any' from unit", GAS
    )


async def fill_in(connection: Connection, tce: str, first: date, days: int) -> None:
    """What people know of the gas of so many days."""
    unit = await connection.fetchval("select unit_id from unit")
    for number in range(days):
        day = first + timedelta(days=number)
        await use(connection, "u1", tce, at(24, day), day=day, carrier=GAS)
        await connection.execute(
            "update unit_day set metered_quality = null, method = 3 where day = $1 and carrier = $2", day, GAS
        )
        await connection.execute(_TOTALS.write_months, [unit], [GAS], [day])


async def test_days_before_a_meter_came_are_not_missing_and_not_known(undone: Connection) -> None:
    """A gas meter comes on the tenth of a month whose pace fires: nothing is said until it delivers, then that may end.

    The month stays grey, since nobody knows what gas was used before; what is filled in of these days makes it whole.
    """
    await add_units(undone, ["u1"])
    await apply_quotas(undone, [("u1", quota("q1", limit="31"))])
    for number in range(9):
        day = FIRST_DAY + timedelta(days=number)
        await use(undone, "u1", "1.2", at(24, day), day=day)
    await look(undone, at(0, BEGUN))
    await use(undone, "u1", "0.05", at(1, BEGUN), day=BEGUN)
    assert await look(undone, at(1, BEGUN)) == ("warned", 10.85)
    await add_gas_meter(undone)
    assert (await look(undone, at(2, BEGUN)))[0] == "no_data"
    now = at(24 * 3, BEGUN)
    for number in range(3):
        day = BEGUN + timedelta(days=number)
        for carrier in ("electricity", GAS):
            await use(undone, "u1", "0.05", at(24, day), day=day, carrier=carrier)
    assert await look(undone, now) == ("incomplete", 11.1)
    assert await paces(undone) == [("pending", "raised"), ("firing", "lasted"), ("resolved", "cleared")]
    evidence = await undone.fetchval("select evidence::text from alert where rule = 'pace'")
    figures = msgspec.json.decode(evidence, type=Evidence).figures
    assert (figures["incomplete"], figures["unmetered_days"]) == (0, 9)
    await fill_in(undone, "0.1", FIRST_DAY, 8)
    assert await look(undone, now) == ("incomplete", 11.9)
    await fill_in(undone, "0", FIRST_DAY + timedelta(days=8), 1)
    assert await look(undone, now) == ("ok", 11.9)


async def test_a_meter_that_falls_silent_after_it_came_lacks_days(undone: Connection) -> None:
    """The pace of a month that began with its meter cannot end on figures that lack days, filled in or not."""
    await add_units(undone, ["u1"], [GAS])
    await apply_quotas(undone, [("u1", quota("q1", limit="31"))])
    await use(undone, "u1", "15", at(1, BEGUN), day=BEGUN, carrier=GAS)
    await look(undone, at(1, BEGUN))
    await use(undone, "u1", "15", at(2, BEGUN), day=BEGUN, carrier=GAS)
    await look(undone, at(2, BEGUN))
    later = BEGUN + timedelta(days=8)
    await use(undone, "u1", "0.1", at(24, later), day=later, carrier=GAS)
    now = at(24, later)
    assert await look(undone, now) == ("incomplete", 15.1)
    await fill_in(undone, "0.1", BEGUN + timedelta(days=1), 7)
    assert await look(undone, now) == ("incomplete", 15.8)
    assert (await paces(undone))[-1][0] == "firing"
    for number in range(1, 8):
        day = BEGUN + timedelta(days=number)
        await use(undone, "u1", "0.1", at(24, day), day=day, carrier=GAS)
    await use(undone, "u1", "0.1", now, day=later, carrier=GAS)
    await look(undone, now)
    assert (await paces(undone))[-1] == ("resolved", "cleared")


async def test_a_meter_that_was_taken_out_holds_nothing_up_once_it_is_internal(undone: Connection) -> None:
    """Gas ended on the first day: the month is stale until nothing waits for it, and its use is what is filled in."""
    await add_units(undone, ["u1"], ["electricity", GAS])
    await apply_quotas(undone, [("u1", quota("q1", limit="31"))])
    for carrier in ("electricity", GAS):
        await use(undone, "u1", "0.1", at(24), carrier=carrier)
    now = at(24, BEGUN)
    for number in range(1, 10):
        day = FIRST_DAY + timedelta(days=number)
        await use(undone, "u1", "0.1", at(24, day), day=day)
    assert await look(undone, now) == ("stale", 1.1)
    await undone.execute("insert into gateway (code, region, unit_id) select 'g', '610302', unit_id from unit")
    await undone.execute(
        "insert into point (code, meter_id, gateway_id, unit, flow) select 'p', meter_id, gateway_id, 'm3', 'internal'"
        " from meter, gateway where carrier = $1",
        GAS,
    )
    await fill_in(undone, "0.2", FIRST_DAY, 1)
    assert await look(undone, now) == ("ok", 1.2)
