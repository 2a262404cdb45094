"""A real Alertmanager of a test's own, and amtool and promtool."""

from __future__ import annotations

import asyncio
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

import aiohttp

from deploy.stack.alerting import Tool, executable, working_directory
from deploy.stack.paths import choose_places, server_account
from deploy.stack.ports import LOOPBACK, choose
from tests.support.eventually import eventually
from tests.support.stack import cache_environment

_WITHIN = 30.0


def tool(which: Tool) -> Path:
    """The program, fetched into the shared cache when this machine has none."""
    return executable(which, choose_places(cache_environment(), server_account()).cache, lambda _: None)


async def run_tool(which: Tool, *arguments: str | Path) -> tuple[int, str]:
    """Run amtool or promtool to its end; gives its exit code and all that it printed."""
    process = await asyncio.create_subprocess_exec(
        await asyncio.to_thread(tool, which), *arguments, stdin=DEVNULL, stdout=PIPE, stderr=STDOUT
    )
    try:
        async with asyncio.timeout(_WITHIN):
            printed, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode or 0, printed.decode()


class RealAlertmanager:
    """One Alertmanager on one port, which can be killed and started again, with or without its memory.

    Attributes:
        url: where it listens, the same after every start.
    """

    def __init__(self, directory: Path, configuration: Path) -> None:
        self._directory = directory
        self._configuration = configuration
        self._port = choose(str(directory), None)
        self._starts = 0
        self._process: Process | None = None
        self.url = f"http://{LOOPBACK}:{self._port}"

    async def start(self, *, remembers: bool = False) -> None:
        """Start it and wait until it is ready.

        Args:
            remembers: whether it finds its silences and its log of notifications (alerts it always forgets).
        """
        self._starts += not remembers
        data = self._directory / f"data-{self._starts}"
        program = await asyncio.to_thread(tool, Tool.ALERTMANAGER)
        with (self._directory / "alertmanager.log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                program,
                f"--config.file={self._configuration}",
                f"--storage.path={data}",
                f"--web.listen-address={LOOPBACK}:{self._port}",
                "--cluster.listen-address=",
                "--data.maintenance-interval=1s",
                stdin=DEVNULL, stdout=log, stderr=STDOUT, cwd=working_directory(program),
            )  # fmt: skip
        await eventually(self._ready, within=_WITHIN)

    async def kill(self) -> None:
        """End it at once, as a crash does."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    async def until_written(self) -> None:
        """Wait until its log of notifications is on disk with all that it told by now, to be found after a kill.

        It writes the log anew each second. The next one may have been begun before; the one after it has all.
        """
        for _ in range(2):
            before = self._written_at()
            await eventually(lambda: self._written_at() > before, _WITHIN)  # noqa: B023 - awaited in this very round

    def _written_at(self) -> int:
        """When its log of notifications was last written, ns; 0 for never."""
        log = self._directory / f"data-{self._starts}" / "nflog"
        return log.stat().st_mtime_ns if log.is_file() else 0

    async def silences(self, state: str = "active") -> list[dict[str, Any]]:
        """Its silences in that state."""
        async with aiohttp.ClientSession() as session, session.get(f"{self.url}/api/v2/silences") as answer:
            return [one for one in await answer.json() if one["status"]["state"] == state]

    async def _ready(self) -> bool:
        if self._process is None or self._process.returncode is not None:
            raise RuntimeError((self._directory / "alertmanager.log").read_text())
        try:
            async with aiohttp.ClientSession() as session, session.get(f"{self.url}/-/ready") as answer:
                return answer.status == HTTPStatus.OK
        except aiohttp.ClientError:
            return False


@asynccontextmanager
async def alertmanager(directory: Path, configuration: str, *, started: bool = True) -> AsyncIterator[RealAlertmanager]:
    """An Alertmanager with this configuration (alertmanager.yml), started or not yet; gone at the end."""
    file = directory / "alertmanager.yml"
    file.write_text(configuration, encoding="utf-8")
    server = RealAlertmanager(directory, file)
    try:
        if started:
            await server.start()
        yield server
    finally:
        await server.kill()
