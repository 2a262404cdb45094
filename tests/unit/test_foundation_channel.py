"""The bounded channel: order, back-pressure, closing, cancellation."""

from __future__ import annotations

import asyncio

import pytest

from energy.channel import Channel, ChannelClosedError


async def settle() -> None:
    """Let every task that can run do so until it waits."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_items_come_out_in_order_and_are_counted() -> None:
    """First in, first out; the counters tell how many went through."""
    channel = Channel[int](3)
    for item in range(3):
        await channel.put(item)
    assert [await channel.get(), await channel.get()] == [0, 1]
    assert (channel.pushed, channel.popped, len(channel)) == (3, 2, 1)


async def test_a_full_channel_makes_the_sender_wait() -> None:
    """The third item enters only when one has left."""
    channel = Channel[int](2)
    await channel.put(1)
    await channel.put(2)
    sender = asyncio.ensure_future(channel.put(3))
    await settle()
    assert not sender.done()
    assert len(channel) == 2
    assert await channel.get() == 1
    await sender
    assert len(channel) == 2


async def test_iteration_ends_when_closed_and_drained() -> None:
    """What was put before the end is still delivered."""
    channel = Channel[int](5)
    await channel.put(1)
    await channel.put(2)
    channel.close()
    channel.close()
    assert [item async for item in channel] == [1, 2]
    with pytest.raises(ChannelClosedError):
        await channel.get()


async def test_closing_wakes_everyone_who_waits() -> None:
    """A waiting sender learns that its item was not put; waiting receivers end."""
    full, empty = Channel[int](1), Channel[int](1)
    await full.put(1)
    sender = asyncio.ensure_future(full.put(2))
    receivers = [asyncio.ensure_future(empty.get()) for _ in range(3)]
    await settle()
    full.close()
    empty.close()
    with pytest.raises(ChannelClosedError):
        await sender
    assert full.pushed == 1
    results = await asyncio.gather(*receivers, return_exceptions=True)
    assert [type(result) for result in results] == [ChannelClosedError] * 3


async def test_a_cancelled_receiver_takes_nothing_with_it() -> None:
    """A receiver cancelled in the very step that woke it hands the wake-up to the next one."""
    channel = Channel[int](1)
    first, second = (asyncio.ensure_future(channel.get()) for _ in range(2))
    await settle()
    await channel.put(7)
    first.cancel()
    await settle()
    assert first.cancelled()
    assert second.done()
    assert await second == 7


async def test_a_cancelled_sender_hands_its_place_on() -> None:
    """Room that a cancelled sender was woken for goes to the next sender."""
    channel = Channel[int](1)
    await channel.put(0)
    first, second = (asyncio.ensure_future(channel.put(item)) for item in (1, 2))
    third = asyncio.ensure_future(channel.put(3))
    await settle()
    third.cancel()
    assert await channel.get() == 0
    first.cancel()
    await second
    assert await channel.get() == 2
    assert len(channel) == 0


def test_a_channel_without_room_is_refused() -> None:
    """A capacity below one could never pass anything on."""
    with pytest.raises(ValueError, match="at least one"):
        Channel[int](0)
