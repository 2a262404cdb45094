"""A listener at a plant's broker that restarts, refuses, or sends more than the disk takes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Literal

import pytest
from structlog.testing import capture_logs

from collector.drivers.mqtt.listener import MqttListener
from collector.drivers.mqtt.session import WINDOW
from collector.drivers.mqtt.settings import MqttListenerSettings, TimeStampSettings, TopicSettings, ValueSettings
from energy.clocks import DataClock
from energy.errors import PermissionRefusedError, StorageError
from energy.readings import Reading
from energy.transport.mqtt import Link, MqttSettings, connect
from tests.support.eventually import eventually
from tests.support.plant import Disk, is_connected, listening, metric
from tests.support.private_broker import private_broker

CLOCK = DataClock()
DURABLE = ("allow_anonymous true", "persistence true", "autosave_on_changes true", "autosave_interval 1")


def settings(broker: MqttSettings) -> MqttListenerSettings:
    """JSON with time stamps, and plain numbers."""
    stamped = ValueSettings(point="J-{meter}", path="e")
    topics = (
        TopicSettings(topic="{meter}/json", values=(stamped,), at=TimeStampSettings(path="t", form="unix_ms")),
        TopicSettings(topic="{meter}/total", format="number", values=(ValueSettings(point="N-{meter}"),)),
    )
    return MqttListenerSettings(host=broker.host, port=broker.port, topics=topics)


@asynccontextmanager
async def listener(gateway: str, broker: MqttSettings, disk: Disk) -> AsyncIterator[None]:
    """One that runs and is connected."""
    chosen = settings(broker)
    async with listening(MqttListener(gateway, chosen, disk.keep, CLOCK), gateway, chosen):
        yield


async def tell(broker: MqttSettings, numbers: range) -> None:
    """Publish numbered readings, each confirmed by the broker."""
    start = CLOCK.now_ms()
    async with connect(broker) as link:
        for number in numbers:
            await link.publish("1/json", json.dumps({"t": start + number, "e": number}).encode())


def durable(path: Path, lines: tuple[str, ...] = DURABLE) -> AbstractAsyncContextManager[MqttSettings]:
    """A broker that keeps sessions on disk, at the same port each time."""
    return private_broker(path, f"persistence_location {path}/", *lines)


async def test_a_broker_that_restarts_loses_nothing_of_ours(tmp_path: Path) -> None:
    """Killed while messages wait for the disk, and again while nobody listens: all of them arrive."""
    disk = Disk()
    gateway = "gw-restart"
    stopping = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        async with durable(tmp_path) as broker:
            group.create_task(MqttListener(gateway, settings(broker), disk.keep, CLOCK).run(stopping))
            await eventually(lambda: is_connected(gateway, broker))
            disk.open.clear()
            await tell(broker, range(10))
        disk.open.set()
        async with durable(tmp_path) as broker:
            await tell(broker, range(10, 20))
            await eventually(lambda: {reading.value for reading in disk.kept} >= set(range(20)))
            stopping.set()
            await eventually(lambda: not is_connected(gateway, broker))
            await tell(broker, range(20, 30))
    async with durable(tmp_path) as broker, listener(gateway, broker, disk):
        await eventually(lambda: {reading.value for reading in disk.kept} == set(range(30)))


async def test_a_broker_that_is_not_there_yet_is_waited_for(tmp_path: Path) -> None:
    """Nothing ends for it."""
    disk, gateway, stopping = Disk(), "gw-later", asyncio.Event()
    async with durable(tmp_path) as broker:
        pass
    async with asyncio.TaskGroup() as group:
        running = group.create_task(MqttListener(gateway, settings(broker), disk.keep, CLOCK).run(stopping))
        async with durable(tmp_path) as broker:
            await eventually(lambda: is_connected(gateway, broker))
            assert not running.done()
            stopping.set()


async def test_a_topic_that_may_not_be_read_costs_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Mosquitto's own lists of rights refuse no subscription, other brokers do: said once, with the topic."""
    subscribe = Link.subscribe

    async def refusing(self: Link, topic: str, *, qos: Literal[0, 1] = 1) -> None:
        if topic == "+/total":
            raise PermissionRefusedError(f"the subscription to {topic} was refused")
        await subscribe(self, topic, qos=qos)

    monkeypatch.setattr(Link, "subscribe", refusing)
    disk = Disk()
    with capture_logs() as logs:
        async with durable(tmp_path) as broker, listener("gw-rights", broker, disk):
            await tell(broker, range(3))
            await eventually(lambda: len(disk.kept) == 3)
    assert [entry["topic"] for entry in logs if entry["event"] == "subscription_lost"] == ["+/total"]


async def test_a_broker_that_refuses_us_is_tried_again(tmp_path: Path) -> None:
    """Somebody may mend it; the other listeners do not end for it."""
    disk, stopping = Disk(), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        async with durable(tmp_path, ("allow_anonymous false",)) as broker:
            with capture_logs() as logs:
                running = group.create_task(
                    MqttListener("gw-refused", settings(broker), disk.keep, CLOCK).run(stopping)
                )
                await eventually(lambda: [entry["event"] for entry in logs] == ["plant_broker_lost"])
            assert "refused" in logs[0]["reason"]
        async with durable(tmp_path) as broker:
            await eventually(lambda: is_connected("gw-refused", broker))
            assert not running.done()
            stopping.set()


async def test_a_flood_is_bounded_and_counted(tmp_path: Path) -> None:
    """While the disk is shut, a window of QoS 0 waits, the rest is dropped and counted; QoS 1 waits at the broker."""
    disk, gateway, most = Disk(), "gw-flood", 4 * WINDOW
    lines = (*DURABLE, "max_queued_messages 0", "max_inflight_messages 0")
    async with durable(tmp_path, lines) as broker, listener(gateway, broker, disk), connect(broker) as link:
        disk.open.clear()
        for number in range(most):
            await link.publish("1/total", b"%d" % number, qos=0)
        await tell(broker, range(WINDOW - 1))

        def taken() -> float:
            return metric("collector_heard_messages_total", gateway=gateway, kind="mqtt")

        def dropped() -> float:
            return metric("collector_heard_discarded_total", gateway=gateway, kind="mqtt")

        await eventually(lambda: dropped() > 0)
        await eventually(lambda: taken() >= WINDOW)
        # What has no value is told apart by its quality: it is taken at once, although so much waits before it.
        await link.publish("1/json", json.dumps({"t": CLOCK.now_ms(), "e": "nan"}).encode())
        await eventually(lambda: metric("collector_heard_readings_total", gateway=gateway, kind="mqtt", quality="3"))
        disk.open.set()
        await tell(broker, range(WINDOW - 1, most))
        await eventually(lambda: sum(reading.point == "J-1" for reading in disk.kept) == most + 1)
        plain = sum(reading.point == "N-1" for reading in disk.kept)
        assert plain + dropped() == most
        values = [reading.value for reading in disk.kept if reading.point == "J-1" and reading.value is not None]
        assert values == list(range(most))


class RefusingDisk(Disk):
    """One that loses what it is given, for a while."""

    def __init__(self) -> None:
        super().__init__()
        self.lost = 0
        self.refuses = True

    async def keep(self, readings: Sequence[Reading]) -> None:
        """Lose the readings, or keep them."""
        if self.refuses:
            self.lost += 1
            await asyncio.sleep(0)
            raise StorageError("the disk refused readings for so long that they had to go")
        await super().keep(readings)


async def test_what_the_disk_lost_is_not_acknowledged(tmp_path: Path) -> None:
    """It is handed over again while the listener runs, and comes again when it stopped without having kept it."""
    disk, gateway = RefusingDisk(), "gw-refusing"
    async with durable(tmp_path) as broker:
        async with listener(gateway, broker, disk):
            await tell(broker, range(3))
            await eventually(lambda: disk.lost >= 3)
        assert disk.kept == []
        async with listener(gateway, broker, disk):
            await eventually(lambda: disk.lost >= 6)
            disk.refuses = False
            await eventually(lambda: {reading.value for reading in disk.kept} == set(range(3)))
