"""A gateway's way to the platform: which of its addresses is used, connected and connected again until the stop.

An envelope leaves the spool when ingest confirmed that very number. A carrier's own acknowledgement frees nothing: it
only starts the time within which the confirmation is expected.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager

import structlog

from collector.errors import BusyPlatformError, SilentPlatformError, SpoolCorruptError
from collector.spool.spool import Spool
from collector.uplink import metrics
from collector.uplink.channel import Channel
from collector.uplink.https import open_https
from collector.uplink.mqtt import open_mqtt
from collector.uplink.outgoing import MOST_WAIT_S, Outgoing
from collector.uplink.route import Route
from collector.uplink.serving import Patience, Serving
from collector.uplink.settings import MqttPlatform, Platform, UplinkSettings
from energy.backoff import Backoff
from energy.clocks import DataClock
from energy.errors import FatalError, QuotawattError, StorageError
from energy.logs import Availability
from energy.metrics import unforeseen_error
from energy.waiting import set_within
from energy.wire import Address

_log = structlog.get_logger("collector")


class Uplink:
    """One gateway's uplink.

    Args:
        address: who the gateway is.
        platforms: addresses of the platform, the preferred one first; at least one.
        settings: window, delays, order.
        spool: what is to be sent; open while this runs.
        clock: data time.

    Attributes:
        online: whether one of the addresses is connected.
    """

    def __init__(
        self,
        address: Address,
        platforms: Sequence[Platform],
        settings: UplinkSettings,
        spool: Spool,
        clock: DataClock,
    ) -> None:
        self.online = False
        self._address = address
        self._platforms = platforms
        self._settings = settings
        self._spool = spool
        self._outgoing = Outgoing(spool, settings, clock)
        self._route = Route(
            len(platforms),
            switch_after=settings.switch_after,
            prefer_first_after=settings.prefer_first_after_s,
            backoff=lambda: Backoff(settings.reconnect.first_s, settings.reconnect.most_s),
        )
        self._health = [
            Availability(_log, "platform", gateway=address.gateway, platform=platform.label) for platform in platforms
        ]
        self._reads = Availability(_log, "spool_reads", gateway=address.gateway)
        self._stopping = asyncio.Event()
        self._ended = asyncio.Event()
        self._silent: set[int] = set()
        self._reached: set[int] = set()
        self._is_drained = self._first_is_back = False

    @property
    def gateway(self) -> str:
        """The gateway's code."""
        return self._address.gateway

    async def run(self, stopping: asyncio.Event) -> None:
        """Send and reconnect until `stopping` is set; then wait a while for the last confirmations.

        Raises:
            SpoolCorruptError: the spool's file broke.
        """
        self._stopping = stopping
        async with asyncio.TaskGroup() as group:
            serving = group.create_task(self._keep_connected())
            await stopping.wait()
            self._spool.changed.set()
            if not self.online:
                # Nothing can be drained, and a platform that does not answer may keep an attempt waiting for long.
                serving.cancel()
                return
            await set_within(self._ended, self._settings.drain_s)
            self._is_drained = True
            self._spool.changed.set()

    async def _keep_connected(self) -> None:
        try:
            delay: float | None = 0.0
            while delay is not None and not await set_within(self._stopping, delay):
                delay = await self._attempt()
        finally:
            self._ended.set()

    async def _attempt(self) -> float | None:
        """Connect and serve; returns the real seconds until the next attempt, None to end."""
        metrics.address_used(self.gateway, self._route.at + 1)
        began = self._now()
        error: BaseException | None = None
        try:
            await self._connection()
        except* SpoolCorruptError:
            raise
        except* QuotawattError as group:
            error = _first(group)
        except* Exception as group:  # noqa: BLE001 - the outer edge of the loop; counted, and no gateway stops another
            unforeseen_error("uplink")
            error = _first(group)
        finally:
            was_online = self.online
            self._is_online(False)
        if error is not None:
            if was_online and self._now() - began >= self._settings.reconnect.most_s:
                self._lasted(error)
            return self._failed(error)
        return 0.0 if self._leave_for_first() else None

    async def _connection(self) -> None:
        platform = self._platforms[self._route.at]
        self._first_is_back = False
        patience = Patience(
            confirm_within=None if self._route.alone else self._settings.confirm_within_s,
            is_over=self._is_over,
            worked=self._worked,
        )
        async with self._open(platform) as channel:
            serving = Serving(channel, self._outgoing, self._settings, patience)
            await serving.begin()
            self._is_online(True)
            async with asyncio.TaskGroup() as group:
                probing = group.create_task(self._probe_first())
                await serving.run()
                probing.cancel()

    def _open(self, platform: Platform) -> AbstractAsyncContextManager[Channel]:
        if isinstance(platform, MqttPlatform):
            return open_mqtt(platform, self._address)
        return open_https(platform, self._address)

    def _is_over(self) -> bool:
        """Whether the present connection is to end in order."""
        return self._first_is_back or (self._stopping.is_set() and (self._is_drained or self._outgoing.is_done))

    async def _probe_first(self) -> None:
        """While a later address serves, see from time to time whether the first one is back."""
        while (after := self._route.probe_after) is not None and not await set_within(self._stopping, after):
            if await self._first_works():
                self._first_is_back = True
                self._spool.changed.set()
                return

    async def _first_works(self) -> bool:
        works = False
        try:
            async with self._open(self._platforms[0]) as channel:
                # Not online: this is what stands there, should the gateway not come after all.
                await channel.tell(await self._outgoing.status(online=False))
                works = True
        except* QuotawattError:
            pass  # it was told when it was lost
        return works

    def _failed(self, error: BaseException) -> float:
        """Note a failure, in most cases of the present address; returns the real seconds until the next attempt."""
        if isinstance(error, StorageError):  # no fault of the address, and another one would not help
            self._reads.lost(error)
            return self._settings.reconnect.most_s
        at = self._route.at
        self._health[at].lost(error)
        is_silent = isinstance(error, SilentPlatformError)
        if is_silent:
            self._silent.add(at)
        least = self._settings.reconnect.most_s if isinstance(error, FatalError) else 0.0
        if isinstance(error, BusyPlatformError) and error.after_s is not None:
            least = min(error.after_s, MOST_WAIT_S)
        delay = self._route.failed(self._now(), at_once=is_silent or isinstance(error, FatalError), least=least)
        self._note_switch(at)
        return delay

    def _lasted(self, error: BaseException) -> None:
        """The connection was there for as long as the longest delay: its loss is a new one, unless it was of no use."""
        if not isinstance(error, SilentPlatformError) and self._route.at not in self._silent:
            self._route.worked()

    def _leave_for_first(self) -> bool:
        """Whether the connection ended in order because the first address is back; then that is the next one."""
        if not self._first_is_back or self._stopping.is_set():
            return False
        at = self._route.at
        self._route.back_to_first()
        self._note_switch(at)
        return True

    def _note_switch(self, before: int) -> None:
        if (after := self._route.at) != before:
            metrics.address_switched(self.gateway, self._platforms[before].label, self._platforms[after].label)

    def _worked(self) -> None:
        """The present address confirmed something."""
        self._route.worked()
        self._silent.discard(self._route.at)
        self._health[self._route.at].back()
        self._reads.back()

    def _is_online(self, online: bool) -> None:  # noqa: FBT001 - a setter
        self.online = online
        metrics.online(self.gateway, connected=online)
        at = self._route.at
        # Where nothing was confirmed in spite of a good connection, another connection is no news.
        if not online or at in self._silent:
            return
        if not self._health[at].back() and at not in self._reached:
            _log.info("platform_reached", gateway=self.gateway, platform=self._platforms[at].label)
        self._reached.add(at)

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()


def _first(error: BaseException) -> BaseException:
    """The first real fault in a group of groups."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
