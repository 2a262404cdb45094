"""The demo's processes: one that hangs does not hold up the stop for ever."""

from __future__ import annotations

import signal
from pathlib import Path

import psutil

from deploy.demo.processes import Command, Process, ProcessGroup
from tests.support.eventually import eventually


async def test_a_process_that_hangs_is_killed_when_patience_ends(tmp_path: Path) -> None:
    """One that heeds nothing, because it stands still, has ended when the stop returns."""
    command = Command("hanging", ("stack", "status"), 1, tmp_path / "log")
    process = Process(command, patience_s=0.2)
    await process.start()
    pid = process.pid
    assert pid is not None
    process.signal(signal.SIGSTOP)
    await eventually(lambda: psutil.Process(pid).status() == psutil.STATUS_STOPPED)
    await process.stop()
    assert process.pid is None
    assert not psutil.pid_exists(pid)


async def test_a_group_that_never_ran_stops_what_it_launched(tmp_path: Path) -> None:
    """Launched ahead of its turn, and then the turn never came; to stop twice is the same as once."""
    group = ProcessGroup("early", [Command("early", ("stack", "status"), 1, tmp_path / "log")])
    await group.launch()
    await group.stop()
    assert [process.pid for process in group.processes] == [None]
    await group.stop()
