"""Puts the messages of one edge node into order before they are understood. Pure.

A message whose seq is not due yet waits for those before it, at most for the reorder timeout (Sparkplug 3.0, section
5.10.2): brokers keep the order of each topic only. When the time is over, what waits is handed on as it is; the edge
node's state then notices the gap, and births are asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from energy.sparkplug.edge_nodes import SEQS, EdgeNode, Heard
from energy.sparkplug.payload import Payload
from energy.sparkplug.topics import Kind

MOST_HELD = 64
"""Messages of one edge node that wait; with one more the gap counts as lost."""
MOST_HELD_BYTES = 1 << 20
"""Likewise, bytes of these messages."""


class Arrived(NamedTuple):
    """A message as it came.

    Attributes:
        kind: what it is.
        device: whose; empty for the edge node's own.
        payload: what it says.
        body: its bytes.
        wanted: whether any metric of the device is mapped; otherwise it only counts.
    """

    kind: Kind
    device: str
    payload: Payload
    body: bytes
    wanted: bool


class Told(NamedTuple):
    """A message with what it told, in the order of the edge node as far as that is known."""

    arrived: Arrived
    heard: Heard


class Ordering:
    """The messages of one edge node on their way to its state. All times named `now` are real monotonic seconds.

    Args:
        node: what is known of the edge node.
        timeout_s: how long a message may wait; 0 for not at all.
    """

    def __init__(self, node: EdgeNode, timeout_s: float) -> None:
        self.node = node
        self._timeout_s = timeout_s
        self._held: dict[int, Arrived] = {}
        self._since = 0.0

    @property
    def waits(self) -> bool:
        """Whether a message waits for one before it."""
        return bool(self._held)

    def reconnected(self) -> None:
        """Messages may have been missed; what waited is of no use any more."""
        self._held.clear()
        self.node.reconnected()

    def take(self, arrived: Arrived, now: float) -> list[Told]:
        """What is known now: of this message, and of those that waited for it."""
        if arrived.kind is Kind.NODE_DEATH:
            return [*self._release(now), self._tell(arrived, now)]
        if arrived.kind is Kind.NODE_BIRTH:
            older = [one for one in self._held.values() if _sent_before(one, arrived)]
            return [*self._release(now, older), self._tell(arrived, now), *self._follow(now)]
        if self._is_early(arrived):
            return list(self._hold(arrived, now))
        return [self._tell(arrived, now), *self._follow(now)]

    def expire(self, now: float) -> list[Told]:
        """What waited too long."""
        return list(self._release(now)) if self._held and now - self._since >= self._timeout_s else []

    def _is_early(self, arrived: Arrived) -> bool:
        due, seq = self.node.due, arrived.payload.seq
        return bool(self._timeout_s) and None not in (due, seq) and seq not in (due, _before(due)) and seq < SEQS  # type: ignore[operator] # neither is None

    def _hold(self, arrived: Arrived, now: float) -> Iterator[Told]:
        if not self._held:
            self._since = now
        # One that comes twice waits once.
        self._held.setdefault(arrived.payload.seq or 0, arrived)
        if len(self._held) > MOST_HELD or sum(len(one.body) for one in self._held.values()) > MOST_HELD_BYTES:
            yield from self._release(now)

    def _follow(self, now: float) -> Iterator[Told]:
        """What waited and is due now; all of it once nothing is due, since the edge node's state lost step."""
        began = len(self._held)
        while self._held and (due := self.node.due) is not None and due in self._held:
            yield self._tell(self._held.pop(due), now)
        if len(self._held) < began:
            self._since = now
        if self.node.due is None:
            yield from self._release(now)

    def _release(self, now: float, which: list[Arrived] | None = None) -> Iterator[Told]:
        due = self.node.due or 0
        chosen = list(self._held.values()) if which is None else which
        chosen.sort(key=lambda one: ((one.payload.seq or 0) - due) % SEQS)
        for one in chosen:
            del self._held[one.payload.seq or 0]
            yield self._tell(one, now)

    def _tell(self, arrived: Arrived, now: float) -> Told:
        if arrived.wanted:
            return Told(arrived, self.node.take(arrived.kind, arrived.device, arrived.payload, now))
        self.node.skip(arrived.payload)
        return Told(arrived, Heard([], [], [arrived.device] if arrived.kind is Kind.DEVICE_DEATH else []))


def _before(seq: int | None) -> int | None:
    return None if seq is None else (seq - 1) % SEQS


def _sent_before(one: Arrived, birth: Arrived) -> bool:
    sent, born = one.payload.timestamp, birth.payload.timestamp
    return sent is None or born is None or sent < born
