"""The newest envelopes in memory: what was encoded a moment ago need not be read back to be sent. Pure.

The file remains the only truth. An envelope comes here after its commit, and leaves when it was confirmed or dropped.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from collector.spool.bounds import BORDER

MOST_BYTES = 1 << 20
"""Of the bodies held: some seconds of a large gateway. Where no platform takes them, the older ones are on the disk."""


class Written(NamedTuple):
    """An envelope that a commit has put on the disk: its number, its class and its body as it is sent."""

    seq: int
    kind: int
    body: bytes


class Recent:
    """The bodies of all unconfirmed envelopes from some number on.

    Args:
        most_bytes: bytes of bodies held; beyond it the oldest are only on the disk.
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._held: dict[int, Written] = {}
        self._bytes = 0
        self._from = self._next = 1

    def start_over(self, last_seq: int) -> None:
        """Hold nothing: what is in the file up to number `last_seq` is not known here."""
        self._held.clear()
        self._bytes = 0
        self._from = self._next = last_seq + 1

    def add(self, written: Iterable[Written]) -> None:
        """Hold what was put on the disk, each number the next one."""
        for envelope in written:
            self._held[envelope.seq] = envelope
            self._bytes += len(envelope.body)
            self._next = envelope.seq + 1
        while self._bytes > self._most_bytes:
            oldest = next(iter(self._held))
            self.remove([oldest])
            self._from = max(self._from, oldest + 1)

    def remove(self, numbers: Iterable[int]) -> None:
        """These were confirmed, or dropped."""
        for number in numbers:
            if (envelope := self._held.pop(number, None)) is not None:
                self._bytes -= len(envelope.body)

    def fetch(self, after: int, limit: int, until: int, *, border: bool | None) -> list[tuple[int, bytes]] | None:
        """What `Spool.fetch` is to return; None where some of it may be only on the disk."""
        if after + 1 < self._from or until >= self._next:
            return None
        found: list[tuple[int, bytes]] = []
        for number in range(after + 1, until + 1):
            envelope = self._held.get(number)
            if envelope is not None and border in (None, envelope.kind == BORDER):
                found.append((number, envelope.body))
                if len(found) == limit:
                    break
        return found
