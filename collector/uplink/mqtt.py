"""The way up over an MQTT broker, as `docs/wire-protocol.md` has it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from collector.uplink.channel import Heard
from collector.uplink.settings import MqttPlatform
from energy.transport.mqtt import Link, Will, connect
from energy.wire import VERSION, Address, Kind, Status, encode

_PLACES = 1_000
"""The window alone bounds what is on the way."""


@asynccontextmanager
async def open_mqtt(platform: MqttPlatform, address: Address) -> AsyncIterator[MqttChannel]:
    """Connect and listen, with a last will that tells when we are gone without a word.

    Raises:
        TransportError: no broker there, or the line was lost.
        FatalError: the broker refuses us.
    """
    async with connect(
        platform,
        client_id=f"qw-{address.region}-{address.gateway}",
        protocol=311,
        will=Will(address.status, encode(Status(VERSION, online=False)), retain=True),
    ) as link:
        await link.subscribe(address.ack)
        await link.subscribe(address.command)
        yield MqttChannel(link, address, platform.timeout)


class MqttChannel:
    """An open connection to a broker; made by `open_mqtt`."""

    places = _PLACES

    def __init__(self, link: Link, address: Address, patience: float) -> None:
        self.patience = patience
        self._link = link
        self._address = address

    def send(self, body: bytes) -> asyncio.Future[None]:
        """Publish an envelope; the future ends with the broker's PUBACK."""
        return self._link.send(self._address.up, body)

    async def tell(self, status: bytes) -> None:
        """Publish the status, retained."""
        await self._link.publish(self._address.status, status, retain=True)

    async def heard(self) -> AsyncIterator[Heard]:
        """Acknowledgements and commands; a command that the broker kept from earlier is none."""
        async for message in self._link.messages:
            kind = Kind.ACK if message.topic == self._address.ack else Kind.COMMAND
            if kind is Kind.ACK or not message.retain:
                yield Heard(kind, message.payload)
