"""The statements of Sparkplug 3.0 for host applications, each under its `tck-id`, against a real worker: its sessions.

Those on edge nodes that go and on commands and order stand in `test_sparkplug_tck_edge_nodes.py` and
`test_sparkplug_tck_commands.py`.

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
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from deploy.stack import Endpoints
from energy.transport.mqtt import connect as connect_mqtt
from ingest.receiving.sparkplug.state import HostState, encode_state
from tests.support import ingest_worker as worker
from tests.support.eventually import eventually
from tests.support.mqtt_tap import Connected, Disconnected, Packet, Published, Subscribed, tapped
from tests.support.sparkplug_world import World, run_scenario


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
            await eventually(lambda: [one["online"] for one in session.heard] == [True])
            lie = HostState(online=False, timestamp=clock.now_ms())
            await observer.publish(world.state_topic, encode_state(lie), retain=True)
            await eventually(lambda: [one["online"] for one in session.heard] == [True, False, True])
            tap.drop_all()
            await eventually(lambda: [one["online"] for one in session.heard][3:] == [False, True])
            session.stopping_ms = clock.now_ms()
        session.ended_ms = clock.now_ms()
        await eventually(lambda: len(session.heard) == 6)
        await eventually(lambda: isinstance(tap.packets[-1], Disconnected))
        observing.cancel()
    return session


@pytest.fixture(scope="module")
def session(endpoints: Endpoints, template: str) -> Session:
    """One such session."""
    found = run_scenario(endpoints, template, "session", play_session)
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
