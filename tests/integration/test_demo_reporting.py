"""The unit that reports a mistaken ratio: in its time, once, and for all readings."""

from __future__ import annotations

import asyncio
import time
from decimal import Decimal
from urllib.parse import urlsplit

from structlog.testing import capture_logs

from deploy.demo.city_parts import Correction
from deploy.demo.reporting import Reporting
from energy.clocks import ClockSettings, DataClock
from energy.services import run_services
from energy.storage import Connection, Pool, StorageSettings, open_pool
from tests.support.deriving import derive_all
from tests.support.eventually import eventually
from tests.support.register_world import instant, populate, registry, shown, store
from tests.support.tcp_proxy import tcp_proxy

SCALE = 3_600.0
_USED = "select sum(quanta * quantum) from consumption_15min join point using (point_id)"

_ALERT = """
insert into alert (rule, subject, subject_id, unit_id, state, since, severity, colour, standing, evidence)
select 'breach', 'quota', 1, unit_id, 'resolved', 'epoch', 'critical', 'red', '{"said": true}', '{}' from unit
"""


async def test_what_is_reported_holds_from_the_beginning(pool: Pool) -> None:
    """Not before the unit has heard of the breach; then all is derived again, three quarters of it exactly."""
    correction = Correction("P-e", instant(0), Decimal("0.75"), instant(60), "the nameplate says 300/5")
    async with pool.acquire() as connection:
        await populate(connection, registry([("P-e", "electricity", 1)]))
        await store(connection, [shown("P-e", minute, 1_000 + minute * 8) for minute in range(7, 130, 15)])
        await derive_all(connection)
        assert await connection.fetchval(_USED) == 960
        clock = DataClock(ClockSettings(instant(0), time.time(), SCALE))
        stop = asyncio.Event()
        async with asyncio.timeout(30), asyncio.TaskGroup() as group:
            group.create_task(run_services([Reporting(pool, clock, [correction])], grace=1, stop=stop))

            async def recorded() -> bool:
                return bool(await connection.fetchval("select count(*) from edit"))

            await eventually(lambda: clock.now() > instant(60))
            assert not await recorded()
            await connection.execute(_ALERT)
            await eventually(recorded)
            stop.set()
        said = await connection.fetchrow("select * from edit")
        assert said is not None
        assert said["recorded_at"] >= instant(60)
        assert (said["author"], said["reason"]) == ("demo", "the nameplate says 300/5")
        await derive_all(connection)
        assert await connection.fetchval(_USED) == 720


async def test_a_database_that_refuses_is_waited_for(connection: Connection, dsn: str) -> None:
    """What was due while it was away is reported when it is back; the demo goes on meanwhile."""
    await populate(connection, registry([("P-e", "electricity", 1)]))
    await connection.execute(_ALERT)
    parts = urlsplit(dsn)
    correction = Correction("P-e", instant(0), Decimal("0.75"), instant(0), "the nameplate says 300/5")
    clock, stop = DataClock(ClockSettings(instant(0), time.time(), SCALE)), asyncio.Event()
    async with (
        tcp_proxy(parts.hostname or "", parts.port or 0) as proxy,
        open_pool(StorageSettings(dsn.replace(parts.netloc.rpartition("@")[2], f"{proxy.host}:{proxy.port}"))) as line,
        asyncio.timeout(30),
        asyncio.TaskGroup() as group,
    ):
        await proxy.cut()
        with capture_logs() as logs:
            group.create_task(run_services([Reporting(line, clock, [correction])], grace=1, stop=stop))
            # The connection that was cut first, and then one that is refused.
            await eventually(lambda: sum(log["event"] == "the database is away" for log in logs) > 1)
        await proxy.restore()

        async def recorded() -> bool:
            return bool(await connection.fetchval("select count(*) from edit"))

        await eventually(recorded)
        stop.set()
