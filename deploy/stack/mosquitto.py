"""Mosquitto as the stack runs it."""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from string import Template

from deploy.stack.broker import is_broker
from deploy.stack.files import make_directory, write_whole
from deploy.stack.ports import LOOPBACK
from deploy.stack.service import Home

NAME = "mosquitto"


@dataclass(frozen=True, slots=True)
class Mosquitto:
    """One broker.

    Args:
        home: the stack's directory.
        executable: finds the broker's program, or fetches it; called before a start only.
    """

    home: Home
    executable: Callable[[], Path]

    name = NAME
    program = "mosquitto"
    # SIGTERM: save the sessions and end. With a long queue the saving takes seconds.
    stop_steps = ((signal.SIGTERM, 20.0), (signal.SIGKILL, 10.0))

    @property
    def marker(self) -> str:
        """The argument that names this stack's configuration."""
        return str(self.home.settings / "mosquitto.conf")

    @property
    def directory(self) -> Path:
        """Where it keeps its sessions."""
        return self.home.own(NAME)

    def prepare(self, port: int) -> tuple[str, ...]:
        """Write the settings and return the broker's command line."""
        data = make_directory(self.directory, 0o700, self.home.account)
        template = files("deploy.stack").joinpath("settings", "mosquitto.conf").read_text(encoding="utf-8")
        write_whole(Path(self.marker), Template(template).substitute(port=port, data=data))
        return (str(self.executable()), "-c", self.marker)

    def answers(self, port: int) -> bool:
        """Whether it takes a session."""
        return is_broker(LOOPBACK, port)
