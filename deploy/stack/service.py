"""Keeps one server running: starts it, knows it again, repairs what a crash left, stops it."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from deploy.stack import ports
from deploy.stack.files import load, make_directory, save
from deploy.stack.paths import Account
from deploy.stack.processes import Launch, ProcessRecord, find, identify, runs, start, stop
from energy.errors import SetupError

_READY_SECONDS = 180.0  # a database that was killed replays its log before it answers
_PAUSE = 0.05
# A killed database's children keep its shared memory until they notice, and until then a new one ends at once.
_RETRY_PAUSES = (0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0, 2.0)
_SHOWN_LOG_BYTES = 2000


@dataclass(frozen=True, slots=True)
class Home:
    """The directory of one stack. What we write is ours; each server has one directory of its own in it.

    Were they mixed, root would write where an unprivileged account can put links in its way.
    """

    root: Path
    account: Account | None

    @property
    def settings(self) -> Path:
        """Configuration files, read by the servers."""
        return self.root / "etc"

    def log(self, service: str) -> Path:
        """The file that takes the server's output."""
        return self.root / "log" / f"{service}.log"

    def record(self, service: str) -> Path:
        """The file that names the server's process."""
        return self.root / "run" / f"{service}.json"

    def port(self, service: str) -> Path:
        """The file that keeps the server's port."""
        return self.root / "run" / f"{service}.port.json"

    def own(self, service: str) -> Path:
        """The server's own directory."""
        return self.root / service

    def make(self) -> None:
        """Make all of it; what is there stays."""
        # The account passes through, everybody else sees nothing.
        make_directory(self.root, 0o711)
        make_directory(self.settings, 0o755)
        for path in (self.root / "log", self.root / "run"):
            make_directory(path, 0o700)


class Program(Protocol):
    """What differs between the servers."""

    name: str
    program: str

    @property
    def stop_steps(self) -> tuple[tuple[signal.Signals, float], ...]:
        """The signals that stop it, the gentlest first, each with the seconds that it gets."""
        ...

    def prepare(self, port: int) -> tuple[str, ...]:
        """Write the configuration, make the data directory where there is none, return the command line."""
        ...

    def answers(self, port: int) -> bool:
        """Whether it serves clients; raises SetupError when it never will."""
        ...

    @property
    def marker(self) -> str:
        """The argument of the command line that only this stack's server has."""
        ...

    @property
    def directory(self) -> Path:
        """The working directory to start in."""
        ...


@dataclass(frozen=True, slots=True)
class Server:
    """One server of one stack."""

    program: Program
    home: Home

    @property
    def port(self) -> int | None:
        """The port that it listens on, or did last; None before the first start."""
        return load(self.home.port(self.program.name), int)

    def running(self) -> ProcessRecord | None:
        """The process, found by its record, or by its command line where the record was lost."""
        record = load(self.home.record(self.program.name), ProcessRecord)
        if record is not None and runs(record):
            return record
        account = self.home.account
        return find(self.program.program, self.program.marker, account.uid if account else os.geteuid())

    def ensure(self) -> int:
        """Have it running and answering; return its port.

        Raises:
            SetupError: it could not be started; the message shows the end of its log.
        """
        record, port = self.running(), self.port
        if record is not None and port is not None and self._becomes_ready(record, port):
            save(self.home.record(self.program.name), record)
            return port
        for pause in _RETRY_PAUSES:
            port = ports.choose(f"{self.home.root} {self.program.name}", self.port)
            started = self._start(port)
            if started is not None and self._becomes_ready(started, port):
                return port
            time.sleep(pause)
        raise SetupError(f"{self.program.name} ends as soon as it starts.{self._log_end()}")

    def stop(self) -> None:
        """Stop it, gently first; nothing happens when it does not run.

        Raises:
            SetupError: it does not end, not even by force.
        """
        record = self.running()
        if record is not None and not stop(record, self.program.stop_steps):
            raise SetupError(f"{self.program.name} (process {record.pid}) cannot be stopped.")
        self.home.record(self.program.name).unlink(missing_ok=True)

    def _start(self, port: int) -> ProcessRecord | None:
        arguments = self.program.prepare(port)
        save(self.home.port(self.program.name), port)
        log = self.home.log(self.program.name)
        record = start(Launch(arguments, self.program.directory, log, self.home.account))
        if record is not None:
            save(self.home.record(self.program.name), record)
        return record

    def _becomes_ready(self, record: ProcessRecord, port: int) -> bool:
        """Wait until it answers; False when it ended instead, as for a port that another process took first."""
        deadline = time.monotonic() + _READY_SECONDS
        while time.monotonic() < deadline:
            if identify(record.pid) != record:
                return False
            if self.program.answers(port):
                return True
            time.sleep(_PAUSE)
        raise SetupError(
            f"{self.program.name} (process {record.pid}) does not answer within {_READY_SECONDS:.0f} s."
            f"{self._log_end()}",
        )

    def _log_end(self) -> str:
        log = self.home.log(self.program.name)
        if not log.exists():
            return ""
        text = log.read_bytes()[-_SHOWN_LOG_BYTES:].decode(errors="replace")
        return f" The end of {log}:\n{text.rstrip()}"
