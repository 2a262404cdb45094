"""The stack as its users see it: up, down, status, and what the tests of faults need."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from deploy.stack import choice
from deploy.stack.database import Place
from deploy.stack.files import exclusive
from deploy.stack.given import given_broker, given_database
from deploy.stack.mosquitto import Mosquitto
from deploy.stack.paths import check_name, choose_places, require_walkable, server_account, stack_name
from deploy.stack.ports import LOOPBACK
from deploy.stack.postgres import Postgres, PostgresPrograms
from deploy.stack.processes import ProcessRecord
from deploy.stack.report import Endpoints, ServiceStatus, StackStatus
from deploy.stack.reservation import Reservation
from deploy.stack.service import Home, Server
from energy.errors import SetupError

_LOCK_SECONDS = 600.0
_BACKGROUND_WORKERS = 4


def silent(_message: str) -> None:
    """Progress that nobody watches."""


class Stack:
    """TimescaleDB and Mosquitto for one installation, kept running beside it and with their data.

    Args:
        name: tells stacks apart; None means QUOTAWATT_STACK, or a name derived from this installation.
        state_dir: holds the directory of this stack; None means QUOTAWATT_STATE, or the usual place.
        cache_dir: holds fetched programs; None means QUOTAWATT_CACHE, or the usual place.
        background_workers: TimescaleDB's, from the next start on; 0 where template databases are cloned.
        dsn: an existing database to use instead; None means QUOTAWATT_DSN, if it is set.
        mqtt: an existing broker to use instead, as host:port; None means QUOTAWATT_MQTT, if it is set.
        environ: what stands for the environment.

    Raises:
        SetupError: a name, an address or a directory cannot be used.
    """

    def __init__(  # noqa: PLR0913  # all but the first two are overrides by keyword, for options and tests
        self,
        name: str | None = None,
        state_dir: Path | None = None,
        *,
        cache_dir: Path | None = None,
        background_workers: int = _BACKGROUND_WORKERS,
        dsn: str | None = None,
        mqtt: str | None = None,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        places = choose_places(environ, server_account())
        self.name = check_name(name) if name else stack_name(environ, Path(sys.prefix))
        root = (state_dir or places.state).absolute() / self.name
        self.home = Home(root, server_account(data=root / "postgres"))
        self._cache = (cache_dir or places.cache).absolute()
        self._progress: Callable[[str], None] = silent
        self._reservation = Reservation(self.home)
        self._postgres = Postgres(self.home, self._postgres_programs, background_workers)
        self._servers = {
            "postgres": Server(self._postgres, self.home),
            "mosquitto": Server(
                Mosquitto(self.home, lambda: choice.mosquitto_executable(self._cache, self._progress)), self.home
            ),
        }
        self._database = given_database(environ, dsn, self._own_place)
        self._broker = given_broker(environ, mqtt, lambda: self._servers["mosquitto"].port)

    def up(self, progress: Callable[[str], None] = silent) -> Endpoints:
        """Have both servers running and answering: fetch, start or repair what it takes, and nothing if all is well.

        Raises:
            SetupError: a server cannot be had, or a given one does not answer; the message says what to do.
            PermissionRefusedError: a given database refuses us.
        """
        self._progress = progress
        with self._alone():
            self._check_given()
            return Endpoints(self._up_postgres(), *self._up_mosquitto())

    def down(self, progress: Callable[[str], None] = silent) -> None:
        """Stop the servers that are ours and keep their data; given ones are left alone.

        Raises:
            SetupError: somebody else has reserved the stack, or a server does not end.
        """
        if not self.home.root.is_dir():
            return
        with self._alone():
            self._reservation.require_free()
            if self.serves:
                progress("stopping the stack")
            for name in ("mosquitto", "postgres"):
                self._servers[name].stop()

    @contextmanager
    def reserved(self, by: str) -> Iterator[None]:
        """While the body runs, nobody else stops the servers (`down`), nor reserves them.

        Args:
            by: who that is, as the message to others says it: "a demo".

        Raises:
            SetupError: somebody has reserved the stack.
        """
        with ExitStack() as held:
            with self._alone():
                held.enter_context(self._reservation.hold(by))
            yield

    @property
    def serves(self) -> bool:
        """Whether a server of ours runs; given ones are not asked."""
        return any(server.running() is not None for server in self._servers.values())

    def endpoints(self) -> Endpoints:
        """Where the running stack listens.

        Raises:
            SetupError: a server of ours does not run.
        """
        dsn = self._database.dsn if self._database else self._postgres.dsn(self._running("postgres")[1])
        if self._broker:
            return Endpoints(dsn, self._broker.host, self._broker.port)
        return Endpoints(dsn, LOOPBACK, self._running("mosquitto")[1])

    def status(self) -> StackStatus:
        """How things stand; changes nothing."""
        return StackStatus(self.name, str(self.home.root), self._postgres_status(), self._mosquitto_status())

    def pid_of(self, service: str) -> int:
        """The process id of `postgres` (the one that starts all others) or `mosquitto`.

        Raises:
            SetupError: it does not run, or it is not ours.
        """
        return self._running(service)[0].pid

    def restart_postgres(self) -> None:
        """Stop the database if it runs and start it on the same port.

        Raises:
            SetupError: it does not end, or does not start.
        """
        self._restart("postgres")

    def restart_mosquitto(self) -> None:
        """Stop the broker if it runs and start it on the same port.

        Raises:
            SetupError: it does not end, or does not start.
        """
        self._restart("mosquitto")

    def _restart(self, service: str) -> None:
        with self._alone():
            self._servers[service].stop()
            self._servers[service].ensure()

    def _running(self, service: str) -> tuple[ProcessRecord, int]:
        server = self._servers[service]
        record, port = server.running(), server.port
        if record is None or port is None:
            raise SetupError(f"{service} of the stack {self.name} does not run.", advice="Start it: quotawatt stack up")
        return record, port

    def _own_place(self) -> Place | None:
        port = self._servers["postgres"].port
        return self._postgres.place(port) if port else None

    def _check_given(self) -> None:
        """Refuse servers that were named and cannot serve, before anything is started beside them."""
        for given in (self._database, self._broker):
            if given is not None:
                given.require()

    def _up_postgres(self) -> str:
        if self._database is not None:
            return self._database.dsn
        return self._postgres.dsn(self._ensure("postgres"))

    def _up_mosquitto(self) -> tuple[str, int]:
        if self._broker is not None:
            return self._broker.host, self._broker.port
        return LOOPBACK, self._ensure("mosquitto")

    def _ensure(self, service: str) -> int:
        server = self._servers[service]
        self._progress(f"{'checking' if server.running() else 'starting'} {service}")
        return server.ensure()

    def _postgres_programs(self) -> PostgresPrograms:
        return choice.postgres_programs(self._cache, self._kept_choice, self._postgres.major(), self._progress)

    @property
    def _kept_choice(self) -> Path:
        return self.home.root / "run" / "programs.json"

    def _postgres_status(self) -> ServiceStatus:
        if self._database is not None:
            return ServiceStatus("given", self._database.is_up())
        origin = choice.postgres_origin(self._cache, self._kept_choice, self._postgres.major())
        return self._own_status("postgres", origin)

    def _mosquitto_status(self) -> ServiceStatus:
        if self._broker is not None:
            return ServiceStatus("given", self._broker.is_up(), port=self._broker.port)
        return self._own_status("mosquitto", choice.mosquitto_origin(self._cache))

    def _own_status(self, service: str, origin: str) -> ServiceStatus:
        record = self._servers[service].running()
        return ServiceStatus(
            origin, record is not None, record.pid if record else None,
            self._servers[service].port, str(self.home.log(service)),
        )  # fmt: skip

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep a second `up` or `down` of the same stack waiting until this one is through."""
        require_walkable(self.home.own("postgres"), self.home.account)
        require_walkable(self._cache / "trees", self.home.account)
        self.home.make()
        with exclusive(self.home.root / "lock", seconds=_LOCK_SECONDS, waiting=f"working on the stack {self.name}"):
            yield
