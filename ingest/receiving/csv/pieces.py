"""Some lines of a file on their way through the pipeline, and back as what was refused of them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec

from energy.readings import Reading
from energy.wire import MAX_ENVELOPE_READINGS, Address, Refusal
from ingest.receiving.carrier import Delivery, Settled
from ingest.receiving.csv.decoder import Record
from ingest.receiving.envelopes import shortened

_MOST_DELIVERIES = 4
MOST_LINES = _MOST_DELIVERIES * MAX_ENVELOPE_READINGS
"""Most lines of an upload that are unsettled at once: its window."""
MOST_REFUSED = 500
"""Most of them that are refused for themselves: each takes a delivery of its own."""
WINDOW = _MOST_DELIVERIES + MOST_REFUSED
"""Most deliveries of an upload that are unsettled at once."""


class Piece:
    """Lines that are sent, and waited for, together.

    Args:
        records: at most `MOST_LINES`.

    Attributes:
        records: these.
        refusals: what was refused, by index into `records`; all that will be, once `settled` returns.
    """

    def __init__(self, records: Sequence[Record]) -> None:
        self.records = records
        self.refusals: dict[int, Refusal] = {}
        self._unsettled = 0
        self._all = asyncio.Event()

    def deliveries(self, carrier: CsvCarrier, source: str, address: Address) -> list[Delivery]:
        """The readings, some deliveries of them, and each line without one in a delivery of its own."""
        made: list[Delivery] = []
        good = [index for index, record in enumerate(self.records) if record.reading is not None]
        for start in range(0, len(good), MAX_ENVELOPE_READINGS):
            indices = good[start : start + MAX_ENVELOPE_READINGS]
            readings = [reading for index in indices if (reading := self.records[index].reading) is not None]
            receipt = _Receipt(self, indices)
            made.append(Delivery(carrier, receipt, source, b"", address, None, None, readings))
        for index, record in enumerate(self.records):
            if record.refused is not None:
                detail = shortened(f"line {record.line}: {record.refused.detail}")
                refusal = Refusal(None, None, record.refused.code, detail)
                receipt = _Receipt(self, [index])
                made.append(Delivery(carrier, receipt, source, record.content, address, None, None, (), refusal))
        self._unsettled = len(made)
        return made

    def accepted(self) -> list[Reading]:
        """The readings that are not refused, once that is known."""
        return [
            record.reading
            for index, record in enumerate(self.records)
            if record.reading is not None and index not in self.refusals
        ]

    async def settled(self) -> None:
        """Wait until all of it is committed."""
        if self._unsettled:
            await self._all.wait()

    def settle(self, refused: Sequence[tuple[int, Refusal]]) -> None:
        """One of the deliveries is committed."""
        for index, refusal in refused:
            line = self.records[index].line
            detail = shortened(refusal.detail.removeprefix(f"line {line}: "))
            self.refusals[index] = msgspec.structs.replace(refusal, detail=detail)
        self._unsettled -= 1
        if not self._unsettled:
            self._all.set()


class _Receipt(msgspec.Struct, frozen=True, eq=False):
    """Which lines a delivery has."""

    piece: Piece
    indices: Sequence[int]


class CsvCarrier:
    """Tells uploads what was committed of them; one whose client has gone is only forgotten."""

    name = "csv"

    def settle(self, settled: Sequence[Settled]) -> None:
        """Let uploads go on."""
        for one in settled:
            receipt = one.delivery.receipt
            assert isinstance(receipt, _Receipt)  # noqa: S101 - ours alone
            receipt.piece.settle([(receipt.indices[refusal.index or 0], refusal) for refusal in one.refusals])
