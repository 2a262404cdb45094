"""A server that does not stay up at its first starts is started again."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.stack.service import Home, Server
from energy.errors import SetupError


class Stubborn:
    """A server that ends at once the first `failures` times, as PostgreSQL does while a killed one's children live."""

    name = "stubborn"
    program = "sh"
    stop_steps = ((signal.SIGKILL, 5.0),)

    def __init__(self, directory: Path, failures: int) -> None:
        self.directory = directory
        self._failures = failures
        self._starts = 0

    @property
    def marker(self) -> str:
        """A word of the command line that only this server has."""
        return f"stubborn-{self.directory}"

    def prepare(self, port: int) -> tuple[str, ...]:
        """The command: nothing at first, then one that stays."""
        self._starts += 1
        ends = "exit 1" if self._starts <= self._failures else "exec sleep 100"
        return ("sh", "-c", ends, self.marker, str(port))

    def answers(self, port: int) -> bool:
        """It serves as soon as it stays."""
        return port > 0 and self._starts > self._failures


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """A stack's directory, with servers run as ourselves."""
    made = Home(tmp_path / "stack", None)
    made.make()
    yield made
    Server(Stubborn(tmp_path, 0), made).stop()


def test_a_server_that_ends_at_once_is_started_again(home: Home, tmp_path: Path) -> None:
    """Three starts that end at once, before or after they were seen, cost time and nothing else."""
    server = Server(Stubborn(tmp_path, failures=3), home)
    assert server.ensure() == server.port
    assert server.running() is not None


def test_a_server_that_never_stays_is_reported(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After its last attempt the message says so."""
    monkeypatch.setattr("deploy.stack.service._RETRY_PAUSES", (0.0, 0.0))
    with pytest.raises(SetupError, match="ends as soon as it starts"):
        Server(Stubborn(tmp_path, failures=99), home).ensure()
