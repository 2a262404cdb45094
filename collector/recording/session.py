"""Real polls, written down for as long as one wants; what they bring is neither kept nor sent."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path

from collector.planning.learned_file import LearnedFile
from collector.polling.poller import LinePoller
from collector.process.lines import line_poller, open_line
from collector.profiles.library import Library
from collector.recording.recorder import RecordingLine
from collector.settings import CollectorSettings, GatewaySettings, LineSettings
from energy.clocks import DataClock
from energy.errors import StorageError
from energy.readings import Reading
from energy.recordings import Header, Recorded, RecordedLine, RecordedMeter, RecordingWriter
from energy.services import Control, run_services
from energy.waiting import set_within

_FOR_EVER_S = 1e9


class Recording:
    """The service that polls and writes down.

    Args:
        settings: whose lines are polled.
        path: the file, which must not exist yet.
        seconds: real seconds until it ends by itself; None for not before it is told to.

    Attributes:
        count: exchanges written so far.
    """

    name = "recording"

    def __init__(self, settings: CollectorSettings, path: Path, seconds: float | None) -> None:
        self.count = 0
        self._settings = settings
        self._path = path
        self._seconds = seconds
        self._failure: StorageError | None = None
        self._ending = asyncio.Event()

    async def run(self, control: Control) -> None:
        """Poll until told to stop, or until the time is over.

        Raises:
            StorageError: the file exists, or cannot be written.
        """
        with RecordingWriter(self._path, self._header()) as writer:
            async with asyncio.TaskGroup() as group:
                for poller in self._pollers(writer):
                    group.create_task(poller.run(self._ending))
                group.create_task(self._end_with(control))
                control.ready()
                await set_within(self._ending, self._seconds if self._seconds is not None else _FOR_EVER_S)
                control.request_stop()
                self._ending.set()
        if self._failure is not None:
            raise self._failure

    async def _end_with(self, control: Control) -> None:
        await control.stopping.wait()
        self._ending.set()

    def _pollers(self, writer: RecordingWriter) -> Iterator[LinePoller]:
        clock = DataClock(self._settings.clock)
        library = Library(self._settings.profile_dirs)

        def take(one: Recorded) -> None:
            try:
                writer.write(one)
            except StorageError as error:
                self._failure = error
                self._ending.set()
            else:
                self.count += 1

        for name, gateway, line in _lines(self._settings):
            yield line_poller(
                gateway.code,
                line,
                library,
                _Nowhere(),
                clock,
                learned=LearnedFile(self._settings.learned_file(gateway)),
                backoff=self._settings.meter_backoff,
                line=RecordingLine(open_line(line, clock), name, take, clock.now_ms),
            )

    def _header(self) -> Header:
        return Header(
            tuple(
                RecordedLine(
                    name,
                    str(line.__struct_config__.tag),
                    tuple(RecordedMeter(meter.address, meter.profile) for meter in line.meters),
                )
                for name, _, line in _lines(self._settings)
            )
        )


class _Nowhere:
    """A keeper that keeps nothing."""

    def put(self, readings: Sequence[Reading]) -> None:
        """Let them go."""

    def flush(self) -> None:
        """Nothing waits."""

    async def room(self) -> None:
        """There is always some."""


async def record(settings: CollectorSettings, path: Path, seconds: float | None) -> int:
    """Write down the polls of all lines until a signal comes or the time is over; returns how many exchanges.

    Raises:
        StorageError: the file exists, or cannot be written.
        RejectedError: a meter's profile, ratios or units of measure do not fit together.
    """
    recording = Recording(settings, path, seconds)
    await run_services([recording], grace=settings.grace_s)
    return recording.count


def _lines(settings: CollectorSettings) -> Iterator[tuple[str, GatewaySettings, LineSettings]]:
    """Each line with a name that tells nothing of where it is."""
    for gateway in settings.gateways:
        for number, line in enumerate(gateway.lines, start=1):
            yield f"{gateway.code}/{number}", gateway, line
