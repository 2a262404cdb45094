"""A message that cannot be read becomes a refusal, whatever is wrong with it."""

from __future__ import annotations

import pytest

from energy.wire import MAX_ENVELOPE_BYTES, RefusalCode
from ingest.receiving.envelopes import DETAIL_CHARACTERS, MAX_KEPT_BYTES
from tests.support.ingest_world import GATEWAY, STREAM, batch_of, received

IDENTITY = f'"stream":"{STREAM}","seq":5'


@pytest.mark.parametrize(
    ("payload", "code", "seq"),
    [
        (b"", RefusalCode.MALFORMED, None),
        (b"\xff\xfe", RefusalCode.MALFORMED, None),
        (b"[" * 100_000, RefusalCode.MALFORMED, None),
        (f'{{"v":1,{IDENTITY},"readings":[["A-1","noon",1]]}}'.encode(), RefusalCode.MALFORMED, 5),
        (f'{{"v":1,{IDENTITY},"readings":[]}}'.encode(), RefusalCode.MALFORMED, 5),
        (f'{{"v":2,{IDENTITY},"readings":[["A-1",1,1]]}}'.encode(), RefusalCode.UNSUPPORTED_VERSION, 5),
        (
            f'{{"v":1,{IDENTITY},"readings":[["A-1",1,1]]}}'.encode() + b" " * MAX_ENVELOPE_BYTES,
            RefusalCode.TOO_LARGE,
            5,
        ),
    ],
)
def test_unreadable_messages_are_refused_whole(payload: bytes, code: RefusalCode, seq: int | None) -> None:
    """The refusal names the envelope as far as it can be told, and its detail is short."""
    delivery = received(GATEWAY.up, payload)
    assert not delivery.readings
    assert delivery.refusal is not None
    assert (delivery.refusal.code, delivery.refusal.seq, delivery.refusal.index) == (code, seq, None)
    assert len(delivery.refusal.detail) <= DETAIL_CHARACTERS
    (reject,) = batch_of(delivery).rejects
    assert reject.payload == payload[:MAX_KEPT_BYTES]


def test_a_foreign_topic_has_no_sender() -> None:
    """Nobody can be answered, but the message is refused like any other."""
    delivery = received("qw/1/610303/GW/up", b"{}")
    assert delivery.address is None
    assert delivery.refusal is not None


def test_an_envelope_on_another_topic_is_refused() -> None:
    """Only the topic `up` carries envelopes."""
    delivery = received(GATEWAY.ack, f'{{"v":1,{IDENTITY},"readings":[["A-1",1,1]]}}'.encode())
    assert delivery.refusal is not None
    assert delivery.refusal.code is RefusalCode.MALFORMED
