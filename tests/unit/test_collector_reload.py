"""When a changed file is read: once it stood still from one look to the next, or when somebody says so."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from collector.process import reload
from collector.process.gateways import Changed
from collector.process.reload import Reload
from collector.settings import CollectorSettings
from collector.uplink.settings import MqttPlatform
from energy.errors import QuotawattError, SetupError
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
        faults: why parts of it cannot be started, each time that it is read.
    """

    def __init__(self, *marks: int | None) -> None:
        super().__init__(Path("collector.toml"), SETTINGS, self._read, self._run)
        self.looks = 0
        self.read_at: list[int] = []
        self.faults: list[tuple[QuotawattError, ...]] = []
        self._marks = [None if mark is AWAY else (mark, mark, 1) for mark in marks]

    def _mark(self) -> Mark:
        mark = self._marks[min(self.looks, len(self._marks) - 1)]
        self.looks += 1
        return mark

    def _read(self) -> CollectorSettings:
        self.read_at.append(self.looks)
        return SETTINGS

    async def _run(self, _: CollectorSettings) -> Changed:
        return Changed(0, 0, self.faults.pop(0) if self.faults else ())


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


async def test_it_may_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """At once, without a look at whether anything changed, and also before the collector is ready."""
    monkeypatch.setattr(reload, "LOOK_S", 3_600)
    watched, control = Watched(1), Control("reload", asyncio.Event())
    watched.ask()
    async with asyncio.TaskGroup() as group:
        group.create_task(watched.run(control))
        await eventually(lambda: len(watched.read_at) == 1)
        watched.ask()
        await eventually(lambda: len(watched.read_at) == 2)
        control.stopping.set()


async def test_what_could_not_be_started_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Until it can: nobody has to touch the file again when another process has left the spool."""
    monkeypatch.setattr(reload, "LOOK_S", 0.001)
    monkeypatch.setattr(reload, "RETRY_S", 0.01)
    watched, control = Watched(1, 2, 2), Control("reload", asyncio.Event())
    watched.faults = [(SetupError("held by another process"),), (SetupError("still held"),), ()]
    async with asyncio.TaskGroup() as group:
        group.create_task(watched.run(control))
        await eventually(lambda: len(watched.read_at) == 3)
        looks = watched.looks
        await eventually(lambda: watched.looks > looks + 50)
        control.stopping.set()
    assert len(watched.read_at) == 3
