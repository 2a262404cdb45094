"""The service that is the host application: it connects, tells that it is online, listens, and tells when it is not.

The order is the specification's (Sparkplug 3.0, sections 5.3, 5.12 and 5.13): connect with a death as the will,
subscribe, publish the birth with the will's time stamp, and a death before every intended disconnection.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine
from enum import StrEnum
from typing import Any

import msgspec

from energy.backoff import Backoff
from energy.clocks import DataClock
from energy.errors import TransportError
from energy.services import Control
from energy.sparkplug.commands import rebirth
from energy.sparkplug.payload import encode
from energy.transport.mqtt import Link, Message, MqttSettings, Will, connect
from energy.waiting import first_of
from ingest.receiving.intake import Intake
from ingest.receiving.sparkplug import metrics
from ingest.receiving.sparkplug.carrier import SparkplugCarrier
from ingest.receiving.sparkplug.lease import Lease
from ingest.receiving.sparkplug.network import Network
from ingest.receiving.sparkplug.settings import SparkplugSettings
from ingest.receiving.sparkplug.state import HostState, decode_state, encode_state, state_topic
from ingest.stopping import until_stopping

TICK_S = 0.25
"""Real seconds between two looks at what is due."""
FIRST_DELAY_S, LONGEST_DELAY_S = 0.1, 5.0
STEADY_S = 10.0
"""Real seconds that a connection has to hold until the next one is made as soon as the first."""


class _End(StrEnum):
    """Why a connection ends."""

    LOST = "the stop was asked for, or the line is lost"
    REPLACED = "another worker is the host"
    FULL = "too much waits to be committed"
    OUTDATED = "the broker had kept a state with a later time stamp"


class Host:
    """Takes part in the network for as long as this worker is the one to do so.

    Args:
        settings: who it is.
        mqtt: the broker.
        network: what is known of the edge nodes.
        carrier: says whether there is room.
        lease: says whether this worker is the host.
        intake: takes the deliveries.
        clock: data time.
    """

    name = "sparkplug host"

    def __init__(  # noqa: PLR0913, PLR0917 - one for each neighbour
        self,
        settings: SparkplugSettings,
        mqtt: MqttSettings,
        network: Network,
        carrier: SparkplugCarrier,
        lease: Lease,
        intake: Intake,
        clock: DataClock,
    ) -> None:
        self._settings = settings
        # The broker ends an older connection of this name: two hosts at once cannot be.
        self._mqtt = msgspec.structs.replace(mqtt, client_id=f"quotawatt-host-{settings.host_id}")
        self._network = network
        self._carrier = carrier
        self._lease = lease
        self._intake = intake
        self._clock = clock
        self._topic = state_topic(settings.host_id)
        self._last_state_ms = 0

    async def run(self, control: Control) -> None:
        """Be the host, or stand by, until the stop.

        Raises:
            FatalError: broker or database refuse us.
        """
        control.ready()
        await until_stopping(control, first_of(self._lease.keep(), self._take_part()))

    async def _take_part(self) -> None:
        backoff = Backoff(FIRST_DELAY_S, LONGEST_DELAY_S)
        while True:
            await self._lease.held()
            await self._carrier.room()
            began = _now()
            try:
                await self._session()
            except TransportError as error:
                metrics.broker_failed(error)
                # Not as soon as it stands: where another installation has our id, the broker ends each one's connection
                # for the other's, and edge nodes would see hosts come and go ten times a second.
                if _now() - began > STEADY_S:
                    backoff.reset()
                await asyncio.sleep(backoff.next())

    async def _session(self) -> None:
        """One connection, until it is lost (which raises TransportError), ours no more, or too much waits."""
        at = self._now_ms()
        will = Will(self._topic, encode_state(HostState(online=False, timestamp=at)), retain=True)
        async with connect(self._mqtt, will=will) as link:
            session = _Session(link, self._topic, at)
            end = _End.LOST
            try:
                await self._begin(link, session)
                end = _End.OUTDATED if session.superseded_by else await self._serve(link, session)
            finally:
                self._end(link, session, end)

    async def _begin(self, link: Link, session: _Session) -> None:
        """Subscribe, and publish the birth, unless the broker tells of a later state than ours."""
        await link.subscribe(self._topic, qos=1)
        for group in self._settings.groups or ("",):
            await link.subscribe(f"spBv1.0/{group}/#" if group else "spBv1.0/#", qos=1)
        # The kept state, if there is one, comes in answer to the first subscription.
        early = [await link.take() for _ in range(link.waiting)]
        for message in early:
            if message.topic == self._topic:
                session.heard_state(message)
        if session.superseded_by:
            return
        await session.publish_birth()
        self._network.connected(_now(), self._clock.now_ms())
        metrics.host_online(self._settings.host_id)
        for message in early:
            if message.topic != self._topic:
                self._take(message)

    async def _serve(self, link: Link, session: _Session) -> _End:
        """Listen until the session is to end, and why."""
        ends: list[_End] = []

        async def when(waiting: Coroutine[Any, Any, None], end: _End) -> None:
            await waiting
            ends.append(end)

        await first_of(
            when(self._listen(link, session), _End.OUTDATED),
            when(self._lease.lost(), _End.REPLACED),
            when(self._carrier.full(), _End.FULL),
            self._watch(link),
        )
        if ends[0] is _End.FULL:
            metrics.host_paused(self._settings.host_id, self._carrier.unsettled)
        return ends[0]

    def _end(self, link: Link, session: _Session, end: _End) -> None:
        """Say that we are gone, unless the line is, and then the broker does.

        Where another worker took over, with the time stamp of the birth: what that one says is newer. On a state newer
        than ours nothing is said, since this host is back at once.
        """
        metrics.host_offline(self._settings.host_id, end.value)
        at = session.at_ms if end is _End.REPLACED else self._now_ms()
        self._last_state_ms = max(self._last_state_ms, session.superseded_by, at)
        if end is not _End.OUTDATED:
            with contextlib.suppress(TransportError):
                link.send(self._topic, encode_state(HostState(online=False, timestamp=at)), qos=1, retain=True)

    async def _listen(self, link: Link, session: _Session) -> None:
        """Take messages until one tells that a later state than ours is known."""
        async for message in link.messages:
            if message.topic == self._topic:
                session.heard_state(message)
                if session.superseded_by:
                    return
            else:
                self._take(message)
                if self._carrier.is_full:
                    await asyncio.sleep(0)  # what has come in is there at once: the others are to see it

    def _take(self, message: Message) -> None:
        for delivery in self._network.take(message, _now(), self._clock.now_ms()):
            self._intake.add(delivery)

    async def _watch(self, link: Link) -> None:
        discarded = 0
        while True:
            await asyncio.sleep(TICK_S)
            now, now_ms = _now(), self._clock.now_ms()
            for delivery in self._network.tick(now, now_ms):
                self._intake.add(delivery)
            for node in self._network.requests(now):
                link.send(node.command, encode(rebirth(now_ms)), qos=0)
            if link.discarded > discarded:
                metrics.discarded(link.discarded - discarded)
                discarded = link.discarded

    def _now_ms(self) -> int:
        """Data time, and later than any state of this host: edge nodes pass over what is older than what they know."""
        return max(self._clock.now_ms(), self._last_state_ms + 1)


class _Session:
    """What was said of this host while one connection lasts.

    Attributes:
        at_ms: time stamp of the will and of every birth.
        superseded_by: time stamp of a state newer than ours that the broker had kept, 0 for none.
    """

    def __init__(self, link: Link, topic: str, at_ms: int) -> None:
        self.at_ms = at_ms
        self.superseded_by = 0
        self._link = link
        self._topic = topic
        self._birth = encode_state(HostState(online=True, timestamp=at_ms))

    async def publish_birth(self) -> None:
        """Say that this host is online, and wait until the broker has it."""
        await self._link.publish(self._topic, self._birth, qos=1, retain=True)

    def heard_state(self, message: Message) -> None:
        """Contradict who says that this host is offline; see whether another clock is ahead of ours."""
        state = decode_state(message.payload)
        if message.retain:
            # From before: another worker's clock was ahead, and edge nodes would not believe our older time stamp.
            if state is not None and state.timestamp > self.at_ms:
                self.superseded_by = state.timestamp
        elif state is None or not state.online:
            self._link.send(self._topic, self._birth, qos=1, retain=True)


def _now() -> float:
    return asyncio.get_running_loop().time()
