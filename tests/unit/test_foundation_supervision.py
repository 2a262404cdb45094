"""What systemd hears: readiness, signs of life, the stop."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from energy.services import Control, run_services
from energy.supervision import Supervisor
from tests.support.eventually import eventually


class Ear:
    """systemd's end of the socket."""

    def __init__(self, address: str) -> None:
        self.heard: list[str] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(address)
        self._socket.setblocking(False)

    def listen(self) -> list[str]:
        """All that was told until now."""
        while True:
            try:
                self.heard.append(self._socket.recv(4096).decode())
            except BlockingIOError:
                return self.heard

    def close(self) -> None:
        """Be gone."""
        self._socket.close()


@pytest.fixture
def ear(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ear]:
    """A supervisor that waits a fifth of a second for a sign of life."""
    path = str(tmp_path / "notify")
    monkeypatch.setenv("NOTIFY_SOCKET", path)
    monkeypatch.setenv("WATCHDOG_USEC", "200000")
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()))
    opened = Ear(path)
    yield opened
    opened.close()


class Idle:
    """A service that is ready when it is told to be."""

    name = "idle"

    def __init__(self) -> None:
        self.may_be_ready = asyncio.Event()

    async def run(self, control: Control) -> None:
        """Serve nothing."""
        await self.may_be_ready.wait()
        control.ready()
        await control.stopping.wait()


async def test_systemd_hears_of_readiness_life_and_stop(ear: Ear) -> None:
    """READY comes after the last service is ready, WATCHDOG again and again, STOPPING before the services drain."""
    stop, service = asyncio.Event(), Idle()
    async with asyncio.TaskGroup() as group:
        group.create_task(run_services([service], grace=5, stop=stop))
        await asyncio.sleep(0)
        assert ear.listen() == []
        service.may_be_ready.set()
        await eventually(lambda: ear.listen().count("WATCHDOG=1") >= 3)
        stop.set()
    heard = ear.listen()
    assert heard[0] == "READY=1"
    assert heard[-1] == "STOPPING=1"


def test_a_child_does_not_answer_for_its_parent(ear: Ear, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variables are inherited; the pid tells whom they mean."""
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid() + 1))
    assert Supervisor().watchdog_s is None
    assert ear.listen() == []


def test_a_supervisor_that_is_gone_is_no_failure(ear: Ear) -> None:
    """The service goes on."""
    ear.close()
    Supervisor().tell("WATCHDOG=1")


def test_an_abstract_socket_is_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name with @ stands for one."""
    name = f"quotawatt-test-{os.getpid()}"
    ear = Ear(f"\0{name}")
    monkeypatch.setenv("NOTIFY_SOCKET", f"@{name}")
    Supervisor().tell("STATUS=well")
    assert ear.listen() == ["STATUS=well"]
    ear.close()


def test_without_a_supervisor_nothing_is_sent() -> None:
    """As everywhere but under systemd."""
    supervisor = Supervisor({})
    supervisor.tell("READY=1")
    assert supervisor.watchdog_s is None
