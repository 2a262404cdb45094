"""One Alertmanager: told what is due, with a back-off of its own, so that it holds up no other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import structlog

from alerts.delivery import metrics
from alerts.delivery.alertmanager import Alertmanager, PostedAlert, alertmanager
from alerts.delivery.book import Book
from alerts.delivery.ledger import Ledger, requests
from alerts.delivery.model import Notice
from alerts.delivery.settings import AlertmanagerSettings, DeliverySettings, link
from alerts.delivery.silences import reconcile
from energy.backoff import Backoff
from energy.errors import PermissionRefusedError, RejectedError, SetupError, TransportError
from energy.logs import Availability
from energy.waiting import set_within

_FIRST_S, _MOST_S = 0.2, 10.0


class Sender:
    """Tells one Alertmanager.

    Args:
        one: which.
        settings: of all of them.
        book: what there is to tell.
        accepted: called when something was taken, which is to be written down.
        wall: real time.
    """

    def __init__(
        self,
        one: AlertmanagerSettings,
        settings: DeliverySettings,
        book: Book,
        accepted: Callable[[], None],
        wall: Callable[[], datetime],
    ) -> None:
        self._one = one
        self._settings = settings
        self._book = book
        self._accepted = accepted
        self._wall = wall
        self._ledger = Ledger(settings.resend_s, settings.keep_ended_s)
        self._wake = asyncio.Event()
        self._backoff = Backoff(_FIRST_S, _MOST_S)
        self._availability = Availability(structlog.get_logger("alerts.delivery"), "alertmanager", url=one.url)
        self._began = ""
        self._silences_at = float("-inf")
        self._silenced: frozenset[tuple[int, object]] = frozenset()

    def wake(self) -> None:
        """There is something new to tell."""
        self._wake.set()

    async def run(self) -> None:
        """Tell for ever; a failure is waited out."""
        while True:
            try:
                async with alertmanager(self._one, self._settings.timeout_s) as client:
                    await self._tell(client)
            except (TransportError, PermissionRefusedError, SetupError) as error:
                metrics.failed(self._one.url)
                self._measure()
                self._availability.lost(error)
                await asyncio.sleep(self._backoff.next())

    async def last(self) -> None:
        """Tell what is due once more, before the end; what fails now the next instance tells."""
        self._wake.clear()
        try:
            async with alertmanager(self._one, self._settings.timeout_s) as client:
                await self._round(client)
        except (TransportError, PermissionRefusedError, SetupError) as error:
            metrics.failed(self._one.url)
            self._availability.lost(error)

    async def _tell(self, client: Alertmanager) -> None:
        while True:
            self._wake.clear()
            await self._round(client)
            self._availability.back()
            self._backoff.reset()
            await set_within(self._wake, min(self._settings.check_s, self._settings.resend_s))

    async def _round(self, client: Alertmanager) -> None:
        if (began := await client.began()) != self._began:
            if self._began:
                metrics.restarted(self._one.url)
            self._began = began
            self._ledger.forget()
            self._silences_at = float("-inf")
        notices = list(self._book.notices)
        await self._silence(client, notices)  # first, since nobody would hear of an end under a silence
        self._ledger.keep_only(one.notice_id for one in notices)
        due = self._ledger.due(notices, self._book.taken_by(self._one.url), self._mono(), self._wall())
        for some in requests(due, self._settings.batch):
            await self._post(client, some)
            if self._wake.is_set():  # what is new may be more urgent than the rest: a new round begins with it
                break
        self._measure()

    async def _silence(self, client: Alertmanager, notices: Sequence[Notice]) -> None:
        """Make silences what they are to be: when that changed, and now and then, since people can end them too."""
        silenced = frozenset((one.notice_id, one.silence) for one in notices if one.silence is not None)
        metrics.silences(self._one.url, len(silenced))
        if silenced == self._silenced and self._mono() < self._silences_at + self._settings.resend_s:
            return
        known = await client.silences()
        missing, surplus = reconcile(notices, self._settings.labels, known, self._wall())
        for number in surplus:
            await client.unsilence(number)
        for wanted in missing:
            await client.silence(wanted)
        self._silenced, self._silences_at = silenced, self._mono()

    async def _post(self, client: Alertmanager, notices: Sequence[Notice]) -> None:
        """Tell of some; where Alertmanager refuses the whole for one of them, look for that one and tell the others."""
        metrics.sent(self._one.url, len(notices))
        try:
            await client.post([self._posted(one) for one in notices])
        except RejectedError as error:
            if len(notices) == 1:
                metrics.refused(self._one.url, notices[0].alert_id, str(error))
                self._ledger.told(notices, self._mono())
                return
            middle = len(notices) // 2
            await self._post(client, notices[:middle])
            await self._post(client, notices[middle:])
        else:
            metrics.accepted(self._one.url, len(notices))
            self._ledger.told(notices, self._mono())
            self._book.take(notices, self._one.url, self._wall())
            self._accepted()

    def _posted(self, notice: Notice) -> PostedAlert:
        values = {**notice.labels, "rule": notice.labels["alertname"]}
        return PostedAlert(
            labels=notice.labels,
            annotations=notice.annotations,
            starts_at=notice.starts_at,
            ends_at=notice.ends_at or self._wall() + timedelta(seconds=self._settings.lapse_s),
            generator_url=link(self._settings.alert_url, values),
        )

    def _measure(self) -> None:
        taken, now = self._book.taken_by(self._one.url), self._wall()
        waiting = [
            (now - (one.ends_at or one.starts_at)).total_seconds()
            for one in self._book.notices
            if (one.ends_at is None and one.notice_id not in taken)
            or (one.ends_at is not None and (one.notice_id not in taken or taken[one.notice_id].ended_at is None))
        ]
        metrics.waiting(self._one.url, max(waiting, default=0.0))

    def _mono(self) -> float:
        return asyncio.get_running_loop().time()
