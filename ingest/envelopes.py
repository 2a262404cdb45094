"""One message from the broker, decoded as far as it can be: an envelope, or the refusal that answers it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Generic, TypeVar

from energy.errors import WireError
from energy.wire import (
    MAX_ENVELOPE_BYTES,
    Address,
    Envelope,
    Kind,
    Refusal,
    RefusalCode,
    decode_envelope,
    envelope_identity,
    parse_topic,
)

DETAIL_CHARACTERS = 160
"""Most characters of a refusal's detail: enough to understand it, too few to be abused."""
MAX_KEPT_BYTES = MAX_ENVELOPE_BYTES
"""Most bytes of a refused message that are kept; only one that is too large has more."""

Origin = TypeVar("Origin")

_parse_topic = lru_cache(maxsize=65_536)(parse_topic)  # a gateway's topic comes again with every message


@dataclass(frozen=True, slots=True)
class Delivery(Generic[Origin]):
    """A message on its way through ingest.

    Attributes:
        origin: what the receiver needs to acknowledge it to the broker; opaque to everything else.
        topic: as received.
        payload: as received.
        address: the sender, None when the topic is none of ours.
        envelope: what it says, None when it was refused whole.
        stream: the envelope's stream, None when it could not be read.
        refusal: why it was refused whole, None when it was not.
    """

    origin: Origin
    topic: str
    payload: bytes
    address: Address | None
    envelope: Envelope | None
    stream: str | None
    refusal: Refusal | None


def decode(origin: Origin, topic: str, payload: bytes) -> Delivery[Origin]:
    """Decode one message; never raises, since a message that cannot be read must not block the others."""
    address: Address | None = None
    try:
        address, kind = _parse_topic(topic)
        _check_kind(kind)
        envelope = decode_envelope(payload)
    except WireError as error:
        return _refused(origin, topic, payload, address, error)
    return Delivery(origin, topic, payload, address, envelope, envelope.stream, None)


def _check_kind(kind: Kind) -> None:
    if kind is not Kind.UP:
        raise WireError(RefusalCode.MALFORMED, f"envelopes belong on the topic {Kind.UP}, not {kind}")


def _refused(origin: Origin, topic: str, payload: bytes, address: Address | None, error: WireError) -> Delivery[Origin]:
    stream, seq = envelope_identity(payload) or (None, None)
    if len(payload) > MAX_KEPT_BYTES:
        payload = payload[:MAX_KEPT_BYTES]
    refusal = Refusal(seq, None, RefusalCode(error.code), shortened(error.detail))
    return Delivery(origin, topic, payload, address, None, stream, refusal)


def shortened(detail: str) -> str:
    """A detail fit to be kept and sent; PostgreSQL's text has no NUL."""
    return detail.replace("\0", "?")[:DETAIL_CHARACTERS]
