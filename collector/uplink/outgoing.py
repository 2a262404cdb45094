"""What of one gateway's spool is on its way, whatever the connection: taken in order, sent again, confirmed."""

from __future__ import annotations

import random
from collections.abc import Sequence

import structlog

from collector.spool.spool import Spool
from collector.uplink import metrics
from collector.uplink.order import Order, Source
from collector.uplink.refusals import Refusals
from collector.uplink.settings import UplinkSettings
from collector.uplink.skew import compare
from collector.uplink.window import Due, Window, growing_delay
from energy.clocks import DataClock
from energy.errors import WireError
from energy.logs import Seldom
from energy.wire import VERSION, Acknowledgement, Command, Kind, Status, encode

MOST_WAIT_S = 600.0
"""Longest wait, in real seconds, that a platform may ask for: a slip must not silence a gateway for years."""

_log = structlog.get_logger("collector")


class Outgoing:
    """The unconfirmed envelopes of one gateway.

    Args:
        spool: what is to be sent.
        settings: window, delays, order.
        clock: data time.
    """

    def __init__(self, spool: Spool, settings: UplinkSettings, clock: DataClock) -> None:
        self.spool = spool
        self._settings = settings
        self._clock = clock
        self._delay = growing_delay(settings.resend.first_s, settings.resend.most_s, random.random)
        self.window = Window(self._delay)
        self._order = Order(settings)
        self._refusals = Refusals()
        self._figures = metrics.SendFigures(spool.gateway)
        self._is_skewed = False
        self._unreadable = {kind: Seldom() for kind in Kind}

    def restart(self, places: int, patience: float) -> None:
        """A new connection, which takes so many envelopes at once: what is unconfirmed is to be sent anew."""
        size = min(self._settings.window, places)
        self.window.restart(size, patience)
        self._order.restart(self.spool.state().last_seq, size)

    async def take_next(self, now: float) -> bool:
        """Take the next envelopes of one source into the window; returns whether there may be more.

        Raises:
            StorageError: the disk refuses.
            SpoolCorruptError: the spool's file broke.
        """
        want = self._order.want(self.window.room, self.spool.state().last_seq, now)
        if want is None:
            return False
        rows = await self.spool.fetch(want.after, want.limit, until=want.until, border=want.border)
        for number, body in self._order.take(want, rows, self.window, now):
            self.window.add(number, body, live=want.source is Source.LIVE)
        return True

    def drop(self) -> bool:
        """Forget what the spool's bounds dropped; returns whether there was any."""
        dropped = self.spool.take_dropped()
        self.window.remove(dropped)
        return bool(dropped)

    def take_due(self, now: float) -> list[Due]:
        """What is to be sent now, counted."""
        due = self.window.take_due(now)
        first = [envelope for envelope in due if not envelope.attempts]
        self._figures.sent(len(first), len(due) - len(first))
        now_ms = self._clock.now_ms()
        for envelope in first:
            if envelope.live and (at := last_reading_at(envelope.body)) is not None:
                self._figures.handed_over((now_ms - at) / 1000)
        return due

    def next_time(self, now: float) -> float | None:
        """When something is due although nothing comes in, real monotonic seconds."""
        tokens = self._order.next_time(self.spool.state().last_seq, now) if self.window.room else None
        times = [time for time in (self.window.next_due(), tokens) if time is not None]
        return min(times, default=None)

    def busy_until(self, after_s: float | None, now: float) -> float:
        """When to come again where the platform asked to come later, in `after_s` seconds or some time."""
        metrics.platform_busy(self.spool.gateway)
        return now + (self._delay(1) if after_s is None else min(after_s, MOST_WAIT_S))

    @property
    def is_done(self) -> bool:
        """Whether nothing is on the way and nothing waits, but for what a thin line keeps back."""
        return not len(self.window) and not self._order.waits(self.spool.state().last_seq)

    async def on_acknowledgement(self, message: Acknowledgement, now: float) -> bool:
        """Let go what was confirmed; returns whether anything was."""
        if message.stream not in (None, self.spool.stream):
            return False
        # The answer to a message that could not be read names no stream: nothing is confirmed by it. Nor can be what
        # is not on the way: a number that was never sent is no confirmation of ours.
        numbers: Sequence[int] = message.confirmed if message.stream else ()
        self._compare_clocks(message.at, self.window.latest_sent(numbers), now)
        confirmed = self.window.remove(numbers)
        gateway = self.spool.gateway
        metrics.refused(gateway, message.refused)
        metrics.refusals_changed(gateway, self._refusals.take(message.refused, confirmed, now))
        if confirmed:
            metrics.envelopes_confirmed(gateway, len(confirmed))
            await self.spool.confirm(confirmed)
            self.spool.changed.set()
        return bool(confirmed)

    def on_unreadable(self, kind: Kind, error: WireError) -> None:
        """A message to us breaks the contract; whoever sent it may answer every envelope so, for weeks."""
        metrics.message_unreadable(self.spool.gateway, kind.value)
        if count := self._unreadable[kind].add(1):
            metrics.unreadable_told(self.spool.gateway, kind.value, count, error)

    async def on_command(self, command: Command) -> None:
        """Send again what the platform asks for, as far as it is still here."""
        if command.stream != self.spool.stream:
            return
        ranges = command.ranges
        _log.info("resend_asked", gateway=self.spool.gateway, ranges=len(ranges), first=ranges[:1])
        if await self.spool.reopen(ranges):
            self._order.start_over()
        self.window.again(ranges)
        self.spool.changed.set()

    async def status(self, *, online: bool) -> bytes:
        """What is kept and what was dropped, as the contract has it."""
        await self.spool.settle()
        state = self.spool.state()
        status = Status(
            VERSION,
            online,
            state.stream,
            state.kept_from,
            state.last_seq,
            list(state.dropped),
            self._clock.now_ms(),
            state.dropped_total,
        )
        return encode(status)

    def _compare_clocks(self, platform_ms: int | None, sent_at: float | None, now: float) -> None:
        if platform_ms is None or sent_at is None:
            return
        skew = compare(self._clock.now_ms(), platform_ms, (now - sent_at) * self._clock.scale)
        metrics.clock_compared(self.spool.gateway, skew)
        bound = self._settings.skew_warning_s
        if not self._is_skewed and skew.exceeds(bound):
            self._is_skewed = True
            metrics.clock_wrong(self.spool.gateway, skew)
        elif self._is_skewed and abs(skew.seconds) + skew.doubt < bound:
            self._is_skewed = False
            metrics.clock_right(self.spool.gateway, skew)


def last_reading_at(body: bytes) -> int | None:
    """The time of an envelope's last reading, ms UTC, without decoding all of it; None where it is not found."""
    _, _, tail = body.rpartition(b'["')
    parts = tail.split(b",", 2)
    return int(parts[1]) if len(parts) > 2 and parts[1].isdigit() else None  # noqa: PLR2004 - point, time, the rest
