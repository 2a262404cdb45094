"""The carrier MQTT: takes messages from the broker, and acknowledges them when they are committed."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from energy.clocks import DataClock
from energy.errors import TransportError
from energy.services import Control
from energy.transport.mqtt import Link, Message
from energy.wire import Kind
from ingest import metrics
from ingest.following.status import StatusFollower
from ingest.receiving.carrier import Settled
from ingest.receiving.envelopes import from_topic
from ingest.receiving.intake import Intake
from ingest.receiving.mqtt.answers import answers
from ingest.receiving.mqtt.session import Receipt, Session
from ingest.stopping import until_stopping

_STATUS_SUFFIX = f"/{Kind.STATUS}"


class MqttCarrier:
    """Acknowledges what is committed: to the broker, whose window holds up what comes next, then to the gateways.

    Args:
        session: the connection on which gateways are answered.
        clock: data time, which the answers tell, so that a gateway sees when its own clock is wrong.
    """

    name = "mqtt"

    def __init__(self, session: Session, clock: DataClock) -> None:
        self._session = session
        self._clock = clock

    def settle(self, settled: Sequence[Settled]) -> None:
        """Acknowledge; an answer that cannot be sent now is counted, and its envelope comes again."""
        for one in settled:
            assert isinstance(one.delivery.receipt, Receipt)  # noqa: S101 - ours alone
            one.delivery.receipt.acknowledge()
        lost = 0
        now = self._clock.now_ms()
        for address, answer in answers(settled):
            try:
                self._session.publish(address, msgspec.structs.replace(answer, at=now))
            except TransportError:
                lost += 1
        if lost:
            metrics.answers_lost(lost)


class Receiver:
    """The service that reads the connection, whichever is the present one.

    Args:
        session: has the connection.
        carrier: is told when a message is committed.
        intake: takes the messages in.
        statuses: takes the status messages.
    """

    name = "receiver"

    def __init__(self, session: Session, carrier: MqttCarrier, intake: Intake, statuses: StatusFollower) -> None:
        self._session = session
        self._carrier = carrier
        self._intake = intake
        self._statuses = statuses

    async def run(self, control: Control) -> None:
        """Receive until the stop; what is not taken in stays unacknowledged and comes again."""
        control.ready()
        await until_stopping(control, self._receive())

    async def _receive(self) -> None:
        while True:
            link = await self._session.connected()
            try:
                async for message in link.messages:
                    self._take(link, message)
            except TransportError as error:
                self._session.lost(error)

    def _take(self, link: Link, message: Message) -> None:
        if message.topic.endswith(_STATUS_SUFFIX):
            self._statuses.note(message.topic, message.payload)
            link.acknowledge(message)  # a status is only the last one of many; it need not wait for a commit
        else:
            self._intake.add(from_topic(self._carrier, Receipt(link, message), message.topic, message.payload))
