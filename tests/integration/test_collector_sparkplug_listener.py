"""A listener in a Sparkplug B network on a real broker: births, data by alias, deaths, and what is missed."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from collector.drivers.sparkplug.listener import SparkplugListener
from collector.drivers.sparkplug.settings import MetricSettings, SparkplugListenerSettings
from energy.clocks import DataClock
from energy.errors import TransportError
from energy.sparkplug.payload import decode, encode
from energy.sparkplug.topics import Kind, NodeId
from energy.transport.mqtt import Link, MqttSettings, Will, connect
from tests.support.edge_node import DEVICES, NAMES, Sent, SimulatedEdgeNode, owner
from tests.support.eventually import eventually
from tests.support.plant import Disk, listening, metric
from tests.support.tcp_proxy import tcp_proxy

CLOCK = DataClock()
METRICS = [(device, name) for device in ("", *DEVICES) for name in NAMES]


def point(device: str, name: str) -> str:
    """The point of a metric."""
    return f"P.{device}.{name.replace('/', '.')}"


class Plant:
    """An edge node on the shared broker, and where a listener puts its readings."""

    def __init__(self, mqtt: MqttSettings) -> None:
        self.mqtt = mqtt
        self.name = f"g-{uuid.uuid4().hex[:8]}"
        self.node = NodeId(self.name, "E")
        self.edge = SimulatedEdgeNode(CLOCK.now_ms() - 50_000)
        self.disk = Disk()
        self.asked = 0
        self._link: Link | None = None

    def settings(self, **keys: Any) -> SparkplugListenerSettings:
        """All metrics as points."""
        metrics = tuple(
            MetricSettings(edge_node="E", device=device or None, metric=name, point=point(device, name))
            for device, name in METRICS
        )
        place: dict[str, Any] = {"host": self.mqtt.host, "port": self.mqtt.port}
        return SparkplugListenerSettings(**place | {"group": self.name, "metrics": metrics} | keys)

    @asynccontextmanager
    async def listens(self, **keys: Any) -> AsyncIterator[None]:
        """A listener that runs."""
        settings = self.settings(**keys)
        listener = SparkplugListener(self.name, settings, self.disk.keep, CLOCK)
        async with listening(listener, self.name, settings):
            yield

    @asynccontextmanager
    async def online(self, through: MqttSettings | None = None) -> AsyncIterator[None]:
        """The edge node connects, tells its births, and answers requests for them."""
        births = list(self.edge.start())
        (death,) = self.edge.death()
        will = Will(self._topic(death), encode(death.payload))
        async with connect(through or self.mqtt, will=will) as link, asyncio.TaskGroup() as group:
            self._link = link
            await link.subscribe(self.node.command)
            answering = group.create_task(self._answer(link))
            await self.tell(births)
            try:
                yield
            finally:
                answering.cancel()

    async def tell(self, messages: Iterable[Sent], *, retain: bool = False) -> None:
        """Publish messages; the broker has them when this returns."""
        assert self._link is not None
        for one in messages:
            await self._link.publish(self._topic(one), encode(one.payload), retain=retain)

    def count(self, name: str, **labels: str) -> float:
        """A metric of this plant's listener."""
        return metric(f"collector_{name}", gateway=self.name, kind="sparkplug", **labels)

    def knows(self, sent: Iterable[Sent]) -> bool:
        """Whether all values of messages are on disk, as the points' that they belong to."""
        kept = {(reading.point, reading.value, reading.at) for reading in self.disk.kept}
        for one in sent:
            for shown in one.payload.metrics:
                assert isinstance(shown.value, int)
                if (point(*owner(shown.value)), float(shown.value), shown.timestamp) not in kept:
                    return False
        return True

    async def _answer(self, link: Link) -> None:
        with contextlib.suppress(TransportError):  # some tests break the line
            async for message in link.messages:
                (command,) = decode(message.payload).metrics
                assert (command.name, command.value) == ("Node Control/Rebirth", True)
                await self.tell(self.edge.births())
                self.asked += 1

    def _topic(self, one: Sent) -> str:
        tail = f"/{one.device}" if one.device else ""
        return f"spBv1.0/{self.name}/{one.kind}/E{tail}"


@pytest.fixture
def plant(mqtt: MqttSettings) -> Plant:
    """A plant of the test's own."""
    return Plant(mqtt)


async def test_births_are_asked_for_and_data_understood(plant: Plant) -> None:
    """A listener that comes after the births asks; values of births, by alias, by name and kept ones all arrive."""
    async with plant.online(), plant.listens():
        await eventually(lambda: len({reading.point for reading in plant.disk.kept}) == len(METRICS))
        await eventually(lambda: plant.asked == 1)
        sent = [
            *plant.edge.data("meter-1"),
            *plant.edge.data("meter-2", by_name=True),
            *plant.edge.data("", historical=True),
        ]
        await plant.tell(sent)
        await eventually(lambda: plant.knows(sent))
    assert plant.asked == 1


async def test_a_missed_message_costs_one_request(plant: Plant) -> None:
    """What came by alias after the gap is left out; after the births all is well."""
    async with plant.listens(rebirth_interval_s=0.2), plant.online():
        await eventually(lambda: len({reading.point for reading in plant.disk.kept}) == len(METRICS))
        list(plant.edge.data("meter-1"))
        lost = list(plant.edge.data("meter-1"))
        await plant.tell(lost)
        await eventually(lambda: plant.count("heard_refusals_total", reason="unborn") > 0)
        assert not plant.knows(lost)
        await eventually(lambda: plant.asked == 1)
        sent = list(plant.edge.data("meter-1"))
        await plant.tell(sent)
        await eventually(lambda: plant.knows(sent))


async def test_a_lost_line_is_mended_by_births(plant: Plant) -> None:
    """What was told meanwhile is missed, and is not taken for something else: the aliases have changed."""
    async with (
        tcp_proxy(plant.mqtt.host, plant.mqtt.port) as proxy,
        plant.online(),
        plant.listens(host=proxy.host, port=proxy.port),
    ):
        await eventually(lambda: len({reading.point for reading in plant.disk.kept}) == len(METRICS))
        await proxy.cut()
        await plant.tell([*plant.edge.births(), *plant.edge.data("meter-1")])
        asked = plant.asked
        await proxy.restore()
        await eventually(lambda: plant.asked == asked + 1)
        sent = list(plant.edge.data("meter-2"))
        await plant.tell(sent)
        await eventually(lambda: plant.knows(sent))
    for reading in plant.disk.kept:
        assert reading.value is not None
        assert point(*owner(int(reading.value))) == reading.point


async def test_deaths_are_a_state_of_the_points(plant: Plant) -> None:
    """Of a device, then of the edge node by its will; nothing is invented, and births end it."""
    async with tcp_proxy(plant.mqtt.host, plant.mqtt.port) as proxy, plant.listens():
        through = MqttSettings(host=proxy.host, port=proxy.port, keepalive=1)
        async with plant.online(through):
            await eventually(lambda: len({reading.point for reading in plant.disk.kept}) == len(METRICS))
            death, birth = plant.edge.rebirth_of("meter-2")
            await plant.tell([death])
            await eventually(lambda: plant.count("stale_points") == len(NAMES))
            await plant.tell([birth])
            await eventually(lambda: plant.count("stale_points") == 0)
            before = len(plant.disk.kept)
            proxy.drop_all()
            await eventually(lambda: plant.count("stale_points") == len(METRICS))
            assert len(plant.disk.kept) == before
        async with plant.online():
            await eventually(lambda: plant.count("stale_points") == 0)


async def test_what_the_broker_kept_is_left_out(plant: Plant) -> None:
    """Births are not for keeping: such a one may be of any age, and its aliases too."""
    async with plant.online():
        births = list(plant.edge.births())
        await plant.tell(births[:1], retain=True)
        try:
            async with plant.listens():
                await eventually(lambda: plant.count("heard_refusals_total", reason="retained") == 1)
                await eventually(lambda: plant.asked == 1)
        finally:
            assert plant._link is not None
            await plant._link.publish(plant._topic(births[0]), b"", retain=True)


async def test_bytes_that_are_no_payload_cost_that_message_only(plant: Plant) -> None:
    """Refused and counted; the next one tells that a message was missed."""
    async with plant.listens(), plant.online():
        await eventually(lambda: len({reading.point for reading in plant.disk.kept}) == len(METRICS))
        assert plant._link is not None
        await plant._link.publish(f"spBv1.0/{plant.name}/{Kind.DEVICE_DATA}/E/meter-1", b"\xff\xff")
        await eventually(lambda: plant.count("heard_refusals_total", reason="payload") == 1)
        sent = list(plant.edge.data("meter-1"))
        await plant.tell(sent)
        await eventually(lambda: plant.knows(sent))
