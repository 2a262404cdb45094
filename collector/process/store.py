"""One gateway's store: the spool, open as long as this runs, and the way of readings into it."""

from __future__ import annotations

import asyncio

from collector.spool.keeper import Keeper
from collector.spool.spool import Spool


class Store:
    """A spool that is open, and its keeper; made by `open_store`.

    Attributes:
        spool: what the uplink sends from.
        keeper: where readings go.
    """

    def __init__(self, spool: Spool, keeper: Keeper) -> None:
        self.spool = spool
        self.keeper = keeper

    async def run(self, stopping: asyncio.Event) -> None:
        """Carry readings to disk until told to stop, then close the file.

        Raises:
            FatalError: the file broke.
        """
        try:
            await self.keeper.run(stopping)
        finally:
            await self.spool.close()


async def open_store(spool: Spool, enough: int) -> Store:
    """Open the spool.

    Args:
        spool: to be opened.
        enough: readings that are worth a commit at once.

    Raises:
        SetupError: another process uses it.
        StorageError: the disk refuses.
    """
    await spool.open()
    return Store(spool, Keeper(spool, enough))
