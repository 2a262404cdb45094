"""Keeps a file from taking a worker for itself: it comes at a rate, in parts between which others have their turn.

A file does not count against what its gateway may send otherwise: a month that is filled in by hand must not hold up
what the meters show now. It has as much again, and is made to wait instead of being turned away.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from ingest.receiving.http.buckets import Buckets

PART_BYTES = 8_192
"""Of nothing but line ends, the worst that there is, some milliseconds' work."""


async def paced(pieces: AsyncIterator[bytes], rate: Buckets, gateway: str) -> AsyncIterator[bytes]:
    """The `pieces` of a decompressed body in small parts, no faster than `rate` lets `gateway` have them."""
    clock = asyncio.get_running_loop().time
    async for piece in pieces:
        for start in range(0, len(piece), PART_BYTES):
            part = piece[start : start + PART_BYTES]
            await asyncio.sleep(rate.wait(gateway, clock()))  # also for no time at all: then it is others' turn
            rate.take(gateway, len(part), clock())
            yield part
