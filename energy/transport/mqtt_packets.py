"""The two packets of MQTT that come by the thousand, PUBLISH and PUBACK: taken apart and put together. Pure.

Source: MQTT 3.1.1 and MQTT 5.0, sections 2.1 (fixed header), 3.3 and 3.4. We use no properties: those that come are
passed over, and none are sent.
"""

from __future__ import annotations

import struct

from energy.transport.mqtt_settings import Message

PUBLISH, PUBACK = 0x30, 0x40
"""Kinds of packet: the upper half of the first byte."""
KIND = 0xF0
"""What of the first byte is the kind."""

_RETAIN = 0x01
_MOST_LENGTH_BYTES = 4
_MOST_BYTES = 268_435_455  # what four length bytes can say
_MOST_TOPIC_BYTES = 65_535
_PUBACK = struct.Struct("!BBH")


class MalformedPacketError(ConnectionError):
    """The broker broke the protocol; a ConnectionError, since the line is of no more use."""


def find_packet(buffer: bytearray, start: int) -> tuple[int, int] | None:
    """Where the body of the packet that begins at `start` begins and ends; None while it has not all come.

    Raises:
        MalformedPacketError: its length is none.
    """
    found = _number(buffer, start + 1)
    if found is None:
        return None
    length, begin = found
    return (begin, begin + length) if begin + length <= len(buffer) else None


def decode_publish(first: int, body: bytes, *, properties: bool) -> Message:
    """The message in a PUBLISH packet of QoS 0 or 1.

    Args:
        first: the packet's first byte.
        body: all after its length.
        properties: MQTT 5, in which properties stand before the payload.

    Raises:
        MalformedPacketError: it is none, or has QoS 2, for which nobody asked.
    """
    qos, packet_id = first >> 1 & 3, 0
    position = 2 + int.from_bytes(body[:2])
    try:
        topic = body[2:position].decode()
    except UnicodeDecodeError as error:
        raise MalformedPacketError("a topic is not UTF-8") from error
    if qos:
        packet_id = int.from_bytes(body[position : position + 2])
        position += 2
    if properties:
        length, position = _number(body, position) or (0, len(body) + 1)
        position += length
    if qos > 1 or (qos and not packet_id) or position > len(body):
        raise MalformedPacketError("a PUBLISH packet is malformed")
    return Message(topic, body[position:], bool(first & _RETAIN), qos, packet_id)


def decode_puback(body: bytes) -> tuple[int, int]:
    """Packet id and reason code of a PUBACK packet; raises MalformedPacketError."""
    if len(body) < 2:  # noqa: PLR2004 - the id has two bytes
        raise MalformedPacketError("a PUBACK packet is malformed")
    return int.from_bytes(body[:2]), body[2] if len(body) > 2 else 0  # noqa: PLR2004 - without the third byte: success


def encode_publish(topic: str, payload: bytes, *, retain: bool, packet_id: int, properties: bool) -> bytes:
    """A PUBLISH packet without properties; QoS 0 for the packet id 0, which is none, else QoS 1.

    Raises:
        ValueError: nobody can publish to this topic, or the packet is too large.
    """
    name = topic.encode()
    if not name or len(name) > _MOST_TOPIC_BYTES or "+" in topic or "#" in topic or "\0" in topic:
        raise ValueError(f"cannot publish to the topic {topic[:100]!r}")
    number = packet_id.to_bytes(2) if packet_id else b""
    empty = b"\0" if properties else b""
    length = 2 + len(name) + len(number) + len(empty) + len(payload)
    if length > _MOST_BYTES:
        raise ValueError(f"a packet of {length} bytes is more than MQTT carries")
    first = PUBLISH | bool(packet_id) << 1 | retain
    return b"".join((bytes((first, *_length_bytes(length))), len(name).to_bytes(2), name, number, empty, payload))


def encode_puback(packet_id: int) -> bytes:
    """A PUBACK packet that says success."""
    return _PUBACK.pack(PUBACK, 2, packet_id)


def _number(buffer: bytes | bytearray, position: int) -> tuple[int, int] | None:
    """A variable byte integer (MQTT 5.0, section 1.5.5) and where it ends; None where the buffer ends before."""
    value = 0
    for index, byte in enumerate(buffer[position : position + _MOST_LENGTH_BYTES]):
        value |= (byte & 0x7F) << 7 * index
        if byte < 0x80:  # noqa: PLR2004 - the upper bit says that more follows
            return value, position + index + 1
    if len(buffer) - position >= _MOST_LENGTH_BYTES:
        raise MalformedPacketError("a length has more than four bytes")
    return None


def _length_bytes(length: int) -> list[int]:
    found = [length & 0x7F]
    while length := length >> 7:
        found[-1] |= 0x80
        found.append(length & 0x7F)
    return found
