"""The statements of Sparkplug 3.0 for host applications: what becomes of edge nodes, devices and metrics.

See `test_sparkplug_tck_host.py`. The payloads come from two encoders that are not ours.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from deploy.stack import Endpoints
from energy.sparkplug.topics import Kind
from energy.storage import connect
from energy.transport.mqtt import connect as connect_mqtt
from tests.support.ingest_world import START_MS
from tests.support.sparkplug_world import Row, World, run_scenario

ENCODERS = ("npm", "pysparkplug")
METRICS = [("", "plant/energy"), ("D", "number/Int16"), ("D", "number/UInt64"), ("D", "number/Double"), ("D", "spare")]


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
    found = run_scenario(endpoints, template, f"departures_{request.param}", departures_of(request.param))
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
