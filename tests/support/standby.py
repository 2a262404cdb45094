"""A hot standby of a stack's database, beside it: streams from it, and can be promoted."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from deploy.stack import Stack, ports, processes
from deploy.stack.database import is_up
from deploy.stack.files import make_directory, write_whole
from deploy.stack.postgres import Postgres
from deploy.stack.programs import run
from deploy.stack.service import Home
from energy.storage import StorageSettings, connect
from tests.support.eventually import eventually
from tests.support.stack import server_directory

_START_S = 60.0
_SYNCHRONOUS = "select count(*) from pg_stat_replication where sync_state = 'sync'"


class Standby:
    """Made by `standby_of`.

    Args:
        primary: the DSN of the primary.
        port: where the standby listens.
    """

    def __init__(self, primary: str, port: int) -> None:
        self._primary = urlsplit(primary)
        self._here = f"{ports.LOOPBACK}:{port}"
        self._receiver = 0

    @property
    def dsn(self) -> str:
        """How to reach it alone."""
        account = self._primary.netloc.rpartition("@")[0]
        return urlunsplit(self._primary._replace(netloc=f"{account}@{self._here}"))

    def both(self, dsn: str) -> str:
        """A DSN of the primary, so changed that it leads to whichever of the two takes writes."""
        parts = urlsplit(dsn)
        return urlunsplit(
            parts._replace(netloc=f"{parts.netloc},{self._here}", query="target_session_attrs=read-write")
        )

    async def hold_up(self) -> None:
        """Take in nothing more of what the primary writes."""
        self._receiver = await self._ask("select pid from pg_stat_wal_receiver")
        os.kill(self._receiver, signal.SIGSTOP)

    async def promote(self) -> None:
        """Become the primary; what was held up is lost with the old one."""
        if self._receiver:
            os.kill(self._receiver, signal.SIGTERM)
            os.kill(self._receiver, signal.SIGCONT)
            await eventually(lambda: not processes.identify(self._receiver))
        assert await self._ask("select pg_promote()")

    async def _ask(self, query: str) -> int:
        async with connect(StorageSettings(self.dsn)) as connection:
            answer: int = await connection.fetchval(query)
            return answer


@asynccontextmanager
async def standby_of(stack: Stack) -> AsyncIterator[Standby]:
    """Copy the database of `stack` and let the copy follow it; from then on a commit there waits for the standby."""
    primary, account = stack.endpoints().dsn, stack.home.account
    with server_directory() as directory, (stack.home.settings / "pg_hba.conf").open("a", encoding="utf-8") as rules:
        home = Home(directory / "standby", account)
        home.make()
        write_whole(home.root / "password", (stack.home.root / "password").read_text(), mode=0o600)
        server = Postgres(home, stack._postgres_programs, background_workers=0)
        make_directory(home.own(server.name), 0o700, account)
        rules.write("host replication all 127.0.0.1/32 scram-sha-256\n")
        rules.flush()
        async with connect(StorageSettings(primary)) as connection:
            await connection.execute("select pg_reload_conf()")
            program = str(Path(stack._postgres_programs().directory) / "pg_basebackup")
            copying = (
                program,
                "-D",
                str(server.directory),
                "-d",
                primary,
                "--write-recovery-conf",
                "--checkpoint=fast",
            )
            await asyncio.to_thread(run, copying, account=account, directory=server.directory.parent)
            port = ports.choose(str(home.root), None)
            made = Standby(primary, port)
            log = home.log(server.name)
            record = processes.start(processes.Launch(server.prepare(port), server.directory, log, account))
            assert record is not None, log.read_text()
            try:
                await eventually(lambda: is_up(made.dsn), _START_S)
                # Not before: what is copied would wait for a standby of its own once it is promoted.
                await connection.execute("alter system set synchronous_standby_names = '*'")
                await connection.execute("select pg_reload_conf()")
                await eventually(lambda: connection.fetchval(_SYNCHRONOUS), _START_S)
                yield made
            finally:
                processes.stop(record, server.stop_steps[1:])
