"""When a changed file is read: once it stood still from one look to the next, or when somebody says so."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from collector.process import reload
from collector.process.gateways import Changed
from collector.process.reload import Reload
from collector.settings import CollectorSettings
from collector.uplink.settings import MqttPlatform
from energy.services import Control
from energy.wire import Address
from tests.support.collector_world import settings_for, tcp_line
from tests.support.eventually import eventually

SETTINGS = settings_for(Path("spool"), Address("610303", "gw-1"), [tcp_line(502)], [MqttPlatform()])

Mark = tuple[int, int, int] | None
AWAY = None


class Watched(Reload):
    """A file that changes from look to look as told, and then stands still.

    Attributes:
        looks: how often it was looked at.
        read_at: after how many looks it was read.
    """

    def __init__(self, *marks: int | None) -> None:
        super().__init__(Path("collector.toml"), SETTINGS, self._read, self._run)
        self.looks = 0
        self.read_at: list[int] = []
        self._marks = [None if mark is AWAY else (mark, mark, 1) for mark in marks]

    def _mark(self) -> Mark:
        mark = self._marks[min(self.looks, len(self._marks) - 1)]
        self.looks += 1
        return mark

    def _read(self) -> CollectorSettings:
        self.read_at.append(self.looks)
        return SETTINGS

    async def _run(self, _: CollectorSettings) -> Changed:
        return Changed(0, 0, ())


@pytest.mark.parametrize(
    ("marks", "read_at"),
    [
        ((1, 1, 1), []),
        ((1, 2, 2), [3]),
        ((1, 2, 3, 4, 4, 4), [5]),
        ((1, AWAY, AWAY, 1, 1), []),
        ((1, AWAY, 2, AWAY, 2, 2), [6]),
        ((1, 2, 2, 2, 3, 3), [3, 6]),
        ((1, 2, 1, 1), []),
    ],
    ids=["never", "at once", "in steps", "away and back", "away for long", "twice", "taken back"],
)
async def test_a_file_is_read_when_it_stood_still(
    monkeypatch: pytest.MonkeyPatch, marks: tuple[int | None, ...], read_at: list[int]
) -> None:
    """An editor writes in steps; half a file would be full of faults, or worse, of none."""
    monkeypatch.setattr(reload, "LOOK_S", 0.001)
    watched, control = Watched(*marks), Control("reload", asyncio.Event())
    async with asyncio.TaskGroup() as group:
        group.create_task(watched.run(control))
        await eventually(lambda: watched.looks > len(marks) + 3)
        control.stopping.set()
    assert watched.read_at == read_at


async def test_a_signal_asks_for_it_at_once() -> None:
    """Without a look at whether anything changed: what the file names may have, such as a profile."""
    watched, control = Watched(1), Control("reload", asyncio.Event())
    async with asyncio.TaskGroup() as group:
        group.create_task(watched.run(control))
        await control.wait_ready()
        for times in (1, 2):
            os.kill(os.getpid(), signal.SIGHUP)
            await eventually(lambda: len(watched.read_at) == times)  # noqa: B023 - awaited within the loop
        control.stopping.set()
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_DFL
