"""A listener at a real broker: what is published becomes readings, whatever happens to the connection."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import msgspec
import pytest

from collector.drivers.mqtt.listener import MqttListener
from collector.drivers.mqtt.settings import MqttListenerSettings, TimeStampSettings, TopicSettings, ValueSettings
from collector.errors import MappingError
from energy.clocks import DataClock
from energy.readings import Quality, Reading
from energy.transport.mqtt import Link, MqttSettings, connect
from tests.support.eventually import eventually, never_within
from tests.support.plant import Disk, is_connected, listening, metric
from tests.support.tcp_proxy import tcp_proxy

CLOCK = DataClock()


class Plant:
    """A plant of the test's own on the shared broker."""

    def __init__(self, mqtt: MqttSettings, link: Link) -> None:
        self.name = uuid.uuid4().hex[:8]
        self.mqtt = mqtt
        self.link = link
        self.disk = Disk()

    def settings(self, **keys: Any) -> MqttListenerSettings:
        """One topic of plain numbers and one of JSON with time stamps."""
        plain = ValueSettings(point="N-{meter}", unit="Wh", carrier="electricity")
        stamped = ValueSettings(point="J-{meter}", path="e", unit="kWh", carrier="electricity")
        topics = (
            TopicSettings(topic=f"{self.name}/{{meter}}/total", format="number", values=(plain,)),
            TopicSettings(
                topic=f"{self.name}/{{meter}}/json",
                values=(stamped,),
                at=TimeStampSettings(path="t", form="unix_ms"),
            ),
        )
        places: dict[str, Any] = {"host": self.mqtt.host, "port": self.mqtt.port, "topics": topics}
        return MqttListenerSettings(**places | keys)

    @asynccontextmanager
    async def listens(self, **keys: Any) -> AsyncIterator[asyncio.Event]:
        """A listener that runs."""
        settings = self.settings(**keys)
        listener = MqttListener(self.name, settings, self.disk.keep, CLOCK)
        async with listening(listener, self.name, settings) as stopping:
            yield stopping

    async def tell(self, meter: str, energy: float, at: int, **keys: Any) -> None:
        """Publish a JSON message."""
        await self.link.publish(f"{self.name}/{meter}/json", json.dumps({"t": at, "e": energy}).encode(), **keys)

    async def tell_number(self, meter: str, text: str, **keys: Any) -> None:
        """Publish a plain number."""
        await self.link.publish(f"{self.name}/{meter}/total", text.encode(), **keys)

    def has_taken(self, messages: int) -> bool:
        """Whether that many came in so far."""
        return self.count("heard_messages_total") == messages

    def count(self, name: str, **labels: str) -> float:
        """A metric of this plant's listener."""
        return metric(f"collector_{name}", gateway=self.name, kind="mqtt", **labels)


@pytest.fixture
async def plant(mqtt: MqttSettings) -> AsyncIterator[Plant]:
    """A plant with somebody who publishes."""
    async with connect(mqtt) as link:
        yield Plant(mqtt, link)


async def test_messages_become_readings(plant: Plant) -> None:
    """In base units, at the sender's time or at the arrival."""
    at = CLOCK.now_ms() - 5_000
    async with plant.listens():
        before = CLOCK.now_ms()
        await plant.tell("7", 12.5, at)
        await plant.tell_number("7", "1500")
        await eventually(lambda: len(plant.disk.kept) == 2)
    stamped, plain = sorted(plant.disk.kept, key=lambda reading: reading.point)
    assert stamped == Reading("J-7", at, 12.5, Quality.MEASURED)
    assert (plain.point, plain.value) == ("N-7", 1.5)
    assert before <= plain.at <= CLOCK.now_ms()


async def test_what_the_broker_kept_is_no_news(plant: Plant) -> None:
    """With its own time it is taken at that; a number without one is left out, until a new one comes."""
    at = CLOCK.now_ms() - 3_600_000
    await plant.tell("1", 1.0, at, retain=True)
    await plant.tell_number("1", "1000", retain=True)
    try:
        async with plant.listens():
            await eventually(lambda: plant.count("heard_refusals_total", reason="retained") == 1)
            await plant.tell_number("1", "2000")
            await eventually(lambda: len(plant.disk.kept) == 2)
    finally:
        for topic in ("json", "total"):
            await plant.link.publish(f"{plant.name}/1/{topic}", b"", retain=True)
    assert plant.disk.values == [("J-1", 1.0), ("N-1", 2.0)]
    assert plant.disk.kept[0].at == at


async def test_a_repeated_reading_goes_to_disk_once(plant: Plant) -> None:
    """Gateways repeat the last value with its time stamp; another value, or another time, is another reading."""
    at = CLOCK.now_ms()
    async with plant.listens():
        for value, when in ((1.0, at), (1.0, at), (2.0, at), (2.0, at + 1)):
            await plant.tell("1", value, when)
        await eventually(lambda: len(plant.disk.kept) == 3)
    assert [(reading.value, reading.at - at) for reading in plant.disk.kept] == [(1.0, 0), (2.0, 0), (2.0, 1)]
    assert plant.count("heard_repeats_total") == 1


async def test_times_out_of_bounds_are_refused(plant: Plant) -> None:
    """A clock that is ahead, and one that never was set: the message after them is taken."""
    now = CLOCK.now_ms()
    async with plant.listens(max_ahead_s=60.0, max_age_days=0.04):
        for at in (now + 120_000, 12_000, now):
            await plant.tell("1", 1.0, at)
        await eventually(lambda: plant.disk.kept)
    assert [reading.at for reading in plant.disk.kept] == [now]
    assert plant.count("heard_refusals_total", reason="ahead") == 1
    assert plant.count("heard_refusals_total", reason="old") == 1


async def test_silence_is_a_state_and_no_reading(plant: Plant) -> None:
    """A point that was heard of goes stale once and comes back with its next reading; a repeat does not count."""
    at = CLOCK.now_ms()
    async with plant.listens(stale_after_s=1.5):
        await plant.tell("1", 1.0, at)
        await eventually(lambda: plant.disk.kept)
        await eventually(lambda: plant.count("stale_points") == 1)
        await plant.tell("1", 1.0, at)
        await eventually(lambda: plant.count("heard_repeats_total") == 1)
        assert plant.count("stale_points") == 1
        await plant.tell("1", 1.0, at + 1)
        await eventually(lambda: plant.count("stale_points") == 0)
        await eventually(lambda: plant.count("stale_points") == 1)
    assert len(plant.disk.kept) == 2
    assert plant.count("stale_points") == 0


async def test_nothing_is_acknowledged_before_it_is_on_disk(plant: Plant) -> None:
    """Killed while the disk takes its time, it gets the messages again; what has no time of its own was not kept."""
    at = CLOCK.now_ms()
    plant.disk.open.clear()
    listener = MqttListener(plant.name, plant.settings(), plant.disk.keep, CLOCK)
    running = asyncio.ensure_future(listener.run(asyncio.Event()))
    await eventually(lambda: is_connected(plant.name, plant.mqtt))
    for number in range(20):
        await plant.tell("1", float(number), at + number)
    await eventually(lambda: plant.count("heard_messages_total") == 20)
    running.cancel()
    await asyncio.wait([running])
    assert plant.disk.kept == []
    for number in range(20, 40):
        await plant.tell("1", float(number), at + number)
    await plant.tell_number("1", "1000")
    plant.disk.open.set()
    async with plant.listens():
        await eventually(lambda: len(plant.disk.kept) >= 40)
    assert [reading.value for reading in plant.disk.kept] == [float(number) for number in range(40)]


async def test_what_was_acknowledged_does_not_come_again(plant: Plant) -> None:
    """An orderly stop acknowledges all that is on disk."""
    at = CLOCK.now_ms()
    for start in (0, 20):
        async with plant.listens():
            for number in range(start, start + 20):
                await plant.tell("1", float(number), at + number)
            await eventually(partial(plant.has_taken, start + 20))
    async with plant.listens():
        await plant.tell("1", 99.0, at + 99)
        await eventually(lambda: plant.disk.kept[-1].value == 99.0)
    assert plant.count("heard_messages_total") == 41
    assert len(plant.disk.kept) == 41


async def test_an_orderly_stop_waits_for_the_disk_and_acknowledges(plant: Plant) -> None:
    """What had come by then is kept, and does not come again."""
    at = CLOCK.now_ms()
    plant.disk.open.clear()
    async with plant.listens() as stopping:
        for number in range(20):
            await plant.tell("1", float(number), at + number)
        await eventually(lambda: plant.count("heard_messages_total") == 20)
        stopping.set()
        await never_within(0.1, lambda: not is_connected(plant.name, plant.mqtt))
        plant.disk.open.set()
    assert len(plant.disk.kept) == 20
    async with plant.listens():
        await plant.tell("1", 99.0, at + 99)
        await eventually(lambda: plant.disk.kept[-1].value == 99.0)
    assert plant.count("heard_messages_total") == 21


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_what_is_sent_while_the_line_is_down_comes_afterwards(plant: Plant, protocol: str) -> None:
    """The broker keeps it for our session; nothing is lost and the order is kept."""
    at = CLOCK.now_ms()
    async with (
        tcp_proxy(plant.mqtt.host, plant.mqtt.port) as proxy,
        plant.listens(host=proxy.host, port=proxy.port, protocol=protocol),
    ):
        await plant.tell("1", 0.0, at)
        await eventually(lambda: len(plant.disk.kept) == 1)
        await proxy.cut()
        for number in range(1, 30):
            await plant.tell("1", float(number), at + number)
        await proxy.restore()
        await eventually(lambda: len(plant.disk.kept) >= 30)
    assert [reading.value for reading in plant.disk.kept] == [float(number) for number in range(30)]


async def test_a_message_that_nobody_foresaw_stops_nothing(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is counted, acknowledged and left behind."""

    def take(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    before = metric("energy_unforeseen_errors_total", loop="listener")
    async with plant.listens():
        with monkeypatch.context() as patch:
            patch.setattr("collector.drivers.mqtt.mapping.TopicMapping.take", take)
            await plant.tell("1", 1.0, CLOCK.now_ms())
            await eventually(lambda: metric("energy_unforeseen_errors_total", loop="listener") > before)
        await plant.tell("1", 2.0, CLOCK.now_ms())
        await eventually(lambda: plant.disk.values == [("J-1", 2.0)])


async def test_settings_that_cannot_work_are_no_listener(plant: Plant) -> None:
    """The check of the file says so before; here it is an error at once."""
    topic = TopicSettings(topic="a/#/b", values=(ValueSettings(point="E", path="e"),))
    with pytest.raises(MappingError, match="last level"):
        MqttListener("gw", msgspec.structs.replace(plant.settings(), topics=(topic,)), plant.disk.keep, CLOCK)
