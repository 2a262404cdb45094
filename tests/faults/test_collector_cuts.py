"""A whole collector whose line to the platform breaks in the middle of envelopes: the books stay balanced."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path

import msgspec

from collector.uplink.settings import HttpsPlatform, Platform, ResendSettings, UplinkSettings
from energy.clocks import DataClock
from energy.transport.mqtt import MqttSettings
from energy.wire import Address
from tests.support.collector_ledger import Books, books, stored_readings
from tests.support.collector_world import QUICK, collecting, settings_for, spool_of, tcp_line
from tests.support.counting_meters import CountingMeters
from tests.support.eventually import eventually
from tests.support.http_platform import http_platform
from tests.support.modbus_peer import modbus_peer
from tests.support.plant import metric
from tests.support.tcp_proxy import TcpProxy, tcp_proxy
from tests.support.uplink_world import broker_platform, new_address, platform_of

CUTS = 8
MOST_BYTES = 1_200
"""An envelope of these tests has some 300 bytes, so that most cuts are within one."""
UPLINK = UplinkSettings(reconnect=QUICK, resend=ResendSettings(first_s=0.5, most_s=1), window=4)

Bodies = Mapping[int, Iterable[bytes]]


async def collect(path: Path, address: Address, platform: Platform, proxy: TcpProxy, bodies: Bodies) -> Books:
    """Collect while the line breaks again and again, then until all is stored."""
    chance, given = random.Random(5), CountingMeters()  # noqa: S311 - a seed, so that a failure can be repeated
    async with modbus_peer(given.tcp) as peer:
        line = tcp_line(peer.port, count=5, interval_s=0.05)
        settings = settings_for(path, address, [line], [platform], UPLINK)
        async with collecting(settings, DataClock()):
            await eventually(lambda: bodies)
            for _ in range(CUTS):
                proxy.cut_after = chance.randint(1, MOST_BYTES)
                await eventually(lambda: proxy.cut_after is None)
            had = len(given.answered)
            await eventually(partial(has_reached, given, bodies, had), within=20)
        made = books(address.gateway, spool_of(settings), bodies, refused={"T-2"})
    assert made.read == len(given.answered)
    assert given.unknown(stored_readings(bodies)) == []
    assert proxy.connections > CUTS
    return made


def has_reached(given: CountingMeters, bodies: Bodies, had: int) -> bool:
    """Whether the first so many readings that the meters gave are at the platform."""
    return set(given.answered[:had]) <= {one.value for one in stored_readings(bodies)}


def check(made: Books) -> None:
    """All that was read is stored or refused."""
    assert made.difference == 0
    assert (made.kept, made.dropped, made.lost, made.copied) == (0, 0, 0, 0)
    assert made.stored > made.refused > 0


async def test_cuts_on_the_way_to_a_broker_lose_nothing(tmp_path: Path, mqtt: MqttSettings) -> None:
    """What is read meanwhile waits; what was half sent comes again; what is refused is not sent for ever."""
    address = new_address()
    async with tcp_proxy(mqtt.host, mqtt.port) as proxy, broker_platform(address, mqtt) as platform:
        platform.unknown = {"T-2"}
        through = platform_of(msgspec.structs.replace(mqtt, host=proxy.host, port=proxy.port))
        made = await collect(tmp_path, address, through, proxy, platform.bodies)
    check(made)
    # What came twice was refused twice.
    counted = metric("collector_refusals_total", gateway=address.gateway, code="unknown_point")
    assert counted >= made.refused


async def test_cuts_on_the_way_to_a_server_lose_nothing(tmp_path: Path) -> None:
    """The same over HTTP, where an answer too may be cut off."""
    address = new_address()
    async with http_platform() as platform:
        port = int(platform.url.rsplit(":", 1)[1].partition("/")[0])
        async with tcp_proxy("127.0.0.1", port) as proxy:
            through = HttpsPlatform(url=platform.url.replace(str(port), str(proxy.port)))
            made = await collect(tmp_path, address, through, proxy, platform.committed)
    assert made.difference == 0
    assert (made.kept, made.dropped, made.lost) == (0, 0, 0)
