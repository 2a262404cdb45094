"""What is under way on an MQTT connection, whatever the order of messages, acknowledgements and losses."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from energy.errors import PermissionRefusedError, SetupError, TransportError
from energy.transport.mqtt_flow import MOST_WAITING_QOS_0, TOGETHER_BYTES, Inbox, Joiner, Outbox
from energy.transport.mqtt_refusals import refusal
from energy.transport.mqtt_settings import Message


def message(packet_id: int, qos: int = 1) -> Message:
    """A message with that number."""
    return Message("t", b"", retain=False, qos=qos, packet_id=packet_id)


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 3), st.integers(0, 20))))
def test_a_message_is_settled_once_and_never_in_the_place_of_another(steps: list[tuple[bool, int, int]]) -> None:
    """The broker uses numbers again; a late or second acknowledgement must not strike off the newer message."""
    inbox = Inbox()
    owner: dict[int, Message] = {}
    seen: list[Message] = []
    for arrives, number, choice in steps:
        if arrives and number not in owner:
            owner[number] = message(number)
            seen.append(owner[number])
            inbox.add(owner[number])
        elif seen:
            chosen = seen[choice % len(seen)]
            expected = owner.get(chosen.packet_id) is chosen
            assert inbox.settle(chosen) is expected
            if expected:
                del owner[chosen.packet_id]
        assert inbox.unacknowledged == len(owner)


async def test_the_inbox_hands_on_in_order_and_then_tells_of_the_loss() -> None:
    """Two that wait get one message each; after a loss the rest is taken before the error comes."""
    inbox = Inbox()
    waiting = [asyncio.ensure_future(inbox.take()) for _ in range(3)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    for number in range(1, 4):
        inbox.add(message(number))
    inbox.fail(TransportError("first"))
    inbox.fail(TransportError("second"))
    assert sorted([(await waiting[1]).packet_id, (await waiting[2]).packet_id]) == [1, 2]
    assert (await inbox.take()).packet_id == 3
    with pytest.raises(TransportError, match="first"):
        await inbox.take()


def test_only_messages_without_a_receive_window_are_thrown_away() -> None:
    """QoS 0 is bounded here, QoS 1 by the broker."""
    inbox = Inbox()
    for number in range(MOST_WAITING_QOS_0 + 5):
        inbox.add(message(number, qos=0))
    assert (len(inbox), inbox.discarded, inbox.unacknowledged) == (MOST_WAITING_QOS_0, 5, 0)
    inbox.add(message(1))
    assert (len(inbox), inbox.discarded, inbox.unacknowledged) == (MOST_WAITING_QOS_0 + 1, 5, 1)
    assert not inbox.settle(message(1, qos=0))


async def test_confirmations_reach_those_who_wait_and_a_loss_all_the_rest() -> None:
    """A refused, a confirmed, a given-up and a lost message end each in their own way."""
    outbox = Outbox(lambda _: None)
    confirmed, refused, given_up, lost = (outbox.send(number, b"") for number in range(4))
    given_up.cancel()
    outbox.confirm(0)
    outbox.confirm(1, PermissionRefusedError("no"))
    outbox.confirm(2)
    outbox.confirm(99)
    assert len(outbox) == 1
    outbox.fail(TransportError("gone"))
    assert len(outbox) == 0
    await confirmed
    with pytest.raises(PermissionRefusedError):
        await refused
    with pytest.raises(TransportError, match="gone"):
        await lost


@given(st.integers(1, 5), st.lists(st.integers(0, 1), max_size=40))
def test_no_more_is_under_way_than_the_broker_takes_and_order_is_kept(window: int, steps: list[int]) -> None:
    """Whatever the order of sending and confirming, the window holds, and what it held back follows in order."""

    async def play() -> None:
        written: list[bytes] = []
        outbox = Outbox(written.append)
        outbox.window = window
        sent = confirmed = 0
        for confirms in steps:
            if confirms and confirmed < len(written):
                outbox.confirm(confirmed)
                confirmed += 1
            else:
                outbox.send(sent, b"%d" % sent)
                sent += 1
            assert len(written) == min(sent, confirmed + window)
            assert len(outbox) == sent - confirmed
        assert written == [b"%d" % number for number in range(len(written))]
        outbox.fail(TransportError("gone"))

    asyncio.run(play())


async def test_what_is_written_in_one_step_is_sent_as_one_piece_unless_it_is_large() -> None:
    """Small packets wait for the end of the step; a full piece goes at once, and nothing goes twice."""
    sent: list[bytes] = []
    joiner = Joiner(sent.append)
    joiner.write(b"a")
    joiner.write(b"b")
    assert not sent
    await asyncio.sleep(0)
    joiner.write(b"c" * TOGETHER_BYTES)
    joiner.write(b"d")
    joiner.flush()
    await asyncio.sleep(0)
    assert sent == [b"ab", b"c" * TOGETHER_BYTES, b"d"]


@pytest.mark.parametrize(
    ("code", "subscription", "kind"),
    [
        (134, False, PermissionRefusedError),
        (135, False, PermissionRefusedError),
        (135, True, PermissionRefusedError),
        (128, True, PermissionRefusedError),
        (128, False, TransportError),
        (132, False, SetupError),
        (136, False, TransportError),
        (151, False, TransportError),
    ],
)
def test_a_refusal_says_what_the_caller_can_do(code: int, kind: type[Exception], *, subscription: bool) -> None:
    """Missing rights and a wrong set-up need a person; a busy broker needs time."""
    error = refusal("the broker: a message", code, subscription=subscription)
    assert type(error) is kind
    assert str(code) in str(error)
