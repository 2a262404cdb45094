"""What we rely on in aiomqtt, paho and Mosquitto; an upgrade that changes it fails here."""

from __future__ import annotations

import asyncio
import uuid
from itertools import repeat

import pytest

from energy.errors import TransportError
from energy.transport.mqtt import Link, Message, MqttSettings, Will, connect
from tests.support.eventually import eventually, never_within

WINDOW = 10


@pytest.fixture
def topic() -> str:
    """A topic of this test's own: the broker is shared."""
    return f"contract/{uuid.uuid4().hex}"


async def fill(mqtt: MqttSettings, topic: str, numbers: range) -> None:
    """Publish numbered messages and wait until the broker has them."""
    async with connect(mqtt) as sender:
        await asyncio.gather(*(sender.send(topic, b"%d" % number) for number in numbers))


async def take(link: Link, count: int) -> list[Message]:
    """Take that many messages, or fail in time."""
    async with asyncio.timeout(10):
        return [await link.take() for _ in range(count)]


def payloads(messages: list[Message]) -> list[int]:
    """The numbers that the messages carry."""
    return [int(message.payload) for message in messages]


async def test_the_receive_window_bounds_what_is_unacknowledged_and_a_loss_brings_it_again(
    mqtt: MqttSettings, topic: str
) -> None:
    """Exactly ReceiveMaximum arrive; an acknowledgement in any order lets one more in; the rest comes again."""
    session = {"client_id": uuid.uuid4().hex, "clean_start": False, "session_expiry": 60}
    async with connect(mqtt, manual_ack=True, receive_maximum=WINDOW, **session) as link:  # type: ignore[arg-type] # mixed values of one dict
        assert not link.session_present
        await link.subscribe(topic)
        await fill(mqtt, topic, range(3 * WINDOW))
        first = await take(link, WINDOW)
        assert payloads(first) == list(range(WINDOW))
        await never_within(0.3, lambda: link.waiting)
        for message in (first[7], first[2], first[2], first[9]):
            link.acknowledge(message)
        second = await take(link, 3)
        assert payloads(second) == [10, 11, 12]
        await never_within(0.3, lambda: link.waiting)
        assert link.unacknowledged == WINDOW

    async with connect(mqtt, manual_ack=True, receive_maximum=3 * WINDOW, **session) as link:  # type: ignore[arg-type] # likewise
        assert link.session_present
        again = await take(link, 3 * WINDOW - 3)
        assert sorted(payloads(again)) == sorted({*range(3 * WINDOW)} - {7, 2, 9})
        link.acknowledge(first[0])
        assert link.unacknowledged == len(again), "a message of an earlier link must not settle a newer one"
        for message in again:
            link.acknowledge(message)
        # The broker drops what it has not yet read of a connection that a newer one replaces; its answer to a message
        # sent after the acknowledgements says that it has read them.
        await link.publish(f"{topic}/fence", b"")

    async with connect(mqtt, manual_ack=True, **session) as link:  # type: ignore[arg-type] # likewise
        await never_within(0.3, lambda: link.waiting)


async def test_what_was_acknowledged_before_the_end_does_not_come_again(mqtt: MqttSettings, topic: str) -> None:
    """A link that ends while the broker is still sending closes gently: the broker reads all, and nothing is reset."""
    session = {"client_id": uuid.uuid4().hex, "clean_start": False, "session_expiry": 60, "receive_maximum": 1_000}
    async with connect(mqtt, manual_ack=True, **session) as link:  # type: ignore[arg-type] # mixed values of one dict
        await link.subscribe(topic)
        async with connect(mqtt) as sender:
            await asyncio.gather(*(sender.send(topic, b"%06d" % number + bytes(4_000)) for number in range(3_000)))
        early = await take(link, 700)
        for message in early:
            link.acknowledge(message)
    async with connect(mqtt, manual_ack=True, **session) as link:  # type: ignore[arg-type] # likewise
        again = await take(link, 1_000)
        assert {message.payload for message in again}.isdisjoint({message.payload for message in early})
        assert min(message.payload for message in again)[:6] == b"000700"


async def test_without_manual_acknowledgement_taking_a_message_acknowledges_it(mqtt: MqttSettings, topic: str) -> None:
    """Nobody takes, so no more than the window comes in; whoever takes gets everything in order."""
    async with connect(mqtt, receive_maximum=WINDOW) as link:
        await link.subscribe(topic)
        await fill(mqtt, topic, range(5 * WINDOW))
        await eventually(lambda: link.waiting == WINDOW)
        assert payloads(await take(link, 5 * WINDOW)) == list(range(5 * WINDOW))
        assert link.unacknowledged == 0


@pytest.mark.parametrize("protocol", [5, 311])
async def test_a_retained_message_and_the_last_will_reach_a_subscriber(
    mqtt: MqttSettings, topic: str, protocol: int
) -> None:
    """A retained message waits for subscribers; the will is published when a client is gone without a word."""
    version = {"protocol": protocol}
    async with connect(mqtt, will=Will(topic, b"gone", retain=True), **version) as lost:  # type: ignore[arg-type] # parametrized literal
        await lost.publish(topic, b"here", retain=True)
        async with connect(mqtt, **version) as watcher:  # type: ignore[arg-type] # likewise
            await watcher.subscribe(topic)
            (here,) = await take(watcher, 1)
            assert (here.payload, here.retain, here.topic) == (b"here", True, topic)
            lost._abandon()
            (gone,) = await take(watcher, 1)
            assert (gone.payload, gone.retain) == (b"gone", False)
            await watcher.publish(topic, b"", retain=True)


async def test_a_shared_subscription_divides_the_messages(mqtt: MqttSettings, topic: str) -> None:
    """Each message goes to one member of the group, and both members get some."""
    async with connect(mqtt) as one, connect(mqtt) as other:
        for member in (one, other):
            await member.subscribe(f"$share/group-{topic[-8:]}/{topic}")
        await fill(mqtt, topic, range(40))
        await eventually(lambda: one.waiting + other.waiting == 40)
        halves = [payloads(await take(member, member.waiting)) for member in (one, other)]
        assert all(halves)
        assert sorted(halves[0] + halves[1]) == list(range(40))


async def test_more_messages_than_the_broker_takes_at_once_are_all_confirmed(mqtt: MqttSettings, topic: str) -> None:
    """Sending past the broker's own receive maximum is no protocol error, and order is kept."""
    async with connect(mqtt) as link, connect(mqtt, receive_maximum=1000) as reader:
        await reader.subscribe(topic)
        await asyncio.gather(*(link.send(topic, b"%d" % number) for number in range(500)))
        assert payloads(await take(reader, 500)) == list(range(500))


async def test_an_unsent_message_too_many_is_refused_not_kept(mqtt: MqttSettings, topic: str) -> None:
    """Unconfirmed messages are bounded."""
    async with connect(mqtt) as link:
        with pytest.raises(TransportError, match="could not be sent"):
            list(map(link.send, repeat(topic, 20_000), repeat(b"1")))


async def test_a_refused_port_is_a_transport_error() -> None:
    """Nobody listens there: the message names the place."""
    with pytest.raises(TransportError, match=r"127\.0\.0\.1:1 cannot be reached"):
        async with connect(MqttSettings(port=1)):
            raise AssertionError("there is no broker on port 1")
