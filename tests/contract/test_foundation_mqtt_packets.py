"""Our PUBLISH and PUBACK against the codec of paho, which was written by others."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt import _packet as theirs
from paho.mqtt.enums import MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from energy.transport.mqtt_line import Line
from energy.transport.mqtt_packets import (
    PUBACK,
    PUBLISH,
    MalformedPacketError,
    decode_puback,
    decode_publish,
    encode_puback,
    encode_publish,
    find_packet,
)

PINGRESP = b"\xd0\x00"
VERSIONS = {True: MQTTProtocolVersion.MQTTv5, False: MQTTProtocolVersion.MQTTv311}

topics = st.text(st.characters(exclude_characters="+#\0", exclude_categories=["Cs"]), min_size=1, max_size=200)
packet_ids = st.integers(0, 65_535)
payloads = st.binary(max_size=300) | st.integers(0, 20_000).map(bytes)


def body_of(packet: bytes) -> bytes:
    """What stands after the length, of a packet that is all there."""
    found = find_packet(bytearray(packet), 0)
    assert found is not None
    assert found[1] == len(packet)
    return packet[slice(*found)]


@given(topics, payloads, packet_ids, st.booleans(), st.booleans())
def test_paho_reads_what_we_write(
    topic: str,
    payload: bytes,
    packet_id: int,
    retain: bool,  # noqa: FBT001 - hypothesis passes by position
    properties: bool,  # noqa: FBT001 - likewise
) -> None:
    """Topic, payload, number and flags arrive in either version; we read our own packet likewise."""
    packet = encode_publish(topic, payload, retain=retain, packet_id=packet_id, properties=properties)
    read = theirs.decode_publish(packet[0], body_of(packet), VERSIONS[properties])
    assert (read.topic.decode(), bytes(read.payload), read.mid) == (topic, payload, packet_id)
    assert (read.qos, read.retain, read.dup) == (int(packet_id > 0), retain, False)
    ours = decode_publish(packet[0], body_of(packet), properties=properties)
    assert (ours.topic, ours.payload, ours.packet_id) == (topic, payload, packet_id)
    assert (ours.qos, ours.retain) == (read.qos, retain)


@given(topics, payloads, st.lists(st.tuples(st.text("ab", max_size=40), st.text("cd", max_size=40)), max_size=8))
def test_properties_of_a_message_are_passed_over(topic: str, payload: bytes, pairs: list[tuple[str, str]]) -> None:
    """A sender may add what it likes; topic and payload are found behind it."""
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call] # paho leaves it untyped
    properties.MessageExpiryInterval = 7
    for pair in pairs:
        properties.UserProperty = pair
    name = topic.encode()
    body = len(name).to_bytes(2) + name + b"\x00\x09" + properties.pack() + payload  # type: ignore[no-untyped-call] # likewise
    message = decode_publish(PUBLISH | 2, body, properties=True)
    assert (message.topic, message.payload, message.packet_id, message.qos) == (topic, payload, 9, 1)


@given(st.integers(1, 65_535), st.sampled_from([0, 16, 135, 151]), st.booleans())
def test_a_puback_is_read_in_every_length(packet_id: int, code: int, short: bool) -> None:  # noqa: FBT001 - hypothesis
    """MQTT 5 leaves out the code for success, and the properties; ours is the short one."""
    body = packet_id.to_bytes(2) + (bytes((code,)) if short else bytes((code, 0)))
    assert decode_puback(body) == (packet_id, code)
    ours = encode_puback(packet_id)
    assert decode_puback(body_of(ours)) == (packet_id, 0)
    assert theirs.decode_puback(ours[0], body_of(ours), MQTTProtocolVersion.MQTTv5).mid == packet_id


@given(st.binary(max_size=40), st.integers(0, 15), st.booleans())
def test_nonsense_is_a_lost_line_and_nothing_else(body: bytes, flags: int, properties: bool) -> None:  # noqa: FBT001 - hypothesis
    """Whatever comes, decoding ends with a message that paho too can read, or with MalformedPacketError."""
    try:
        message = decode_publish(PUBLISH | flags, body, properties=properties)
    except MalformedPacketError:
        return
    assert message.qos in (0, 1)
    assert len(message.topic.encode()) + len(message.payload) <= len(body) - 2


@pytest.mark.parametrize("topic", ["", "a/+", "#", "a\0b", "x" * 65_536])
def test_nobody_publishes_to_such_a_topic(topic: str) -> None:
    """Wildcards, NUL, nothing and too much are refused before they reach the broker, which would close the line."""
    with pytest.raises(ValueError, match="cannot publish"):
        encode_publish(topic, b"", retain=False, packet_id=1, properties=True)


def test_a_length_of_five_bytes_is_malformed() -> None:
    """Four bytes are the most; fewer that end too early may still be completed."""
    assert find_packet(bytearray(b"\x30\xff\xff\xff"), 0) is None
    with pytest.raises(MalformedPacketError):
        find_packet(bytearray(b"\x30\xff\xff\xff\xff\x01"), 0)


def read_as_paho(line: Line) -> bytes:
    """All that the line has for paho now, in the small pieces in which paho reads."""
    found = b""
    while True:
        try:
            piece = line.recv(1)
        except BlockingIOError:
            if not line.pending():
                return found
            continue
        if not piece:
            return found
        found += piece


@given(
    st.lists(st.sampled_from(["message", "answer", "ping"]), max_size=12),
    st.lists(st.integers(1, 60), min_size=1, max_size=5),
)
def test_each_packet_reaches_its_reader_however_the_stream_is_cut(kinds: list[str], cuts: list[int]) -> None:
    """Ours are taken in order, paho's are passed on untouched, and nothing is left waiting unannounced."""
    packets: dict[str, Callable[[int], bytes]] = {
        "message": lambda number: encode_publish("t", b"%d" % number, retain=False, packet_id=1, properties=True),
        "answer": lambda number: encode_puback(number + 1),
        "ping": lambda _: PINGRESP,
    }
    stream = b"".join(packets[kind](number) for number, kind in enumerate(kinds))
    taken: list[int] = []
    there, here = socket.socketpair()
    with there, here:
        here.setblocking(False)
        line = Line(here, lambda first, _: taken.append(first & 0xF0))
        passed = b""
        position = 0
        while position < len(stream):
            size = cuts[position % len(cuts)]
            there.sendall(stream[position : position + size])
            position += size
            passed += read_as_paho(line)
        assert passed == PINGRESP * kinds.count("ping")
        assert taken == [PUBLISH if kind == "message" else PUBACK for kind in kinds if kind != "ping"]
        there.close()
        assert line.recv(1) == b""


async def test_a_line_that_ends_reads_away_what_still_comes() -> None:
    """The other side may go on sending; it still reads all that we sent, and then sees the end, not a reset."""
    there, here = socket.socketpair()
    with there:
        there.setblocking(False)
        here.setblocking(False)
        line = Line(here, lambda *_: None)
        loop = asyncio.get_running_loop()
        line.send(b"last words")
        await loop.sock_sendall(there, bytes(1_000))
        line.lingering = True
        line.close()
        async with asyncio.TaskGroup() as group:
            group.create_task(line.finish(10))
            await loop.sock_sendall(there, bytes(1_000))
            assert await loop.sock_recv(there, 100) == b"last words"
            assert await loop.sock_recv(there, 100) == b""
            there.close()
