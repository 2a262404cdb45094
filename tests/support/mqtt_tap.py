"""Listens to what one client says to a broker: its packets of MQTT 5, in order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

from energy.transport.mqtt import MqttSettings

_CONNECT, _PUBLISH, _SUBSCRIBE, _DISCONNECT = 1, 3, 8, 14
_SESSION_EXPIRY = 0x11
_FIXED = {0x01: 1, 0x02: 4, 0x11: 4, 0x17: 1, 0x18: 4, 0x19: 1, 0x21: 2, 0x22: 2, 0x27: 4}
"""Lengths of the properties that are numbers; those that follow are texts and pairs of texts."""
_TEXTS = {0x03: 1, 0x08: 1, 0x09: 1, 0x15: 1, 0x16: 1, 0x26: 2}


class Connected(NamedTuple):
    """A CONNECT packet."""

    level: int
    clean_start: bool
    session_expiry: int
    client_id: str
    will_topic: str | None
    will_payload: bytes
    will_qos: int
    will_retain: bool


class Subscribed(NamedTuple):
    """One subscription of a SUBSCRIBE packet."""

    topic: str
    qos: int


class Published(NamedTuple):
    """A PUBLISH packet."""

    topic: str
    payload: bytes
    qos: int
    retain: bool


class Disconnected(NamedTuple):
    """A DISCONNECT packet."""

    reason: int


Packet = Connected | Subscribed | Published | Disconnected


@dataclass
class Tap:
    """What was said, over all connections.

    Attributes:
        settings: connect here to be listened to.
        packets: in the order of sending.
        writers: both ends of the present connections.
    """

    settings: MqttSettings
    packets: list[Packet] = field(default_factory=list)
    writers: set[asyncio.StreamWriter] = field(default_factory=set)

    def connects(self) -> list[Connected]:
        """All CONNECT packets."""
        return [one for one in self.packets if isinstance(one, Connected)]

    def drop_all(self) -> None:
        """Break every connection; new ones are accepted."""
        for writer in self.writers:
            writer.transport.abort()

    def published(self, topic: str) -> list[Published]:
        """What was published on a topic."""
        return [one for one in self.packets if isinstance(one, Published) and one.topic == topic]


@asynccontextmanager
async def tapped(broker: MqttSettings) -> AsyncIterator[Tap]:
    """Listen between a client and `broker`."""
    tap = Tap(broker)

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        broker_reader, broker_writer = await asyncio.open_connection(broker.host, broker.port)
        ends = {writer, broker_writer}
        tap.writers |= ends
        try:
            await asyncio.gather(_pump(reader, broker_writer, _Parser(tap.packets)), _pump(broker_reader, writer, None))
        finally:
            tap.writers -= ends
            for end in ends:
                end.close()

    server = await asyncio.start_server(carry, "127.0.0.1", 0)
    tap.settings = MqttSettings(host="127.0.0.1", port=server.sockets[0].getsockname()[1])
    try:
        yield tap
    finally:
        server.close()
        tap.drop_all()


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter, parser: _Parser | None) -> None:
    """Hand on what comes, and how it ends: to close while the other side still sends would lose what was handed on."""
    try:
        while chunk := await source.read(65_536):
            if parser is not None:
                parser.feed(chunk)
            sink.write(chunk)
            await sink.drain()
        sink.write_eof()
    except OSError:
        sink.transport.abort()


class _Parser:
    def __init__(self, packets: list[Packet]) -> None:
        self._packets = packets
        self._waiting = bytearray()

    def feed(self, chunk: bytes) -> None:
        self._waiting += chunk
        while True:
            length, digits = 0, 1
            while True:
                if len(self._waiting) <= digits:
                    return
                length |= (self._waiting[digits] & 0x7F) << 7 * (digits - 1)
                digits += 1
                if not self._waiting[digits - 1] & 0x80:
                    break
            if len(self._waiting) < digits + length:
                return
            first, body = self._waiting[0], bytes(self._waiting[digits : digits + length])
            del self._waiting[: digits + length]
            self._packets += _packets(first, _Reader(body))


class _Reader:
    def __init__(self, body: bytes) -> None:
        self._body = body
        self._at = 0

    @property
    def left(self) -> int:
        return len(self._body) - self._at

    def take(self, count: int) -> bytes:
        self._at += count
        return self._body[self._at - count : self._at]

    def number(self, count: int) -> int:
        return int.from_bytes(self.take(count))

    def blob(self) -> bytes:
        return self.take(self.number(2))

    def text(self) -> str:
        return self.blob().decode()

    def properties(self) -> dict[int, int]:
        """Those that are numbers."""
        length, shift = 0, 0
        while (digit := self.number(1)) & 0x80:
            length |= (digit & 0x7F) << shift
            shift += 7
        end = self._at + (length | digit << shift)
        found: dict[int, int] = {}
        while self._at < end:
            kind = self.number(1)
            if kind in _FIXED:
                found[kind] = self.number(_FIXED[kind])
            else:
                for _ in range(_TEXTS[kind]):
                    self.blob()
        return found


def _packets(first: int, body: _Reader) -> list[Packet]:
    kind, flags = first >> 4, first & 0x0F
    if kind == _CONNECT:
        return [_connected(body)]
    if kind == _PUBLISH:
        topic, qos = body.text(), flags >> 1 & 3
        if qos:
            body.number(2)
        body.properties()
        return [Published(topic, body.take(body.left), qos, bool(flags & 1))]
    if kind == _SUBSCRIBE:
        body.number(2)
        body.properties()
        found: list[Packet] = []
        while body.left:
            found.append(Subscribed(body.text(), body.number(1) & 3))
        return found
    return [Disconnected(body.number(1) if body.left else 0)] if kind == _DISCONNECT else []


def _connected(body: _Reader) -> Connected:
    body.text()
    level, flags = body.number(1), body.number(1)
    body.number(2)
    expiry = body.properties().get(_SESSION_EXPIRY, 0)
    client_id, topic, payload = body.text(), None, b""
    if flags & 0x04:
        body.properties()
        topic, payload = body.text(), body.blob()
    return Connected(level, bool(flags & 2), expiry, client_id, topic, payload, flags >> 3 & 3, bool(flags & 0x20))
