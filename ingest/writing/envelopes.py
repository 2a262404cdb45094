"""Which envelopes a batch brought: what the ledger is made of."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from ingest.checking.batch import Batch


@dataclass(slots=True)
class EnvelopeRecord:
    """The row of `batch_envelopes` of one batch: the numbered envelopes in it, in the order of arrival.

    Attributes:
        gateways, streams: each (gateway, stream) of the batch once.
        sender: for each envelope the index of its (gateway, stream), from 1 as PostgreSQL counts.
        seq: its number.
        readings: how many readings it brings; 0 where it was refused whole.
        rejected: how many of them were refused; 1 where it was refused whole.
    """

    gateways: list[str] = field(default_factory=list)
    streams: list[str] = field(default_factory=list)
    sender: list[int] = field(default_factory=list)
    seq: list[int] = field(default_factory=list)
    readings: list[int] = field(default_factory=list)
    rejected: list[int] = field(default_factory=list)


def record_of(batch: Batch) -> EnvelopeRecord:
    """Name every envelope of `batch` that has a number; what has none (a Sparkplug message, a CSV line) is left out."""
    rejected = Counter(reject.delivery for reject in batch.rejects)
    record = EnvelopeRecord()
    senders: dict[tuple[str, str], int] = {}
    for number, delivery in enumerate(batch.offer.deliveries):
        if delivery.address is None or delivery.stream is None or delivery.seq is None:
            continue
        key = delivery.address.gateway, delivery.stream
        record.sender.append(senders.setdefault(key, len(senders) + 1))
        record.seq.append(delivery.seq)
        record.readings.append(len(delivery.readings))
        record.rejected.append(rejected[number])
    record.gateways = [gateway for gateway, _ in senders]
    record.streams = [stream for _, stream in senders]
    return record
