"""The connection to the broker: made, kept, made again."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from energy.backoff import Backoff
from energy.errors import TransportError
from energy.services import Control
from energy.transport.mqtt import Link, Message, MqttSettings, connect
from energy.wire import ALL_STATUS, Acknowledgement, Address, Command, encode, shared_up
from ingest import metrics
from ingest.receiving.mqtt.answers import encoded
from ingest.receiving.mqtt.settings import ReceiveSettings
from ingest.stopping import until_stopping

FIRST_DELAY_S = 0.1
LONGEST_DELAY_S = 5.0


@dataclass(frozen=True, slots=True)
class Receipt:
    """What it takes to acknowledge a message to the broker: only the connection it came on can."""

    link: Link
    message: Message

    def acknowledge(self) -> None:
        """Tell the broker that the message is dealt with; on a lost connection that is without effect."""
        self.link.acknowledge(self.message)


class Session:
    """A service that holds the connection; it stops last, since what is committed last is still to be acknowledged.

    Args:
        mqtt: the broker.
        receive: what to subscribe to, and how.
        worker: the client's name at the broker.
    """

    name = "broker"

    def __init__(self, mqtt: MqttSettings, receive: ReceiveSettings, worker: str) -> None:
        self._mqtt = mqtt
        self._receive = receive
        self._worker = worker
        self._link: Link | None = None
        self._up = asyncio.Event()
        self._lost = asyncio.Event()

    async def run(self, control: Control) -> None:
        """Connect and subscribe, again whenever the connection is lost, until the stop.

        It is ready as soon as the first attempt has shown whether the broker is there.

        Raises:
            PermissionRefusedError: the broker refuses our credentials or rights.
        """
        await until_stopping(control, self._stay_connected(control))

    async def connected(self) -> Link:
        """The present connection, as soon as there is one."""
        await self._up.wait()
        assert self._link is not None  # noqa: S101 - set before the event
        return self._link

    def lost(self, error: TransportError) -> None:
        """Told by who reads that the present connection has failed."""
        metrics.broker_failed(error)
        self._disown()
        self._lost.set()

    def publish(self, address: Address, answer: Acknowledgement) -> None:
        """Answer a gateway, without waiting for the broker: a lost answer costs a resend, a waiting batch costs all.

        Raises:
            TransportError: there is no connection; the gateway will send again and be answered then.
        """
        if self._link is None:
            raise TransportError("the broker is away")
        self._link.send(address.ack, encoded(answer), qos=1)

    def command(self, address: Address, command: Command) -> None:
        """Tell a gateway to do something, without waiting for the broker.

        Raises:
            TransportError: there is no connection; nothing was sent.
        """
        if self._link is None:
            raise TransportError("the broker is away")
        self._link.send(address.command, encode(command), qos=1)

    async def check(self) -> None:
        """Raise TransportError while there is no connection: for the readiness endpoint."""
        if self._link is None:
            raise TransportError("the broker is away")

    async def _stay_connected(self, control: Control) -> None:
        backoff = Backoff(FIRST_DELAY_S, LONGEST_DELAY_S)
        while True:
            try:
                async with self._connection() as link:
                    await link.subscribe(shared_up(self._receive.group), qos=1)
                    await link.subscribe(ALL_STATUS, qos=1)
                    backoff.reset()
                    self._own(link)
                    metrics.broker_works()
                    control.ready()
                    await self._lost.wait()
            except TransportError as error:
                metrics.broker_failed(error)
                control.ready()  # one that is away holds up no other way in; one that refuses us still ends the start
            finally:
                self._disown()
            await asyncio.sleep(backoff.next())

    def _connection(self) -> AbstractAsyncContextManager[Link]:
        """What is not acknowledged when a connection ends comes again on the next one, as long as the session lives."""
        return connect(
            self._mqtt,
            client_id=self._worker,
            manual_ack=True,
            receive_maximum=self._receive.window,
            clean_start=False,
            session_expiry=self._receive.session_expiry_s,
        )

    def _own(self, link: Link) -> None:
        self._lost.clear()
        self._link = link
        self._up.set()

    def _disown(self) -> None:
        self._link = None
        self._up.clear()
