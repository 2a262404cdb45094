"""The service that follows the gateways' streams: woken by commits, made sure of by a timer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from energy.backoff import Backoff
from energy.clocks import DataClock
from energy.errors import StorageError, StorageRejectedError, TransportError
from energy.metrics import unforeseen_error
from energy.services import Control
from energy.storage import Connection, Notifications, StorageSettings, translating
from energy.wire import Address, Command
from ingest import metrics as ingest_metrics
from ingest.database import KeptConnection
from ingest.following import metrics
from ingest.following.commands import find_holes, note_asked, resend
from ingest.following.fold import SQL, Progress, step
from ingest.following.holes import MOST_RANGES, Requests
from ingest.following.settings import FollowSettings
from ingest.following.silence import mark_silent
from ingest.stopping import until_stopping

_LOCK = 0x71775F666F6C6C6F  # "qw_follo": one worker of a database follows
_FIRST_DELAY_S = 0.1
_LONGEST_DELAY_S = 5.0


class Follower:
    """Enters what is committed into the account of streams, looks at what is open, and has it sent again.

    Several may run on one database: the one whose connection has the lock works, the others stand by.

    Args:
        database: where batches and streams are.
        settings: the `[follow]` table.
        clock: data time.
        tell: sends a command to a gateway on its topic; raises TransportError when that cannot be done now.
    """

    name = "follower"

    def __init__(
        self,
        database: StorageSettings,
        settings: FollowSettings,
        clock: DataClock,
        tell: Callable[[Address, Command], None],
    ) -> None:
        self._database = database
        self._settings = settings
        self._clock = clock
        self._tell = tell
        self._connection = KeptConnection(database, ingest_metrics.database_failed)
        self._leads: Connection | None = None
        self._requests = Requests(settings)
        self._since = self._look_at = 0.0

    async def run(self, control: Control) -> None:
        """Follow until the stop, through outages of the database; what is left then the next one follows.

        Raises:
            FatalError: as `energy.storage.translating` says.
        """
        control.ready()
        try:
            await until_stopping(control, self._stay())
        finally:
            await self._connection.close()

    async def _stay(self) -> None:
        backoff = Backoff(_FIRST_DELAY_S, _LONGEST_DELAY_S)
        while True:
            try:
                await self._serve(backoff)
            except StorageError as error:
                ingest_metrics.database_failed(error)
            except StorageRejectedError:
                # What the database refuses here is a fault of ours: it must not stop those who receive.
                unforeseen_error(self.name)
            await asyncio.sleep(backoff.next())

    async def _serve(self, backoff: Backoff) -> None:
        time = asyncio.get_running_loop().time
        async with Notifications(self._database, "readings") as commits:
            while True:
                began = time()
                looks = began >= self._look_at
                progress = await self._connection.once(partial(self._step, judge=looks))
                backoff.reset()
                metrics.step_done(progress, now=self._clock.now().timestamp())
                if progress.drained and looks:
                    self._look_at = time() + self._settings.check_s
                    await self._connection.once(self._look)
                if progress.drained or progress.standby:
                    if await commits.wait(self._settings.timer_s):
                        await asyncio.sleep(self._settings.pause_s)
                else:
                    await asyncio.sleep(time() - began)  # catching up leaves half of the time to those who write

    async def _step(self, connection: Connection, *, judge: bool) -> Progress:
        if connection is not self._leads and not await self._take_lead(connection):
            return Progress(standby=True)
        return await step(connection, self._settings.batches, judge=judge)

    async def _take_lead(self, connection: Connection) -> bool:
        """Try to get the lock, which lasts as long as the connection; who gets it knows nothing of earlier requests."""
        with translating():
            if not await connection.fetchval(SQL.lead, _LOCK):
                return False
        self._leads = connection
        self._requests = Requests(self._settings)
        self._since = self._look_at = asyncio.get_running_loop().time()
        return True

    async def _look(self, connection: Connection) -> None:
        """Look at what is open, ask for what has been so for too long, and see who has fallen silent."""
        if connection is not self._leads:
            return  # the one that had the lock was lost a moment ago
        now = asyncio.get_running_loop().time()
        if now - self._since >= self._settings.silent_s:  # before that, it may be us who did not listen
            await mark_silent(connection, self._clock, self._settings.silent_s)
        with translating():
            gaps = await connection.fetchrow(SQL.gaps)
        assert gaps is not None  # noqa: S101 - sums always have one row
        metrics.gaps_counted(gaps["to_come"], gaps["missing"])
        found = {
            holes.key: (holes, address, http) for holes, address, http in await find_holes(connection, MOST_RANGES)
        }
        for key, ranges in self._requests.due((holes for holes, _, _ in found.values()), now):
            _, address, http = found[key]
            if not http:
                try:
                    self._tell(address, resend(key[1], ranges))
                except TransportError:
                    # The broker is away. When it is back, its gateways first get the time to send by themselves.
                    self._requests.forget(key)
                    continue
            await note_asked(connection, key, ranges, at=self._clock.now(), waits=http)
            self._requests.asked(key, ranges, now)
            metrics.resend_asked(*key, ranges)
