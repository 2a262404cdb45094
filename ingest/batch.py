"""What a batch of messages becomes before it is written: rows for the database, and refusals for the senders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic

import msgspec
import numpy as np
from numpy.typing import NDArray

from energy.wire import Refusal, RefusalCode
from ingest.checks import ACCEPTED, CODES, Bounds, judge
from ingest.columns import Columns, columns_of
from ingest.envelopes import Delivery, Origin, shortened
from ingest.points import UNKNOWN, PointTable
from ingest.rows import Rows, sorted_rows

_DETAILS = {
    RefusalCode.UNKNOWN_POINT: "point {reading.point!r} is not registered",
    RefusalCode.NOT_OWNER: "point {reading.point!r} belongs to another gateway",
    RefusalCode.UNKNOWN_QUALITY: "quality {reading.quality} is none of 0 to 3",
    RefusalCode.NOT_FINITE: "value {reading.value!r} does not go with quality {reading.quality}",
    RefusalCode.FUTURE: "at {reading.at} is later than {bounds.latest}",
    RefusalCode.TOO_OLD: "at {reading.at} is earlier than {bounds.earliest}",
}


@dataclass(frozen=True, slots=True)
class Reject:
    """A refusal that is kept.

    Attributes:
        delivery: which message of the batch it is about.
        refusal: what the sender is told.
        payload: the refused reading as JSON, or the whole message as it came.
    """

    delivery: int
    refusal: Refusal
    payload: bytes


@dataclass(frozen=True, slots=True)
class Offer(Generic[Origin]):
    """What came in, laid out for checking.

    Attributes:
        deliveries: the messages, in the order of arrival.
        received_ms: data time at which the first one arrived.
        points: the table that says what is registered.
        columns: every reading of the envelopes that decoded.
        carriers: for each of those envelopes its delivery.
    """

    deliveries: Sequence[Delivery[Origin]]
    received_ms: int
    points: PointTable
    columns: Columns
    carriers: Sequence[int]

    def senders(self) -> NDArray[np.int32]:
        """For each envelope the number of its gateway, `UNKNOWN` for an unregistered one."""
        addresses = [self.deliveries[carrier].address for carrier in self.carriers]
        numbers = self.points.gateways
        return np.array([numbers.get(a.gateway, UNKNOWN) if a else UNKNOWN for a in addresses], np.int32)

    def reject(self, position: int, code: RefusalCode, detail: str, **context: object) -> Reject:
        """Refuse the reading at `position` of the columns."""
        carrier = self.carriers[self.columns.envelope[position]]
        envelope = self.deliveries[carrier].envelope
        assert envelope is not None  # noqa: S101 - a carrier carries one, by construction
        index = self.columns.index_of(position)
        reading = envelope.readings[index]
        text = shortened(detail.format(reading=reading, **context))
        return Reject(carrier, Refusal(envelope.seq, index, code, text), msgspec.json.encode(reading))


@dataclass(frozen=True, slots=True)
class Batch(Generic[Origin]):
    """What is committed, and answered, as one.

    Attributes:
        offer: what came in.
        accepted: positions in the offer's columns of the readings that passed.
        rows: these, sorted, exact repetitions dropped.
        row_of: for each accepted reading its row.
        rejects: what did not pass.
    """

    offer: Offer[Origin]
    accepted: NDArray[np.intp]
    rows: Rows
    row_of: NDArray[np.intp]
    rejects: tuple[Reject, ...]

    @property
    def offered(self) -> int:
        """How many readings came in; a message refused whole counts as one."""
        return len(self.accepted) + len(self.rejects)

    @property
    def repeated(self) -> int:
        """How many accepted readings repeat another one of this batch exactly."""
        return len(self.accepted) - len(self.rows)

    @property
    def names_unknown_points(self) -> bool:
        """Whether a newer point table might refuse less."""
        return any(reject.refusal.code is RefusalCode.UNKNOWN_POINT for reject in self.rejects)

    def refusing(self, guilty: NDArray[np.bool_], detail: str) -> Batch[Origin]:
        """The batch without the `guilty` rows, which the database refused for the reason `detail`."""
        refused = guilty[self.row_of]
        rejects = tuple(
            self.offer.reject(int(position), RefusalCode.STORAGE_REFUSED, "{cause}", cause=detail)
            for position in self.accepted[refused]
        )
        return _settled(self.offer, self.accepted[~refused], self.rejects + rejects)


def assemble(
    deliveries: Sequence[Delivery[Origin]], points: PointTable, bounds: Bounds, received_ms: int
) -> Batch[Origin]:
    """Lay out, check and sort what `deliveries` bring.

    Args:
        deliveries: the messages.
        points: what is registered.
        bounds: the times that are accepted.
        received_ms: data time at which the first message arrived.
    """
    carriers = [number for number, delivery in enumerate(deliveries) if delivery.envelope is not None]
    columns = columns_of([delivery.envelope for delivery in deliveries if delivery.envelope is not None], points)
    offer = Offer(deliveries, received_ms, points, columns, carriers)
    verdict = judge(columns, offer.senders(), points, bounds)
    rejects = _refused_whole(deliveries)
    for position in np.flatnonzero(verdict != ACCEPTED):
        code = CODES[verdict[position]]
        rejects.append(offer.reject(int(position), code, _DETAILS[code], bounds=bounds))
    return _settled(offer, np.flatnonzero(verdict == ACCEPTED), tuple(rejects))


def _refused_whole(deliveries: Sequence[Delivery[Origin]]) -> list[Reject]:
    return [
        Reject(number, delivery.refusal, delivery.payload)
        for number, delivery in enumerate(deliveries)
        if delivery.refusal is not None
    ]


def _settled(offer: Offer[Origin], accepted: NDArray[np.intp], rejects: tuple[Reject, ...]) -> Batch[Origin]:
    columns = offer.columns
    rows, row_of = sorted_rows(
        offer.points.ids[columns.position[accepted]],
        columns.at[accepted],
        columns.value[accepted],
        columns.quality[accepted],
    )
    return Batch(offer, accepted, rows, row_of, rejects)
