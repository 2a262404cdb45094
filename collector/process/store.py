"""A spool that is open as long as this runs: all that works on it starts later and ends earlier."""

from __future__ import annotations

import asyncio

from collector.spool.spool import Spool


class Store:
    """One gateway's spool, open; made by `open_store`.

    Attributes:
        spool: what keepers write to and uplinks send from.
    """

    def __init__(self, spool: Spool) -> None:
        self.spool = spool

    async def run(self, stopping: asyncio.Event) -> None:
        """Hold the file open until told to stop."""
        try:
            await stopping.wait()
        finally:
            await self.spool.close()


async def open_store(spool: Spool) -> Store:
    """Open the spool.

    Raises:
        SetupError: another process uses it.
        StorageError: the disk refuses.
    """
    await spool.open()
    return Store(spool)
