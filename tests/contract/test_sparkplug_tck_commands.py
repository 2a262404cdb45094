"""The statements of Sparkplug 3.0 for host applications: requests for births, and the order of messages.

See `test_sparkplug_tck_host.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from deploy.stack import Endpoints
from energy.sparkplug.datatypes import DataType
from energy.sparkplug.payload import Payload, decode
from energy.storage import StorageSettings
from energy.transport.mqtt import MqttSettings
from tests.support.edge_node import Sent
from tests.support.eventually import never_within
from tests.support.mqtt_tap import Published, Tap, tapped
from tests.support.sparkplug_world import World, rows_of, run_scenario


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
            await world.until_asked()
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
    found = run_scenario(endpoints, template, "asked", play_request)
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
        await world.until_asked()
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
        await world.until_asked()
