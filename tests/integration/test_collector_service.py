"""The collector's process as a whole: meters on one side, a platform on the other."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import msgspec
import pytest

from collector.drivers.line import Answer, Outcome
from collector.drivers.modbus.exchange import ModbusExchange
from collector.drivers.modbus.settings import ModbusMeter, ModbusTcpLine
from collector.process.gateways import Gateways
from collector.process.service import run
from collector.profiles import load_profile
from collector.settings import CollectorSettings, GatewaySettings, MeterBackoffSettings
from collector.spool.file import spooled_readings
from collector.uplink.settings import MqttPlatform, ReconnectSettings, UplinkSettings
from energy.clocks import DataClock
from energy.errors import SetupError, TransportError
from energy.health import HealthSettings
from energy.services import Control
from energy.transport.mqtt import MqttSettings
from energy.wire import Address
from tests.support.eventually import eventually
from tests.support.modbus_peer import Peer, asked, modbus_peer, refusal, reply
from tests.support.platform_peer import PlatformPeer, platform_peer
from tests.support.tcp_proxy import tcp_proxy

METERS = {
    1: ("schneider_iem3155", "electricity"),
    2: ("eastron_sdm630", "electricity"),
    3: ("spirax_tva", "low_pressure_steam"),
}
SHOWN = {1: 1_234.5, 2: 99.5, 3: 7_000.0}
SILENT_UNIT = 4


def answer(request: bytes) -> bytes | None:
    """Three meters that show a fixed value, and one that never answers."""
    unit, _, address, count = asked(request)
    if unit == SILENT_UNIT:
        return None
    register = load_profile(METERS[unit][0]).counter_register
    if (address, count) != (register.start, register.end - register.start):
        return refusal(request, 2)
    return reply(request, list(register.encode(SHOWN[unit]).values()))


def settings_for(path: Path, mqtt: MqttSettings, address: Address, port: int) -> CollectorSettings:
    """Four meters, polled five times a second."""
    meters = [ModbusMeter(point=f"P-{unit}", unit_id=unit, profile=profile) for unit, (profile, _) in METERS.items()]
    silent = ModbusMeter(point="P-silent", unit_id=SILENT_UNIT, profile="eastron_sdm630")
    line = ModbusTcpLine(host="127.0.0.1", port=port, interval_s=0.2, time_out_s=0.1, meters=(silent, *meters))
    gateway = GatewaySettings(code=address.gateway, region=address.region, lines=(line,))
    return CollectorSettings(
        gateways=(gateway,),
        spool_dir=path / "spool",
        platforms=(MqttPlatform(host=mqtt.host, port=mqtt.port),),
        health=HealthSettings(port=None),
        uplink=UplinkSettings(reconnect=ReconnectSettings(first_s=0.05, most_s=0.2)),
        meter_backoff=MeterBackoffSettings(first_s=0.05, most_s=0.2),
    )


class World:
    """A running collector between a line and a platform."""

    def __init__(self, settings: CollectorSettings, peer: Peer, platform: PlatformPeer) -> None:
        self.settings, self.peer, self.platform = settings, peer, platform
        self.stop = asyncio.Event()

    @property
    def spool(self) -> Path:
        """The spool's file."""
        return self.settings.spool_dir / f"{self.settings.gateways[0].code}.sqlite3"


@asynccontextmanager
async def running(path: Path, mqtt: MqttSettings, *, through: MqttSettings | None = None) -> AsyncIterator[World]:
    """A collector that runs; stopped in order at the end, however the test ends."""
    address = Address("610303", f"gw-{uuid.uuid4().hex[:8]}")
    async with modbus_peer(answer) as peer, platform_peer(address, mqtt) as platform:
        world = World(settings_for(path, through or mqtt, address, peer.port), peer, platform)
        async with asyncio.TaskGroup() as group:
            group.create_task(run(world.settings, stop=world.stop))
            try:
                yield world
            finally:
                world.stop.set()


async def test_readings_of_all_meters_but_the_silent_one_arrive(tmp_path: Path, mqtt: MqttSettings) -> None:
    """In base units, with one line to all of them; at the orderly stop nothing is left in the spool."""
    async with running(tmp_path, mqtt) as world:
        await eventually(lambda: world.platform.points == {"P-1", "P-2", "P-3"})
        values = {reading.point: reading.value for reading in world.platform.readings}
        assert values == {"P-1": 1_234.5, "P-2": 99.5, "P-3": 7.0}
    assert list(spooled_readings(world.spool)) == []


async def test_an_outage_of_the_broker_costs_nothing(tmp_path: Path, mqtt: MqttSettings) -> None:
    """Polls go on, and everything that was read meanwhile arrives afterwards, in one stream."""
    async with tcp_proxy(mqtt.host, mqtt.port) as proxy:
        through = msgspec.structs.replace(mqtt, host=proxy.host, port=proxy.port)
        async with running(tmp_path, mqtt, through=through) as world:
            await eventually(lambda: world.platform.readings)
            await proxy.cut()
            asked_before = len(world.peer.requests)
            await eventually(lambda: len(world.peer.requests) > asked_before + 20)
            kept = set(spooled_readings(world.spool))
            assert kept
            await proxy.restore()
            await eventually(lambda: kept <= set(world.platform.readings))
        assert list(spooled_readings(world.spool)) == []
        assert len(world.platform.streams) == 1


async def test_readiness_names_who_is_cut_off(tmp_path: Path, mqtt: MqttSettings) -> None:
    """A gateway that has not reached the platform is not ready, and says which it is."""
    settings = settings_for(tmp_path, mqtt, Address("610303", "gw-cut-off"), 1)
    nobody = msgspec.structs.replace(settings, platforms=(MqttPlatform(host="127.0.0.1", port=1),))
    settings.spool_dir.mkdir()
    with ThreadPoolExecutor(1) as thread:
        gateways = Gateways(nobody, DataClock(), thread)
        async with asyncio.TaskGroup() as group:
            controls = []
            for part in (gateways.stores, gateways.uplinks):
                controls.append(Control(part.name, asyncio.Event()))
                group.create_task(part.run(controls[-1]))
                await controls[-1].wait_ready()
            with pytest.raises(TransportError, match="gw-cut-off"):
                await gateways.check_online()
            for control in reversed(controls):
                control.stopping.set()


async def test_an_unforeseen_error_stops_no_poll(
    tmp_path: Path, mqtt: MqttSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is counted at the edge of the loop, and the next tick is served."""
    good = ModbusExchange.take
    failures = iter([RuntimeError("nobody thought of this")] * 2)

    def take(self: ModbusExchange, answer: Answer) -> Outcome:
        if (failure := next(failures, None)) is not None:
            raise failure
        return good(self, answer)

    monkeypatch.setattr(ModbusExchange, "take", take)
    async with running(tmp_path, mqtt) as world:
        await eventually(lambda: world.platform.points == {"P-1", "P-2", "P-3"})


async def test_a_line_that_comes_back_is_polled_again(tmp_path: Path, mqtt: MqttSettings) -> None:
    """Connections may be lost at any time."""
    async with running(tmp_path, mqtt) as world:
        for _ in range(3):
            seen = len(world.platform.readings)
            world.peer.hang_up()
            await eventually(partial(world.platform.has_more_than, seen + 6))


async def test_a_second_collector_on_the_same_spool_is_refused(tmp_path: Path, mqtt: MqttSettings) -> None:
    """It ends with a clear message, and the first one goes on."""
    async with running(tmp_path, mqtt) as world:
        await eventually(lambda: world.platform.readings)
        with pytest.raises(SetupError, match="held by another process"):
            await run(world.settings, stop=asyncio.Event())
        seen = len(world.platform.readings)
        await eventually(partial(world.platform.has_more_than, seen))


async def test_a_directory_that_cannot_be_made_is_one_clear_message(tmp_path: Path, mqtt: MqttSettings) -> None:
    """Nothing is started."""
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    settings = settings_for(tmp_path / "file", mqtt, Address("610303", "gw-x"), 1)
    with pytest.raises(SetupError, match="cannot be made"):
        await run(settings, stop=asyncio.Event())
