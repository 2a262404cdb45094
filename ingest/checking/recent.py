"""Which envelopes have come before: what is sent again goes into a batch of its own.

One repetition makes a whole batch go the slow way into the database. Remembering numbers keeps repetitions apart, so
that the others are copied. It only sorts: an envelope that is forgotten, or comes to another worker, costs time alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ingest.receiving.batcher import Gathered
from ingest.receiving.carrier import Delivery

MOST_REMEMBERED = 65_536
"""Envelopes of one generation; two are kept: five minutes at the nation's rate. Until both are full the worker grows,
by some 10 MB; it has then all that it will take."""


class Recent:
    """The envelopes that came lately, in two generations: when the younger one is full, the older one is forgotten.

    Args:
        most: envelopes of a generation.
    """

    def __init__(self, most: int = MOST_REMEMBERED) -> None:
        self._most = most
        self._young: set[int] = set()
        self._old: set[int] = set()

    def apart(self, gathered: Gathered) -> Iterator[Gathered]:
        """What is new, and what has come before; only those of the two that are not empty."""
        fresh: list[Delivery] = []
        again: list[Delivery] = []
        for delivery in gathered.deliveries:
            (again if self._knows(delivery) else fresh).append(delivery)
        for deliveries in (fresh, again):
            if deliveries:
                weight = sum(delivery.weight for delivery in deliveries)
                yield replace(gathered, deliveries=deliveries, readings=weight)

    def _knows(self, delivery: Delivery) -> bool:
        """Whether it has come before; it is remembered. A hash is enough for something that only sorts."""
        if delivery.seq is None:
            return False
        key = hash((delivery.stream, delivery.seq))
        if key in self._young or key in self._old:
            return True
        self._young.add(key)
        if len(self._young) >= self._most:
            self._old, self._young = self._young, set()
        return False
