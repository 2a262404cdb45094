"""Starts servers that outlive us, knows them again, and stops them.

A process id alone says little: the system gives it to another process some day. A server is known by its id together
with the moment it was started and the boot in which that was, and it is signalled through a handle (pidfd) that
cannot come to mean another process.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.stack.paths import Account
from deploy.stack.programs import clean_environment

_PROC = Path("/proc")
_BOOT_ID = _PROC / "sys/kernel/random/boot_id"
_LOG_BYTES = 16 * 1024 * 1024
# The shell puts the server into the background, names it and ends: the server is then nobody's child of ours, so
# that neither our end nor an unread exit code concerns it.
_DETACH = 'exec 3>&1 >&2; "$@" </dev/null 3>&- & echo $! >&3'


@dataclass(frozen=True, slots=True)
class ProcessRecord:
    """One process and no other: `started` in clock ticks since the boot `boot`."""

    pid: int
    started: int
    boot: str


@dataclass(frozen=True, slots=True)
class Launch:
    """What to start, in which directory, where its output goes, and as whom (None: as us)."""

    arguments: tuple[str, ...]
    directory: Path
    log: Path
    account: Account | None


def identify(pid: int) -> ProcessRecord | None:
    """The record of a running process; None when there is none, or only its remains (a zombie)."""
    fields = _stat(pid)
    if fields is None or fields[0] in ("Z", "X"):
        return None
    return ProcessRecord(pid, int(fields[19]), _BOOT_ID.read_text().strip())


def runs(record: ProcessRecord) -> bool:
    """Whether that very process still runs."""
    return identify(record.pid) == record


def start(launch: Launch) -> ProcessRecord | None:
    """Start a server in a session of its own, its output going to the end of `launch.log`; None if it ended at once."""
    _rotate(launch.log)
    account = launch.account
    with launch.log.open("ab") as log:
        shell = subprocess.run(  # noqa: S603  # a fixed command; the shell gets its words as arguments
            ["/bin/sh", "-c", _DETACH, "sh", *launch.arguments],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True, check=True, start_new_session=True,
            cwd=launch.directory, umask=0o077, env=clean_environment(), user=account.uid if account else None,
            group=account.gid if account else None, extra_groups=[] if account else None,
        )  # fmt: skip
    return identify(int(shell.stdout))


def find(program: str, marker: str, uid: int) -> ProcessRecord | None:
    """The server of this stack when its record was lost: a crash can come between its start and the writing of it.

    Args:
        program: the file name of what it runs.
        marker: an argument that no other process of this program has, such as a file of this stack.
        uid: whom it runs as.
    """
    matches = {pid for pid in _pids() if _is_server(pid, program, marker, uid)}
    for pid in sorted(matches):
        fields = _stat(pid)
        # A server's child looks like the server itself until it takes its own title.
        if fields is not None and int(fields[1]) not in matches:
            return identify(pid)
    return None


def stop(record: ProcessRecord, steps: Sequence[tuple[signal.Signals, float]]) -> bool:
    """Send each signal and wait its seconds, until the process is gone; True when it is.

    Args:
        record: the process; nothing is sent when its id belongs to another one by now.
        steps: signals from the gentlest to the last resort, each with the seconds it gets.
    """
    with _handle(record) as handle:
        if handle is None:
            return True
        gone = select.poll()
        gone.register(handle, select.POLLIN)
        for number, seconds in steps:
            try:
                signal.pidfd_send_signal(handle, number)
            except ProcessLookupError:
                return True
            if gone.poll(seconds * 1000):
                return True
    return False


@contextmanager
def _handle(record: ProcessRecord) -> Iterator[int | None]:
    """A handle on the recorded process: opened first, compared then, so that it cannot mean another one."""
    try:
        handle = os.pidfd_open(record.pid)
    except ProcessLookupError:
        yield None
        return
    try:
        yield handle if runs(record) else None
    finally:
        os.close(handle)


def _pids() -> Iterator[int]:
    return (int(entry.name) for entry in _PROC.iterdir() if entry.name.isdigit())


def _is_server(pid: int, program: str, marker: str, uid: int) -> bool:
    try:
        words = (_PROC / str(pid) / "cmdline").read_bytes().split(b"\0")
        owner = (_PROC / str(pid)).stat().st_uid
    except OSError:  # it ended meanwhile
        return False
    return owner == uid and Path(os.fsdecode(words[0])).name == program and marker.encode() in words


def _stat(pid: int) -> list[str] | None:
    """The fields of /proc/<pid>/stat from the state on (proc(5) counts that as the third)."""
    try:
        text = (_PROC / str(pid) / "stat").read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    return text.rpartition(")")[2].split()  # the name before it may hold spaces and brackets


def _rotate(log: Path) -> None:
    if log.exists() and log.stat().st_size > _LOG_BYTES:
        log.replace(log.with_suffix(".log.1"))
