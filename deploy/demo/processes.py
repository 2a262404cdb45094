"""The demo's own processes: started, asked whether they are ready, started again when they die, stopped in order."""

from __future__ import annotations

import asyncio
import ctypes
import signal
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import aiohttp
import structlog

from energy.backoff import Backoff
from energy.errors import SetupError
from energy.services import Control
from energy.waiting import first_of, set_within

_log = structlog.get_logger(__name__)
_READY_WITHIN = 60.0
_POLL = 0.1
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Command:
    """What to run.

    Attributes:
        name: the process's name in logs and on the board.
        arguments: the command line after `quotawatt`.
        health_port: where it answers `/readyz` on loopback.
        log: file that takes what it prints.
    """

    name: str
    arguments: tuple[str, ...]
    health_port: int
    log: Path


@dataclass
class Process:
    """One process of the demo; dies with the demo, and is started again when it dies alone.

    Attributes:
        command: what it runs.
        patience_s: real seconds from the request to stop until it is killed; longer than any service's own grace.
        restarts: how often it was started again.
    """

    command: Command
    patience_s: float = 40.0
    restarts: int = 0
    _running: asyncio.subprocess.Process | None = field(default=None, repr=False)

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        running = self._running
        return running.pid if running is not None and running.returncode is None else None

    async def start(self) -> None:
        """Start it, unless it runs."""
        if self.pid is not None:
            return
        with self.command.log.open("ab") as log:
            self._running = await _spawn(self.command.arguments, log)

    async def ready(self) -> None:
        """Wait until `/readyz` answers.

        Raises:
            SetupError: it did not within a minute, or ended before.
        """
        try:
            async with asyncio.timeout(_READY_WITHIN):
                while not await _answers(self.command.health_port):
                    self._refuse_if_ended()
                    await asyncio.sleep(_POLL)
        except TimeoutError as error:
            raise SetupError(
                f"{self.command.name} is not ready after {_READY_WITHIN:.0f} s", advice=self._see_log()
            ) from error

    async def exited(self) -> None:
        """Wait until it has ended."""
        if self._running is not None:
            await self._running.wait()

    async def stop(self) -> None:
        """Ask it to stop and wait until it has; its patience at an end, or a cancellation of the wait, kills it."""
        try:
            self.signal(signal.SIGTERM)
            async with asyncio.timeout(self.patience_s):
                await self.exited()
        except TimeoutError:
            _log.warning("process does not stop, killing it", process=self.command.name, after_s=self.patience_s)
        finally:
            self.signal(signal.SIGKILL)
        await self.exited()

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal while it runs."""
        if self.pid is not None and self._running is not None:
            self._running.send_signal(number)

    def _refuse_if_ended(self) -> None:
        if self.pid is None and self._running is not None:
            raise SetupError(f"{self.command.name} ended with code {self._running.returncode}", advice=self._see_log())

    def _see_log(self) -> str:
        tail = self.command.log.read_text(encoding="utf-8", errors="replace").splitlines()[-5:]
        return "\n  ".join([f"Its last words ({self.command.log}):", *tail])


class ProcessGroup:
    """A service made of processes that start and stop together.

    Args:
        name: the group's name.
        commands: what to run; `launch` may start them all before their turn comes, so that they load at once.
    """

    def __init__(self, name: str, commands: list[Command]) -> None:
        self.name = name
        self.processes = [Process(command) for command in commands]

    async def launch(self) -> None:
        """Start all of them without waiting for any."""
        for process in self.processes:
            await process.start()

    async def run(self, control: Control) -> None:
        """Keep them running until told to stop; then stop them and wait.

        Raises:
            SetupError: one does not become ready at the start.
        """
        try:
            await self.launch()
            for process in self.processes:
                await process.ready()
            control.ready()
            async with asyncio.TaskGroup() as group:
                for process in self.processes:
                    group.create_task(_keep_running(process, control.stopping))
        finally:
            await self.stop()

    async def stop(self) -> None:
        """Stop those that run, all at once, and wait until they have ended."""
        async with asyncio.TaskGroup() as group:
            for process in self.processes:
                group.create_task(process.stop())


async def _keep_running(process: Process, stopping: asyncio.Event) -> None:
    """Start the process again whenever it ends before it is told to, with growing delay."""
    backoff = Backoff(first=0.2, most=10.0)
    while not await _ended_first(process, stopping):
        process.restarts += 1
        _log.warning(
            "process ended by itself, starting it again", process=process.command.name, restarts=process.restarts
        )
        if await set_within(stopping, backoff.next()):
            return
        await process.start()


async def _ended_first(process: Process, stopping: asyncio.Event) -> bool:
    """Wait for the process's end or the stop; true when the stop came."""
    await first_of(process.exited(), stopping.wait())
    return stopping.is_set()


async def _answers(port: int) -> bool:
    timeout = aiohttp.ClientTimeout(total=2)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(f"http://127.0.0.1:{port}/readyz") as answer,
        ):
            return answer.status == 200  # noqa: PLR2004 - HTTP's OK
    except (aiohttp.ClientError, TimeoutError):
        return False


async def _spawn(arguments: tuple[str, ...], log: BinaryIO) -> asyncio.subprocess.Process:
    """Start one of our commands in a session of its own: Ctrl-C is for the demo, which stops them in order."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "deploy.cli",
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        start_new_session=True,
        preexec_fn=_die_with_parent if sys.platform == "linux" else None,
    )


_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


def _die_with_parent() -> None:
    """A killed demo leaves no process behind: the kernel ends its children (prctl(2))."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
