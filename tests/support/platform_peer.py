"""A platform that confirms whatever comes up, for tests of gateways without ingest."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from energy.readings import Reading
from energy.transport.mqtt import Link, MqttSettings, connect
from energy.wire import Acknowledgement, Address, decode_envelope, encode


class PlatformPeer:
    """What has come up from one gateway.

    Attributes:
        readings: all of them, those that came twice too.
        streams: the streams that they came in.
        confirming: whether what comes is confirmed.
    """

    def __init__(self, address: Address, link: Link) -> None:
        self.readings: list[Reading] = []
        self.streams: set[str] = set()
        self.confirming = True
        self._address = address
        self._link = link

    @property
    def points(self) -> set[str]:
        """The points that were heard of."""
        return {reading.point for reading in self.readings}

    def has_more_than(self, count: int) -> bool:
        """Whether more readings than that have come up, repeated ones included."""
        return len(self.readings) > count

    async def serve(self) -> None:
        """Take and confirm until cancelled."""
        async for message in self._link.messages:
            envelope = decode_envelope(message.payload)
            self.readings.extend(envelope.readings)
            self.streams.add(envelope.stream)
            if self.confirming:
                body = encode(Acknowledgement(1, envelope.stream, [envelope.seq], []))
                await self._link.publish(self._address.ack, body)


@asynccontextmanager
async def platform_peer(address: Address, mqtt: MqttSettings) -> AsyncIterator[PlatformPeer]:
    """A platform for one gateway, on the broker."""
    async with connect(mqtt, client_id=f"platform-{address.gateway}") as link:
        await link.subscribe(address.up)
        peer = PlatformPeer(address, link)
        async with asyncio.TaskGroup() as group:
            serving = group.create_task(peer.serve())
            yield peer
            serving.cancel()
