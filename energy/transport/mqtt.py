"""One connection to an MQTT broker; the only module that knows aiomqtt and the paho client beneath it.

aiomqtt connects, subscribes, keeps the line alive and ties paho to the event loop. Messages and their confirmations go
past both, through a socket of ours (`mqtt_line`), for what they cannot do: acknowledge a message after its work is done
(so that the broker's receive window is the back-pressure), carry 15 000 messages a second at little cost (aiomqtt makes
a task for each, paho takes each apart in about 100 µs), and fail at once what waits when the line is lost.
A link lives once: after a loss make a new one. It never reconnects by itself, so that nobody misses a loss.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Any, Literal, Self

import aiomqtt
import msgspec
from paho.mqtt.client import Client as Paho
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from energy.errors import QuotawattError, TransportError
from energy.transport.mqtt_flow import Inbox, Joiner, Outbox
from energy.transport.mqtt_line import Line
from energy.transport.mqtt_packets import (
    KIND,
    PUBACK,
    PUBLISH,
    decode_puback,
    decode_publish,
    encode_puback,
    encode_publish,
)
from energy.transport.mqtt_refusals import FIRST_FAILURE_CODE, refusal
from energy.transport.mqtt_settings import BrokerLimits, Message, MqttSettings, Will

__all__ = ["BrokerLimits", "Link", "Message", "MqttSettings", "Will", "connect"]

Qos = Literal[0, 1]

_MOST_UNCONFIRMED = 10_000

_CLOSING_S = 2.0
"""Real seconds that a broker has to close the line after we said goodbye."""

# Our messages are small and answered: held back until the one before is acknowledged by TCP, each would take 40 ms more
# (measured: a round trip over the broker takes 89 ms instead of 0.4).
_NO_DELAY = (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

# A lost line is an exception of ours; the libraries' own lines about it would be noise.
_SILENT = logging.getLogger("energy.transport.silent")
_SILENT.disabled = True


def connect(  # noqa: PLR0913 - MQTT has that many options, all but one with a default
    settings: MqttSettings,
    *,
    client_id: str = "",
    protocol: Literal[5, 311] = 5,
    will: Will | None = None,
    manual_ack: bool = False,
    receive_maximum: int = 500,
    clean_start: bool = True,
    session_expiry: int = 0,
) -> Link:
    """Prepare a connection; `async with` opens it.

    Args:
        settings: where the broker is and who we are.
        client_id: used where the settings name none.
        protocol: 311 for brokers before MQTT 5; they know no `receive_maximum` and no `session_expiry`.
        will: published by the broker when we are gone without a word.
        manual_ack: the caller acknowledges each QoS 1 message; otherwise taking it from `messages` does.
        receive_maximum: how many unacknowledged QoS 1 messages the broker may send.
        clean_start: begin without the subscriptions and messages of an earlier connection.
        session_expiry: seconds that the broker keeps our session after a loss.

    Raises (on entering):
        TransportError: no broker there, no answer in time, or the line was lost; later it may work.
        PermissionRefusedError: the broker refuses our credentials.
        SetupError: the broker cannot serve this protocol or client id, or a file of the settings cannot be used.
    """
    version: dict[str, Any]
    if protocol == 311:  # noqa: PLR2004 - MQTT 3.1.1
        version = {"protocol": aiomqtt.ProtocolVersion.V311, "clean_session": clean_start}
    else:
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho leaves it untyped
        properties.SessionExpiryInterval = session_expiry
        properties.ReceiveMaximum = receive_maximum
        version = {"protocol": aiomqtt.ProtocolVersion.V5, "clean_start": clean_start, "properties": properties}
    options = {
        **version,
        "identifier": settings.client_id or client_id or None,
        "will": aiomqtt.Will(will.topic, will.payload, 1, will.retain) if will else None,
    }
    return Link(settings, options, manual_ack=manual_ack, properties=protocol != 311)  # noqa: PLR2004 - MQTT 3.1.1


class Link:
    """An open connection; made by `connect`.

    Attributes:
        session_present: the broker still had our session, with its subscriptions.
        limits: what the broker said that it allows.
    """

    def __init__(self, settings: MqttSettings, options: dict[str, Any], *, manual_ack: bool, properties: bool) -> None:
        self.session_present = False
        self.limits = BrokerLimits()
        self._settings = settings
        self._options = options
        self._manual_ack = manual_ack
        self._properties = properties  # stand in the packets of MQTT 5
        self._inbox = Inbox()
        self._joiner = Joiner(self._queue)
        self._outbox = Outbox(self._joiner.write)
        self._line: Line | None = None
        self._loss: TransportError | None = None
        self._closed = False

    async def __aenter__(self) -> Self:
        self._client = self._make_client()
        # Below aiomqtt's public face; tests/contract/test_foundation_mqtt.py fails when an upgrade breaks it.
        self._paho: Paho = self._client._client  # noqa: SLF001 - the only way to give it a socket
        self._take_over()
        try:
            await self._client.__aenter__()
        except aiomqtt.MqttError as error:
            self._abandon()
            raise self._translate(error, "cannot be reached") from error
        except BaseException:
            self._abandon()
            raise
        self._client._disconnected.add_done_callback(self._on_lost)  # noqa: SLF001 - tells of every kind of loss
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Say goodbye and close; the broker has then read all that was sent, if it closes the line within two seconds.

        What is held back because the broker takes no more unconfirmed messages is not sent any more.
        """
        self._joiner.flush()
        try:
            if self._line is not None:
                self._line.lingering = True
            with contextlib.suppress(aiomqtt.MqttError):
                await self._client.__aexit__(kind, error, trace)
            if self._line is not None:
                await self._line.finish(_CLOSING_S)
        finally:
            self._abandon()
            self._fail(TransportError(f"{self._broker}: the connection was closed"))

    async def subscribe(self, topic: str, *, qos: Qos = 1) -> None:
        """Ask for the messages of `topic` (with wildcards, or `$share/group/…`).

        Raises:
            PermissionRefusedError: the broker does not let us read there.
            TransportError: it did not answer.
        """
        try:
            codes = await self._client.subscribe(topic, qos=qos)
        except aiomqtt.MqttError as error:
            raise self._translate(error, "did not answer a subscription") from error
        code = codes[0].value if isinstance(codes[0], ReasonCode) else codes[0]
        if code >= FIRST_FAILURE_CODE:
            raise refusal(f"{self._broker}: the subscription to {topic}", code, subscription=True)

    async def publish(self, topic: str, payload: bytes, *, qos: Qos = 1, retain: bool = False) -> None:
        """Publish and, with QoS 1, wait until the broker has it.

        Raises:
            TransportError: the line was lost or no answer came in time; whether the broker has it is unknown.
            PermissionRefusedError: the broker (of MQTT 5) does not let us write there.
        """
        confirmation = self.send(topic, payload, qos=qos, retain=retain)
        try:
            async with asyncio.timeout(self._settings.timeout):
                await confirmation
        except TimeoutError as error:
            raise TransportError(f"{self._broker} did not confirm a message in time") from error

    def send(self, topic: str, payload: bytes, *, qos: Qos = 1, retain: bool = False) -> asyncio.Future[None]:
        """Publish without waiting; the future ends as `publish` would, and may be dropped unread.

        Raises:
            TransportError: the line is lost, or 10 000 messages are unconfirmed.
            ValueError: nobody can publish to this topic.
        """
        if self._loss is not None:
            raise self._loss
        if len(self._outbox) >= _MOST_UNCONFIRMED:
            raise TransportError(f"{self._broker}: a message could not be sent, {_MOST_UNCONFIRMED} are unconfirmed")
        packet_id = self._free_packet_id() if qos else 0
        packet = encode_publish(topic, payload, retain=retain, packet_id=packet_id, properties=self._properties)
        if qos:
            return self._outbox.send(packet_id, packet)
        self._joiner.write(packet)
        sent: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        sent.set_result(None)
        return sent

    @property
    def messages(self) -> AsyncIterator[Message]:
        """What comes in, in order; raises TransportError when the line is lost and all that had come was taken."""
        return _Messages(self)

    async def take(self) -> Message:
        """The next of `messages`."""
        message = await self._inbox.take()
        if not self._manual_ack:
            self.acknowledge(message)
        return message

    def acknowledge(self, message: Message) -> None:
        """Tell the broker that the work on `message` is done; in any order.

        Harmless for QoS 0, for one acknowledged before, and for one of an earlier link: that one comes again. So may
        one acknowledged just before a link is lost: the broker drops what it has not read of a replaced connection.
        """
        if self._inbox.settle(message):
            self._joiner.write(encode_puback(message.packet_id))

    @property
    def waiting(self) -> int:
        """Messages that have come in and were not taken yet."""
        return len(self._inbox)

    @property
    def unacknowledged(self) -> int:
        """QoS 1 messages that the broker still counts against the receive window."""
        return self._inbox.unacknowledged

    @property
    def discarded(self) -> int:
        """QoS 0 messages thrown away because nobody took them in time."""
        return self._inbox.discarded

    @property
    def _broker(self) -> str:
        return f"the MQTT broker at {self._settings.host}:{self._settings.port}"

    def _make_client(self) -> aiomqtt.Client:
        settings = self._settings
        return aiomqtt.Client(
            settings.host,
            settings.port,
            username=settings.username,
            password=settings.password(),
            tls_context=settings.tls_context(),
            keepalive=settings.keepalive,
            timeout=settings.timeout,
            logger=_SILENT,
            **self._options,
        )

    def _take_over(self) -> None:
        """Put our socket and callbacks in the place of paho's and aiomqtt's, or around them."""
        paho = self._paho
        paho.disable_logger()
        open_socket = paho._create_socket  # noqa: SLF001 - where paho, too, puts a socket of its own making (WebSocket)
        paho._create_socket = lambda: self._open_line(open_socket())  # type: ignore[method-assign] # noqa: SLF001 - likewise
        paho.on_connect = self._on_connect
        paho.on_disconnect = self._on_disconnect

    def _open_line(self, connection: object) -> Line:
        """Called in the thread that connects."""
        assert isinstance(connection, socket.socket)  # noqa: S101 - we ask for TCP, with or without TLS
        connection.setsockopt(*_NO_DELAY)
        self._line = Line(connection, self._take_packet)
        return self._line

    def _on_connect(self, paho: Paho, data: Any, flags: Any, code: ReasonCode, properties: Properties | None) -> None:
        if self._closed:  # The caller was cancelled while a thread was still connecting.
            self._abandon()
            return
        self.session_present = flags.session_present
        self.limits = _limits(properties)
        self._outbox.window = getattr(properties, "ReceiveMaximum", self._outbox.window)
        self._client._on_connect(paho, data, flags, code, properties)  # noqa: SLF001 - aiomqtt's own handling

    def _on_disconnect(
        self, paho: Paho, data: Any, flags: Any, code: ReasonCode, properties: Properties | None
    ) -> None:
        if self._closed:  # Nobody waits for this any more, and aiomqtt would trip over the cancelled wait.
            return
        connected = self._client._connected  # noqa: SLF001 - else aiomqtt waits its whole time-out for a closed line
        if not connected.done():
            connected.set_exception(aiomqtt.MqttError("it closed the connection before accepting it"))
        self._client._on_disconnect(paho, data, flags, code, properties)  # noqa: SLF001 - aiomqtt's own handling

    def _take_packet(self, first: int, body: bytes) -> None:
        if first & KIND == PUBLISH:
            self._inbox.add(decode_publish(first, body, properties=self._properties))
        else:
            packet_id, code = decode_puback(body)
            refused = code >= FIRST_FAILURE_CODE
            self._outbox.confirm(packet_id, refusal(f"{self._broker}: a message", code) if refused else None)

    def _free_packet_id(self) -> int:
        """A number that no unconfirmed message has; paho's subscriptions take theirs from the same source."""
        while (packet_id := self._paho._mid_generate()) in self._outbox:  # noqa: SLF001 - no public one
            pass
        return packet_id

    def _queue(self, packets: bytes) -> None:
        """Send behind paho's own packets, of which one may be half sent; to paho it is a packet that starts nothing."""
        self._paho._packet_queue(PUBACK, packets, 0, 1)  # noqa: SLF001 - no public one

    def _on_lost(self, lost: asyncio.Future[None]) -> None:
        cause = None if lost.cancelled() else lost.exception()
        self._fail(TransportError(f"{self._broker}: the connection was lost ({cause or 'closed'})"))

    def _fail(self, loss: TransportError) -> None:
        self._loss = self._loss or loss
        self._inbox.fail(self._loss)
        self._outbox.fail(self._loss)

    def _abandon(self) -> None:
        """Leave no socket behind: paho sees the end of the line in its next read, and then frees everything itself."""
        self._closed = True
        if self._line is not None:
            self._line.cut()

    def _translate(self, error: aiomqtt.MqttError, what: str) -> QuotawattError:
        if isinstance(error, aiomqtt.MqttCodeError) and isinstance(error.rc, ReasonCode):
            return refusal(f"{self._broker}: the connection", error.rc.value)
        return TransportError(f"{self._broker} {what}: {error}", advice="Check host and port, and the broker.")


def _limits(properties: Properties | None) -> BrokerLimits:
    """What stands in the CONNACK; what does not is the standard's default."""
    said = {
        "qos": "MaximumQoS",
        "packet_bytes": "MaximumPacketSize",
        "receive_maximum": "ReceiveMaximum",
        "retain": "RetainAvailable",
        "shared_subscriptions": "SharedSubscriptionAvailable",
        "session_expiry_s": "SessionExpiryInterval",
    }
    given = {ours: getattr(properties, theirs) for ours, theirs in said.items() if hasattr(properties, theirs)}
    return msgspec.convert(given, BrokerLimits, strict=False)


class _Messages:
    """Iterates over a link; an async generator would have to be closed."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Message:
        return await self._link.take()
