"""The host application between a real broker and a real database: what it stores, keeps as refused, and mends."""

from __future__ import annotations

import pytest

from energy.sparkplug.datatypes import DataType
from energy.sparkplug.payload import Metric, Payload, encode
from energy.sparkplug.topics import Kind
from energy.storage import StorageSettings, connect
from energy.transport.mqtt import MqttSettings
from energy.transport.mqtt import connect as connect_mqtt
from ingest.receiving.sparkplug.state import HostState, encode_state
from tests.support import ingest_worker as worker
from tests.support.edge_node import NAMES
from tests.support.eventually import eventually
from tests.support.ingest_world import START_MS
from tests.support.mqtt_tap import tapped
from tests.support.sparkplug_world import Row, World, rows_of


@pytest.fixture
def world(database: StorageSettings, mqtt: MqttSettings) -> World:
    """A world of the test's own."""
    return World(database, mqtt)


async def rejects_of(world: World) -> set[tuple[str, str, str, str, bytes]]:
    """What was kept as refused: carrier, gateway, last levels of the source, code, payload."""
    async with connect(world.database) as connection:
        rows = await connection.fetch("select carrier, gateway, source, code, payload from rejects")
    return {(r["carrier"], r["gateway"], r["source"].split("/", 2)[2], r["code"], bytes(r["payload"])) for r in rows}


async def test_what_is_not_understood_is_kept_and_blocks_nobody(world: World) -> None:
    """A payload that is none, one too large, a text where a number belongs; the values beside it are stored."""
    await world.register([("", "energy/import"), ("", "volume")])
    gateway = world.gateway
    text = Metric(name="volume", datatype=DataType.INT64 + 8, timestamp=START_MS, value="much")
    good = Metric(name="energy/import", datatype=DataType.INT64, timestamp=START_MS, value=5)
    mixed = encode(Payload(timestamp=START_MS, seq=1, metrics=(text, good)))
    nonsense, large = b"\xff\xff", b"\x08" * 262_145
    async with world.hosted(), connect_mqtt(world.mqtt) as link:
        await world.publish(link, Kind.NODE_BIRTH, "", encode(Payload(timestamp=START_MS, seq=0)))
        await world.publish(link, Kind.NODE_DATA, "", nonsense)
        await world.publish(link, Kind.NODE_DATA, "", large)
        await world.publish(link, Kind.NODE_DATA, "", mixed)
        await world.until_stored({Row("", "energy/import", START_MS, 5.0, 0)})

        async def kept() -> bool:
            assert await rejects_of(world) == {
                ("sparkplug", gateway, "NDATA/E", "malformed", nonsense),
                ("sparkplug", gateway, "NDATA/E", "too_large", large[:262_144]),
                ("sparkplug", gateway, "NDATA/E", "malformed", mixed),
            }
            return True

        await eventually(kept, 20)


async def test_edge_nodes_that_are_not_registered_are_passed_over(world: World) -> None:
    """Whatever they say: nothing is stored, kept or asked for."""
    await world.register([("", "energy/import")])
    stranger = World(world.database, world.mqtt, name=world.name)
    metric = Metric(name="energy/import", datatype=DataType.INT64, timestamp=START_MS, value=1)
    body = encode(Payload(timestamp=START_MS, seq=9, metrics=(metric,)))
    async with world.hosted(), connect_mqtt(world.mqtt) as link:
        await link.subscribe(f"spBv1.0/{world.name}/NCMD/other", qos=0)
        for payload in (body, b"\xff"):
            await link.publish(f"spBv1.0/{stranger.name}/NDATA/other", payload, qos=0)
        await world.publish(link, Kind.NODE_DATA, "", body)
        await world.until_stored({Row("", "energy/import", START_MS, 1.0, 0)})
        assert link.waiting == 0
    assert await rejects_of(world) == set()
    assert len(await world.rows()) == 1


async def test_a_metric_of_another_gateways_point_is_refused(world: World) -> None:
    """The edge node writes as its gateway, and the point's owner is checked as always."""
    await world.register([("", "energy/import")])
    async with connect(world.database) as connection:
        await connection.execute(
            "insert into gateway (code, region, unit_id) select 'gw-other', region, unit_id from gateway"
        )
        await connection.execute(
            "update sparkplug_node set gateway_id = g.gateway_id from gateway g where code = 'gw-other'"
        )
        await connection.execute("select pg_notify('registry', '')")
    metric = Metric(name="energy/import", datatype=DataType.INT64, timestamp=START_MS, value=1)
    async with world.hosted(), connect_mqtt(world.mqtt) as link:
        await world.publish(
            link, Kind.NODE_DATA, "", encode(Payload(timestamp=START_MS, seq=1, metrics=(metric,)))
        )  # fmt: skip

        async def refused() -> bool:
            return {(one[1], one[3]) for one in await rejects_of(world)} == {("gw-other", "not_owner")}

        await eventually(refused, 20)
    assert await world.rows() == []


async def test_numbers_are_scaled(world: World) -> None:
    """The metric counts Wh, the point kWh."""
    await world.register([("", "energy/import")], scale=0.001)
    metric = Metric(name="energy/import", datatype=DataType.INT64, timestamp=START_MS, value=1500)
    async with world.hosted(), connect_mqtt(world.mqtt) as link:
        await world.publish(link, Kind.NODE_DATA, "", encode(Payload(timestamp=START_MS, seq=1, metrics=(metric,))))
        await world.until_stored({Row("", "energy/import", START_MS, 1.5, 0)})


async def test_an_edge_node_registered_later_is_asked_for_its_births(world: World) -> None:
    """The host learns of it while it runs."""
    async with world.hosted(), world.online() as link:
        await world.register()
        await world.until_asked()
        sent = await world.say(link, "meter-1")
        await world.until_stored(rows_of(sent))


async def test_what_was_said_while_the_host_was_away_is_noticed(world: World) -> None:
    """Its line breaks, the edge node goes on; births are asked for, and aliases mean what these say."""
    await world.register()
    async with tapped(world.mqtt) as tap, world.hosted(mqtt=tap.settings), world.online() as link:
        await world.until_state("meter-2", online=True)
        asked = len(world.asked)
        tap.drop_all()
        await world.tell(link, world.edge.data("meter-1"))
        await world.tell(link, world.edge.rebirth_of("meter-1"))
        await eventually(lambda: len(tap.connects()) == 2, 20)
        await world.until_asked(asked)
        sent = await world.say(link, "meter-1")
        await world.until_stored(rows_of(sent))
        assert {row.metric for row in await world.rows()} == set(NAMES)
        assert await rejects_of(world) == set()


async def test_a_death_while_the_host_was_away_is_no_life(world: World) -> None:
    """Nobody told it: the edge node is offline since the host began, until births say otherwise."""
    await world.register()
    async with world.online(), world.hosted():
        await world.until_asked()
        await world.until_state("meter-1", online=True)
    before = world.clock.now_ms()
    async with world.hosted():
        assert before <= await world.until_state("", online=False)
        assert before <= await world.until_state("meter-1", online=False)
        async with world.online():
            await world.until_state("meter-1", online=True)


async def test_a_birth_that_the_broker_kept_is_not_believed(world: World) -> None:
    """Births are not for keeping: this one may be of any age."""
    await world.register([("", "energy/import")])
    metric = Metric(name="energy/import", datatype=DataType.INT64, timestamp=START_MS, value=1)
    birth = encode(Payload(timestamp=START_MS, seq=0, metrics=(metric,)))
    data = Metric(name="energy/import", datatype=DataType.INT64, timestamp=START_MS + 1, value=2)
    async with connect_mqtt(world.mqtt) as link:
        await world.publish(link, Kind.NODE_BIRTH, "", birth, retain=True)
        async with world.hosted():
            await world.publish(
                link, Kind.NODE_DATA, "", encode(Payload(timestamp=START_MS + 1, seq=1, metrics=(data,)))
            )  # fmt: skip
            await world.until_stored({Row("", "energy/import", START_MS + 1, 2.0, 0)})
        await world.publish(link, Kind.NODE_BIRTH, "", b"", retain=True)
    assert len(await world.rows()) == 1


async def test_a_host_outdoes_the_clock_of_an_earlier_one(world: World) -> None:
    """Edge nodes pass over a state older than what they know: the next one has to be newer, whatever the clock says."""
    ahead = world.clock.now_ms() + 3_600_000
    async with connect_mqtt(world.mqtt) as link:
        await link.publish(world.state_topic, encode_state(HostState(online=False, timestamp=ahead)), retain=True)
        async with worker.running(world.settings()):

            async def outdone() -> bool:
                state = await world.kept_state()
                return state is not None and state.online and state.timestamp > ahead

            await eventually(outdone, 20)
        last = await world.kept_state()
        assert last is not None
        assert not last.online
        assert last.timestamp > ahead
        await link.publish(world.state_topic, b"", retain=True)


async def test_without_its_table_a_worker_is_no_host(world: World) -> None:
    """`[sparkplug]` is absent: nothing is told, and nothing is taken."""
    await world.register()
    settings = worker.settings(world.database, world.mqtt)
    assert settings.sparkplug is None
    async with worker.running(settings), world.online() as link:
        await world.tell(link, world.edge.data("meter-1"))
        assert await world.kept_state() is None
    assert await world.rows() == []
