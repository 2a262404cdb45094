"""A small registry, and messages from its gateways, for tests of ingest."""

from __future__ import annotations

from collections.abc import Sequence

from energy.readings import Reading
from energy.wire import Address, encode_envelope
from ingest.batch import Batch, assemble
from ingest.checks import Bounds
from ingest.envelopes import Delivery, decode
from ingest.points import PointTable

START_MS = 1_772_294_400_000
"""2026-03-01T00:00:00+08:00."""
STREAM = "0123456789abcdef0123456789abcdef"
GATEWAY = Address("610303", "gw-a")
OTHER_GATEWAY = Address("610303", "gw-b")
TABLE = PointTable.of([("A-1", 11, "gw-a"), ("A-2", 12, "gw-a"), ("B-1", 21, "gw-b")])
BOUNDS = Bounds(START_MS - 1_000_000, START_MS + 1_000_000)


def message(readings: Sequence[Reading], *, seq: int = 1, sender: Address = GATEWAY) -> Delivery[None]:
    """One decoded message."""
    return decode(None, sender.up, encode_envelope(STREAM, seq, list(readings)))


def batch_of(*deliveries: Delivery[None], bounds: Bounds = BOUNDS, table: PointTable = TABLE) -> Batch[None]:
    """A batch of messages, checked."""
    return assemble(deliveries, table, bounds, START_MS)
