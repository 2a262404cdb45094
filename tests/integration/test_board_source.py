"""What the terminal board reads from a database and from the processes themselves."""

from __future__ import annotations

from datetime import timedelta

import aiohttp
from aiohttp import web

from alerts.evaluation.step import Engine, Wanted
from alerts.quotas.store import apply_quotas
from alerts.rules.files import load_rules
from alerts.series.known import catalogue
from deploy.demo.board_model import QueueLine
from deploy.demo.board_source import BoardCity, queue_lengths, snapshot
from energy.clocks import ClockSettings, DataClock
from energy.storage import Pool
from tests.support.board_frames import drawn
from tests.support.quota_world import TURN, ZONE, add_units, at, day_quota, use

NOON = DataClock(ClockSettings(origin=at(12), real_origin=4e9, scale=60))
CITY = BoardCity("城", "City", ZONE, {"610302": "渭滨区"}, {"610302": "Weibin District"})


def engine() -> Engine:
    """The shipped rules."""
    return Engine(load_rules((), catalogue()), catalogue(), stale_s=6 * 3600)


async def test_an_empty_database_has_a_frame(pool: Pool) -> None:
    """The first frames come before anything was read."""
    async with pool.acquire() as connection:
        empty = await snapshot(connection, CITY, NOON)
    assert (empty.quotas, empty.readings_stored, empty.newest_reading) == ((), 0, None)
    assert "none yet" in "\n".join(drawn(empty))


async def test_a_frame_has_quotas_flow_and_queues(pool: Pool) -> None:
    """Figures come from the tables: states, batches of the last real seconds, gateways, the newest reading."""
    async with pool.acquire() as connection:
        await add_units(connection, ["u1", "u2"])
        await apply_quotas(connection, [("u1", day_quota("q1", "10")), ("u2", day_quota("q2", "10"))])
        await use(connection, "u1", "11", at(12))
        await use(connection, "u2", "2", at(12))
        await engine().evaluate(connection, at(12), Wanted(2))
        await connection.execute(
            "insert into ingest_batch values (1, 'w', $1, $1, 1, 900, 900, 0, 0, 0),"
            " (2, 'w', $2, $2, 1, 500, 500, 0, 0, 0)",
            at(6),
            at(12) - timedelta(minutes=1),
        )
        await connection.execute(
            "insert into gateway (code, region, unit_id) select 'gw-' || code, '610302', unit_id from unit"
        )
        await connection.execute(
            "insert into gateway_status values ('gw-u1', '610302', true, 's', 1, 2, '[]', $1)", at(12)
        )
        await connection.execute(
            "insert into derivation_dirty values (2, '{1}', array[$1::timestamptz], array[$1])", at(12)
        )
        await connection.execute(
            "insert into point (code, meter_id, gateway_id, unit)"
            " select code, meter_id, 1, 'kWh' from meter where level = 1"
        )
        await connection.execute(
            "insert into readings select $1, point_id, 5, 0, 1 from point", at(12) - timedelta(minutes=7)
        )
        frame = await snapshot(connection, CITY, NOON, queues=[QueueLine("spool", 3)])
    assert {line.quota: (line.firing, line.cause, line.period_start.hour) for line in frame.quotas} == {
        "q1": (True, "exceeded", 0),
        "q2": (False, None, 0),
    }
    assert (frame.readings_per_s, frame.readings_stored) == (100, 1400)
    assert (frame.gateways_online, frame.gateways_total) == (1, 2)
    assert frame.queues == (QueueLine("spool", 3), QueueLine("dirty", 1))
    text = "\n".join(drawn(frame))
    assert "over 12:00" in text
    assert "newest 7 min ago" in text


async def test_a_correction_stays_on_the_board_for_a_day(pool: Pool) -> None:
    """A closed day that turns out otherwise stands beside the present one, with both figures, for a day."""
    async with pool.acquire() as connection:
        await add_units(connection, ["u1"])
        await apply_quotas(connection, [("u1", day_quota("q1", "10"))])
        judged = engine()
        for tce, hour in (("12", 24), ("12", 33), ("9", 34)):
            await use(connection, "u1", tce, at(24))
            await use(connection, "u1", "1", at(hour), day=TURN)
            await judged.evaluate(connection, at(hour), Wanted(2))
        shown = {}
        for hour in (35, 59):
            clock = DataClock(ClockSettings(origin=at(hour), real_origin=4e9, scale=60))
            frame = await snapshot(connection, CITY, clock)
            shown[hour] = {line.period_start.day: (line.corrected, line.said, line.used) for line in frame.quotas}
            assert ("corrected: 12.0 → 9.00" in "\n".join(drawn(frame, 120))) is (hour == 35)
    assert shown == {35: {1: (True, 12, 9), 2: (False, None, 1)}, 59: {2: (False, None, 1)}}


async def test_a_process_that_does_not_answer_has_an_unknown_queue() -> None:
    """Unknown is not empty."""

    async def metrics(_request: web.Request) -> web.Response:
        """Four envelopes are kept."""
        name = "quotawatt_collector_spool_envelopes"
        return web.Response(text=f'# TYPE {name} gauge\n{name}{{gateway="a"}} 4.0\n')

    application = web.Application()
    application.router.add_get("/metrics", metrics)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    async with aiohttp.ClientSession() as session:
        assert await queue_lengths(session, {"spool": [port, port]}) == (QueueLine("spool", 8),)
        await runner.cleanup()
        assert await queue_lengths(session, {"spool": [port]}) == (QueueLine("spool", None),)
