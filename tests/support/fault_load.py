"""Gateways that keep to the contract under a load that goes on, and the books that must balance in the end.

A sender keeps every envelope until it is confirmed, and forgets it then. So whatever was confirmed and is not stored is
missing from the books for good, and whatever is neither confirmed nor stored is still with its sender.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import aiohttp

from energy.errors import TransportError
from energy.readings import Reading, content_order
from energy.storage import Connection
from energy.transport.mqtt import Link, MqttSettings, connect
from energy.waiting import first_of
from energy.wire import Address, Refusal, decode_acknowledgement, encode_envelope
from energy.wire.push import GATEWAY_HEADER, READINGS_PATH, gateway_header
from tests.support import ingest_worker
from tests.support.ingest_world import START_MS

POINTS = 20
STEP_MS = 50
"""Between the readings of two envelopes: so short that no load reaches the present of the tests' data time."""
WINDOW = 24
PACE_S, RESEND_S, RECONNECT_S = 0.02, 1.0, 0.1

Key = tuple[str, int]
Content = tuple[int, float | None]


@dataclass
class Sender:
    """Makes envelopes as long as it is asked to, with at most `WINDOW` unconfirmed; numbered from 1.

    Every fourth envelope brings the readings of the one before again, every seventh contradicts it.

    Attributes:
        address: who sends.
        stream: of all envelopes.
        confirmed: the numbers confirmed so far.
        refused: what was refused so far.
        made: how many envelopes were made.
        finishing: makes no more; ends when all are confirmed.
    """

    address: Address = field(default_factory=ingest_worker.address)
    stream: str = field(default_factory=lambda: uuid.uuid4().hex)
    confirmed: set[int] = field(default_factory=set)
    refused: list[Refusal] = field(default_factory=list)
    made: int = 0
    finishing: bool = False
    _sent: dict[int, float] = field(default_factory=dict)

    async def run(self) -> None:
        """Send until done, whatever happens to the line."""
        raise NotImplementedError

    @property
    def done(self) -> bool:
        """Whether it was asked to finish, and has nothing left."""
        return self.finishing and len(self.confirmed) == self.made

    def readings(self, seq: int) -> list[Reading]:
        """What envelope `seq` brings; always the same."""
        like = seq - 1 if seq % 4 == 0 or seq % 7 == 0 else seq
        shift, quality = (0.5, 1) if seq % 7 == 0 and seq % 2 else (0.0, 0)
        shift = -0.25 if seq % 14 == 0 else shift
        return [
            Reading(f"{self.address.gateway}-{i}", START_MS + STEP_MS * like, like + i / 64 + shift, quality)
            for i in range(POINTS)
        ]

    def due(self, now: float) -> list[tuple[int, bytes]]:
        """The envelopes to send now: new ones within the window, and what was sent a while ago in vain."""
        while not self.finishing and self.made - len(self.confirmed) < WINDOW:
            self.made += 1
            self._sent[self.made] = float("-inf")
        late = [seq for seq, at in self._sent.items() if at < now - RESEND_S]
        self._sent.update(dict.fromkeys(late, now))
        return [(seq, encode_envelope(self.stream, seq, self.readings(seq))) for seq in late]

    def take(self, answer: bytes) -> None:
        """Forget what is confirmed."""
        told = decode_acknowledgement(answer)
        self.confirmed.update(told.confirmed)
        self.refused += told.refused
        for seq in told.confirmed:
            self._sent.pop(seq, None)

    def contents(self) -> Iterator[tuple[Key, Content]]:
        """Everything that it ever made."""
        for seq in range(1, self.made + 1):
            for reading in self.readings(seq):
                yield (reading.point, reading.at), (reading.quality, reading.value)


@dataclass
class MqttSender(Sender):
    """Sends by MQTT."""

    broker: MqttSettings = field(default_factory=MqttSettings)

    async def run(self) -> None:
        """Send until done, whatever happens to the line."""
        while not self.done:
            try:
                async with connect(self.broker, client_id=f"gateway-{self.address.gateway}", protocol=311) as link:
                    await link.subscribe(self.address.ack)
                    await first_of(self._send(link), self._listen(link))
            except TransportError:
                await asyncio.sleep(RECONNECT_S)

    async def _send(self, link: Link) -> None:
        while not self.done:
            for _, payload in self.due(asyncio.get_running_loop().time()):
                await link.publish(self.address.up, payload)
            await asyncio.sleep(PACE_S)

    async def _listen(self, link: Link) -> None:
        async for message in link.messages:
            self.take(message.payload)


@dataclass
class HttpSender(Sender):
    """Pushes by HTTP."""

    url: str = ""

    async def run(self) -> None:
        """Push until done, whatever happens to the line."""
        timeout = aiohttp.ClientTimeout(total=5)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            while not self.done:
                due = self.due(asyncio.get_running_loop().time())
                await asyncio.gather(*(self._push(session, payload) for _, payload in due))
                await asyncio.sleep(PACE_S)

    async def _push(self, session: aiohttp.ClientSession, payload: bytes) -> None:
        headers = {GATEWAY_HEADER: gateway_header(self.address), "Content-Type": "application/json"}
        try:
            async with session.post(self.url + READINGS_PATH, data=payload, headers=headers) as response:
                body = await response.read()
        except (aiohttp.ClientError, TimeoutError):
            return
        if response.status == 200:
            self.take(body)


async def check_books(connection: Connection, senders: Sequence[Sender]) -> None:
    """Everything that was ever sent is there once, contradictions beside it; every count and record says the same."""
    best: dict[Key, Content] = {}
    contents: set[tuple[Key, Content]] = set()
    for sender in senders:
        assert sender.refused == []
        for key, content in sender.contents():
            contents.add((key, content))
            best[key] = min(best.get(key, content), content, key=lambda one: content_order(*one))
    stored = await _contents(connection, "readings")
    beside = await _contents(connection, "reading_conflicts")
    effective = await _contents(connection, "readings_effective")
    assert len(stored) == len(best)
    assert {key for key, _ in stored} == set(best)
    assert set(stored) | set(beside) == contents
    assert len(stored) + len(beside) == len(contents)
    assert dict(effective) == best
    assert len(effective) == len(best)
    sums = await connection.fetchrow(
        "select sum(stored) as stored, sum(conflicts) as conflicts, sum(rejected) as rejected,"
        " sum(envelopes) as envelopes, sum(offered) as offered,"
        " bool_and(offered = stored + duplicates + conflicts + rejected) as even from ingest_batch"
    )
    assert sums is not None
    assert (sums["stored"], sums["conflicts"], sums["rejected"]) == (len(best), len(beside), 0)
    assert sums["even"]
    assert sums["offered"] == POINTS * sums["envelopes"]
    assert await connection.fetchval("select sum(cardinality(seq)) from batch_envelopes") == sums["envelopes"]
    named = await connection.fetch(
        "select distinct streams[which] as stream, number as seq"
        " from batch_envelopes, unnest(sender, seq) as one(which, number)"
    )
    assert {(row["stream"], row["seq"]) for row in named} == {
        (sender.stream, seq) for sender in senders for seq in range(1, sender.made + 1)
    }


async def _contents(connection: Connection, relation: str) -> list[tuple[Key, Content]]:
    rows = await connection.fetch(
        f"select code, ts, value, quality from {relation} join point using (point_id)"  # noqa: S608 - ours
    )
    return [((r["code"], round(r["ts"].timestamp() * 1000)), (r["quality"], r["value"])) for r in rows]
