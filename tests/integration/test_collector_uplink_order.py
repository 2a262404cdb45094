"""What goes first over a real broker: what is new, then the backlog; on a thin line the borders."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from collector.uplink.settings import UplinkSettings
from energy.clocks import DataClock
from energy.readings import Reading
from energy.transport.mqtt import MqttSettings
from energy.wire import decode_envelope
from tests.support.eventually import eventually, never_within
from tests.support.uplink_world import (
    QUICK,
    SLOW,
    BrokerPlatform,
    Sending,
    broker_platform,
    new_address,
    open_spool,
    platform_of,
    sending,
    world,
)

QUARTER_MS = 900_000


async def test_what_is_new_goes_before_the_backlog(tmp_path: Path, mqtt: MqttSettings) -> None:
    """With a backlog that would take a minute, new envelopes arrive at once, and the oldest go beside them.

    Trap: live data waits behind the backlog.
    """
    settings = UplinkSettings(window=8, resend=SLOW, reconnect=QUICK, drain_s=0, backlog_per_s=5)
    async with world(tmp_path, mqtt, settings, before=300) as made:
        await eventually(lambda: made.uplink.online)
        for number in range(301, 331):
            await made.keep(1)
            await eventually(lambda: number in made.platform.times, within=2)  # noqa: B023 - awaited in this very round
        old = [number for number in made.platform.order if number <= 300]
        assert old == list(range(1, len(old) + 1))
        began = asyncio.get_running_loop().time()
        await eventually(lambda: len([number for number in made.platform.order if number <= 300]) >= len(old) + 5)
        assert asyncio.get_running_loop().time() - began >= 0.5, "the backlog keeps its rate"
        assert set(made.platform.times.values()) == {1}


async def test_the_backlog_leaves_places_for_what_is_new(tmp_path: Path, mqtt: MqttSettings) -> None:
    """A platform that confirms nothing holds the backlog up; a new envelope still finds a place."""
    settings = UplinkSettings(window=8, resend=SLOW, drain_s=0)
    async with world(tmp_path, mqtt, settings, before=20) as made:
        made.platform.confirming = False
        await eventually(lambda: made.platform.has_seen(set(range(1, 7))))
        await never_within(0.2, lambda: len(made.platform.times) > 6)
        await made.keep(1)
        await eventually(lambda: 21 in made.platform.times)
        await made.keep(9)
        await eventually(lambda: made.platform.has_seen({*range(1, 7), 21, 22}))


async def test_late_confirmations_of_an_earlier_connection_count(tmp_path: Path, mqtt: MqttSettings) -> None:
    """What the platform committed while the line was away need not be sent again, once it says so."""
    settings = UplinkSettings(window=4, resend=SLOW, reconnect=QUICK, drain_s=0, backlog_per_s=0.001)
    async with world(tmp_path, mqtt, settings) as made:
        made.platform.confirming = False
        await eventually(lambda: made.uplink.online)
        await made.keep(4)
        await eventually(lambda: made.platform.has_seen({1, 2, 3, 4}))
        made.uplink._outgoing.restart(1_000, 1.0)  # as a new connection does
        await made.platform.confirm(made.spool.stream, [1, 2, 3, 4])
        await eventually(lambda: made.spool.unconfirmed == 0)


def quarter_hours(count: int) -> list[list[Reading]]:
    """Readings of a point every five minutes over so many quarter hours, each to be appended by itself."""
    start = DataClock().now_ms() // QUARTER_MS * QUARTER_MS - count * QUARTER_MS
    return [[Reading("P-1", start + step * 300_000, float(step))] for step in range(3 * count + 1)]


def times_of(platform: BrokerPlatform) -> list[int]:
    """The times of all readings that came up."""
    bodies = [body for found in platform.bodies.values() for body in found]
    return [reading.at for body in bodies for reading in decode_envelope(body).readings]


async def keep_all(made: Sending, rounds: Sequence[Sequence[Reading]]) -> None:
    """Spool what was read."""
    for readings in rounds:
        await made.spool.append(readings)


@pytest.mark.parametrize("budget", [0.0, 1e6])
async def test_a_thin_line_sends_the_borders(tmp_path: Path, mqtt: MqttSettings, budget: float) -> None:
    """The readings at the quarter hours go up, as they were read; the others stay, or follow within the budget."""
    settings = UplinkSettings(resend=SLOW, drain_s=0, send="borders", rest_bytes_per_s=budget)
    address = new_address()
    rounds = quarter_hours(8)
    borders = {reading.at for readings in rounds for reading in readings if reading.at % QUARTER_MS == 0}
    async with (
        broker_platform(address, mqtt) as platform,
        open_spool(tmp_path, address.gateway, classes=True) as spool,
        sending(spool, address, (platform_of(mqtt),), settings) as made,
    ):
        await keep_all(made, rounds)
        await eventually(lambda: borders - {max(borders)} <= set(times_of(platform)))
        if budget:
            await eventually(lambda: made.spool.unconfirmed == 0)
            assert {reading.at for readings in rounds for reading in readings} == set(times_of(platform))
        else:
            await never_within(0.3, lambda: set(times_of(platform)) - borders)
            assert made.spool.unconfirmed > 0
        await made.stop()


async def test_a_thin_line_that_is_switched_back_sends_the_rest(tmp_path: Path, mqtt: MqttSettings) -> None:
    """What was kept meanwhile goes up with the next start."""
    address = new_address()
    rounds = quarter_hours(4)
    async with (
        broker_platform(address, mqtt) as platform,
        open_spool(tmp_path, address.gateway, classes=True) as spool,
    ):
        for send in ("borders", "all"):
            settings = UplinkSettings(resend=SLOW, drain_s=0, send=send)
            async with sending(spool, address, (platform_of(mqtt),), settings) as made:
                await keep_all(made, rounds if send == "borders" else [])
                await eventually(lambda: platform.times)
                if send == "all":
                    await eventually(lambda: spool.unconfirmed == 0)
        assert {reading.at for readings in rounds for reading in readings} == set(times_of(platform))


async def test_a_stop_does_not_wait_for_what_a_thin_line_keeps_back(tmp_path: Path, mqtt: MqttSettings) -> None:
    """The rest stays on the disk; nobody is waited for."""
    settings = UplinkSettings(resend=SLOW, drain_s=60, send="borders")
    address = new_address()
    async with (
        broker_platform(address, mqtt),
        open_spool(tmp_path, address.gateway, classes=True) as spool,
        sending(spool, address, (platform_of(mqtt),), settings) as made,
    ):
        await eventually(lambda: made.uplink.online)
        await keep_all(made, quarter_hours(4))
        async with asyncio.timeout(10):
            await made.stop()
        assert spool.unconfirmed > 0


async def test_the_lag_of_new_readings_and_a_wrong_clock_are_told(tmp_path: Path, mqtt: MqttSettings) -> None:
    """The histogram has one observation for each new envelope; the clock's line comes once, however many answers."""
    with capture_logs() as lines:
        async with world(tmp_path, mqtt, UplinkSettings(resend=SLOW, drain_s=0), before=2) as made:
            made.platform.skew_ms = -90_000
            await eventually(lambda: made.spool.unconfirmed == 0)
            await made.keep(3)
            await eventually(lambda: made.spool.unconfirmed == 0)
            labels = {"gateway": made.uplink.gateway}
            assert REGISTRY.get_sample_value("quotawatt_collector_reading_lag_seconds_count", labels) == 3
            lag = REGISTRY.get_sample_value("quotawatt_collector_reading_lag_seconds_sum", labels)
            assert lag is not None
            assert 0 <= lag < 3
            skew = REGISTRY.get_sample_value("quotawatt_collector_clock_skew_seconds", labels)
            assert skew == pytest.approx(90, abs=2)
    assert [line["event"] for line in lines if line["event"].startswith("clock")] == ["clock_skewed"]
