"""What is under way on one MQTT connection: messages that came in, those whose confirmation is awaited, what to write.

Pure bookkeeping for one event loop; it knows no library.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from energy.transport.mqtt_settings import Message

MOST_WAITING_QOS_0 = 1_000
"""QoS 0 has no receive window: what comes in beyond this number is thrown away, as that quality of service allows."""


TOGETHER_BYTES = 65_536
"""Packets are joined to pieces of about this size: paho copies what it could not write of a piece at each attempt."""


class Inbox:
    """Messages that came in, in order, and which of them the broker still counts against the receive window.

    Attributes:
        discarded: QoS 0 messages thrown away because nobody took them in time.
    """

    def __init__(self) -> None:
        self.discarded = 0
        self._messages: deque[Message] = deque()
        self._unacknowledged: dict[int, Message] = {}
        self._arrival: asyncio.Future[None] | None = None
        self._loss: Exception | None = None

    def __len__(self) -> int:
        return len(self._messages)

    @property
    def unacknowledged(self) -> int:
        """How many QoS 1 messages were not settled yet."""
        return len(self._unacknowledged)

    def add(self, message: Message) -> None:
        """Note a message from the broker."""
        if message.qos:
            self._unacknowledged[message.packet_id] = message
        elif len(self._messages) >= MOST_WAITING_QOS_0:
            self.discarded += 1
            return
        self._messages.append(message)
        self._wake()

    async def take(self) -> Message:
        """The oldest message; when the line is lost and all was taken, raises what it was lost with."""
        while not self._messages:
            if self._loss is not None:
                raise self._loss
            if self._arrival is None or self._arrival.done():
                self._arrival = asyncio.get_running_loop().create_future()
            # Shielded, since several may wait for the one arrival and one of them may be cancelled.
            await asyncio.shield(self._arrival)
        return self._messages.popleft()

    def settle(self, message: Message) -> bool:
        """Strike a message off; returns False for one that is not waiting for its acknowledgement here."""
        # The number alone would not do: the broker uses it again, and the newer message must not be acknowledged.
        if self._unacknowledged.get(message.packet_id) is not message:
            return False
        del self._unacknowledged[message.packet_id]
        return True

    def fail(self, loss: Exception) -> None:
        """End `take` with `loss` as soon as all messages are taken."""
        self._loss = self._loss or loss
        self._wake()

    def _wake(self) -> None:
        if self._arrival is not None and not self._arrival.done():
            self._arrival.set_result(None)


class Outbox:
    """QoS 1 messages sent, whose confirmation by the broker is awaited.

    Args:
        write: sends a packet.

    Attributes:
        window: how many unconfirmed messages the broker takes; more are held back, since they would be a protocol
            error. 65 535 unless the broker says otherwise (MQTT 5.0, section 3.2.2.3.3).
    """

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self.window = 65_535
        self._write = write
        self._awaited: dict[int, asyncio.Future[None]] = {}
        self._held: deque[bytes] = deque()

    def __len__(self) -> int:
        return len(self._awaited)

    def __contains__(self, packet_id: object) -> bool:
        return packet_id in self._awaited

    def send(self, packet_id: int, packet: bytes) -> asyncio.Future[None]:
        """Send the packet of that number as soon as the window allows; the future ends with its confirmation."""
        confirmation: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._awaited[packet_id] = confirmation
        self._held.append(packet)
        self._release()
        return confirmation

    def confirm(self, packet_id: int, refusal: Exception | None = None) -> None:
        """Note the broker's answer; numbers that nobody waits for are passed over."""
        confirmation = self._awaited.pop(packet_id, None)
        if confirmation is not None:
            _end(confirmation, refusal)
            self._release()

    def fail(self, loss: Exception) -> None:
        """End all that is awaited with `loss`."""
        self._held.clear()
        while self._awaited:
            _end(self._awaited.popitem()[1], loss)

    def _release(self) -> None:
        while self._held and len(self._awaited) - len(self._held) < self.window:
            self._write(self._held.popleft())


class Joiner:
    """Joins what is written in one step of the event loop, so that a thousand small packets are one write.

    Args:
        send: given the joined packets.
    """

    def __init__(self, send: Callable[[bytes], None]) -> None:
        self._send = send
        self._packets: list[bytes] = []
        self._bytes = 0

    def write(self, packet: bytes) -> None:
        """Send a packet at the end of this step, or as soon as a piece is full."""
        if not self._packets:
            asyncio.get_running_loop().call_soon(self.flush)
        self._packets.append(packet)
        self._bytes += len(packet)
        if self._bytes >= TOGETHER_BYTES:
            self.flush()

    def flush(self) -> None:
        """Send now what was written."""
        if self._packets:
            self._send(b"".join(self._packets))
            self._packets.clear()
            self._bytes = 0


def _end(confirmation: asyncio.Future[None], error: Exception | None) -> None:
    if confirmation.done():
        return
    if error is None:
        confirmation.set_result(None)
    else:
        confirmation.set_exception(error)
        # Read it once: the sender may have dropped the future, and asyncio would complain about that.
        confirmation.exception()
