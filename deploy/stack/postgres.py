"""PostgreSQL with TimescaleDB as the stack runs it: cluster, settings, password, database."""

from __future__ import annotations

import secrets
import signal
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from string import Template

from deploy.stack import database
from deploy.stack.files import link, make_directory, remove_tree, write_whole
from deploy.stack.ports import LOOPBACK
from deploy.stack.processes import identify
from deploy.stack.programs import run
from deploy.stack.relocate import ZONES_LINK
from deploy.stack.service import Home

NAME = "postgres"
DATABASE = "quotawatt"
_USER = "quotawatt"
_OTHER_WORKERS = 8  # PostgreSQL's default, which parallel queries draw on


@dataclass(frozen=True, slots=True)
class PostgresPrograms:
    """PostgreSQL's programs: their directory, and that of the time zones when they are fetched ones."""

    directory: str
    zones: str | None = None


@dataclass(frozen=True, slots=True)
class Postgres:
    """One cluster.

    Args:
        home: the stack's directory.
        programs: finds the programs, or fetches them; called before a start only.
        background_workers: TimescaleDB's; 0 leaves a template database free to be cloned.
    """

    home: Home
    programs: Callable[[], PostgresPrograms]
    background_workers: int

    name = NAME
    program = "postgres"
    # SIGINT: end sessions and shut down cleanly. SIGQUIT: at once, with recovery at the next start.
    stop_steps = ((signal.SIGINT, 30.0), (signal.SIGQUIT, 10.0), (signal.SIGKILL, 10.0))

    @property
    def marker(self) -> str:
        """The argument that names this stack's configuration."""
        return f"config_file={self.home.settings / 'postgresql.conf'}"

    @property
    def directory(self) -> Path:
        """The cluster's directory; the server must start in it, for it reads its settings before it goes there."""
        return self.home.own(NAME) / "data"

    def major(self) -> int | None:
        """The version that the data belong to; None when there are none yet."""
        version = self.directory / "PG_VERSION"
        return int(version.read_text()) if version.is_file() else None

    def dsn(self, port: int, name: str = DATABASE) -> str:
        """How clients connect; it carries the password."""
        return f"postgresql://{_USER}:{self._password()}@{LOOPBACK}:{port}/{name}"

    def place(self, port: int) -> database.Place:
        """What `dsn` names, without the password."""
        return database.Place(_USER, LOOPBACK, str(port), DATABASE)

    def prepare(self, port: int) -> tuple[str, ...]:
        """Write the settings, make the cluster if there is none, and return the server's command line."""
        programs = self.programs()
        make_directory(self.home.own(NAME), 0o700, self.home.account)
        if programs.zones is not None:
            link(self.home.own(NAME) / ZONES_LINK, Path(programs.zones))
        if self.major() is None:
            self._initialise(Path(programs.directory))
        self._write_settings(port)
        self._remove_misleading_lock()
        return (str(Path(programs.directory) / "postgres"), "-D", str(self.directory), "-c", self.marker)

    def answers(self, port: int) -> bool:
        """Whether it takes connections, and has our database by now."""
        if not database.is_up(self.dsn(port, "postgres")):
            return False
        database.make_database(self.dsn(port, "postgres"), self.dsn(port), DATABASE)
        return True

    def _initialise(self, programs: Path) -> None:
        """Make the cluster beside its place and move it there when it is whole."""
        unfinished = self.directory.with_name("data.new")
        remove_tree(unfinished)
        make_directory(unfinished, 0o700, self.home.account)
        password = self.home.settings / "initial-password"
        write_whole(password, self._password() + "\n", mode=0o600, owner=self.home.account)
        try:
            run([
                str(programs / "initdb"), "-D", str(unfinished), "--username", _USER, f"--pwfile={password}",
                "--auth=scram-sha-256", "--encoding=UTF8", "--no-locale", "--data-checksums",
            ], account=self.home.account, directory=unfinished)  # fmt: skip
        finally:
            password.unlink()
        unfinished.rename(self.directory)

    def _write_settings(self, port: int) -> None:
        hba = self.home.settings / "pg_hba.conf"
        write_whole(hba, _setting("pg_hba.conf"))
        text = Template(_setting("postgresql.conf")).substitute(
            port=port, hba_file=hba, background_workers=self.background_workers,
            worker_processes=_OTHER_WORKERS + self.background_workers,
        )  # fmt: skip
        write_whole(self.home.settings / "postgresql.conf", text)

    def _remove_misleading_lock(self) -> None:
        """Remove a killed server's lock file when its process id is another process's by now.

        PostgreSQL itself only sees that some process of its user has that id, and would refuse to start for ever.
        Called when no server of this cluster runs; its shared memory, which children may still hold, is checked
        by PostgreSQL in any case.
        """
        lock = self.directory / "postmaster.pid"
        if lock.is_file() and (first := lock.read_text().split("\n", 1)[0].strip()).isdigit() and identify(int(first)):
            lock.unlink()

    def _password(self) -> str:
        file = self.home.root / "password"
        if not file.is_file():
            write_whole(file, secrets.token_urlsafe(24), mode=0o600)
        return file.read_text()


def _setting(name: str) -> str:
    return files("deploy.stack").joinpath("settings", name).read_text(encoding="utf-8")
