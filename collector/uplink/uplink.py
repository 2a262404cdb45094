"""A gateway's connection to the broker: envelopes up in order, confirmations down, the status told.

An envelope leaves the spool when ingest confirmed that very number. The broker's own acknowledgement frees nothing: it
only starts the time within which the confirmation is expected.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from functools import partial

import structlog

from collector import metrics
from collector.errors import SpoolCorruptError
from collector.spool.spool import Spool
from collector.uplink.refusals import Refusals
from collector.uplink.settings import MqttPlatform, Platform, UplinkSettings
from collector.uplink.window import Window, growing_delay
from energy.backoff import Backoff
from energy.clocks import DataClock
from energy.errors import QuotawattError, WireError
from energy.logs import Availability
from energy.metrics import unforeseen_error
from energy.transport.mqtt import Link, Will, connect
from energy.waiting import set_within
from energy.wire import VERSION, Address, Status, decode_acknowledgement, decode_command, encode

_log = structlog.get_logger("collector")

_BETWEEN_STATUSES = 1.0
"""Real seconds between two statuses, however much is dropped: the contract's bound."""


class Uplink:
    """One gateway's uplink.

    Args:
        address: the gateway's topics.
        platforms: addresses of the platform, the preferred one first.
        settings: window and delays.
        spool: what is to be sent.
        clock: data time.
    """

    def __init__(
        self, address: Address, platforms: Sequence[Platform], settings: UplinkSettings, spool: Spool, clock: DataClock
    ) -> None:
        (mqtt,) = platforms
        assert isinstance(mqtt, MqttPlatform)
        self._address = address
        self._mqtt = mqtt
        self._settings = settings
        self._spool = spool
        self._clock = clock
        delay = growing_delay(settings.resend.first_s, settings.resend.most_s, random.random)
        self._window = Window(settings.window, delay, mqtt.timeout)
        self._refusals = Refusals()
        self._cursor = 0
        self._set_back = False
        self._told_at = self._status_due = self._sleeps_until = 0.0
        self._drain_until: float | None = None
        self._health = Availability(_log, "broker", gateway=address.gateway)
        self.online = False

    @property
    def gateway(self) -> str:
        """The gateway's code."""
        return self._address.gateway

    async def run(self, stopping: asyncio.Event) -> None:
        """Send and reconnect until `stopping` is set; then wait a while for the last confirmations.

        Raises:
            SpoolCorruptError: the spool's file broke.
        """
        async with asyncio.TaskGroup() as group:
            serving = group.create_task(self._keep_connected(stopping))
            await stopping.wait()
            self._spool.changed.set()
            if not self.online:
                # Nothing can be drained, and a broker that does not answer may keep an attempt waiting for long.
                serving.cancel()

    async def _keep_connected(self, stopping: asyncio.Event) -> None:
        backoff = Backoff(self._settings.reconnect.first_s, self._settings.reconnect.most_s)
        while not await self._attempt(stopping, backoff):
            if await set_within(stopping, backoff.next()):
                return

    async def _attempt(self, stopping: asyncio.Event, backoff: Backoff) -> bool:
        """Connect and serve until told to stop (true) or the connection is lost (false)."""
        try:
            await self._connection(stopping, backoff)
        except* SpoolCorruptError:
            raise
        except* QuotawattError as group:
            self._health.lost(_first(group))
        except* Exception:  # noqa: BLE001 - the outer edge of the loop; counted, and one gateway does not stop another
            unforeseen_error("uplink")
        else:
            return True
        finally:
            self._is_online(False)
        return False

    async def _connection(self, stopping: asyncio.Event, backoff: Backoff) -> None:
        async with connect(
            self._mqtt,
            client_id=f"qw-{self._address.region}-{self._address.gateway}",
            protocol=311,
            will=Will(self._address.status, encode(Status(VERSION, online=False)), retain=True),
        ) as link:
            await link.subscribe(self._address.ack)
            await link.subscribe(self._address.command)
            await self._tell(link)
            self._window.restart()
            self._is_online(True)
            backoff.reset()
            async with asyncio.TaskGroup() as group:
                listening = group.create_task(self._listen(link))
                await self._serve(link, stopping)
                listening.cancel()
            await self._tell(link, online=False)

    async def _serve(self, link: Link, stopping: asyncio.Event) -> None:
        """Keep the window full, send what is due, tell the status; until drained."""
        while not self._drained(stopping):
            self._spool.changed.clear()
            if dropped := self._spool.take_dropped():
                self._window.remove(dropped)
                self._status_due = min(self._status_due, self._told_at + _BETWEEN_STATUSES)
            await self._fill()
            self._send_due(link)
            if self._now() >= self._status_due:
                await self._tell(link)
            await self._something_to_do()

    async def _fill(self) -> None:
        """Take the next envelopes into the window."""
        while (room := self._window.room) and self._cursor < (last := self._spool.state().last_seq):
            self._set_back = False
            rows = await self._spool.fetch(self._cursor, room)
            if self._set_back:  # by a command, meanwhile: what it asks for may lie before these rows
                continue
            self._cursor = rows[-1][0] if rows else last
            for number, body in rows:
                # After a command to send again the cursor went back, over envelopes that are on the way already.
                if number not in self._window:
                    self._window.add(number, body)

    def _send_due(self, link: Link) -> None:
        for number, body, attempts in self._window.take_due(self._now()):
            taken = link.send(self._address.up, body)
            taken.add_done_callback(partial(self._on_taken, number))
            metrics.envelope_sent(self.gateway, attempts)

    def _on_taken(self, number: int, future: asyncio.Future[None]) -> None:
        """The broker took an envelope, or the connection was lost, which others find out."""
        if future.cancelled() or future.exception() is not None:
            return
        self._window.sent(number, self._now())
        due = self._window.next_due()
        if due is not None and due < self._sleeps_until:
            self._spool.changed.set()

    async def _something_to_do(self) -> None:
        """Wait until an envelope comes or leaves, or a time is due."""
        times = (self._window.next_due(), self._status_due, self._drain_until)
        self._sleeps_until = min(time for time in times if time is not None)
        await set_within(self._spool.changed, self._sleeps_until - self._now())

    def _drained(self, stopping: asyncio.Event) -> bool:
        if not stopping.is_set():
            return False
        if self._drain_until is None:
            self._drain_until = self._now() + self._settings.drain_s
        return self._spool.unconfirmed == 0 or self._now() >= self._drain_until

    async def _listen(self, link: Link) -> None:
        async for message in link.messages:
            try:
                if message.topic == self._address.ack:
                    await self._on_acknowledgement(message.payload)
                elif not message.retain:
                    await self._on_command(message.payload)
            except WireError as error:
                metrics.message_unreadable(self.gateway, message.topic.rpartition("/")[2], error)

    async def _on_acknowledgement(self, payload: bytes) -> None:
        acknowledgement = decode_acknowledgement(payload)
        if acknowledgement.stream not in (None, self._spool.stream):
            return
        # The answer to a message that could not be read names no stream: nothing is confirmed by it. Nor can be what
        # is not on the way: a number that was never sent is no confirmation of ours.
        confirmed = self._window.remove(acknowledgement.confirmed if acknowledgement.stream else ())
        metrics.refused(self.gateway, acknowledgement.refused)
        metrics.refusals_changed(self.gateway, self._refusals.take(acknowledgement.refused, confirmed, self._now()))
        if confirmed:
            metrics.envelopes_confirmed(self.gateway, len(confirmed))
            await self._spool.confirm(confirmed)
            self._spool.changed.set()

    async def _on_command(self, payload: bytes) -> None:
        command = decode_command(payload)
        if command.stream != self._spool.stream:
            return
        _log.info("resend_asked", gateway=self.gateway, ranges=len(command.ranges), first=command.ranges[:1])
        if await self._spool.reopen(command.ranges):
            self._cursor, self._set_back = 0, True
        self._window.again(command.ranges)
        self._spool.changed.set()

    async def _tell(self, link: Link, *, online: bool = True) -> None:
        """Publish the status, retained."""
        self._told_at = self._now()
        self._status_due = self._told_at + self._settings.status_interval_s
        await self._spool.settle()
        state = self._spool.state()
        status = Status(
            VERSION,
            online,
            state.stream,
            state.kept_from,
            state.last_seq,
            list(state.dropped),
            self._clock.now_ms(),
        )
        await link.publish(self._address.status, encode(status), retain=True)

    def _is_online(self, online: bool) -> None:  # noqa: FBT001 - a setter
        self.online = online
        metrics.online(self.gateway, connected=online)
        if online:
            self._health.back()

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()


def _first(error: BaseException) -> BaseException:
    """The first real fault in a group of groups."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
