"""A small registry, and messages from its gateways, for tests of ingest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from energy.readings import Reading
from energy.wire import Address, encode_envelope
from ingest.checking.batch import Batch, assemble
from ingest.checking.points import PointTable
from ingest.checking.verdicts import Bounds
from ingest.receiving.carrier import Delivery, Settled
from ingest.receiving.envelopes import from_topic

START_MS = 1_772_294_400_000
"""2026-03-01T00:00:00+08:00."""
STREAM = "0123456789abcdef0123456789abcdef"
GATEWAY = Address("610303", "gw-a")
OTHER_GATEWAY = Address("610303", "gw-b")
TABLE = PointTable.of([("A-1", 11, "gw-a"), ("A-2", 12, "gw-a"), ("B-1", 21, "gw-b")])
BOUNDS = Bounds(START_MS - 1_000_000, START_MS + 1_000_000)


@dataclass(eq=False)
class ListeningCarrier:
    """A carrier that remembers what was settled."""

    name: str = "mqtt"
    settled: list[Settled] = field(default_factory=list)

    def settle(self, settled: Sequence[Settled]) -> None:
        """Remember."""
        self.settled += settled


CARRIER = ListeningCarrier()
"""For tests that do not look at what was settled."""


def received(topic: str, payload: bytes) -> Delivery:
    """A message as it came in, whatever it says."""
    return from_topic(CARRIER, None, topic, payload)


def message(readings: Sequence[Reading], *, seq: int = 1, sender: Address = GATEWAY) -> Delivery:
    """One decoded message."""
    return received(sender.up, encode_envelope(STREAM, seq, list(readings)))


def batch_of(*deliveries: Delivery, bounds: Bounds = BOUNDS, table: PointTable = TABLE) -> Batch:
    """A batch of messages, checked."""
    return assemble(deliveries, table, bounds, START_MS)
