"""What is under way on one MQTT connection: messages that came in, and messages whose confirmation is awaited.

Pure bookkeeping for one event loop; it knows no library.
"""

from __future__ import annotations

import asyncio
from collections import deque

from energy.transport.mqtt_settings import Message

MOST_WAITING_QOS_0 = 1_000
"""QoS 0 has no receive window: what comes in beyond this number is thrown away, as that quality of service allows."""


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
    """Messages sent, whose confirmation by the broker is awaited."""

    def __init__(self) -> None:
        self._awaited: dict[int, asyncio.Future[None]] = {}

    def __len__(self) -> int:
        return len(self._awaited)

    def expect(self, packet_id: int) -> asyncio.Future[None]:
        """A future that ends with the confirmation of that number."""
        confirmation: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._awaited[packet_id] = confirmation
        return confirmation

    def confirm(self, packet_id: int, refusal: Exception | None = None) -> None:
        """Note the broker's answer; numbers that nobody waits for are passed over."""
        confirmation = self._awaited.pop(packet_id, None)
        if confirmation is not None:
            _end(confirmation, refusal)

    def fail(self, loss: Exception) -> None:
        """End all that is awaited with `loss`."""
        while self._awaited:
            _end(self._awaited.popitem()[1], loss)


def _end(confirmation: asyncio.Future[None], error: Exception | None) -> None:
    if confirmation.done():
        return
    if error is None:
        confirmation.set_result(None)
    else:
        confirmation.set_exception(error)
        # Read it once: the sender may have dropped the future, and asyncio would complain about that.
        confirmation.exception()
