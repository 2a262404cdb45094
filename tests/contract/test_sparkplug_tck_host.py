"""The statements of Sparkplug 3.0 for host applications, each under its `tck-id`, against a real worker.

What a statement asks is told in our words. Payloads of edge nodes come from two encoders that are not ours. "Now" is
data time, which in production is UTC.

Statements for hosts that do not apply, and why:

- `message-flow-phid-sparkplug-clean-session-311`: the host speaks MQTT 5.
- `operational-behavior-host-application-multi-server-timestamp`,
  `operational-behavior-primary-application-state-with-multiple-servers-state-subs`: a worker is host at one broker.
- `host-topic-phid-death-payload-timestamp-disconnect-with-no-disconnect-packet`: it never ends in order without a
  DISCONNECT packet; without order the will speaks (see `will-speaks` below).
- `operational-behavior-host-application-host-id`: that no other host has the id is for those who assign ids; of several
  workers with one id one alone is the host (`tests/faults/test_sparkplug_host_faults.py`).
- `topics-dcmd-*`, `payloads-dcmd-*`, `operational-behavior-data-commands-dcmd-*`: it writes to no device; that it does
  not is tested.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from deploy.stack import Endpoints
from energy.sparkplug.datatypes import DataType
from energy.sparkplug.payload import Payload, decode
from energy.sparkplug.topics import Kind
from energy.storage import StorageSettings, connect
from energy.storage.databases import create_database, drop_database
from energy.transport.mqtt import MqttSettings
from energy.transport.mqtt import connect as connect_mqtt
from ingest.receiving.sparkplug.state import HostState, encode_state
from tests.support import ingest_worker as worker
from tests.support.edge_node import Sent
from tests.support.eventually import eventually, never_within
from tests.support.ingest_world import START_MS
from tests.support.mqtt_tap import Connected, Disconnected, Packet, Published, Subscribed, Tap, tapped
from tests.support.sparkplug_world import Row, World, rows_of

ENCODERS = ("npm", "pysparkplug")
METRICS = [("", "plant/energy"), ("D", "number/Int16"), ("D", "number/UInt64"), ("D", "number/Double"), ("D", "spare")]

pytestmark = pytest.mark.usefixtures("endpoints")


def run(endpoints: Endpoints, template: str, name: str, scenario: Callable[[World], Any]) -> Any:
    """Play a scenario once, for all tests that look at what came of it."""

    async def play() -> Any:
        dsn = await create_database(endpoints.dsn, f"tck_{name}", template=template)
        try:
            async with asyncio.timeout(100):
                mqtt = MqttSettings(host=endpoints.mqtt_host, port=endpoints.mqtt_port)
                return await scenario(World(StorageSettings(dsn), mqtt))
        finally:
            await drop_database(endpoints.dsn, f"tck_{name}")

    return asyncio.run(play())


# -- Sessions of the host ----------------------------------------------------------------------------------------------


@dataclass
class Session:
    """A host that starts, is contradicted, is cut off, comes back, and stops; seen at its line and by a subscriber.

    Attributes:
        topic, group: its own.
        packets: all it said.
        heard: the states that a subscriber heard.
        started_ms, stopping_ms, ended_ms: data time before the start, before the orderly stop, after it.
    """

    topic: str
    group: str
    packets: list[Packet]
    heard: list[dict[str, Any]] = field(default_factory=list)
    started_ms: int = 0
    stopping_ms: int = 0
    ended_ms: int = 0

    @property
    def lives(self) -> list[list[Packet]]:
        """The packets of each connection."""
        starts = [place for place, one in enumerate(self.packets) if isinstance(one, Connected)]
        return [self.packets[a:b] for a, b in zip(starts, [*starts[1:], len(self.packets)], strict=True)]

    @property
    def first(self) -> Connected:
        """The first CONNECT packet."""
        one = self.packets[0]
        assert isinstance(one, Connected)
        return one

    @property
    def will(self) -> dict[str, Any]:
        """The first will."""
        return state_of(self.first.will_payload)

    @property
    def births(self) -> list[Published]:
        """All births, in all connections."""
        return [one for one in self.published() if state_of(one.payload)["online"]]

    @property
    def death(self) -> Published:
        """That of the orderly stop."""
        (one,) = [one for one in self.published() if not state_of(one.payload)["online"]]
        return one

    def published(self) -> list[Published]:
        """All that was published on the host's topic."""
        return [one for one in self.packets if isinstance(one, Published) and one.topic == self.topic]


def state_of(payload: bytes) -> dict[str, Any]:
    """A payload of a state, as JSON in UTF-8."""
    found = json.loads(payload.decode("utf-8"))
    assert isinstance(found, dict)
    return found


async def play_session(world: World) -> Session:
    """See `Session`."""
    await world.register()
    async with tapped(world.mqtt) as tap, connect_mqtt(world.mqtt) as observer, asyncio.TaskGroup() as group:
        session = Session(world.state_topic, world.name, tap.packets)
        await observer.subscribe(world.state_topic)

        async def observe() -> None:
            async for message in observer.messages:
                session.heard.append(state_of(message.payload))

        observing = group.create_task(observe())
        settings = world.settings(mqtt=tap.settings)
        clock = world.clock
        session.started_ms = clock.now_ms()
        async with worker.running(settings):
            await eventually(lambda: [one["online"] for one in session.heard] == [True], 20)
            lie = HostState(online=False, timestamp=clock.now_ms())
            await observer.publish(world.state_topic, encode_state(lie), retain=True)
            await eventually(lambda: [one["online"] for one in session.heard] == [True, False, True], 20)
            tap.drop_all()
            await eventually(lambda: [one["online"] for one in session.heard][3:] == [False, True], 20)
            session.stopping_ms = clock.now_ms()
        session.ended_ms = clock.now_ms()
        await eventually(lambda: len(session.heard) == 6, 20)
        await eventually(lambda: isinstance(tap.packets[-1], Disconnected), 20)
        observing.cancel()
    return session


@pytest.fixture(scope="module")
def session(endpoints: Endpoints, template: str) -> Session:
    """One such session."""
    found = run(endpoints, template, "session", play_session)
    assert isinstance(found, Session)
    return found


def has_will(session: Session) -> bool:
    """There is a will in every CONNECT packet."""
    return all(isinstance(life[0], Connected) and life[0].will_topic is not None for life in session.lives)


def will_on_own_topic(session: Session) -> bool:
    """The will goes to spBv1.0/STATE/{host id}."""
    return session.first.will_topic == session.topic == f"spBv1.0/STATE/host-{session.group}"


def will_is_a_death(session: Session) -> bool:
    """The will says offline, with a number for its time, and nothing else."""
    return session.will.keys() == {"online", "timestamp"} and not session.will["online"]


def will_is_of_now(session: Session) -> bool:
    """The will's time stamp is that of the CONNECT packet."""
    return bool(session.started_ms <= session.will["timestamp"] <= session.stopping_ms)


def will_has_qos_1(session: Session) -> bool:
    """At least once."""
    return session.first.will_qos == 1


def will_is_retained(session: Session) -> bool:
    """Kept by the broker."""
    return session.first.will_retain


def session_is_clean(session: Session) -> bool:
    """Clean start, and no session left behind."""
    return all(
        isinstance(life[0], Connected) and life[0].clean_start and life[0].session_expiry == 0 for life in session.lives
    )


def subscribes_first(session: Session) -> bool:
    """To its own state and its part of the namespace, in every connection, before anything is published."""
    wanted = {session.topic, f"spBv1.0/{session.group}/#"}
    return all(
        {one.topic for one in life[1:3] if isinstance(one, Subscribed)} == wanted and isinstance(life[3], Published)
        for life in session.lives
    )


def birth_comes_first(session: Session) -> bool:
    """The first message published in every connection is a birth."""
    firsts = [next(one for one in life if isinstance(one, Published)) for life in session.lives]
    return len(firsts) == 2 and all(one.topic == session.topic and state_of(one.payload)["online"] for one in firsts)


def birth_says_online(session: Session) -> bool:
    """JSON with online true and a number for its time, and nothing else."""
    states = [state_of(one.payload) for one in session.births]
    return all(one.keys() == {"online", "timestamp"} and one["online"] is True for one in states)


def birth_has_the_wills_time(session: Session) -> bool:
    """Each birth has the time stamp of the will of its connection."""
    found = []
    for life in session.lives:
        assert isinstance(life[0], Connected)
        due = state_of(life[0].will_payload)["timestamp"]
        told = [one for one in life if isinstance(one, Published) and one.topic == session.topic]
        found += [state_of(one.payload)["timestamp"] == due for one in told if state_of(one.payload)["online"]]
    return len(found) == 3 and all(found)


def birth_has_qos_1(session: Session) -> bool:
    """At least once."""
    return all(one.qos == 1 for one in session.births)


def birth_is_retained(session: Session) -> bool:
    """Kept by the broker."""
    return all(one.retain for one in session.births)


def contradicts(session: Session) -> bool:
    """Who says that it is offline is answered by the same birth again, with the will's time stamp."""
    first, again = [state_of(one.payload) for one in session.lives[0] if isinstance(one, Published)][:2]
    return first == again == {"online": True, "timestamp": session.will["timestamp"]}


def will_speaks(session: Session) -> bool:
    """Cut off, it is offline by its will; back again, online with a newer time stamp."""
    dead, back = session.heard[3], session.heard[4]
    return dead == session.will and bool(back["online"] and back["timestamp"] > dead["timestamp"])


def death_is_told(session: Session) -> bool:
    """Before it goes it says so: offline, and nothing else."""
    told = state_of(session.death.payload)
    return told.keys() == {"online", "timestamp"} and told["online"] is False and session.heard[-1] == told


def death_is_of_now(session: Session) -> bool:
    """With the time of going."""
    return bool(session.stopping_ms <= state_of(session.death.payload)["timestamp"] <= session.ended_ms)


def death_has_qos_1(session: Session) -> bool:
    """At least once."""
    return session.death.qos == 1


def death_is_retained(session: Session) -> bool:
    """Kept by the broker."""
    return session.death.retain


def disconnects_after_death(session: Session) -> bool:
    """The DISCONNECT packet follows the death at once."""
    return session.packets[-2] is session.death and session.packets[-1] == Disconnected(0)


def tells_online_and_offline(session: Session) -> bool:
    """All that a subscriber heard: birth, the lie, the birth again, the will, the next birth, the death."""
    return [one["online"] for one in session.heard] == [True, False, True, False, True, False]


SESSION_STATEMENTS: dict[str, Callable[[Session], bool]] = {
    "conformance-primary-host": tells_online_and_offline,
    "intro-sparkplug-host-state": tells_online_and_offline,
    "components-ph-state": tells_online_and_offline,
    "principles-birth-certificates-order": birth_comes_first,
    "host-topic-phid-birth-message": birth_comes_first,
    "host-topic-phid-birth-qos": birth_has_qos_1,
    "host-topic-phid-birth-retain": birth_is_retained,
    "host-topic-phid-birth-topic": birth_comes_first,
    "host-topic-phid-birth-sub-required": subscribes_first,
    "host-topic-phid-birth-required": subscribes_first,
    "host-topic-phid-birth-payload": birth_says_online,
    "host-topic-phid-birth-payload-timestamp": birth_has_the_wills_time,
    "host-topic-phid-death-qos": will_has_qos_1,
    "host-topic-phid-death-retain": will_is_retained,
    "host-topic-phid-death-topic": will_on_own_topic,
    "host-topic-phid-death-required": has_will,
    "host-topic-phid-death-payload": will_is_a_death,
    "host-topic-phid-death-payload-timestamp-connect": will_is_of_now,
    "host-topic-phid-death-payload-timestamp-disconnect-clean": death_is_of_now,
    "message-flow-phid-sparkplug-clean-session-50": session_is_clean,
    "message-flow-phid-sparkplug-subscription": subscribes_first,
    "message-flow-phid-sparkplug-state-publish": birth_comes_first,
    "message-flow-phid-sparkplug-state-publish-payload": birth_says_online,
    "message-flow-phid-sparkplug-state-publish-payload-timestamp": birth_has_the_wills_time,
    "message-flow-hid-sparkplug-state-message-delivered": contradicts,
    "operational-behavior-host-application-connect-will": has_will,
    "operational-behavior-host-application-connect-will-topic": will_on_own_topic,
    "operational-behavior-host-application-connect-will-payload": will_is_a_death,
    "operational-behavior-host-application-connect-will-qos": will_has_qos_1,
    "operational-behavior-host-application-connect-will-retained": will_is_retained,
    "operational-behavior-host-application-connect-birth": birth_comes_first,
    "operational-behavior-host-application-connect-birth-topic": birth_comes_first,
    "operational-behavior-host-application-connect-birth-payload": birth_has_the_wills_time,
    "operational-behavior-host-application-connect-birth-qos": birth_has_qos_1,
    "operational-behavior-host-application-connect-birth-retained": birth_is_retained,
    "operational-behavior-host-application-termination": death_is_told,
    "operational-behavior-host-application-death-topic": death_is_told,
    "operational-behavior-host-application-death-payload": death_is_told,
    "operational-behavior-host-application-death-qos": death_has_qos_1,
    "operational-behavior-host-application-death-retained": death_is_retained,
    "operational-behavior-host-application-disconnect-intentional": disconnects_after_death,
    "operational-behavior-primary-application-state-with-multiple-servers-state": birth_comes_first,
    "payloads-state-will-message": will_on_own_topic,
    "payloads-state-will-message-qos": will_has_qos_1,
    "payloads-state-will-message-retain": will_is_retained,
    "payloads-state-will-message-payload": will_is_a_death,
    "payloads-state-subscribe": subscribes_first,
    "payloads-state-birth": subscribes_first,
    "payloads-state-birth-payload": birth_has_the_wills_time,
    # No statement of its own: what stands for a death where there was no order.
    "will-speaks": will_speaks,
}


@pytest.mark.parametrize("tck_id", SESSION_STATEMENTS)
def test_a_session_of_the_host(session: Session, tck_id: str) -> None:
    """The statement is kept by the connection, the messages and their order."""
    assert SESSION_STATEMENTS[tck_id](session)


# -- Edge nodes and devices that go ------------------------------------------------------------------------------------


@dataclass
class Departures:
    """What the host knows after the death of a device, and after that of its edge node, of another run.

    Attributes:
        device_states: (online, since) of the device, before and after its death.
        node_state, device_state: (online, since) after the death of the edge node.
        stale_by_device, stale_by_node: metrics of which nothing is live then.
        rows: what was stored.
        died_ms: data time before and after the death of the edge node.
        asked: requests for births.
    """

    device_states: list[tuple[bool, int]]
    node_state: tuple[bool, int]
    device_state: tuple[bool, int]
    stale_by_device: set[tuple[str, str]]
    stale_by_node: set[tuple[str, str]]
    rows: set[Row]
    died_ms: tuple[int, int]
    asked: int


def departures_of(encoder: str) -> Callable[[World], Any]:
    """A scenario with the payloads of an encoder."""

    async def stale(world: World) -> set[tuple[str, str]]:
        async with connect(world.database) as connection:
            rows = await connection.fetch("select device, metric from sparkplug_point_state where not online")
        return {(row["device"], row["metric"]) for row in rows}

    async def play(world: World) -> Departures:
        await world.register(METRICS)
        before_death = [kind for kind in Kind if kind not in (Kind.NODE_DEATH, Kind.DEVICE_DEATH)]
        clock = world.clock
        async with world.hosted(), connect_mqtt(world.mqtt) as link:
            await link.subscribe(world.node.command, qos=0)
            await world.play(link, encoder, before_death)
            born = await world.until_state("D", online=True)
            await world.play(link, encoder, [Kind.DEVICE_DEATH])
            gone = await world.until_state("D", online=False)
            stale_by_device = await stale(world)
            rows = set(await world.rows())
        async with world.hosted(), connect_mqtt(world.mqtt) as link:
            await world.play(link, encoder, [Kind.NODE_BIRTH, Kind.DEVICE_BIRTH])
            await world.until_state("D", online=True)
            before = clock.now_ms()
            await world.play(link, encoder, [Kind.NODE_DEATH])
            node_since = await world.until_state("", online=False)
            device_since = await world.until_state("D", online=False)
            died = (before, clock.now_ms())
            stale_by_node = await stale(world)
        return Departures(
            device_states=[(True, born), (False, gone)],
            node_state=(False, node_since),
            device_state=(False, device_since),
            stale_by_device=stale_by_device,
            stale_by_node=stale_by_node,
            rows=rows,
            died_ms=died,
            asked=link.waiting,
        )

    return play


@pytest.fixture(scope="module", params=ENCODERS)
def departures(request: pytest.FixtureRequest, endpoints: Endpoints, template: str) -> Departures:
    """One such run for each encoder."""
    found = run(endpoints, template, f"departures_{request.param}", departures_of(request.param))
    assert isinstance(found, Departures)
    return found


OF_DEVICE = {key for key in METRICS if key[0] == "D"}


def device_is_offline_since_it_said(told: Departures) -> bool:
    """By the time stamp of the DDEATH payload."""
    return told.device_states[1] == (False, START_MS + 507)


def metrics_of_device_are_stale(told: Departures) -> bool:
    """Those of the device, and no other."""
    return told.stale_by_device == OF_DEVICE


def node_is_offline_by_our_clock(told: Departures) -> bool:
    """By the host's time, since the will was written long before."""
    return told.node_state[0] is False and told.died_ms[0] <= told.node_state[1] <= told.died_ms[1]


def devices_are_offline_by_our_clock(told: Departures) -> bool:
    """With their edge node."""
    return told.device_state[0] is False and told.died_ms[0] <= told.device_state[1] <= told.died_ms[1]


def all_metrics_are_stale(told: Departures) -> bool:
    """Of the edge node and its devices."""
    return told.stale_by_node == set(METRICS)


TERMINATION = "operational-behavior-edge-node-termination-host-action"
DEPARTURE_STATEMENTS: dict[str, Callable[[Departures], bool]] = {
    f"{TERMINATION}-ndeath-node-offline": node_is_offline_by_our_clock,
    f"{TERMINATION}-ndeath-node-tags-stale": all_metrics_are_stale,
    f"{TERMINATION}-ndeath-devices-offline": devices_are_offline_by_our_clock,
    f"{TERMINATION}-ndeath-devices-tags-stale": all_metrics_are_stale,
    f"{TERMINATION}-ddeath-devices-offline": device_is_offline_since_it_said,
    f"{TERMINATION}-ddeath-devices-tags-stale": metrics_of_device_are_stale,
}


@pytest.mark.parametrize("tck_id", DEPARTURE_STATEMENTS)
def test_edge_nodes_and_devices_that_go(departures: Departures, tck_id: str) -> None:
    """The statement is kept by what the database says of edge nodes, devices and metrics."""
    assert DEPARTURE_STATEMENTS[tck_id](departures)


def test_values_of_other_encoders_are_stored(departures: Departures, request: pytest.FixtureRequest) -> None:
    """Births, data by alias with and without a datatype, negative numbers both ways, historical ones, null, stale."""
    stale = 1 if "npm" in request.node.name and "pysparkplug" not in request.node.name else 0
    assert departures.rows == {
        Row("", "plant/energy", START_MS + 50, 1000.0, 0),
        Row("", "plant/energy", START_MS + 250, 1001.0, 0),
        Row("D", "number/Int16", START_MS + 100, -32768.0, 0),
        Row("D", "number/Int16", START_MS + 200, -32768.0, 0),
        Row("D", "number/UInt64", START_MS + 100, float(2**53 - 1), 0),
        Row("D", "number/UInt64", START_MS + 200, float(2**53 - 1), 0),
        Row("D", "number/UInt64", START_MS - 60_000, 5.0, 0),
        Row("D", "number/Double", START_MS + 100, 12345.678, 0),
        Row("D", "number/Double", START_MS + 200, 12345.678, 0),
        Row("D", "number/Double", START_MS + 300, None, 3),
        Row("D", "number/Double", START_MS + 400, 7.5, stale),
        Row("D", "spare", START_MS + 100, None, 3),
    }
    assert departures.asked == 0


# -- Commands ----------------------------------------------------------------------------------------------------------


@dataclass
class Request:
    """A request for births, as it was published; and all else that the host published."""

    topic: str
    node: tuple[str, str]
    packet: Published
    payload: Payload
    asked_ms: tuple[int, int]
    others: list[Published]


async def play_request(world: World) -> Request:
    """The host comes later than the edge node, whose data it cannot read."""
    await world.register()
    async with tapped(world.mqtt) as tap:
        before = world.clock.now_ms()
        async with world.online(births=False) as link, world.hosted(mqtt=tap.settings):
            await world.tell(link, world.edge.births())
            list(world.edge.data("meter-1"))
            await world.tell(link, world.edge.data("meter-1"))
            await eventually(lambda: bool(world.asked), 20)
            after = world.clock.now_ms()
            await world.say(link, "meter-1")
        return _request(world, tap, (before, after))


def _request(world: World, tap: Tap, asked_ms: tuple[int, int]) -> Request:
    published = [one for one in tap.packets if isinstance(one, Published) and one.topic != world.state_topic]
    asked = [one for one in published if one.topic == world.node.command]
    others = [one for one in published if one.topic != world.node.command]
    return Request(world.node.command, world.node, asked[0], decode(asked[0].payload), asked_ms, others)


@pytest.fixture(scope="module")
def asked(endpoints: Endpoints, template: str) -> Request:
    """One request."""
    found = run(endpoints, template, "asked", play_request)
    assert isinstance(found, Request)
    return found


def goes_to_the_edge_node(asked: Request) -> bool:
    """spBv1.0/{group}/NCMD/{edge node}."""
    return asked.packet.topic == f"spBv1.0/{asked.node[0]}/NCMD/{asked.node[1]}"


def has_qos_0(asked: Request) -> bool:
    """At most once."""
    return asked.packet.qos == 0


def is_not_retained(asked: Request) -> bool:
    """Not kept by the broker."""
    return not asked.packet.retain


def is_of_now(asked: Request) -> bool:
    """The payload has the time of sending."""
    return asked.payload.timestamp is not None and asked.asked_ms[0] <= asked.payload.timestamp <= asked.asked_ms[1]


def names_the_control(asked: Request) -> bool:
    """One metric, Node Control/Rebirth, by its name."""
    return [one.name for one in asked.payload.metrics] == ["Node Control/Rebirth"]


def is_true(asked: Request) -> bool:
    """A boolean, as the births define it."""
    return [(one.datatype, one.value) for one in asked.payload.metrics] == [(DataType.BOOLEAN, True)]


def has_no_seq(asked: Request) -> bool:
    """Only edge nodes number their messages."""
    return asked.payload.seq is None


def has_a_metrics_time(asked: Request) -> bool:
    """That a metric of a command may have."""
    return asked.payload.metrics[0].timestamp == asked.payload.timestamp


def writes_to_no_device(asked: Request) -> bool:
    """Nothing but requests for births is ever published."""
    return asked.others == []


COMMANDS = "operational-behavior-data-commands"
COMMAND_STATEMENTS: dict[str, Callable[[Request], bool]] = {
    f"{COMMANDS}-ncmd-rebirth-verb": goes_to_the_edge_node,
    f"{COMMANDS}-ncmd-rebirth-name": names_the_control,
    f"{COMMANDS}-ncmd-rebirth-value": is_true,
    f"{COMMANDS}-ncmd-verb": goes_to_the_edge_node,
    f"{COMMANDS}-ncmd-metric-name": names_the_control,
    f"{COMMANDS}-ncmd-metric-value": is_true,
    "topics-ncmd-topic": goes_to_the_edge_node,
    "topics-ncmd-mqtt": lambda asked: has_qos_0(asked) and is_not_retained(asked),
    "topics-ncmd-timestamp": is_of_now,
    "topics-ncmd-payload": names_the_control,
    "topic-structure-namespace-device-id-non-associated-message-types": goes_to_the_edge_node,
    "payloads-ncmd-timestamp": is_of_now,
    "payloads-ncmd-seq": has_no_seq,
    "payloads-ncmd-qos": has_qos_0,
    "payloads-ncmd-retain": is_not_retained,
    "payloads-name-cmd-requirement": has_a_metrics_time,
    # Instead of the statements on DCMD.
    "no-dcmd": writes_to_no_device,
}


@pytest.mark.parametrize("tck_id", COMMAND_STATEMENTS)
def test_a_request_for_births(asked: Request, tck_id: str) -> None:
    """The statement is kept by the message that asks an edge node for its births."""
    assert COMMAND_STATEMENTS[tck_id](asked)


# -- Order -------------------------------------------------------------------------------------------------------------

TIMEOUT_S = 1.0


@pytest.fixture
def world(database: StorageSettings, mqtt: MqttSettings) -> World:
    """A world of the test's own."""
    return World(database, mqtt)


def two(messages: Iterator[Sent], others: Iterator[Sent]) -> tuple[Sent, Sent]:
    """A message of each."""
    (first,), (second,) = messages, others
    return first, second


async def test_reordering_success(world: World) -> None:
    """`operational-behavior-host-reordering-success`: what was missing comes in time; nobody is asked for births."""
    await world.register()
    async with world.hosted(reorder_timeout_s=TIMEOUT_S), world.online() as link:
        await world.until_state("meter-2", online=True)
        first, second = two(world.edge.data("meter-1"), world.edge.data("meter-2"))
        await world.tell(link, [second, first])
        await world.until_stored(rows_of([first, second]))
        await never_within(1.5 * TIMEOUT_S, lambda: bool(world.asked))
        after = await world.say(link, "meter-1")
        await world.until_stored(rows_of(after))


async def test_reordering_rebirth(world: World) -> None:
    """`operational-behavior-host-reordering-start`, `-rebirth`: births are asked for after the time-out, not before."""
    await world.register()
    async with world.hosted(reorder_timeout_s=TIMEOUT_S), world.online() as link:
        await world.until_state("meter-2", online=True)
        _lost, late = two(world.edge.data("meter-1"), world.edge.data("meter-2", by_name=True))
        began = asyncio.get_running_loop().time()
        await world.tell(link, [late])
        await eventually(lambda: bool(world.asked), 20)
        assert asyncio.get_running_loop().time() - began >= TIMEOUT_S
        # What names itself is stored all the same; after the births everything is understood again.
        await world.until_stored(rows_of([late]))
        after = await world.say(link, "meter-1")
        await world.until_stored(rows_of(after))


async def test_reordering_param(world: World) -> None:
    """`operational-behavior-host-reordering-param`: the time-out is a setting; at 0 nothing waits."""
    await world.register()
    own = world.settings(reorder_timeout_s=7.0).sparkplug
    assert own is not None
    assert own.reorder_timeout_s == 7.0
    async with world.hosted(reorder_timeout_s=0.0), world.online(answers=False) as link:
        await world.until_state("meter-2", online=True)
        _lost, late = two(world.edge.data("meter-1"), world.edge.data("meter-2"))
        await world.tell(link, [late])
        await eventually(lambda: bool(world.asked), 20)
