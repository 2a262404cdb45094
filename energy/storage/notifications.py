"""LISTEN: a notification wakes, a timer guarantees."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

import asyncpg

from energy.errors import QuotawattError
from energy.storage.errors import translating
from energy.storage.pool import StorageSettings
from energy.waiting import set_within


class Notifications:
    """Wakes a loop when another service has committed something.

    A notification is only a hint: `wait` returns after its bound in any case, and a lost connection merely costs
    punctuality until the next `wait` has it back.

    Args:
        settings: where to listen; the connection is this object's own.
        channels: names of the channels.
    """

    def __init__(self, settings: StorageSettings, *channels: str) -> None:
        self._settings = settings
        self._channels = channels
        self._woken = asyncio.Event()
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None

    async def __aenter__(self) -> Self:
        """Listen.

        Raises:
            StorageError, PermissionRefusedError, SetupError: as `translating` says.
        """
        await self._listen()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._connection is not None:
            self._connection.terminate()

    def wake(self) -> None:
        """End the present or the next `wait` at once."""
        self._woken.set()

    async def wait(self, bound: float) -> bool:
        """Wait for a notification, at most `bound` real seconds; true when there was one since the last call."""
        if self._connection is None or self._connection.is_closed():
            await self._listen_again()
        try:
            return await set_within(self._woken, bound)
        finally:
            self._woken.clear()

    async def _listen(self) -> None:
        with translating():
            connection = await asyncpg.connect(self._settings.dsn, timeout=self._settings.connect_timeout_s)
            try:
                for channel in self._channels:
                    await connection.add_listener(channel, self._notified)
            except BaseException:
                connection.terminate()
                raise
        self._connection = connection

    async def _listen_again(self) -> None:
        try:
            await self._listen()
        except QuotawattError:
            self._connection = None
        else:
            self._woken.set()  # something may have been committed while nobody listened

    def _notified(self, *_: object) -> None:
        self._woken.set()
