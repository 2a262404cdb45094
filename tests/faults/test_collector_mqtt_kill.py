"""A collector that listens at a plant's broker and is killed at random moments: every message that was sent arrives."""

from __future__ import annotations

import asyncio
import json
import random
import signal
import sys
import uuid
from functools import partial
from itertools import count
from pathlib import Path

from collector.spool.file import spooled_readings
from energy.clocks import DataClock
from energy.transport.mqtt import Link, MqttSettings, connect
from energy.waiting import set_within
from energy.wire import Address
from tests.support.eventually import eventually, never_within
from tests.support.platform_peer import PlatformPeer, platform_peer

KILLS = 4
METERS = 5

CONFIG = """
spool_dir = "spool"
[[platforms]]
kind = "mqtt"
host = "{mqtt.host}"
port = {mqtt.port}
[spool]
keep_confirmed = true
[uplink]
resend = {{ first_s = 0.2, most_s = 1 }}
[[gateways]]
code = "{address.gateway}"
region = "{address.region}"
[[gateways.listeners]]
kind = "mqtt"
host = "{mqtt.host}"
port = {mqtt.port}
[[gateways.listeners.topics]]
topic = "{address.gateway}/{{meter}}"
at = {{ path = "t", form = "unix_ms" }}
[[gateways.listeners.topics.values]]
point = "P-{{meter}}"
path = "e"
unit = "kWh"
carrier = "electricity"
"""


class Plant:
    """Meters that publish without end.

    Attributes:
        start_ms: the time stamp of number 0; each number is a millisecond later.
        sent: points with time stamps of what the broker has confirmed.
    """

    def __init__(self, link: Link, name: str) -> None:
        self.start_ms = DataClock().now_ms() - 60_000
        self.sent: set[tuple[str, int]] = set()
        self._link = link
        self._name = name

    async def publish(self, number: int) -> None:
        """One message, until the broker has it."""
        at = self.start_ms + number
        await self._link.publish(f"{self._name}/{number % METERS}", json.dumps({"t": at, "e": number}).encode())
        self.sent.add((f"P-{number % METERS}", at))

    async def run(self, stopping: asyncio.Event) -> None:
        """As fast as the broker confirms, at most 200 a second."""
        for number in count(1):
            await self.publish(number)
            if await set_within(stopping, 0.005):
                return


async def start(config: Path, log: Path) -> asyncio.subprocess.Process:
    """The collector as a process of its own."""
    with log.open("ab") as out:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "deploy.cli", "collector", "run", str(config), stdout=out, stderr=out
        )


def has_ended(process: asyncio.subprocess.Process) -> bool:
    """Whether it is gone."""
    return process.returncode is not None


async def arrives(plant: Plant, platform: PlatformPeer) -> bool:
    """Whether the first message has come up; it is sent once more."""
    await plant.publish(0)
    return bool(platform.readings)


async def test_kills_at_random_moments_lose_no_message_of_a_plant(tmp_path: Path, mqtt: MqttSettings) -> None:
    """What the plant's broker confirmed to a meter is on disk in the end and with the platform, with its value."""
    chance = random.Random(11)  # noqa: S311 - a seed, so that a failure can be repeated
    address = Address("610303", f"gw-{uuid.uuid4().hex[:8]}")
    config, log = tmp_path / "collector.toml", tmp_path / "log"
    config.write_text(CONFIG.format(mqtt=mqtt, address=address), encoding="utf-8")
    stopping = asyncio.Event()
    async with platform_peer(address, mqtt) as platform, connect(mqtt) as link, asyncio.TaskGroup() as group:
        process = await start(config, log)
        plant = Plant(link, address.gateway)
        # The broker keeps nothing before it knows the session.
        await eventually(partial(arrives, plant, platform), within=20.0)
        group.create_task(plant.run(stopping))
        for _ in range(KILLS):
            await eventually(partial(platform.has_more_than, len(platform.readings)), within=20.0)
            await never_within(chance.uniform(0.0, 0.5), partial(has_ended, process))
            process.kill()
            assert await process.wait() == -signal.SIGKILL
            process = await start(config, log)
        stopping.set()
        await plant.publish(50_000)  # by the last process alone, so that it runs when it is told to end
        await eventually(lambda: {(one.point, one.at) for one in platform.readings} >= plant.sent, within=20.0)
        process.terminate()
        assert await process.wait() == 0
    kept = set(spooled_readings(tmp_path / "spool" / f"{address.gateway}.sqlite3"))
    assert {(one.point, one.at) for one in kept} >= plant.sent
    assert all(one.value == one.at - plant.start_ms for one in kept | set(platform.readings))
