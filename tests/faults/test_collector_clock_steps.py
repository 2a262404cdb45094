"""The machine's clock is set, back and forth, while a collector runs."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path

import pytest

from collector.spool.settings import SpoolSettings
from energy.clocks import DataClock
from energy.readings import Reading
from energy.transport.mqtt import MqttSettings
from tests.support.collector_ledger import books, stored_readings
from tests.support.collector_world import INTERVAL_S, collecting, settings_for, spool_of, tcp_line
from tests.support.counting_meters import CountingMeters
from tests.support.eventually import eventually
from tests.support.modbus_peer import modbus_peer
from tests.support.outage_world import plant
from tests.support.uplink_world import broker_platform, new_address, platform_of

HOUR_S = 3_600.0
STEPS = (-HOUR_S, HOUR_S, -HOUR_S / 4, 7 * 24 * HOUR_S, -8 * 24 * HOUR_S)
"""Seconds by which the clock is set; after each of them polls go on for a while."""
ROUNDS = 6


class SetClock:
    """A machine's clock that is set now and then."""

    def __init__(self) -> None:
        self.ahead_s = 0.0

    def __call__(self) -> float:
        """Unix time, as the machine has it."""
        return time.time() + self.ahead_s


async def test_polls_go_on_aligned_when_the_clock_is_set(tmp_path: Path, mqtt: MqttSettings) -> None:
    """Nothing is lost, nothing is doubled, and the stamps are those of the clock as it stood at the read."""
    wall, given, address = SetClock(), CountingMeters(), new_address()
    async with modbus_peer(given.tcp) as peer, broker_platform(address, mqtt) as platform:
        settings = settings_for(tmp_path, address, [tcp_line(peer.port)], [platform_of(mqtt)])
        async with collecting(settings, DataClock(wall=wall)):
            for step in (0.0, *STEPS):
                wall.ahead_s += step
                begun, now_ms = len(given.answered), wall() * 1000
                await eventually(partial(has_given, given, begun + 3 * ROUNDS))
                values = set(given.answered[begun + 3 : begun + 3 * ROUNDS])  # a read may have been on its way
                await eventually(partial(has_stored, platform.bodies, values))
                seen = [one for one in stored_readings(platform.bodies) if one.value in values]
                assert all(0 <= one.at - now_ms < 30_000 for one in seen)
                assert median_lateness(seen) < INTERVAL_S * 1000 / 2
        made = books(address.gateway, spool_of(settings), platform.bodies, read=len(given.answered))
    assert made.difference == 0
    assert (made.stored, made.kept, made.dropped, made.lost) == (made.read, 0, 0, 0)
    stored = stored_readings(platform.bodies)
    assert len({(one.point, one.at) for one in stored}) == len({one.value for one in stored}) == len(stored)


@pytest.mark.parametrize("policy", ["oldest", "thin"])
async def test_weeks_with_a_clock_that_is_set_lose_nothing(tmp_path: Path, mqtt: MqttSettings, policy: str) -> None:
    """Ages are bounded by the clock as it stands: an hour back makes nothing older, nor a week ahead too old."""
    settings = SpoolSettings(max_age_days=30, policy=policy, synchronous="normal")  # type: ignore[arg-type]  # a parameter
    async with plant(tmp_path, mqtt, settings, interval_s=900) as world:
        await world.proxy.cut()
        for step in (0.0, *STEPS):
            world.wall += step
            before = world.read
            await world.poll_for(24 * HOUR_S)
            assert world.read - before == pytest.approx(2 * 96, abs=4)
        await world.proxy.restore()
        await world.settle()
        await eventually(lambda: world.spool.unconfirmed == 0, within=20)
        made = world.books()
        stored = stored_readings(world.platform.bodies)
    assert made.difference == 0
    assert (made.kept, made.dropped, made.lost) == (0, 0, 0)
    assert len({one.value for one in stored if one.point == "P-0"}) == made.read / 2
    late = [one.at % 900_000 for one in stored if one.at % 900_000 > 60]
    assert not late


def has_given(given: CountingMeters, count: int) -> bool:
    """Whether the meters answered more than so many reads."""
    return len(given.answered) > count


def has_stored(bodies: dict[int, set[bytes]], values: set[float]) -> bool:
    """Whether the platform has readings of all these values."""
    return values <= {one.value for one in stored_readings(bodies)}


def median_lateness(readings: list[Reading]) -> float:
    """Milliseconds after the tick."""
    late = sorted(one.at % round(INTERVAL_S * 1000) for one in readings)
    return late[len(late) // 2]
