"""The host application under attack: it is killed, cut off from its database, or held up."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from deploy.stack import Endpoints
from energy.clocks import ClockSettings
from energy.sparkplug.payload import encode
from energy.storage import StorageSettings, connect
from energy.storage.databases import create_database, drop_database
from energy.transport.mqtt import Link, MqttSettings
from energy.transport.mqtt import connect as connect_mqtt
from ingest.receiving.sparkplug.state import HostState, decode_state
from tests.support import ingest_worker as worker
from tests.support.edge_node import Sent
from tests.support.eventually import eventually, never_within
from tests.support.sparkplug_world import World, rows_of

WINDOW = 100
FEW_STATES, MOST_STATES = 6, 30
"""Births and deaths of hosts: each connection makes two."""


@pytest.fixture
def world(database: StorageSettings, mqtt: MqttSettings) -> World:
    """A world of the test's own."""
    return World(database, mqtt)


async def data_is_stored(world: World, link: Link) -> None:
    """The edge node says something, and the host of the hour understands it."""
    sent = await world.say(link, "meter-1")
    await world.until_stored(rows_of(sent))


async def test_a_killed_host_is_replaced(world: World, tmp_path: Path) -> None:
    """One alone is the host; when it is killed, the other one is within seconds, asks for births and stores."""
    await world.register()
    standby = world.settings()
    with worker.process(world.settings(), tmp_path) as leader:
        await world.until_host(online=True)
        first = await world.kept_state()
        async with worker.running(standby), world.online() as link:
            await world.until_state("meter-2", online=True)
            await data_is_stored(world, link)
            # The standby stands by: the state is still that of the first one.
            assert await world.kept_state() == first
            # The first one may have asked too, when it came.
            asked = len(world.asked)
            leader.kill()

            async def replaced() -> bool:
                state = await world.kept_state()
                return state is not None and first is not None and state.online and state.timestamp > first.timestamp

            await eventually(replaced, 30)
            await world.until_asked(asked)
            await data_is_stored(world, link)


async def test_an_orderly_host_hands_over(world: World) -> None:
    """It goes with a death; the next one comes with a later birth, even where its clock is behind."""
    await world.register()
    behind = ClockSettings(world.clock.now() - timedelta(seconds=5), time.time())
    second = msgspec.structs.replace(world.settings(), clock=behind)
    heard: list[HostState] = []
    async with connect_mqtt(world.mqtt) as observer:
        await observer.subscribe(world.state_topic)
        async with worker.running(world.settings()):
            await world.until_host(online=True)
            async with worker.running(second):
                pass  # it stood by, and goes without a word
            assert (await world.kept_state()) is not None
        async with worker.running(second):
            await world.until_host(online=True)
        await world.until_host(online=False)
        while observer.waiting:
            state = decode_state((await observer.take()).payload)
            assert state is not None
            heard.append(state)
    assert [one.online for one in heard] == [True, False, True, False]
    assert sorted(heard, key=lambda one: one.timestamp) == heard


async def test_with_its_window_full_the_host_goes_offline_and_comes_back(world: World) -> None:
    """The database holds everything up: what was let in is bounded and stored once; what came meanwhile is noticed."""
    await world.register()
    async with world.hosted(window=WINDOW), world.online() as link:
        await world.until_state("meter-2", online=True)
        asked = len(world.asked)
        before = len(await world.rows())
        sent: list[Sent] = []
        async with connect(world.database) as blocker, blocker.transaction():
            await blocker.execute("lock table readings in access exclusive mode")

            async def offline() -> bool:
                sent.extend(await world.say(link, "meter-1", by_name=True))
                state = await world.kept_state()
                return state is not None and not state.online

            await eventually(offline, 30)
            held = len(sent) * 3
            lost = await world.say(link, "meter-2", by_name=True)
        await world.until_host(online=True)
        await world.until_asked(asked)
        await data_is_stored(world, link)
        stored = set(await world.rows())
        # Births were asked for; whatever else is stored was let in before the host went, and not much of it.
        let_in = stored & rows_of(sent)
        assert WINDOW < len(let_in) <= min(held, 2 * WINDOW)
        assert not stored & rows_of(lost)
        assert len(await world.rows()) == len(stored) > before


async def test_a_flood_is_let_in_up_to_the_window_and_no_further(world: World) -> None:
    """Hundreds of messages that come at once are not all taken before anybody sees that the window is full."""
    await world.register()
    async with world.hosted(window=WINDOW), world.online() as link:
        await world.until_state("meter-2", online=True)
        asked = len(world.asked)
        flood = [one for _ in range(5 * WINDOW) for one in world.edge.data("meter-1", by_name=True)]
        async with connect(world.database) as blocker, blocker.transaction():
            await blocker.execute("lock table readings in access exclusive mode")
            for one in flood:
                link.send(world.topic(one.kind, one.device), encode(one.payload), qos=0)
            await world.until_host(online=False)
        await world.until_host(online=True)
        await world.until_asked(asked)
        await data_is_stored(world, link)
        let_in = set(await world.rows()) & rows_of(flood)
        assert WINDOW // 2 < len(let_in) <= WINDOW + 10 * len(flood[0].payload.metrics)


async def test_two_installations_of_one_host_id_do_not_chase_each_other(
    world: World, endpoints: Endpoints, template: str
) -> None:
    """Each has a database and so thinks that it is the host: they push each other off the broker ever more seldom."""
    name = f"{world.name.replace('-', '_')}_other"
    other = StorageSettings(await create_database(endpoints.dsn, name, template=template))
    second = msgspec.structs.replace(world.settings(), database=other)
    try:
        async with connect_mqtt(world.mqtt) as observer:
            await observer.subscribe(world.state_topic)
            async with worker.running(world.settings()), worker.running(second):
                await eventually(lambda: observer.waiting > FEW_STATES, 20)
                await never_within(2.0, lambda: observer.waiting > MOST_STATES)
    finally:
        await drop_database(endpoints.dsn, name)


async def test_a_database_that_cuts_all_connections_costs_no_values(world: World) -> None:
    """The right to be the host is asked for again; nothing is lost meanwhile, since the broker's line holds."""
    await world.register()
    async with world.hosted(), world.online() as link:
        await world.until_state("meter-2", online=True)
        for _ in range(3):
            async with connect(world.database) as connection:
                await connection.execute(
                    "select pg_terminate_backend(pid) from pg_stat_activity"
                    " where datname = current_database() and pid <> pg_backend_pid()"
                )
            await data_is_stored(world, link)
        state = await world.kept_state()
        assert state is not None
        assert state.online
        assert world.asked == []
