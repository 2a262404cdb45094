"""Which envelopes are taken from the spool next: live first, the backlog beside them. Pure: real time is an argument.

What was appended since the connection was made is live. What was there before, oldest first, is the backlog: it goes at
a bounded rate and never takes the last places of the window, so that a new envelope finds one. Live envelopes that
could not be sent for a while become backlog themselves, and the newest go first again.

On a thin line (`send = "borders"`) all this is true of the envelopes that hold the readings nearest the quarter hours.
The rest goes only when none of those waits, oldest first, within a budget of bytes.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from enum import Enum

import msgspec

from collector.uplink.bucket import TokenBucket
from collector.uplink.settings import UplinkSettings

BEHIND_S = 30.0
"""Real seconds for which live envelopes may wait; then they are backlog, and what comes later is live."""

_REST_AT_ONCE = 8

Row = tuple[int, bytes]
"""An envelope's number and body."""


class Source(Enum):
    """Where an envelope stands in the order of sending."""

    LIVE = "live"
    BACKLOG = "backlog"
    REST = "rest"


class Want(msgspec.Struct, frozen=True):
    """What to fetch from the spool: at most `limit` unconfirmed envelopes above `after`, up to and with `until`.

    `border` says of which class, None for any; `turn` tells an answer that comes too late.
    """

    source: Source
    after: int
    until: int
    limit: int
    border: bool | None
    turn: int


class Order:
    """The order of one gateway's envelopes.

    Every unconfirmed envelope is in the window, or beyond the cursor of its source.

    Args:
        settings: window and rates.
    """

    def __init__(self, settings: UplinkSettings) -> None:
        self._border = True if settings.send == "borders" else None
        self._backlog_bucket = TokenBucket(settings.backlog_per_s, max(1.0, settings.backlog_per_s))
        self._rest_bucket = TokenBucket(settings.rest_bytes_per_s, max(1.0, settings.rest_bytes_per_s))
        self._reserve = 0
        self._turn = 0
        self._live = self._parting = self._backlog = self._rest = 0
        self._behind_since: float | None = None

    def restart(self, last: int, size: int) -> None:
        """A new connection: what is there, up to number `last`, is backlog; the window has `size` places."""
        self._reserve = min(size - 1, max(1, size // 4))
        self._live = last
        self.start_over()

    def start_over(self) -> None:
        """Envelopes came back, which may lie anywhere: go through the backlog once more."""
        self._turn += 1
        self._parting = self._live
        self._backlog = self._rest = 0
        self._behind_since = None

    def want(self, room: int, last: int, now: float) -> Want | None:
        """What to fetch next; None when nothing waits, or may be sent now.

        Args:
            room: free places of the window.
            last: the highest number in the spool.
            now: real monotonic seconds.
        """
        self._note_delay(last, now)
        spare = room - self._reserve
        if self._live < last:
            return self._wanted(Source.LIVE, self._live, last, room) if room > 0 else None
        if spare <= 0:
            return None
        if self._backlog < self._parting:
            tokens = self._backlog_bucket.whole(now)
            return (
                self._wanted(Source.BACKLOG, self._backlog, self._parting, min(spare, tokens)) if tokens > 0 else None
            )
        if self._border and self._rest < last and self._rest_bucket.whole(now) > 0:
            return self._wanted(Source.REST, self._rest, last, min(spare, _REST_AT_ONCE))
        return None

    def take(self, want: Want, rows: Sequence[Row], held: Container[int], now: float) -> list[Row]:
        """What of the fetched rows is to be sent; the others are on the way already, or wait for their turn.

        Args:
            want: what was fetched.
            rows: what there was, by number.
            held: the numbers in the window.
            now: real monotonic seconds.
        """
        if want.turn != self._turn:
            return []
        taken: list[Row] = []
        for number, body in rows:
            if number not in held:
                if want.source is Source.REST and self._rest_bucket.whole(now) <= 0:
                    return taken
                self._spend(want.source, body)
                taken.append((number, body))
            self._move(want.source, number)
        if len(rows) < want.limit:
            self._move(want.source, want.until)
        return taken

    def waits(self, last: int) -> bool:
        """Whether something is still to be taken that need not fit a budget of bytes."""
        return self._live < last or self._backlog < self._parting

    def next_time(self, last: int, now: float) -> float | None:
        """When tokens come that are lacking now, real monotonic seconds; None where none are lacking."""
        if self._backlog < self._parting:
            when = self._backlog_bucket.next_time(now)
        elif self._border and self._rest < last:
            when = self._rest_bucket.next_time(now)
        else:
            return None
        return when if when is not None and when > now else None

    def _note_delay(self, last: int, now: float) -> None:
        if self._live >= last:
            self._behind_since = None
        elif self._behind_since is None:
            self._behind_since = now
        elif now - self._behind_since > BEHIND_S:
            self._live = self._parting = last
            self._behind_since = None

    def _wanted(self, source: Source, after: int, until: int, limit: int) -> Want:
        border = False if source is Source.REST else self._border
        return Want(source, after, until, limit, border, self._turn)

    def _spend(self, source: Source, body: bytes) -> None:
        if source is Source.BACKLOG:
            self._backlog_bucket.spend(1.0)
        elif source is Source.REST:
            self._rest_bucket.spend(len(body))

    def _move(self, source: Source, number: int) -> None:
        if source is Source.LIVE:
            self._live = max(self._live, number)
        elif source is Source.BACKLOG:
            self._backlog = max(self._backlog, number)
        else:
            self._rest = max(self._rest, number)
