"""What ingest does with messages, less broker and database, and what must hold of it whatever they say."""

from __future__ import annotations

import json
import math
import struct
import sys
from collections import Counter
from types import SimpleNamespace
from typing import Any, NamedTuple

import msgspec

from energy.clocks import DataClock
from energy.readings import Quality, Reading
from energy.registry.store import PointKey
from energy.wire import MAX_ENVELOPE_BYTES, Address, RefusalCode, decode_acknowledgement, decode_envelope, encode
from energy.wire.messages import Envelope
from ingest.checking.batch import Batch, assemble
from ingest.checking.rates import RateWatch
from ingest.checking.recent import Recent
from ingest.following import status
from ingest.following.status import MOST_STREAMS, StatusFollower
from ingest.receiving.batcher import BatchLimits, Gathered
from ingest.receiving.carrier import Delivery
from ingest.receiving.http.gatekeeper import Gatekeeper
from ingest.receiving.http.readings import Readings
from ingest.receiving.http.requests import Request
from ingest.receiving.http.settings import HttpLimits
from ingest.receiving.http.window import Window
from ingest.receiving.intake import Intake
from ingest.receiving.mqtt.answers import MOST_BYTES, answers, encoded
from ingest.rejects import keep
from ingest.writing.copy_format import encode_readings
from ingest.writing.envelopes import record_of
from tests.support.ingest_world import BOUNDS, GATEWAY, START_MS, STREAM, TABLE

CODES = set(RefusalCode)
BOUNDED = TABLE.having({"A-3": PointKey(13, TABLE.gateways["gw-a"], "gw-a", -1_000.0, 1_000.0, 5.0)})
CLOCK = DataClock(wall=lambda: START_MS / 1000)
GREATEST = 2**63 - 1
RECORD = struct.Struct(">hiqiiidihiq")
"""A row of `readings` in binary COPY: fields, then each with its length: time, point, value, quality, batch."""


class Read(NamedTuple):
    """What the standard library makes of a message: `numbers` that its members `seq` give, and its value."""

    numbers: list[Any]
    value: Any


def read(payload: bytes) -> Read:
    """The other decoder; it is not particular about bytes that are no text, nor about words that are no numbers."""
    numbers: list[Any] = []

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        numbers.extend(value for name, value in pairs if name == "seq")
        return dict(pairs)

    try:
        value = json.loads(payload.decode(errors="replace"), object_pairs_hook=members, parse_int=whole)
    except (ValueError, RecursionError):
        return Read([], None)
    return Read(numbers, value)


def whole(digits: str) -> int | float:
    """A number; one of more digits than Python converts is beyond every bound."""
    return int(digits) if len(digits.lstrip("-")) <= sys.get_int_max_str_digits() else float(digits)


def bits(value: float | None) -> bytes:
    """As it is stored: one zero, one NaN for no value."""
    return struct.pack(">d", math.nan if value is None else value + 0.0)


class Platform:
    """What ingest does with messages, less broker and database."""

    def __init__(self) -> None:
        self.rates = RateWatch()
        self.recent = Recent(64)
        self.codes: Counter[str] = Counter()
        self.accepted = 0

    def take(self, deliveries: list[Delivery]) -> Batch:
        """Check deliveries and look at everything that becomes of them."""
        for delivery in deliveries:
            check_delivery(delivery)
        parts = list(self.recent.apart(Gathered(START_MS, 0.0, deliveries)))
        assert sum(len(part.deliveries) for part in parts) == len(deliveries)
        batch = assemble(deliveries, BOUNDED, BOUNDS, START_MS)
        self.rates.judge(batch.rows, batch.max_rates())
        assert batch.offered == sum(delivery.weight for delivery in deliveries)
        assert all(isinstance(code, str) for code in batch.unknown_codes())
        check_accepted(batch)
        check_kept(batch)
        check_answers(batch)
        self.codes.update(reject.refusal.code for reject in batch.rejects)
        self.accepted += len(batch.accepted)
        return batch


def check_delivery(delivery: Delivery) -> None:
    """It is what was sent, as another decoder sees it too, or refused whole."""
    other = read(delivery.payload)
    assert (delivery.stream is None) == (delivery.seq is None)
    if delivery.seq is not None:
        assert 1 <= delivery.seq <= GREATEST
        assert any(type(number) is int and number == delivery.seq for number in other.numbers)
    if delivery.refusal is not None:
        assert not delivery.readings
        assert (delivery.refusal.seq, delivery.refusal.index) == (delivery.seq, None)
        return
    assert delivery.readings
    value = other.value
    assert (value["v"], value["stream"], value["seq"]) == (1, delivery.stream, delivery.seq)
    for reading, fields in zip(delivery.readings, value["readings"], strict=True):
        assert reading.point == fields[0]
        assert reading.at == fields[1]
        assert reading.value is None if fields[2] is None else bits(reading.value) == bits(float(fields[2]))
        assert reading.quality == (fields[3] if len(fields) > 3 else 0)
    assert delivery.stream is not None
    assert delivery.seq is not None
    again = decode_unlimited(encode(Envelope(1, delivery.stream, delivery.seq, list(delivery.readings))))
    assert [(r.point, r.at, repr(r.value), r.quality) for r in again.readings] == [
        (r.point, r.at, repr(r.value), r.quality) for r in delivery.readings
    ]


def decode_unlimited(body: bytes) -> Envelope:
    """An envelope of our own making, which may have become longer than one may be sent."""
    return decode_envelope(body) if len(body) <= MAX_ENVELOPE_BYTES else msgspec.json.decode(body, type=Envelope)


def check_accepted(batch: Batch) -> None:
    """What passed goes to the database bit by bit as it was sent, and may go there."""
    copied = encode_readings(batch.rows, 7)
    assert len(copied) == 21 + RECORD.size * len(batch.rows)
    rows = list(RECORD.iter_unpack(copied[19:-2]))
    ids = {"A-1": 11, "A-2": 12, "A-3": 13, "B-1": 21}
    assert set(batch.row_of.tolist()) == set(range(len(rows)))
    for position, row in zip(batch.accepted.tolist(), batch.row_of.tolist(), strict=True):
        reading, (_, _, at, _, point, _, value, _, quality, _, number) = batch.offer.reading_at(position), rows[row]
        delivery = batch.offer.deliveries[int(batch.offer.columns.delivery[position])]
        assert delivery.address is not None
        assert ids[reading.point] == point
        assert delivery.address.gateway == f"gw-{reading.point[0].lower()}"
        assert reading.at == at // 1_000 + 946_684_800_000
        assert BOUNDS.earliest <= reading.at <= BOUNDS.latest
        assert struct.pack(">d", value) == bits(reading.value)
        assert quality == reading.quality
        assert (quality == Quality.NOT_AVAILABLE) == (reading.value is None)
        assert quality in list(Quality)
        assert point != 13 or not abs(value) > 1_000
        assert number == 7


def check_kept(batch: Batch) -> None:
    """Every refusal has a code of the closed list, and everything that is kept of it is what a column takes."""
    for reject, record in zip(batch.rejects, keep._records(batch, CLOCK.now(), 7), strict=True):
        delivery = batch.offer.deliveries[reject.delivery]
        assert reject.refusal.code in CODES
        assert reject.refusal.seq == delivery.seq
        for text in (one for one in record if isinstance(one, str)):
            assert "\0" not in text.encode().decode()
        assert all(-(2**63) <= one <= GREATEST for one in record if isinstance(one, int))
        assert len(reject.payload) <= MAX_ENVELOPE_BYTES
        if reject.refusal.index is not None:
            kept = msgspec.json.decode(reject.payload, type=Reading)
            assert kept == delivery.readings[reject.refusal.index]
        else:
            assert reject.payload == delivery.payload


def check_answers(batch: Batch) -> None:
    """Each number that could be read is confirmed once, to its sender, with its refusals; no other number is."""
    told: Counter[tuple[Address, str | None, int]] = Counter()
    refused = 0
    for address, answer in answers(batch.settled()):
        body = encoded(answer)
        assert len(body) <= MOST_BYTES
        heard = decode_acknowledgement(body)
        assert heard.confirmed == answer.confirmed
        told.update((address, answer.stream, seq) for seq in heard.confirmed)
        assert {one.code for one in heard.refused} <= CODES
        assert {one.seq for one in heard.refused} <= {None, *heard.confirmed}
        refused += len(heard.refused)
    named = [one for one in batch.offer.deliveries if one.address is not None]
    assert told == Counter((one.address, one.stream, one.seq) for one in named if one.seq is not None)
    assert refused == sum(batch.offer.deliveries[one.delivery].address is not None for one in batch.rejects)
    record = record_of(batch)
    assert len(record.seq) == told.total()
    assert set(map(len, record.streams)) <= {len(STREAM)}


class Committing(Intake):
    """An intake of which everything is committed at once."""

    def __init__(self, platform: Platform) -> None:
        super().__init__(BatchLimits(1, 1, 1.0), CLOCK, 1)
        self.platform = platform
        self.payload = b""

    def add(self, delivery: Delivery) -> None:
        """Commit."""
        self.payload = delivery.payload
        delivery.carrier.settle(list(self.platform.take([delivery]).settled()))


class Body:
    """A body as aiohttp hands it out: whole with its head, or in pieces.

    Args:
        pieces: of what was sent.
        whole: whether it came with its head.
    """

    def __init__(self, pieces: list[bytes], *, whole: bool) -> None:
        self._pieces = [b"".join(pieces)] if whole else pieces
        self._whole = whole

    def is_eof(self) -> bool:
        """Whether all is there."""
        return self._whole

    def at_eof(self) -> bool:
        """Whether all was read."""
        return not self._pieces

    def read_nowait(self) -> bytes:
        """What is there."""
        return self._pieces.pop(0)

    async def readany(self) -> bytes:
        """What comes."""
        return self._pieces.pop(0)


class HttpPlatform:
    """The route for readings, less the network."""

    def __init__(self, platform: Platform) -> None:
        keeper = Gatekeeper(HttpLimits(), None, lambda: 0.0, proves=False)
        self.window = Window(HttpLimits(), lambda: 0.5)
        self.intake = Committing(platform)
        self.route = Readings(self.intake, self.window, keeper, CLOCK, 1.0)
        self.statuses: Counter[int] = Counter()

    async def push(self, encoding: str, pieces: list[bytes], *, whole: bool) -> None:
        """One request."""
        http: Any = SimpleNamespace(content_length=None, content=Body(pieces, whole=whole))
        reply = await self.route(Request(GATEWAY, "/v1/readings", encoding, 30.0, http))
        assert isinstance(reply.body, bytes)
        told = decode_acknowledgement(reply.body)
        assert reply.status in {200, 400, 413, 422}
        assert {one.code for one in told.refused} <= CODES
        assert reply.status == 200 or len(told.refused) == 1
        assert set(told.confirmed) <= {number for number in read(self.intake.payload).numbers if type(number) is int}
        assert (self.window.taken, self.window.held) == (0, 0)
        self.statuses[reply.status] += 1


def follow(follower: StatusFollower, topic: str, payload: bytes) -> None:
    """A status: unreadable, or such that a column takes everything that it says."""
    follower.note(topic, payload)
    for heard in follower._pending.values():
        assert len(heard) <= MOST_STREAMS
        one = heard[-1]
        for row in (status._status_row(one), status._stream_row(one), status._day_row(one)):
            for content in row:
                numbers = content if isinstance(content, list) else [content]
                assert all(-(2**63) <= number <= GREATEST for number in numbers if isinstance(number, int))
                assert not isinstance(content, str) or "\0" not in content.encode().decode()
        assert one.status.stream is None or len(one.status.stream) == len(STREAM)
