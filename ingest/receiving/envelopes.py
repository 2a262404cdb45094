"""One envelope of the wire contract, decoded as far as it can be: a delivery with readings, or with a refusal."""

from __future__ import annotations

from functools import lru_cache

from energy.errors import WireError
from energy.wire import (
    MAX_ENVELOPE_BYTES,
    Address,
    Kind,
    Refusal,
    RefusalCode,
    decode_envelope,
    envelope_identity,
    parse_topic,
)
from ingest.receiving.carrier import Carrier, Delivery

DETAIL_CHARACTERS = 160
"""Most characters of a refusal's detail: enough to understand it, too few to be abused."""
MAX_KEPT_BYTES = MAX_ENVELOPE_BYTES
"""Most bytes of a refused message that are kept; only one that is too large has more."""

_parse_topic = lru_cache(maxsize=65_536)(parse_topic)  # a gateway's topic comes again with every message


def from_topic(carrier: Carrier, receipt: object, topic: str, payload: bytes) -> Delivery:
    """Decode a message; never raises, since a message that cannot be read must not block the others."""
    address: Address | None = None
    try:
        address, kind = _parse_topic(topic)
        _check_kind(kind)
    except WireError as error:
        return refused(carrier, receipt, topic, payload, address, error)
    return from_gateway(carrier, receipt, topic, payload, address)


def from_gateway(carrier: Carrier, receipt: object, source: str, payload: bytes, address: Address) -> Delivery:
    """Decode the envelope of a known sender; never raises."""
    try:
        envelope = decode_envelope(payload)
    except WireError as error:
        return refused(carrier, receipt, source, payload, address, error)
    return Delivery(carrier, receipt, source, payload, address, envelope.stream, envelope.seq, envelope.readings)


def refused(  # noqa: PLR0913, PLR0917 - all of a delivery, and why
    carrier: Carrier,
    receipt: object,
    source: str,
    payload: bytes,
    address: Address | None,
    error: WireError,
    *,
    damaged: bool = False,
) -> Delivery:
    """A delivery refused whole, with the number of its envelope as far as that can be read.

    Of a `damaged` payload none is: it could be the number of another envelope, which its sender would forget.
    """
    stream, seq = (None if damaged else envelope_identity(payload)) or (None, None)
    if len(payload) > MAX_KEPT_BYTES:
        payload = payload[:MAX_KEPT_BYTES]
    refusal = Refusal(seq, None, RefusalCode(error.code), shortened(error.detail))
    return Delivery(carrier, receipt, source, payload, address, stream, seq, (), refusal)


def _check_kind(kind: Kind) -> None:
    if kind is not Kind.UP:
        raise WireError(RefusalCode.MALFORMED, f"envelopes belong on the topic {Kind.UP}, not {kind}")


def shortened(detail: str) -> str:
    """A detail fit to be kept and sent; PostgreSQL's text has no NUL."""
    return detail.replace("\0", "?")[:DETAIL_CHARACTERS]
