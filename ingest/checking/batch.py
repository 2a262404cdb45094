"""What a batch of deliveries becomes before it is written: rows for the database, and refusals for the senders."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import msgspec
import numpy as np
from numpy.typing import NDArray

from energy.readings import Reading
from energy.wire import Refusal, RefusalCode
from ingest.checking.code_index import UNKNOWN
from ingest.checking.columns import Columns, columns_of
from ingest.checking.points import PointTable
from ingest.checking.rates import NOTHING_FAST, Fast
from ingest.checking.rows import Rows, sorted_rows
from ingest.checking.verdicts import ACCEPTED, CODES, Bounds, judge
from ingest.receiving.carrier import Delivery, Settled
from ingest.receiving.envelopes import shortened

_DETAILS = {
    RefusalCode.UNKNOWN_POINT: "point {reading.point!r} is not registered",
    RefusalCode.NOT_OWNER: "point {reading.point!r} belongs to another gateway",
    RefusalCode.UNKNOWN_QUALITY: "quality {reading.quality} is none of 0 to 3",
    RefusalCode.NOT_FINITE: "value {reading.value!r} does not go with quality {reading.quality}",
    RefusalCode.FUTURE: "at {reading.at} is later than {bounds.latest}",
    RefusalCode.TOO_OLD: "at {reading.at} is earlier than {bounds.earliest}",
    RefusalCode.OUT_OF_RANGE: "value {reading.value!r} is outside the point's range, {low} to {high}",
}


@dataclass(frozen=True, slots=True)
class Reject:
    """A refusal that is kept.

    Attributes:
        delivery: which delivery of the batch it is about.
        refusal: what the sender is told.
        payload: the refused reading as JSON, or the whole message as it came.
    """

    delivery: int
    refusal: Refusal
    payload: bytes


@dataclass(frozen=True, slots=True)
class Offer:
    """What came in, laid out for checking.

    Attributes:
        deliveries: in the order of arrival.
        received_ms: data time at which the first one arrived.
        points: the table that says what is registered.
        columns: every reading of the deliveries.
    """

    deliveries: Sequence[Delivery]
    received_ms: int
    points: PointTable
    columns: Columns

    def senders(self) -> NDArray[np.int32]:
        """For each delivery the number of its gateway, `UNKNOWN` for an unregistered one."""
        numbers = self.points.gateways
        addresses = [delivery.address for delivery in self.deliveries]
        return np.array([numbers.get(a.gateway, UNKNOWN) if a else UNKNOWN for a in addresses], np.int32)

    def reading_at(self, position: int) -> Reading:
        """The reading at `position` of the columns, as it came."""
        delivery = self.deliveries[int(self.columns.delivery[position])]
        return delivery.readings[self.columns.index_of(position)]

    def reject(self, position: int, code: RefusalCode, detail: str, **context: object) -> Reject:
        """Refuse the reading at `position` of the columns."""
        number = int(self.columns.delivery[position])
        delivery = self.deliveries[number]
        index = self.columns.index_of(position)
        reading = self.reading_at(position)
        text = shortened(detail.format(reading=reading, **context))
        return Reject(number, Refusal(delivery.seq, index, code, text), msgspec.json.encode(reading))


@dataclass(frozen=True, slots=True)
class Batch:
    """What is committed, and answered, as one.

    Attributes:
        offer: what came in.
        accepted: positions in the offer's columns of the readings that passed.
        rows: these, sorted, exact repetitions dropped.
        row_of: for each accepted reading its row.
        rejects: what did not pass.
        fast: which of the rows changed faster than is plausible.
    """

    offer: Offer
    accepted: NDArray[np.intp]
    rows: Rows
    row_of: NDArray[np.intp]
    rejects: tuple[Reject, ...]
    fast: Fast = NOTHING_FAST

    @property
    def offered(self) -> int:
        """How many readings came in; a message refused whole counts as one."""
        return len(self.accepted) + len(self.rejects)

    @property
    def repeated(self) -> int:
        """How many accepted readings repeat another one of this batch exactly."""
        return len(self.accepted) - len(self.rows)

    def unknown_codes(self) -> set[str]:
        """The codes of which no point is registered, as far as is known."""
        unknown = np.flatnonzero(self.offer.columns.position == UNKNOWN)
        return {self.offer.reading_at(int(position)).point for position in unknown}

    def max_rates(self) -> NDArray[np.float64]:
        """For each row the greatest plausible change of its point, per hour."""
        points = self.offer.points
        rates = np.empty(len(self.rows), np.float64)
        rates[self.row_of] = points.bounds.max_rate[points.classes[self.offer.columns.position[self.accepted]]]
        return rates

    def settled(self) -> Iterator[Settled]:
        """Each delivery with what of it was refused, in the order of arrival: for after the commit."""
        refusals: defaultdict[int, list[Refusal]] = defaultdict(list)
        for reject in self.rejects:
            refusals[reject.delivery].append(reject.refusal)
        for number, delivery in enumerate(self.offer.deliveries):
            yield Settled(delivery, refusals.get(number, ()))

    def refusing(self, guilty: NDArray[np.bool_], detail: str) -> Batch:
        """The batch without the `guilty` rows, which the database refused for the reason `detail`."""
        refused = guilty[self.row_of]
        rejects = tuple(
            self.offer.reject(int(position), RefusalCode.STORAGE_REFUSED, "{cause}", cause=detail)
            for position in self.accepted[refused]
        )
        rest = _sorted(self.offer, self.accepted[~refused], self.rejects + rejects)
        return replace(rest, fast=self.fast.without(self.rows.take(guilty)))


def assemble(deliveries: Sequence[Delivery], points: PointTable, bounds: Bounds, received_ms: int) -> Batch:
    """Lay out, check and sort what `deliveries` bring.

    Args:
        deliveries: what came in.
        points: what is registered.
        bounds: the times that are accepted.
        received_ms: data time at which the first one arrived.
    """
    columns = columns_of([delivery.readings for delivery in deliveries], points)
    offer = Offer(deliveries, received_ms, points, columns)
    verdict = judge(columns, offer.senders(), points, bounds)
    rejects = _refused_whole(deliveries)
    for position in np.flatnonzero(verdict != ACCEPTED):
        rejects.append(_refused(offer, int(position), CODES[verdict[position]], bounds))
    return _sorted(offer, np.flatnonzero(verdict == ACCEPTED), tuple(rejects))


def _refused(offer: Offer, position: int, code: RefusalCode, bounds: Bounds) -> Reject:
    own = offer.points.classes[offer.columns.position[position]] if code is RefusalCode.OUT_OF_RANGE else 0
    values = offer.points.bounds
    return offer.reject(position, code, _DETAILS[code], bounds=bounds, low=values.low[own], high=values.high[own])


def _refused_whole(deliveries: Sequence[Delivery]) -> list[Reject]:
    return [
        Reject(number, delivery.refusal, delivery.payload)
        for number, delivery in enumerate(deliveries)
        if delivery.refusal is not None
    ]


def _sorted(offer: Offer, accepted: NDArray[np.intp], rejects: tuple[Reject, ...]) -> Batch:
    columns = offer.columns
    rows, row_of = sorted_rows(
        offer.points.ids[columns.position[accepted]],
        columns.at[accepted],
        columns.value[accepted],
        columns.quality[accepted],
    )
    return Batch(offer, accepted, rows, row_of, rejects)
