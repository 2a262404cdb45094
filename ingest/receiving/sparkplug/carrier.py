"""The carrier Sparkplug: counts what it has let in and not seen committed; there is nobody to acknowledge to.

Messages come with QoS 0, so that no window of the broker holds them back. When too much waits here, the host goes
offline, and edge nodes that have it for their primary host keep their values until it is back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from energy.readings import Reading
from energy.wire import Address, Refusal, RefusalCode
from ingest.receiving.carrier import Delivery, Settled
from ingest.receiving.envelopes import MAX_KEPT_BYTES, shortened
from ingest.receiving.sparkplug import metrics

_READING_BYTES = 100
"""A message that is kept because it was refused weighs a reading for so many bytes."""
_RESUME_SHARE = 4
"""The window has room again when this part of it is left."""


class SparkplugCarrier:
    """Brings deliveries of edge nodes in.

    Args:
        window: unsettled readings above which it is full.

    Attributes:
        unsettled: readings let in and not committed yet.
    """

    name = "sparkplug"

    def __init__(self, window: int) -> None:
        self.unsettled = 0
        self._window = window
        self._full = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()

    def settle(self, settled: Sequence[Settled]) -> None:
        """Make room."""
        self._count(-sum(_weight(one.delivery) for one in settled))

    def readings(self, topic: str, address: Address, readings: Sequence[Reading]) -> Delivery:
        """What mapped metrics of one message showed."""
        return self._let_in(Delivery(self, None, topic, b"", address, None, None, readings))

    def refused(self, topic: str, payload: bytes, address: Address, code: RefusalCode, detail: str) -> Delivery:
        """A message that is kept because it was not understood."""
        refusal = Refusal(None, None, code, shortened(detail))
        return self._let_in(
            Delivery(self, None, topic, payload[:MAX_KEPT_BYTES], address, None, None, (), refusal)
        )  # fmt: skip

    @property
    def is_full(self) -> bool:
        """Whether the window is full, and has no room again yet."""
        return self._full.is_set()

    async def full(self) -> None:
        """Wait until the window is full."""
        await self._full.wait()

    async def room(self) -> None:
        """Wait until the window has room again."""
        await self._room.wait()

    def _let_in(self, delivery: Delivery) -> Delivery:
        self._count(_weight(delivery))
        return delivery

    def _count(self, change: int) -> None:
        self.unsettled += change
        metrics.unsettled(self.unsettled)
        if self.unsettled > self._window:
            self._full.set()
            self._room.clear()
        elif self.unsettled <= self._window // _RESUME_SHARE:
            self._full.clear()
            self._room.set()


def _weight(delivery: Delivery) -> int:
    return delivery.weight + len(delivery.payload) // _READING_BYTES
