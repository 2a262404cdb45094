"""The wire codec gives back what it was given, and refuses everything else with a code."""

from __future__ import annotations

import json
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from energy.errors import WireError
from energy.readings import Reading
from energy.wire import (
    MAX_ENVELOPE_BYTES,
    MAX_ENVELOPE_READINGS,
    Acknowledgement,
    Address,
    Command,
    DroppedRange,
    Kind,
    Refusal,
    RefusalCode,
    Status,
    decode_acknowledgement,
    decode_command,
    decode_envelope,
    decode_status,
    encode,
    encode_envelope,
    envelope_identity,
    parse_topic,
    shared_up,
)
from energy.wire.messages import LATEST_MS

streams = st.text("0123456789abcdef", min_size=32, max_size=32)
numbers = st.integers(1, 2**63 - 1)
points = st.text(string.ascii_letters + string.digits + "._-", min_size=1, max_size=64)
readings = st.builds(
    Reading,
    point=points,
    at=st.integers(-(2**53), 2**53),
    value=st.none() | st.floats(allow_nan=False, allow_infinity=False),
    quality=st.integers(0, 9),
)
refusals = st.builds(
    Refusal,
    seq=st.none() | numbers,
    index=st.none() | st.integers(0, 999),
    code=st.sampled_from(RefusalCode),
    detail=st.text(max_size=40),
)
gateways = st.from_regex(r"[a-z0-9][a-z0-9-]{0,62}", fullmatch=True)
regions = st.from_regex(r"[0-9]{6}", fullmatch=True).filter(str.isascii)


@given(stream=streams, seq=numbers, sent=st.lists(readings, min_size=1, max_size=20))
def test_envelope_round_trip(stream: str, seq: int, sent: list[Reading]) -> None:
    """An envelope decodes to exactly the readings that were encoded, values to the last bit."""
    envelope = decode_envelope(encode_envelope(stream, seq, sent))
    assert (envelope.stream, envelope.seq, envelope.readings) == (stream, seq, sent)


@given(
    stream=streams | st.none(),
    confirmed=st.lists(numbers),
    refused=st.lists(refusals, max_size=5),
    at=st.none() | st.integers(0, LATEST_MS),
)
def test_acknowledgement_round_trip(
    stream: str | None, confirmed: list[int], refused: list[Refusal], at: int | None
) -> None:
    """An acknowledgement keeps its numbers in their order, its refusals and its time."""
    message = Acknowledgement(1, stream, confirmed, refused, at)
    assert decode_acknowledgement(encode(message)) == message


@given(
    stream=streams, kept=st.none() | numbers, last=numbers, dropped=st.lists(st.tuples(numbers, numbers), max_size=4)
)
def test_status_round_trip(stream: str, kept: int | None, last: int, dropped: list[tuple[int, int]]) -> None:
    """A status keeps its ranges."""
    ranges = [DroppedRange(first, until, "age") for first, until in dropped]
    message = Status(1, online=True, stream=stream, kept_from=kept, last_seq=last, dropped=ranges, at=0)
    assert decode_status(encode(message)) == message


@given(stream=streams, ranges=st.lists(st.tuples(numbers, numbers), max_size=4))
def test_command_round_trip(stream: str, ranges: list[tuple[int, int]]) -> None:
    """A resend command keeps its ranges."""
    message = Command(1, "resend", stream, ranges)
    assert decode_command(encode(message)) == message


@given(region=regions, gateway=gateways, kind=st.sampled_from(Kind))
def test_topic_round_trip(region: str, gateway: str, kind: Kind) -> None:
    """A topic tells the address and kind that it was made from."""
    address = Address(region, gateway)
    assert parse_topic(address.topic(kind)) == (address, kind)


@given(body=st.binary(max_size=200))
def test_any_bytes_are_decoded_or_refused(body: bytes) -> None:
    """Arbitrary bytes never raise anything but a WireError with a code of the list."""
    try:
        decode_envelope(body)
    except WireError as error:
        assert error.code in set(RefusalCode)  # noqa: PT017 - a refusal is allowed, not required
    envelope_identity(body)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


@given(v=json_values, stream=json_values | streams, seq=json_values | numbers, sent=json_values)
def test_any_members_are_decoded_or_refused(v: object, stream: object, seq: object, sent: object) -> None:
    """Members of any type are decoded or refused with a code, and the identity is read where it is whole."""
    body = json.dumps({"v": v, "stream": stream, "seq": seq, "readings": sent}).encode()
    try:
        decode_envelope(body)
    except WireError as error:
        assert error.code in set(RefusalCode)  # noqa: PT017 - a refusal is allowed, not required
    whole = isinstance(stream, str) and len(stream) == 32 and set(stream) <= set("0123456789abcdef")
    if whole and isinstance(seq, int) and not isinstance(seq, bool) and 1 <= seq < 2**63:
        assert envelope_identity(body) == (stream, seq)


@given(topic=st.text(max_size=60) | st.lists(st.text(max_size=8), min_size=5, max_size=5).map("/".join))
def test_any_topic_is_parsed_or_refused(topic: str) -> None:
    """Arbitrary topics never raise anything but a WireError."""
    try:
        address, kind = parse_topic(topic)
    except WireError:
        return
    assert address.topic(kind) == topic


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", RefusalCode.MALFORMED),
        (b"[" * 100_000, RefusalCode.MALFORMED),
        (b'{"v":2,"streams":{},"readings":{"P":[1,1.0]}}', RefusalCode.UNSUPPORTED_VERSION),
        (b'{"v":2,"stream":"' + b"0" * 32 + b'","seq":1,"readings":[["P",1,1.0]]}', RefusalCode.UNSUPPORTED_VERSION),
        (b'{"v":1,"stream":"' + b"0" * 32 + b'","seq":0,"readings":[["P",1,1.0]]}', RefusalCode.MALFORMED),
        (b'{"v":1,"stream":"' + b"0" * 31 + b'","seq":1,"readings":[["P",1,1.0]]}', RefusalCode.MALFORMED),
        (b'{"v":1,"stream":"' + b"0" * 32 + b'\\n","seq":1,"readings":[["P",1,1.0]]}', RefusalCode.MALFORMED),
        (b'{"v":1,"stream":"' + b"0" * 32 + b'","seq":1,"readings":[]}', RefusalCode.MALFORMED),
        (b'{"v":1,"stream":"' + b"0" * 32 + b'","seq":1,"readings":[["P",1]]}', RefusalCode.MALFORMED),
        (b'{"v":1,"stream":"' + b"0" * 32 + b'","seq":1,"readings":[["P",1,NaN]]}', RefusalCode.MALFORMED),
        (b" " * (MAX_ENVELOPE_BYTES + 1), RefusalCode.TOO_LARGE),
    ],
)
def test_refusal_codes(body: bytes, code: RefusalCode) -> None:
    """Each way of breaking the contract has its code."""
    with pytest.raises(WireError) as caught:
        decode_envelope(body)
    assert caught.value.code == code


def test_a_sender_cannot_make_an_envelope_that_a_receiver_refuses() -> None:
    """The bounds on readings and bytes hold at the sender as well."""
    reading = Reading("P", 0, 1.0)
    with pytest.raises(WireError, match="too_large"):
        encode_envelope("0" * 32, 1, [reading] * (MAX_ENVELOPE_READINGS + 1))
    with pytest.raises(WireError, match="malformed"):
        encode_envelope("0" * 32, 1, [])
    decode_envelope(
        encode_envelope("0" * 32, 1, [Reading("P" * 64, 2**53, 1.2345678901234567e300)] * MAX_ENVELOPE_READINGS)
    )


def test_unknown_members_are_ignored() -> None:
    """A later minor addition does not break an older receiver."""
    body = b'{"v":1,"stream":"' + b"a" * 32 + b'","seq":3,"sent":5,"readings":[["P",1,1.5]]}'
    assert decode_envelope(body).readings == [Reading("P", 1, 1.5)]


@pytest.mark.parametrize(
    ("region", "gateway"), [("61030", "gw"), ("6103000", "gw"), ("610300", ""), ("610300", "-a"), ("610300", "a/b")]
)
def test_addresses_with_wildcards_or_slashes_are_refused(region: str, gateway: str) -> None:
    """An address can never reach into another gateway's topics."""
    with pytest.raises(ValueError, match="expected"):
        Address(region, gateway)


def test_shared_subscription() -> None:
    """Workers of a group share one subscription to all gateways."""
    assert shared_up("ingest") == "$share/ingest/qw/1/+/+/up"
