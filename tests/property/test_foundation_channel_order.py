"""The bounded channel under any interleaving of senders, receivers and cancellations."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from energy.channel import Channel, ChannelClosedError

Sent = list[tuple[int, int]]


async def send(channel: Channel[tuple[int, int]], sender: int, count: int, sent: Sent) -> None:
    """Put numbered items; only what was really put is noted."""
    for number in range(count):
        await channel.put((sender, number))
        sent.append((sender, number))


async def receive(channel: Channel[tuple[int, int]], got: Sent, most: list[int]) -> None:
    """Take everything until the end, watching the length."""
    async for item in channel:
        most.append(len(channel))
        got.append(item)
        await asyncio.sleep(0)


@given(
    capacity=st.integers(1, 4),
    counts=st.lists(st.integers(0, 12), min_size=1, max_size=4),
    receivers=st.integers(1, 3),
    cancelled=st.sets(st.integers(0, 3)),
    steps=st.integers(0, 15),
)
def test_every_item_put_is_got_exactly_once_and_in_its_senders_order(
    capacity: int, counts: list[int], receivers: int, cancelled: set[int], steps: int
) -> None:
    """Cancelled senders stop early, yet nothing is lost, doubled, reordered, and the bound holds."""
    asyncio.run(exercise(capacity, counts, receivers, cancelled, steps))


async def exercise(capacity: int, counts: list[int], receivers: int, cancelled: set[int], steps: int) -> None:
    """Run one interleaving and check what came out."""
    channel = Channel[tuple[int, int]](capacity)
    sent: Sent = []
    got: Sent = []
    lengths = [0]
    senders = [asyncio.ensure_future(send(channel, number, count, sent)) for number, count in enumerate(counts)]
    takers = [asyncio.ensure_future(receive(channel, got, lengths)) for _ in range(receivers)]
    for _ in range(steps):
        await asyncio.sleep(0)
    for number, sender in enumerate(senders):
        if number in cancelled:
            sender.cancel()
    results = await asyncio.gather(*senders, return_exceptions=True)
    assert not [result for result in results if isinstance(result, ChannelClosedError)]
    channel.close()
    await asyncio.gather(*takers)
    assert sorted(got) == sorted(sent)
    assert (channel.pushed, channel.popped, len(channel)) == (len(sent), len(sent), 0)
    assert max(lengths) <= capacity
    if receivers == 1:
        for number in range(len(counts)):
            own = [item for item in got if item[0] == number]
            assert own == sorted(own)
