"""A nation's gateways as one process: they send at a given pace, and again what is not confirmed.

Each gateway has one envelope for each minute with a reading of each of its points, stamped with the moment at which it
is sent, so that a reading's age is the time since then. What is not confirmed within `RESEND_S` is sent again. No
window holds a gateway back, so that what waits is all that the platform has not dealt with.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import msgspec
import numpy as np

from benchmarks.registry import REGION, gateway_code
from deploy.stack import Endpoints
from energy.readings import Reading
from energy.transport.mqtt import Link, MqttSettings, connect
from energy.wire import Address, decode_acknowledgement, encode_envelope, parse_topic

POINTS = 100
RESEND_S = 30.0
_STEP_S = 0.02
_ACKS = "qw/1/+/+/ack"


@dataclass(slots=True)
class Progress:
    """How far the sending is.

    Attributes:
        sent: envelopes sent for the first time.
        again: envelopes sent again.
        confirmed: envelopes confirmed.
        most_open: most envelopes that were sent and not confirmed at any moment.
    """

    sent: int = 0
    again: int = 0
    confirmed: int = 0
    most_open: int = 0


class Nation:
    """The gateways; made by `nation`.

    Attributes:
        progress: how far they are.
    """

    def __init__(self, sender: Link, gateways: int, rounds: int) -> None:
        self.progress = Progress()
        self._sender = sender
        self._gateways = gateways
        self._rounds = rounds
        self._stamp = np.zeros((rounds, gateways))
        self._tried_at = np.zeros((rounds, gateways))
        self._confirmed = np.zeros((rounds, gateways), np.bool_)

    async def send(self, per_second: float, seconds: float) -> None:
        """Send so many envelopes a second for so long, all gateways in turn."""
        begin = time.monotonic()
        total = min(round(per_second * seconds), self._rounds * self._gateways)
        while self.progress.sent < total:
            due = min(total, int((time.monotonic() - begin) * per_second))
            while self.progress.sent < due:
                await self._send_next()
            await asyncio.sleep(_STEP_S)

    async def finish(self, bound_s: float) -> float:
        """Wait until all is confirmed, sending again what is not; real seconds that it took."""
        begin = time.monotonic()
        while self.progress.confirmed < self.progress.sent:
            if time.monotonic() - begin > bound_s:
                raise SystemExit(f"{self.progress.sent - self.progress.confirmed} envelopes are not confirmed")
            await self._send_again()
            await asyncio.sleep(_STEP_S)
        return time.monotonic() - begin

    async def listen(self, link: Link) -> None:
        """Take acknowledgements until cancelled."""
        async for message in link.messages:
            address, _ = parse_topic(message.topic)
            if not address.gateway.startswith("gw-"):
                continue  # of somebody else
            gateway = int(address.gateway.removeprefix("gw-"))
            for seq in decode_acknowledgement(message.payload).confirmed:
                if not self._confirmed[seq - 1, gateway]:
                    self._confirmed[seq - 1, gateway] = True
                    self.progress.confirmed += 1

    async def _send_next(self) -> None:
        minute, gateway = divmod(self.progress.sent, self._gateways)
        self.progress.sent += 1
        await self._publish(minute, gateway, time.time())
        still_open = self.progress.sent - self.progress.confirmed
        self.progress.most_open = max(self.progress.most_open, still_open)

    async def _send_again(self) -> None:
        """What was sent long ago; with the times of its first sending, since an envelope is never cut anew."""
        late = (self._stamp > 0) & ~self._confirmed & (self._tried_at < time.time() - RESEND_S)
        for minute, gateway in np.argwhere(late).tolist():
            self.progress.again += 1
            await self._publish(minute, gateway, float(self._stamp[minute, gateway]))

    async def _publish(self, minute: int, gateway: int, stamp: float) -> None:
        self._stamp[minute, gateway], self._tried_at[minute, gateway] = stamp, time.time()
        at = int(stamp * 1000)
        base = gateway_code(gateway)[3:]
        readings = [Reading(f"P-{base}-{i:04d}", at, i + minute / 4) for i in range(POINTS)]
        body = encode_envelope(f"{gateway:032x}", minute + 1, readings)
        confirmation = self._sender.send(Address(REGION, gateway_code(gateway)).up, body)
        if self.progress.sent % 1_000 == 0:  # the broker is not to be left behind by more
            await confirmation


@asynccontextmanager
async def nation(endpoints: Endpoints, gateways: int, rounds: int) -> AsyncIterator[Nation]:
    """So many gateways, each with at most `rounds` envelopes."""
    broker = MqttSettings(host=endpoints.mqtt_host, port=endpoints.mqtt_port)
    async with (
        connect(broker, client_id="bench-nation") as sender,
        connect(broker, client_id="bench-nation-acks") as link,
        asyncio.TaskGroup() as group,
    ):
        await link.subscribe(_ACKS)
        made = Nation(sender, gateways, rounds)
        listening = group.create_task(made.listen(link))
        yield made
        listening.cancel()


class Ages(msgspec.Struct, frozen=True):
    """Milliseconds from the sending of readings to their commit."""

    p50: float
    p99: float
    most: float


def ages(rows: list[tuple[int, float, int]], seen: dict[int, float]) -> Ages:
    """From (batch, time stamp in seconds, readings), and when each batch was seen to be committed."""
    age = np.array([seen[batch] - stamp for batch, stamp, _ in rows]) * 1000
    order = np.argsort(age)
    share = np.cumsum(np.array([count for _, _, count in rows])[order], dtype=np.float64)
    share /= share[-1]
    p50, p99 = (float(age[order][np.searchsorted(share, part)]) for part in (0.5, 0.99))
    return Ages(p50, p99, float(age.max()))
