"""The board as the conductor of a run: it shows frames until Ctrl-C."""

from __future__ import annotations

import logging
from pathlib import Path

import aiohttp
from rich.console import Console

from deploy.demo.board import language_of_terminal, run_board, save_picture
from deploy.demo.board_model import BoardSnapshot, ProcessLine
from deploy.demo.board_source import BoardCity, queue_lengths, snapshot
from deploy.demo.city import City
from deploy.demo.demo import Running
from energy.logs import configure_logs
from energy.services import Control
from energy.storage import translating

_QUEUES = {"spool": ("collector-",), "ingest": ("ingest",)}
"""Names of queues on the board, and how the names of the processes begin that hold them."""


class Watching:
    """A service that shows the board of a run until it is told to stop.

    Args:
        running: what to show.
        log: file for this process's own log meanwhile: the terminal belongs to the board.
    """

    name = "board"

    def __init__(self, running: Running, log: Path) -> None:
        self._running = running
        self._log = log

    async def run(self, control: Control) -> None:
        """Show frames until told to stop."""
        with self._log.open("a", encoding="utf-8") as stream:
            configure_logs(stream=stream)
            try:
                async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as session:
                    control.ready()
                    await run_board(lambda: frame(self._running, session), control.stopping, Console())
            finally:
                configure_logs(level=logging.WARNING)


async def draw(running: Running, picture: Path) -> None:
    """Write the board of a run, as it stands now, as SVG; raises as `frame` does."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as session:
        save_picture(await frame(running, session), picture, language=language_of_terminal())


async def frame(running: Running, session: aiohttp.ClientSession) -> BoardSnapshot:
    """What the board shows of a run right now.

    Raises:
        StorageError, …: as `energy.storage.translating` says.
    """
    ports = {
        queue: [process.command.health_port for name, process in running.processes.items() if name.startswith(begins)]
        for queue, begins in _QUEUES.items()
    }
    queues = await queue_lengths(session, ports)
    with translating():
        async with running.pool.acquire() as connection:
            return await snapshot(connection, _board_city(running.city), running.clock, _lines(running), queues)


def _lines(running: Running) -> list[ProcessLine]:
    """The processes in the order in which a reading passes them."""
    return [
        ProcessLine(process.command.name, process.pid is not None, process.restarts)
        for group in reversed(running.layout.groups)
        for process in group.processes
    ]


def _board_city(city: City) -> BoardCity:
    return BoardCity(
        name_zh=city.city.name_zh,
        name_en=city.city.name_en,
        zone=city.city.zone,
        districts_zh={district.code: district.name_zh for district in city.district},
        districts_en={district.code: district.name_en for district in city.district},
    )
