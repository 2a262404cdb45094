"""What a kept reject becomes when it is tried again; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from energy.readings import Reading
from energy.wire import Address
from ingest.receiving.carrier import Carrier, Delivery, Settled
from ingest.receiving.envelopes import from_gateway, from_topic

_ANYWHERE = "000000"
"""Region of a sender whose answer goes nowhere: who may write a point is a matter of the gateway alone."""
_reading = msgspec.json.Decoder(Reading)


class ReplayCarrier:
    """The way in of what is replayed: nobody waits for an answer."""

    name = "replay"

    def settle(self, settled: Sequence[Settled]) -> None:
        """Nobody is told: the sender was, when it was refused."""


CARRIER: Carrier = ReplayCarrier()


@dataclass(frozen=True, slots=True)
class Taken:
    """A reject as it was kept: the columns of that name."""

    reject_id: int
    carrier: str
    gateway: str | None
    source: str
    reading_index: int | None
    payload: bytes


@dataclass(frozen=True, slots=True)
class Candidate:
    """A reject that can be tried again.

    Attributes:
        reject_id: its number.
        delivery: what it brings. It names no envelope: that one was accounted for when it came in.
        whole: whether a whole message was refused, of which each reading now has a fate of its own.
    """

    reject_id: int
    delivery: Delivery
    whole: bool


def candidate(taken: Taken) -> Candidate | str:
    """What can be tried of `taken`, or why that cannot be."""
    if taken.reading_index is not None:
        return _single(taken)
    if taken.carrier == "mqtt":
        delivery = from_topic(CARRIER, None, taken.source, taken.payload)
    elif taken.carrier == "http" and taken.gateway is not None:
        delivery = from_gateway(CARRIER, None, taken.source, taken.payload, Address(_ANYWHERE, taken.gateway))
    else:
        return _HOPELESS.get(taken.carrier, f"a whole message by {taken.carrier} whose sender is not known")
    return Candidate(taken.reject_id, msgspec.structs.replace(delivery, stream=None, seq=None), whole=True)


_HOPELESS = {
    "sparkplug": "a whole Sparkplug message means nothing without the birth before it",
    "csv": "a line that cannot be read: correct it in the file, and load that again",
}
"""Whole messages that cannot be tried again, by the way in, and why."""


def _single(taken: Taken) -> Candidate | str:
    try:
        reading = _reading.decode(taken.payload)
    except msgspec.MsgspecError as error:
        return f"its payload is no reading: {error}"
    sender = None if taken.gateway is None else Address(_ANYWHERE, taken.gateway)
    delivery = Delivery(CARRIER, None, taken.source, taken.payload, sender, None, None, (reading,))
    return Candidate(taken.reject_id, delivery, whole=False)
