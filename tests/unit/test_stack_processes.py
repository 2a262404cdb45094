"""Servers are known again, and nothing else is ever signalled."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from deploy.stack import ports
from deploy.stack.processes import Launch, ProcessRecord, find, identify, runs, start, stop
from deploy.stack.programs import run, streaming
from deploy.stack.relocate import with_own_zones
from energy.errors import SetupError

_KILL = ((signal.SIGKILL, 5.0),)


@pytest.fixture
def sleeper(tmp_path: Path) -> Iterator[ProcessRecord]:
    """A process started as servers are."""
    record = start(Launch(("sleep", "271.828"), tmp_path, tmp_path / "log", None))
    assert record is not None
    yield record
    stop(record, _KILL)


def test_a_started_process_is_known_and_stopped(sleeper: ProcessRecord) -> None:
    """It runs in a session of its own and is gone when stop says so."""
    assert runs(sleeper)
    assert os.getsid(sleeper.pid) != os.getsid(0)
    assert stop(sleeper, ((signal.SIGTERM, 5.0),))
    assert not runs(sleeper)
    assert stop(sleeper, _KILL)


def test_a_recycled_process_id_is_never_signalled(sleeper: ProcessRecord) -> None:
    """A record of the same id but another start, or of another boot, means another process: it lives on."""
    for stranger in (replace(sleeper, started=sleeper.started - 1), replace(sleeper, boot="another")):
        assert not runs(stranger)
        assert stop(stranger, _KILL)
    assert runs(sleeper)


def test_a_deaf_process_gets_the_next_signal(tmp_path: Path) -> None:
    """Who ignores the gentle signal gets the one that cannot be ignored."""
    ready = tmp_path / "ready"
    deaf = f"trap '' TERM; : > {ready}; while :; do sleep 0.1; done"
    record = start(Launch(("sh", "-c", deaf), tmp_path, tmp_path / "log", None))
    assert record is not None
    run(["sh", "-c", f"until [ -e {ready} ]; do sleep 0.02; done"], seconds=10)
    assert stop(record, ((signal.SIGTERM, 0.2), (signal.SIGKILL, 5.0)))
    assert not runs(record)


def test_remains_of_a_process_do_not_run() -> None:
    """A zombie holds nothing but its id."""
    with subprocess.Popen(["true"]) as child:
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert identify(child.pid) is None


def test_a_lost_record_is_found_again(sleeper: ProcessRecord) -> None:
    """Program, argument and user lead to the process; any one of them wrong leads nowhere."""
    uid = os.geteuid()
    assert find("sleep", "271.828", uid) == sleeper
    assert find("sleep", "271.829", uid) is None
    assert find("cat", "271.828", uid) is None
    assert find("sleep", "271.828", uid + 1) is None


def test_output_goes_to_the_log_and_old_logs_are_put_aside(tmp_path: Path) -> None:
    """A log that has grown large is kept once under another name."""
    log = tmp_path / "server.log"
    with log.open("wb") as file:
        file.truncate(17 * 1024 * 1024)
    record = start(Launch(("sh", "-c", "echo started; exec sleep 100"), tmp_path, log, None))
    assert record is not None
    run(["sh", "-c", f"until grep -q started {log}; do sleep 0.02; done"], seconds=10)
    assert stop(record, _KILL)
    assert log.read_text() == "started\n"
    assert (tmp_path / "server.log.1").stat().st_size == 17 * 1024 * 1024


def test_a_failing_tool_says_why() -> None:
    """The message holds the tool's own words; a missing one and a slow one have theirs."""
    with pytest.raises(SetupError, match=r"sh failed with code 3: E: too bad"):
        run(["sh", "-c", "echo chatter >&2; echo 'E: too bad' >&2; exit 3"])
    with pytest.raises(SetupError, match="did not finish within"):
        run(["sleep", "100"], seconds=0.05)
    with (
        pytest.raises(SetupError, match="failed with code 7: last"),
        streaming(["sh", "-c", "echo last; exit 7"]) as out,
    ):
        assert list(out) == ["last\n"]


def test_a_port_is_kept_while_it_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clients may still know it; when another process has it, the next free one is chosen."""
    monkeypatch.setattr(ports, "_PATIENCE", 0.1)
    kept = ports.choose("a stack", None)
    assert ports.choose("a stack", kept) == kept
    with socket.socket() as other:
        other.bind((ports.LOOPBACK, kept))
        other.listen()
        assert not ports.is_free(kept)
        assert ports.choose("a stack", kept) != kept


def test_time_zones_are_read_beside_the_data() -> None:
    """The replaced path has the length of the old one, and an unknown build is refused instead of half changed."""
    code = b"\x7fELF..\0/usr/share/zoneinfo\0..--with-system-tzdata=/usr/share/zoneinfo'"
    changed = with_own_zones(code)
    assert len(changed) == len(code)
    assert b"\0..////////" in changed
    assert changed.endswith(b"--with-system-tzdata=/usr/share/zoneinfo'")
    for unknown in (b"nothing here", code + code):
        with pytest.raises(SetupError, match="time zones"):
            with_own_zones(unknown)
