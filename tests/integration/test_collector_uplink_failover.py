"""Several addresses of a platform: the first that works is used, and the preferred one again when it is back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path

import msgspec
import pytest
from structlog.testing import capture_logs

from collector.uplink.settings import HttpsPlatform, ReconnectSettings, UplinkSettings
from energy.errors import StorageError
from energy.transport.mqtt import MqttSettings
from tests.support.eventually import eventually, never_within
from tests.support.http_platform import HttpPlatform, answer, http_platform
from tests.support.private_broker import private_broker
from tests.support.tcp_proxy import TcpProxy, tcp_proxy
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
)

SETTINGS = UplinkSettings(resend=SLOW, reconnect=QUICK, drain_s=0, switch_after=2, prefer_first_after_s=0.3)


class Mixed:
    """A broker behind a proxy, preferred, and an HTTP server; made by `mixed`."""

    def __init__(self, made: Sending, proxy: TcpProxy, first: BrokerPlatform, second: HttpPlatform) -> None:
        self.spool, self.uplink, self.keep, self.stop = made.spool, made.uplink, made.keep, made.stop
        self.proxy, self.first, self.second = proxy, first, second


@asynccontextmanager
async def mixed(path: Path, mqtt: MqttSettings, settings: UplinkSettings = SETTINGS) -> AsyncIterator[Mixed]:
    """An uplink with both addresses, and both ends."""
    address = new_address()
    async with (
        tcp_proxy(mqtt.host, mqtt.port) as proxy,
        broker_platform(address, mqtt) as first,
        http_platform() as second,
        open_spool(path, address.gateway) as spool,
    ):
        through = msgspec.structs.replace(mqtt, host=proxy.host, port=proxy.port)
        platforms = (platform_of(through), HttpsPlatform(url=second.url))
        async with sending(spool, address, platforms, settings) as made:
            yield Mixed(made, proxy, first, second)


Send = Callable[[UplinkSettings], AbstractAsyncContextManager[Sending]]


@asynccontextmanager
async def two_servers(path: Path) -> AsyncIterator[tuple[HttpPlatform, HttpPlatform, Send]]:
    """Two HTTP servers, and what starts an uplink that knows both."""
    address = new_address()
    async with (
        http_platform() as first,
        http_platform() as second,
        open_spool(path, address.gateway) as spool,
    ):
        platforms = (HttpsPlatform(url=first.url), HttpsPlatform(url=second.url))
        yield first, second, partial(sending, spool, address, platforms)


async def test_a_dead_broker_is_left_for_https_and_taken_back(tmp_path: Path, mqtt: MqttSettings) -> None:
    """Readings go on over the second address; when the first is back all goes there again, and nothing is lost."""
    with capture_logs() as lines:
        async with mixed(tmp_path, mqtt) as made:
            await made.keep(5)
            await eventually(lambda: made.spool.unconfirmed == 0)
            assert made.first.has_seen(set(range(1, 6)))
            await made.proxy.cut()
            await made.keep(5)
            await eventually(lambda: made.spool.unconfirmed == 0)
            assert set(made.second.times) == set(range(6, 11))
            await eventually(lambda: not made.first.statuses[-1].online)  # the last will
            await made.proxy.restore()
            await eventually(lambda: made.first.statuses[-1].online)
            await eventually(lambda: not made.second.statuses[-1].online)
            await made.keep(5)
            await eventually(lambda: made.spool.unconfirmed == 0)
            assert set(made.first.times) | set(made.second.times) == set(range(1, 16))
            assert set(range(11, 16)) <= set(made.first.times)
    switches = [line["after"].partition(":")[0] for line in lines if line["event"] == "platform_switched"]
    assert switches == ["http", "mqtt"]


async def test_what_was_on_the_way_is_sent_again_at_the_other_address(tmp_path: Path, mqtt: MqttSettings) -> None:
    """The first broker took envelopes that nobody confirmed; the second platform gets the very same bytes."""
    async with mixed(tmp_path, mqtt) as made:
        made.first.confirming = False
        await eventually(lambda: made.uplink.online)
        await made.keep(5)
        await eventually(lambda: made.first.has_seen(set(range(1, 6))))
        await made.proxy.cut()
        await eventually(lambda: made.spool.unconfirmed == 0)
        assert made.second.committed == made.first.bodies


async def test_a_platform_that_confirms_nothing_is_left(tmp_path: Path, mqtt: MqttSettings) -> None:
    """Its broker works; it is told that the gateway is gone, since no last will would do that."""
    settings = msgspec.structs.replace(SETTINGS, confirm_within_s=0.3, prefer_first_after_s=60.0)
    async with mixed(tmp_path, mqtt, settings) as made:
        made.first.confirming = False
        await made.keep(3)
        await eventually(lambda: made.spool.unconfirmed == 0)
        assert set(made.second.times) == {1, 2, 3}
        await eventually(lambda: not made.first.statuses[-1].online)
        assert made.first.statuses[-1].stream == made.spool.stream


async def test_a_first_address_that_opens_and_does_not_work_costs_little(tmp_path: Path, mqtt: MqttSettings) -> None:
    """It is taken back, confirms nothing, is left again; readings get through all the same, and it is lost once."""
    settings = msgspec.structs.replace(SETTINGS, confirm_within_s=0.2, prefer_first_after_s=0.1)
    with capture_logs() as lines:
        async with mixed(tmp_path, mqtt, settings) as made:
            made.first.confirming = False
            for number in range(1, 31):
                await made.keep(1)
                await eventually(lambda: made.spool.unconfirmed == 0)
                assert number in made.second.times
            await eventually(lambda: len([line for line in lines if line["event"] == "platform_switched"]) > 2)
    told = [line["event"] for line in lines if str(line.get("platform", "")).startswith("mqtt")]
    assert told == ["platform_reached", "platform_lost"]


async def test_the_only_address_is_not_left(tmp_path: Path, mqtt: MqttSettings) -> None:
    """A broker whose platform is down for hours is the place where the platform will come back."""
    settings = msgspec.structs.replace(SETTINGS, confirm_within_s=0.1)
    address = new_address()
    async with (
        broker_platform(address, mqtt) as platform,
        open_spool(tmp_path, address.gateway) as spool,
        sending(spool, address, (platform_of(mqtt),), settings) as made,
    ):
        platform.confirming = False
        await made.keep(1)
        await eventually(lambda: platform.times)
        await never_within(0.4, lambda: not made.uplink.online)
        assert [status.online for status in platform.statuses] == [True]


async def test_who_is_refused_goes_to_the_next_address_at_once(tmp_path: Path) -> None:
    """A refusal of credentials does not pass by trying again; nor is a busy platform waited for where another is."""
    settings = msgspec.structs.replace(
        SETTINGS,
        switch_after=1_000,
        reconnect=ReconnectSettings(first_s=600.0, most_s=600.0),
        prefer_first_after_s=60.0,
    )
    async with two_servers(tmp_path) as (first, second, send):
        first.token = "nobody has it"  # noqa: S105 - a test's own
        async with send(settings) as made:
            await made.keep(2)
            await eventually(lambda: made.spool.unconfirmed == 0)
        assert not first.times
        assert set(second.times) == {1, 2}


async def test_a_probe_does_not_say_that_the_gateway_is_there(tmp_path: Path) -> None:
    """What the first address heard last would stand, should the gateway not come after all."""
    async with two_servers(tmp_path) as (first, second, send):
        first.token = "nobody has it"  # noqa: S105 - a test's own
        async with send(SETTINGS):
            await eventually(lambda: second.statuses)
            first.token = None
            await eventually(lambda: len(first.statuses) > 1)
            assert [status.online for status in first.statuses[:2]] == [False, True]


async def test_a_disk_that_cannot_be_read_is_no_fault_of_the_platform(
    tmp_path: Path, mqtt: MqttSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No other address would mend it; it is told for what it is, and what can be read again goes up."""
    with capture_logs() as lines:
        async with mixed(tmp_path, mqtt) as made:
            await eventually(lambda: made.uplink.online)
            with monkeypatch.context() as broken:

                async def refuse(*_: object, **__: object) -> list[tuple[int, bytes]]:
                    raise StorageError("disk I/O error")

                broken.setattr(made.spool, "fetch", refuse)
                await made.keep(2)
                await eventually(lambda: len([line for line in made.first.statuses if line.online]) > 4)
            await eventually(lambda: made.spool.unconfirmed == 0)
            assert set(made.first.times) == {1, 2}
    told = [line["event"] for line in lines if line["event"].startswith(("platform_", "spool_"))]
    assert told == ["platform_reached", "spool_reads_lost", "spool_reads_back"]


async def test_a_platform_that_is_busy_for_long_is_left(tmp_path: Path) -> None:
    """It answers, and takes nothing; the other one does."""
    settings = msgspec.structs.replace(SETTINGS, confirm_within_s=0.3, prefer_first_after_s=60.0)
    async with two_servers(tmp_path) as (first, second, send):
        first.fail_always(answer(503, Retry_After="3600"))
        async with send(settings) as made:
            await made.keep(2)
            await eventually(lambda: made.spool.unconfirmed == 0)
        assert set(second.times) == {1, 2}
        assert not first.statuses[-1].online


async def test_between_two_brokers(tmp_path: Path, mqtt: MqttSettings) -> None:
    """The same with brokers at both ends: one killed, the other used, the first again when it is back."""
    address = new_address()
    async with (
        private_broker(tmp_path, "allow_anonymous true") as spare,
        tcp_proxy(mqtt.host, mqtt.port) as proxy,
        broker_platform(address, mqtt) as first,
        broker_platform(address, spare) as second,
        open_spool(tmp_path, address.gateway) as spool,
    ):
        await proxy.cut()
        platforms = (platform_of(msgspec.structs.replace(mqtt, host=proxy.host, port=proxy.port)), platform_of(spare))
        async with sending(spool, address, platforms, SETTINGS) as made:
            await made.keep(3)
            await eventually(lambda: made.spool.unconfirmed == 0)
            assert second.has_seen({1, 2, 3})
            await proxy.restore()
            await eventually(lambda: first.statuses and first.statuses[-1].online)
            await eventually(lambda: not second.statuses[-1].online)
            await made.keep(2)
            await eventually(lambda: made.spool.unconfirmed == 0)
            assert first.has_seen({4, 5})
