"""Senders learn what became of their envelopes, many in one message."""

from __future__ import annotations

import pytest

from energy.readings import Reading
from energy.wire import Address, decode_acknowledgement
from ingest.receiving.mqtt.answers import MOST_BYTES, MOST_NAMED, answers, encoded
from tests.support.ingest_world import GATEWAY, OTHER_GATEWAY, START_MS, STREAM, batch_of, message, received

OK = Reading("A-1", START_MS, 1.0)
BAD = Reading("X-1", START_MS, 1.0)


def test_one_message_for_each_stream_of_each_gateway() -> None:
    """Envelopes of a stream share a message; another gateway gets its own."""
    batch = batch_of(
        message([OK], seq=3),
        message([BAD], seq=9, sender=OTHER_GATEWAY),
        message([BAD, OK], seq=1),
        message([OK], seq=2),
    )
    found = dict(answers(batch.settled()))
    assert found[GATEWAY].confirmed == [3, 1, 2]
    assert [(refusal.seq, refusal.index) for refusal in found[GATEWAY].refused] == [(1, 0)]
    assert found[OTHER_GATEWAY].confirmed == [9]


def test_an_envelope_refused_whole_is_confirmed() -> None:
    """The sender must forget it: sending it again would be useless."""
    payload = f'{{"v":7,"stream":"{STREAM}","seq":5,"readings":[]}}'.encode()
    ((address, answer),) = answers(batch_of(received(GATEWAY.up, payload)).settled())
    assert (address, answer.stream, answer.confirmed) == (GATEWAY, STREAM, [5])
    assert answer.refused[0].index is None


def test_an_unreadable_message_is_answered_without_numbers() -> None:
    """Its gateway is known by the topic alone, so the stream and the number are null."""
    ((_, answer),) = answers(batch_of(received(GATEWAY.up, b"nonsense")).settled())
    assert (answer.stream, answer.confirmed, answer.refused[0].seq) == (None, [], None)


def test_what_has_no_sender_is_not_answered() -> None:
    """A topic that is none of ours names nobody."""
    assert not list(answers(batch_of(received("some/topic", b"{}")).settled()))


def test_many_refusals_are_spread_over_messages() -> None:
    """No message names more than the bound, and each envelope stays whole."""
    batch = batch_of(*(message([BAD] * 400, seq=seq) for seq in range(1, 6)))
    found = list(answers(batch.settled()))
    assert [answer.confirmed for _, answer in found] == [[1, 2], [3, 4], [5]]
    assert all(len(answer.refused) <= MOST_NAMED for _, answer in found)
    assert all({refusal.seq for refusal in answer.refused} == set(answer.confirmed) for _, answer in found)


def test_streams_of_one_gateway_are_told_apart() -> None:
    """After a spool is lost the gateway begins a new stream with the same numbers."""
    other = "f" * 32
    payload = f'{{"v":1,"stream":"{other}","seq":1,"readings":[["A-1",{START_MS},1.0]]}}'.encode()
    batch = batch_of(message([OK], seq=1), received(Address("610303", "gw-a").up, payload))
    assert {answer.stream for _, answer in answers(batch.settled())} == {STREAM, other}


def test_a_gateway_that_sends_on_and_on_is_confirmed_in_many_messages() -> None:
    """The window is the gateway's word; one that does not keep it gets no message that no broker takes."""
    batch = batch_of(*(message([OK], seq=seq) for seq in range(1, 2_502)))
    found = [answer for _, answer in answers(batch.settled())]
    assert [len(answer.confirmed) for answer in found] == [1_000, 1_000, 501]
    assert all(len(encoded(answer)) <= MOST_BYTES for answer in found)


@pytest.mark.parametrize(
    "point", ["点" * 64, "\\" * 75, "\N{OLD HUNGARIAN CAPITAL LETTER A}" * 55], ids=["wide", "escaped", "wider"]
)
def test_no_answer_is_larger_than_a_broker_takes(point: str) -> None:
    """A broker ends the connection of who sends more: one gateway's nonsense would be the outage of all others."""
    readings = [Reading(point, START_MS, 1.0)] * 1_000
    batch = batch_of(*(message(readings, seq=seq) for seq in (2**63 - 1, 2**63 - 2)))
    for _, answer in answers(batch.settled()):
        told = decode_acknowledgement(encoded(answer))
        assert len(encoded(answer)) <= MOST_BYTES
        assert told.confirmed == answer.confirmed
        assert [(one.seq, one.index, one.code) for one in told.refused] == [
            (one.seq, one.index, one.code) for one in answer.refused
        ]


def test_details_are_told_where_there_is_room() -> None:
    """As there nearly always is."""
    ((_, answer),) = answers(batch_of(message([BAD] * 1_000)).settled())
    assert decode_acknowledgement(encoded(answer)) == answer
