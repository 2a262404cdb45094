"""The process of simulated meters: every line of the settings on a port of its own."""

from __future__ import annotations

import asyncio

import structlog

from collector.profiles import load_profile
from energy.backoff import Backoff
from energy.carriers import carrier
from energy.clocks import DataClock
from energy.errors import SetupError, TransportError
from energy.health import HealthServer
from energy.services import Control, run_services
from energy.waiting import set_within
from simulators.devices import Line, MeterDevice
from simulators.loads.shapes import Load
from simulators.modbus_server import LineServer
from simulators.registers import Counter, CounterScale
from simulators.settings import LineSettings, MeterSettings, SimulatorSettings

_log = structlog.get_logger(__name__)


async def run(settings: SimulatorSettings) -> None:
    """Serve all lines until told to stop.

    Raises:
        SetupError: a port stays in use, or an address cannot be listened on.
        RejectedError: a meter names an unknown profile, carrier or shape, or a start that its register cannot show.
    """
    meters = MeterService(settings)
    await run_services([HealthServer(settings.health, {"lines": meters.check}), meters], grace=settings.grace_s)


class MeterService:
    """All lines as one service: ready when every port listens."""

    name = "simulated meters"

    def __init__(self, settings: SimulatorSettings) -> None:
        clock = DataClock(settings.clock)
        self._within = settings.port_within_s
        self.lines = {line.name: build_line(line, settings) for line in settings.lines}
        self.servers = {
            line.name: LineServer(self.lines[line.name], clock.now_ms, line.host, line.port) for line in settings.lines
        }

    async def check(self) -> None:
        """Raise TransportError while a line does not listen."""
        if deaf := [name for name, server in self.servers.items() if not server.listening]:
            raise TransportError(f"not listening: {', '.join(deaf)}")

    async def run(self, control: Control) -> None:
        """Listen, serve, close."""
        try:
            for name, server in self.servers.items():
                await self._listen(name, server, control)
            _log.info("meters_served", lines=len(self.lines), meters=sum(len(i.meters) for i in self.lines.values()))
            control.ready()
            await control.stopping.wait()
        finally:
            for server in self.servers.values():
                await server.stop()

    async def _listen(self, name: str, server: LineServer, control: Control) -> None:
        """A port may still be held by a process that is just ending: try again, but not for ever."""
        backoff = Backoff(first=0.1, most=1.0)
        deadline = asyncio.get_running_loop().time() + self._within
        while not control.stopping.is_set():
            try:
                await server.start()
            except TransportError as error:
                if asyncio.get_running_loop().time() >= deadline:
                    advice = "Stop what holds the port, or choose another."
                    raise SetupError(f"{name}: {error}", advice=advice) from error
                if not backoff.attempts:
                    _log.warning("port_in_use", line=name, error=str(error))
            else:
                return
            await set_within(control.stopping, backoff.next())


def build_line(line: LineSettings, settings: SimulatorSettings) -> Line:
    """The meters of one line, ready to answer; raises RejectedError as `run` says."""
    start_ms = int(settings.start.timestamp() * 1000)
    return Line({meter.address: _device(meter, start_ms, settings.utc_offset_s) for meter in line.meters})


def _device(meter: MeterSettings, start_ms: int, utc_offset_s: int) -> MeterDevice:
    profile = load_profile(meter.profile)
    scale = CounterScale(profile.counter_register, carrier(meter.carrier).unit, meter.ct, meter.pt)
    load = Load(meter.load, utc_offset_s)
    before = load.level(start_ms)
    return MeterDevice(profile, Counter(scale, meter.start), lambda at_ms: load.level(at_ms) - before)
