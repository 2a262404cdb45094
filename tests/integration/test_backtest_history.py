"""History for back-tests: what the tables are shown to have been is what they were."""

from __future__ import annotations

import math
from datetime import date

from alerts.trying.history import History
from energy.storage import Connection, StorageSettings, connect
from ingest.accounting.rollups.marks import START, Marked
from ingest.accounting.rollups.step import step
from ingest.accounting.validation.loading import shipped_checks
from tests.support.deriving import derive_all
from tests.support.register_world import Shown, instant, populate, registry, shown, store

POINTS = (("P-e", "electricity", 1), ("P-e2", "electricity", 1), ("P-g", "natural_gas", 1), ("P-s", "electricity", 2))
DAY = 1440
FIRST, LAST, STEP = -DAY - 600, DAY + 300, 225
"""Minutes around the turn of a month; looks three hours and three quarters apart fall on every quarter of an hour."""
OUTAGE = range(400, 1_000)
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


async def test_history_is_what_the_tables_were(database: StorageSettings, connection: Connection) -> None:
    """Totals at each look, and afterwards through `History`: the same to the last digit, outage and all."""
    await populate(connection, registry(POINTS))
    await connection.execute("update unit set statistics_day = 2")
    waiting, live = readings(), {}
    for minute in range(FIRST + STEP, LAST + 1, STEP):
        due = [one for one in waiting if instant(minute).timestamp() * 1000 >= one.at]
        waiting = [one for one in waiting if one not in due]
        await store(connection, due)
        await derive_all(connection)
        await roll_up(connection)
        live[minute] = await seen(connection)
    assert len({str(one) for one in live.values()}) == len(live) > 15
    async with connect(database) as own:
        history = await History.open(own)
        for minute in reversed(live):
            await history.move(instant(minute))
            assert await seen(own) == live[minute], instant(minute)
