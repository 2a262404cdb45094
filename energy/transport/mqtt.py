"""One connection to an MQTT broker; the only module that knows aiomqtt and the paho client beneath it.

aiomqtt connects, subscribes and ties paho to the event loop. Three things it cannot do, and they are done here on paho
itself: acknowledge a message after its work is done (so that the broker's receive window is the back-pressure), hand on
15 000 messages a second (it makes a task for each), and fail at once what waits when the line is lost.
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
from paho.mqtt.client import Client as Paho
from paho.mqtt.client import MQTTMessage
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from energy.errors import QuotawattError, TransportError
from energy.transport.mqtt_flow import Inbox, Outbox
from energy.transport.mqtt_refusals import FIRST_FAILURE_CODE, refusal
from energy.transport.mqtt_settings import Message, MqttSettings, TlsSettings, Will

__all__ = ["Link", "Message", "MqttSettings", "TlsSettings", "Will", "connect"]

Qos = Literal[0, 1]

_MOST_UNCONFIRMED = 10_000

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
    return Link(settings, options, manual_ack=manual_ack)


class Link:
    """An open connection; made by `connect`.

    Attributes:
        session_present: the broker still had our session, with its subscriptions.
    """

    def __init__(self, settings: MqttSettings, options: dict[str, Any], *, manual_ack: bool) -> None:
        self.session_present = False
        self._settings = settings
        self._options = options
        self._manual_ack = manual_ack
        self._inbox = Inbox()
        self._outbox = Outbox()
        self._loss: TransportError | None = None
        self._closed = False

    async def __aenter__(self) -> Self:
        self._client = self._make_client()
        # Below aiomqtt's public face; tests/contract/test_foundation_mqtt.py fails when an upgrade breaks it.
        self._paho: Paho = self._client._client  # noqa: SLF001 - the only way to acknowledge
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
        try:
            with contextlib.suppress(aiomqtt.MqttError):
                await self._client.__aexit__(kind, error, trace)
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
        """
        if self._loss is not None:
            raise self._loss
        info = self._paho.publish(topic, payload, qos, retain)
        if info.rc:
            raise TransportError(f"{self._broker}: a message could not be sent ({info.rc.name})")
        confirmation = self._outbox.expect(info.mid)
        if not qos:
            self._outbox.confirm(info.mid)
        return confirmation

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
        one acknowledged just before the end of a link: the broker drops what it has not read of a replaced connection.
        """
        if self._inbox.settle(message):
            self._paho.ack(message.packet_id, message.qos)

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
            max_queued_outgoing_messages=_MOST_UNCONFIRMED,
            socket_options=[_NO_DELAY],
            **self._options,
        )

    def _take_over(self) -> None:
        """Put our callbacks in the place of aiomqtt's, or around them."""
        paho = self._paho
        paho.disable_logger()
        paho.manual_ack_set(True)
        paho.on_message = self._on_message
        paho.on_publish = self._on_publish
        paho.on_connect = self._on_connect
        paho.on_disconnect = self._on_disconnect

    def _on_connect(self, paho: Paho, data: Any, flags: Any, code: ReasonCode, properties: Properties | None) -> None:
        if self._closed:  # The caller was cancelled while a thread was still connecting.
            self._abandon()
            return
        self.session_present = flags.session_present
        # paho does not heed how many unconfirmed messages an MQTT 5 broker takes, and more is a protocol error.
        # Its public setter refuses an open connection; nothing was sent on this one yet.
        paho._max_inflight_messages = getattr(properties, "ReceiveMaximum", 0)  # noqa: SLF001 - see above
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

    def _on_message(self, paho: Paho, data: Any, raw: MQTTMessage) -> None:  # noqa: ARG002 - paho's signature
        self._inbox.add(Message(raw.topic, bytes(raw.payload), raw.retain, raw.qos, raw.mid))

    def _on_publish(
        self,
        paho: Paho,  # noqa: ARG002 - paho's signature
        data: Any,  # noqa: ARG002 - likewise
        mid: int,
        code: ReasonCode,
        properties: Properties | None,  # noqa: ARG002 - likewise
    ) -> None:
        failed = code.value >= FIRST_FAILURE_CODE
        self._outbox.confirm(mid, refusal(f"{self._broker}: a message", code.value) if failed else None)

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
        line = self._paho.socket()
        if isinstance(line, socket.socket):
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

    def _translate(self, error: aiomqtt.MqttError, what: str) -> QuotawattError:
        if isinstance(error, aiomqtt.MqttCodeError) and isinstance(error.rc, ReasonCode):
            return refusal(f"{self._broker}: the connection", error.rc.value)
        return TransportError(f"{self._broker} {what}: {error}", advice="Check [mqtt] host and port, and the broker.")


class _Messages:
    """Iterates over a link; an async generator would have to be closed."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Message:
        return await self._link.take()
