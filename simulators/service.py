"""The process of simulated meters: every line of the settings at an address of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from energy.backoff import Backoff
from energy.clocks import DataClock
from energy.errors import SetupError, TransportError
from energy.health import HealthServer
from energy.services import Control, run_services
from energy.waiting import set_within
from simulators.building import build_lines
from simulators.faults.record import FaultRecord
from simulators.serving.conversation import Now
from simulators.serving.line import Line
from simulators.serving.server import LineServer
from simulators.serving.tcp import TcpServer
from simulators.serving.terminal import TerminalServer
from simulators.settings import LineSettings, SimulatorSettings

_log = structlog.get_logger(__name__)


Told = Callable[[LineSettings, str], None]
"""Is told of a line that is served, and at which place."""


async def run(settings: SimulatorSettings, told: Told | None = None) -> None:
    """Serve all lines until told to stop.

    Args:
        settings: which.
        told: is called for each line once all are served.

    Raises:
        SetupError: a port stays in use, or an address cannot be listened on.
        RejectedError: a meter names an unknown profile, carrier or shape, or a start that its register cannot show.
    """
    meters = MeterService(settings, told)
    await run_services([HealthServer(settings.health, {"lines": meters.check}), meters], grace=settings.grace_s)


class MeterService:
    """All lines as one service: ready when every line is served.

    Attributes:
        lines: by name; their units' faults may be changed at any time.
        servers: by name of the line.
        record: the faults that were injected.
    """

    name = "simulated meters"

    def __init__(self, settings: SimulatorSettings, told: Told | None = None) -> None:
        self._settings = settings
        self._told = told
        clock = DataClock(settings.clock)
        start_ms = clock.now_ms() if settings.start is None else int(settings.start.timestamp() * 1000)
        self._within = settings.port_within_s
        self.record = FaultRecord()
        self.lines = build_lines(settings, start_ms, self.record)
        self.servers = {line.name: line_server(line, self.lines[line.name], clock.now_ms) for line in settings.lines}

    async def check(self) -> None:
        """Raise TransportError while a line is not served."""
        if deaf := [name for name, server in self.servers.items() if not server.listening]:
            raise TransportError(f"not listening: {', '.join(deaf)}")

    async def run(self, control: Control) -> None:
        """Listen, serve, close."""
        try:
            for name, server in self.servers.items():
                await self._listen(name, server, control)
            for line in self._settings.lines:
                self._tell(line)
            control.ready()
            await control.stopping.wait()
        finally:
            for server in self.servers.values():
                await server.stop()

    def _tell(self, line: LineSettings) -> None:
        place = self.servers[line.name].place
        _log.info("line_served", line=line.name, place=place, units=len(self.lines[line.name].units))
        if self._told is not None:
            self._told(line, place)

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


def line_server(settings: LineSettings, line: Line, now: Now) -> LineServer:
    """What serves a line in the way that its settings name; `now` is data time, ms UTC."""
    if settings.transport == "rtu":
        return TerminalServer(line, now, settings.link)
    return TcpServer(line, now, settings.host, settings.port)
