"""How many messages a broker has in flight to one client, and how many it queues for one that is away: by trying.

No broker tells. Some messages are published to a session of the probe's own that is away, then counted as they come.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import msgspec

from energy.transport.mqtt import Link, Message, MqttSettings, connect

MESSAGES = 2_500
"""So many are published: enough to see a broker's usual 20 in flight and 1 000 queued, little enough for any start."""
_QUIET_S = 0.5
"""Real seconds without a message after which no more are expected."""
_EXPIRY_S = 60
_MOST_IN_FLIGHT = 65_535


class Probed(msgspec.Struct, frozen=True):
    """What came through.

    Attributes:
        in_flight: messages that the broker sent before the first one was acknowledged.
        kept: messages that it had kept for a client that was away, those in flight among them.
        sent: messages that it had acknowledged; a number of the other two that reaches this one is "at least".
    """

    in_flight: int
    kept: int
    sent: int


async def probe(mqtt: MqttSettings, worker: str, *, messages: int = MESSAGES) -> Probed:
    """Try what the broker keeps; takes about two seconds.

    Raises:
        TransportError: the line was lost.
        PermissionRefusedError: the broker does not let this client use the topic `qw/1/probe/{worker}`.
        SetupError: it does not let clients of such a name in.
    """
    topic = f"qw/1/probe/{worker}"
    anonymous = msgspec.structs.replace(mqtt, client_id="")  # the worker's own session is not to be taken over
    name = f"{worker}-probe"
    async with connect(anonymous, client_id=name, session_expiry=_EXPIRY_S) as link:
        await link.subscribe(topic)
    async with connect(anonymous, client_id=f"{name}-sender") as sender:
        for confirmation in [sender.send(topic, b"%d" % number) for number in range(messages)]:
            await confirmation
    async with connect(
        anonymous, client_id=name, manual_ack=True, receive_maximum=_MOST_IN_FLIGHT, clean_start=False
    ) as link:
        in_flight = [message async for message in _until_quiet(link)]
        for message in in_flight:
            link.acknowledge(message)
        kept = len(in_flight)
        async for message in _until_quiet(link):
            link.acknowledge(message)
            kept += 1
    return Probed(len(in_flight), kept, messages)


async def _until_quiet(link: Link) -> AsyncIterator[Message]:
    while True:
        try:
            async with asyncio.timeout(_QUIET_S):
                message = await link.take()
        except TimeoutError:
            return
        yield message
