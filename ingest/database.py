"""One connection per task, made anew when it fails: a batch waits for its database, however long that takes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import TypeVar

from energy.backoff import Backoff
from energy.errors import StorageError
from energy.storage import Connection, StorageSettings, connect, translating

T = TypeVar("T")

FIRST_DELAY_S = 0.1
LONGEST_DELAY_S = 5.0


class KeptConnection:
    """A connection that is made when it is needed and thrown away when it fails.

    Args:
        settings: which database.
        retried: called for each failure that passes by itself.
    """

    def __init__(self, settings: StorageSettings, retried: Callable[[StorageError], None]) -> None:
        self._settings = settings
        self._retried = retried
        self._stack = AsyncExitStack()
        self._connection: Connection | None = None

    async def once(self, step: Callable[[Connection], Awaitable[T]]) -> T:
        """Run `step` on the connection, which is dropped when that fails.

        Raises:
            StorageError and its like: as `energy.storage.translating` says.
        """
        try:
            if self._connection is None:
                self._connection = await self._stack.enter_async_context(connect(self._settings))
            return await step(self._connection)
        except StorageError:
            await self.close()
            raise

    async def until_done(self, step: Callable[[Connection], Awaitable[T]]) -> T:
        """Run `step`, again after a growing delay for as long as the database fails in a way that passes.

        Raises:
            StorageRejectedError, FatalError: as `energy.storage.translating` says; trying again would be useless.
        """
        backoff = Backoff(FIRST_DELAY_S, LONGEST_DELAY_S)
        while True:
            try:
                return await self.once(step)
            except StorageError as error:
                self._retried(error)
                await asyncio.sleep(backoff.next())

    async def close(self) -> None:
        """Drop the connection; the next step makes a new one."""
        stack, self._stack = self._stack, AsyncExitStack()
        self._connection = None
        await stack.aclose()


async def ping(connection: Connection) -> None:
    """Ask the database for a sign of life."""
    with translating():
        await connection.execute("select 1")
