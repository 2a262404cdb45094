"""One connection's work, whatever its kind: envelopes up in order, confirmations down, the status told."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from functools import partial

import msgspec

from collector.errors import BusyPlatformError, SilentPlatformError
from collector.uplink.channel import Channel, Heard
from collector.uplink.outgoing import Outgoing
from collector.uplink.settings import UplinkSettings
from energy.errors import QuotawattError, TransportError, WireError
from energy.waiting import set_within
from energy.wire import Kind, decode_acknowledgement, decode_command

_BETWEEN_STATUSES = 1.0
"""Real seconds between two statuses, however much is dropped: the contract's bound."""
_GOODBYE_S = 2.0
"""Real seconds for the last status on a connection that is left."""


class Patience(msgspec.Struct, frozen=True):
    """How long a connection is kept up.

    Attributes:
        confirm_within: real seconds within which something must be confirmed of what was sent; None for ever.
        is_over: whether to end in order, for the stop or for another address.
        worked: called at each confirmation.
    """

    confirm_within: float | None
    is_over: Callable[[], bool]
    worked: Callable[[], None]


class Serving:
    """One gateway's work on one connection.

    Args:
        channel: the connection.
        outgoing: what is to be sent.
        settings: how often the status is told.
        patience: when it ends.
    """

    def __init__(self, channel: Channel, outgoing: Outgoing, settings: UplinkSettings, patience: Patience) -> None:
        self._channel = channel
        self._outgoing = outgoing
        self._spool = outgoing.spool
        self._settings = settings
        self._patience = patience
        self._told_at = self._sleeps_until = self._quiet_until = 0.0
        self._dropped = asyncio.Event()
        self._unanswered_since: float | None = None

    async def begin(self) -> None:
        """Tell the status, which shows that the platform is there.

        Raises:
            TransportError: it is not, or is busy.
            FatalError: it refuses us.
        """
        await self.tell()
        self._outgoing.restart(self._channel.places, self._channel.patience)

    async def run(self) -> None:
        """Send and listen until the patience is over, then say goodbye.

        Raises:
            TransportError: the connection is lost, or nothing is confirmed for too long.
            FatalError: the platform refuses us.
            StorageError: the disk refuses.
        """
        try:
            async with asyncio.TaskGroup() as group:
                beside = [group.create_task(self._listen()), group.create_task(self._keep_telling())]
                await self._serve()
                for task in beside:
                    task.cancel()
        except* SilentPlatformError:
            # The carrier may work well, and would go on telling that we are here.
            with contextlib.suppress(QuotawattError):
                await self.leave()
            raise
        await self.leave()

    async def leave(self) -> None:
        """Tell that the gateway is gone from here; where nobody takes it, the last will or the silence tells."""
        try:
            async with asyncio.timeout(_GOODBYE_S):
                await self.tell(online=False)
        except TimeoutError as error:
            raise TransportError("the last status was not taken in time") from error

    async def tell(self, *, online: bool = True) -> None:
        """Hand over the status.

        Raises:
            TransportError: nobody takes it.
            FatalError: the platform refuses us.
        """
        self._told_at = self._now()
        await self._channel.tell(await self._outgoing.status(online=online))

    async def _serve(self) -> None:
        """Keep the window full and send what is due."""
        while not self._patience.is_over():
            self._spool.changed.clear()
            if self._outgoing.drop():
                self._dropped.set()
            while await self._outgoing.take_next(self._now()):
                self._send_due()  # what is new does not wait until the backlog is read too
            self._send_due()
            self._check_answers()
            await self._something_to_do()

    def _send_due(self) -> None:
        if self._now() < self._quiet_until:
            return
        for envelope in self._outgoing.take_due(self._now()):
            taken = self._channel.send(envelope.body)
            taken.add_done_callback(partial(self._on_taken, envelope.number))
            if self._unanswered_since is None:
                self._unanswered_since = self._now()

    def _on_taken(self, number: int, future: asyncio.Future[None]) -> None:
        """The carrier took an envelope, or the platform is busy; that the connection was lost is heard elsewhere."""
        if future.cancelled():
            return
        error, due = future.exception(), None
        if isinstance(error, BusyPlatformError):
            self._quiet_until = max(self._quiet_until, self._outgoing.busy_until(error.after_s, self._now()))
            due = self._quiet_until
            self._outgoing.window.postpone(number, due)
        elif error is None:
            due = self._outgoing.window.sent(number, self._now())
        if due is not None and due < self._sleeps_until:
            self._spool.changed.set()

    def _check_answers(self) -> None:
        within, since = self._patience.confirm_within, self._unanswered_since
        if within is not None and since is not None and self._now() - since >= within:
            raise SilentPlatformError(f"nothing was confirmed for {within:g} s")

    async def _keep_telling(self) -> None:
        """Tell the status soon after a drop, and otherwise at its interval; envelopes do not wait for it."""
        while True:
            if await set_within(self._dropped, self._settings.status_interval_s):
                await asyncio.sleep(self._told_at + _BETWEEN_STATUSES - self._now())
            self._dropped.clear()
            try:
                await self.tell()
            except BusyPlatformError as error:
                await asyncio.sleep(self._outgoing.busy_until(error.after_s, self._now()) - self._now())
                self._dropped.set()  # what was to be told still is

    async def _something_to_do(self) -> None:
        """Wait until an envelope comes or leaves, or a time is due."""
        due = self._outgoing.next_time(self._now())
        times = [] if due is None else [max(due, self._quiet_until)]
        if self._patience.confirm_within is not None and self._unanswered_since is not None:
            times.append(self._unanswered_since + self._patience.confirm_within)
        self._sleeps_until = min(times, default=self._now() + self._settings.status_interval_s)
        await set_within(self._spool.changed, self._sleeps_until - self._now())

    async def _listen(self) -> None:
        async for message in self._channel.heard():
            try:
                await self._on_message(message)
            except WireError as error:
                self._outgoing.on_unreadable(message.kind, error)

    async def _on_message(self, message: Heard) -> None:
        if message.kind is Kind.COMMAND:
            await self._outgoing.on_command(decode_command(message.body))
        elif await self._outgoing.on_acknowledgement(decode_acknowledgement(message.body), self._now()):
            self._unanswered_since = self._now() if len(self._outgoing.window) else None
            self._patience.worked()

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
