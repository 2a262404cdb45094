"""A gateway that keeps to the contract: it sends its envelopes again until every one is confirmed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from energy.errors import TransportError
from energy.readings import Reading
from energy.transport.mqtt import Link, MqttSettings, connect
from energy.wire import Address, Refusal, decode_acknowledgement, encode_envelope

RECONNECT_S = 0.1


@dataclass
class FakeGateway:
    """Sends `envelopes`, numbered from 1.

    Attributes:
        broker: where to.
        address: who sends.
        stream: of all envelopes.
        envelopes: the readings of each.
        resend_s: real seconds after which all that is unconfirmed is sent again.
        confirmed: the numbers confirmed so far.
        refused: what was refused so far.
        sent: how many messages were handed to the broker.
    """

    broker: MqttSettings
    address: Address
    stream: str
    envelopes: Sequence[Sequence[Reading]]
    resend_s: float = 1.0
    confirmed: set[int] = field(default_factory=set)
    refused: list[Refusal] = field(default_factory=list)
    sent: int = 0

    @property
    def done(self) -> bool:
        """Whether every envelope is confirmed."""
        return len(self.confirmed) == len(self.envelopes)

    async def run(self) -> None:
        """Send until all is confirmed, whatever happens to the line."""
        while not self.done:
            try:
                async with connect(self.broker, client_id=f"gateway-{self.address.gateway}", protocol=311) as link:
                    await link.subscribe(self.address.ack)
                    await self._send_until_done(link)
            except TransportError:
                await asyncio.sleep(RECONNECT_S)

    async def _send_until_done(self, link: Link) -> None:
        while not self.done:
            for seq, readings in enumerate(self.envelopes, 1):
                if seq not in self.confirmed:
                    await link.publish(self.address.up, encode_envelope(self.stream, seq, list(readings)))
                    self.sent += 1
            try:
                async with asyncio.timeout(self.resend_s):
                    await self._listen(link)
            except TimeoutError:
                continue

    async def _listen(self, link: Link) -> None:
        async for message in link.messages:
            answer = decode_acknowledgement(message.payload)
            self.confirmed.update(answer.confirmed)
            self.refused += answer.refused
            if self.done:
                return
