"""The service: one instance writes down what is to be told, and its senders tell it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

import structlog

from alerts.delivery import metrics, store
from alerts.delivery.alertmanager import alertmanager
from alerts.delivery.book import Book
from alerts.delivery.model import Notice
from alerts.delivery.notices import expired, notices_of
from alerts.delivery.sender import Sender
from alerts.delivery.settings import DeliverySettings
from energy.backoff import Backoff
from energy.clocks import DataClock
from energy.errors import QuotawattError, StorageError, TransportError
from energy.logs import Availability
from energy.services import Control
from energy.storage import Connection, Notifications, StorageSettings, check_schema, connect
from energy.waiting import first_of, set_within

ALERTS = "alerts"
"""The channel on which is told that alerts changed."""

_TIMER_S = 5.0
_STANDBY_S = 1.0


def real_now() -> datetime:
    """Real time, by which Alertmanager goes."""
    return datetime.now(UTC)


class DeliveryService:
    """Leads or stands by; woken by a notification, guaranteed by a timer.

    The lock of the leader and what it writes share one connection: an instance that has lost the one can no longer
    write the other. What is written is told even if that instance dies at once: the next one reads it first.

    Args:
        database: where alerts are.
        settings: whom to tell.
        clock: data time.
        wall: real time.
    """

    name = "delivery"

    def __init__(
        self,
        database: StorageSettings,
        settings: DeliverySettings,
        clock: DataClock,
        wall: Callable[[], datetime] = real_now,
    ) -> None:
        self._database = database
        self._settings = settings
        self._clock = clock
        self._wall = wall
        self._availability = Availability(structlog.get_logger("alerts.delivery"), "database")
        self._backoff = Backoff(first=0.2, most=10)

    async def run(self, control: Control) -> None:
        """Serve until told to stop; a database or an Alertmanager that is away is waited for.

        Raises:
            SetupError: a secret or a certificate cannot be read at the start.
        """
        for one in self._settings.alertmanager:
            async with alertmanager(one, self._settings.timeout_s):
                pass
        control.ready()
        while not control.stopping.is_set():
            try:
                await self._connected(control)
            except StorageError as error:
                self._availability.lost(error)
                await set_within(control.stopping, self._backoff.next())

    async def _connected(self, control: Control) -> None:
        async with connect(self._database) as connection:
            await check_schema(connection)
            self._availability.back()
            self._backoff.reset()
            while not await store.lead(connection):
                if await set_within(control.stopping, _STANDBY_S):
                    return
            metrics.leading(leads=True)
            try:
                async with Notifications(self._database, ALERTS) as changed:
                    await self._lead(connection, changed, control)
            finally:
                metrics.leading(leads=False)

    async def _lead(self, connection: Connection, changed: Notifications, control: Control) -> None:
        settings = self._settings
        book = Book((one.url for one in settings.alertmanager), settings.keep_ended_s, settings.lapse_s)
        await store.read_book(connection, book)
        senders = [Sender(one, self._settings, book, changed.wake, self._wall) for one in self._settings.alertmanager]
        writing = self._write_until_stopped(connection, changed, control, book, senders)
        await first_of(writing, *(one.run() for one in senders))
        async with asyncio.TaskGroup() as group:
            for one in senders:
                group.create_task(one.last())
        await self._step(connection, book)

    async def _write_until_stopped(
        self,
        connection: Connection,
        changed: Notifications,
        control: Control,
        book: Book,
        senders: Iterable[Sender],
    ) -> None:
        while True:
            last = control.stopping.is_set()
            found = await self._step(connection, book)
            if found:
                for one in senders:
                    one.wake()
            if found >= store.MOST_CHANGES:
                continue
            if last:
                return
            await first_of(changed.wait(_TIMER_S), control.stopping.wait())

    async def _step(self, connection: Connection, book: Book) -> int:
        """Write down what changed, up to a bound, and who has taken what; how many notices changed."""
        now = self._wall()
        found = await self._changed(connection, book, now)
        if found:
            book.write(await store.write(connection, found))
        if acceptances := book.unsaved():
            await store.write_acceptances(connection, acceptances)
        if done := book.done(now):
            await store.finish(connection, done)
            await store.prune(connection, now)
        return len(found)

    async def _changed(self, connection: Connection, book: Book, now: datetime) -> list[Notice]:
        found: list[Notice] = []
        for change in await store.read_changes(connection, self._clock.now()):
            began = self._clock.real(change.standing.fired_at or change.standing.since)
            found += notices_of(change, book.lasting(change.alert_id), self._settings.labels, began, now)
        for notice in book.corrections:
            taken = book.acceptances(notice.notice_id)
            if (ended := expired(notice, taken, self._settings.correction_s, now)) is not None:
                found.append(ended)
        return found


async def check_alertmanagers(settings: DeliverySettings) -> None:
    """Whether any Alertmanager answers, for the health endpoint.

    Raises:
        TransportError: none does.
    """
    said = []
    for one in settings.alertmanager:
        try:
            async with alertmanager(one, settings.timeout_s) as client:
                await client.began()
        except QuotawattError as error:
            said.append(str(error))
        else:
            return
    raise TransportError("; ".join(said))
