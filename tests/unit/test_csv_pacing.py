"""A file leaves a worker to others: it comes at a rate, in small parts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise

from ingest.receiving.csv.pacing import PART_BYTES, paced
from ingest.receiving.http.buckets import BURST_S, Buckets


async def _at_once(body: bytes) -> AsyncIterator[bytes]:
    """As a small compressed body becomes a great one: without waiting for anything."""
    for start in range(0, len(body), 65_536):
        yield body[start : start + 65_536]


async def test_others_have_their_turn_between_any_two_parts() -> None:
    """However much comes at once; what comes is what was sent."""
    body, turns = bytes(range(256)) * 4_000, 0

    async def others() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    beside = asyncio.create_task(others())
    seen = [(turns, part) async for part in paced(_at_once(body), Buckets(10**9), "gw")]
    beside.cancel()
    assert b"".join(part for _, part in seen) == body
    assert all(len(part) <= PART_BYTES for _, part in seen)
    assert all(later > earlier for (earlier, _), (later, _) in pairwise(seen[1:]))  # they begin after the first one


async def test_a_file_waits_when_it_is_beyond_its_rate() -> None:
    """After the burst; one gateway's file slows down no other's."""
    rate, clock = Buckets(1_000_000), asyncio.get_running_loop().time
    body = bytes(round(1_000_000 * (BURST_S + 0.3)))

    async def seconds(gateway: str) -> float:
        began = clock()
        taken = sum([len(part) async for part in paced(_at_once(body), rate, gateway)])
        assert taken == len(body)
        return clock() - began

    assert await seconds("gw-1") >= 0.25
    began = clock()
    await anext(paced(_at_once(body), rate, "gw-2"))
    assert clock() - began < 0.25
