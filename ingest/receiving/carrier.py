"""The contract between the ways in and the one pipeline behind them.

A carrier (MQTT, HTTP push, Sparkplug, a CSV file, a replay of rejects) turns what it gets into deliveries and puts them
into the intake. When a delivery is committed, the acknowledger gives it back to its carrier, which alone knows whom to
tell, and how. What a carrier lets in unsettled at once it bounds itself: its window is its back-pressure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import msgspec

from energy.readings import Reading
from energy.wire import Address, Refusal


class Carrier(Protocol):
    """A way in.

    Attributes:
        name: `mqtt`, `http`, `sparkplug`, `csv`, `replay`: kept with rejects, and a label of metrics.
    """

    @property
    def name(self) -> str:
        """Which way in."""

    def settle(self, settled: Sequence[Settled]) -> None:
        """Tell the senders of committed deliveries; all of one batch that this carrier brought, in order of arrival.

        Never waits and never raises: what cannot be told now is sent again by its sender.
        """


class Delivery(msgspec.Struct, frozen=True, eq=False):
    """What came in at once, on its way through ingest.

    Attributes:
        carrier: who brought it, and is told when it is committed.
        receipt: what the carrier needs to tell its sender; opaque to everything else.
        source: where it came in: the topic, or what stands for it; kept with rejects.
        payload: as received; kept when it is refused whole.
        address: the sender, None when it is unknown.
        stream: the envelope's stream, None without one.
        seq: its number in the stream, None without one; with a stream it names the envelope in the ledger.
        readings: what it brings, nothing when it was refused whole.
        refusal: why it was refused whole, None when it was not.
    """

    carrier: Carrier
    receipt: object
    source: str
    payload: bytes
    address: Address | None
    stream: str | None
    seq: int | None
    readings: Sequence[Reading]
    refusal: Refusal | None = None

    @property
    def weight(self) -> int:
        """What it counts as: its readings, and one where it was refused whole."""
        return len(self.readings) or 1


@dataclass(frozen=True, slots=True)
class Settled:
    """A delivery that is committed, with everything of it that was refused."""

    delivery: Delivery
    refusals: Sequence[Refusal]
