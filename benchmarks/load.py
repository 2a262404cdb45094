"""A city's worth of readings, as messages and as rows: the same for both sides of a comparison."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from benchmarks.registry import REGION, gateway_code, point_code
from energy.readings import Reading
from energy.wire import Address, encode_envelope
from ingest.checking.rows import Rows, sorted_rows

MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True)
class Load:
    """What has piled up while nobody took it: each gateway has one envelope for each minute, with all its points.

    Attributes:
        gateways: how many gateways, one to a unit.
        points: points of each gateway, and readings of each envelope.
        minutes: how many envelopes each gateway has: no more than its window of unconfirmed ones.
        start_ms: the first minute, ms UTC.
        run: so many envelopes of one gateway stand one after the other before the next gateway's.
    """

    gateways: int
    points: int
    minutes: int
    start_ms: int
    run: int

    @property
    def readings(self) -> int:
        """How many readings there are."""
        return self.gateways * self.points * self.minutes

    def envelopes(self) -> Iterator[tuple[int, int]]:
        """(gateway, minute) of each envelope in the order in which the broker has them."""
        for first in range(0, self.minutes, self.run):
            for gateway in range(self.gateways):
                for minute in range(first, min(first + self.run, self.minutes)):
                    yield gateway, minute

    def messages(self) -> Iterator[tuple[str, bytes]]:
        """(topic, payload) of each envelope."""
        for gateway, minute in self.envelopes():
            at = self.start_ms + minute * MINUTE_MS
            values = self._values(gateway, minute)
            readings = [Reading(point_code(gateway, i), at, value) for i, value in enumerate(values.tolist())]
            yield Address(REGION, gateway_code(gateway)).up, encode_envelope(f"{gateway:032x}", minute + 1, readings)

    def rows(self, size: int) -> Iterator[Rows]:
        """The same readings in the same order as rows, in batches of `size`, each sorted by key."""
        order = np.array(list(self.envelopes()), np.int64)
        gateway, minute = np.repeat(order, self.points, axis=0).T
        point = gateway * self.points + np.tile(np.arange(self.points), len(order)) + 1
        value = np.concatenate([self._values(g, m) for g, m in order.tolist()])
        at = self.start_ms + minute * MINUTE_MS
        quality = np.zeros(len(at), np.int64)
        for start in range(0, len(at), size):
            part = slice(start, start + size)
            yield sorted_rows(point[part].astype(np.int32), at[part], value[part], quality[part])[0]

    def _values(self, gateway: int, minute: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        """Registers with two decimals, as meters have them; the same at every call."""
        chance = np.random.default_rng((gateway, 7))
        base, pace = chance.random(self.points) * 1e6, chance.random(self.points) * 10
        return np.round(base + pace * minute, 2)
