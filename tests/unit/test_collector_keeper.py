"""Readings on their way to disk: gathered, never overtaken, held while the disk refuses, bounded."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from structlog.testing import capture_logs

from collector.errors import SpoolCorruptError
from collector.spool.keeper import Keeper
from energy.errors import StorageError
from energy.readings import Reading
from tests.support.eventually import eventually


class Disk:
    """What was kept, by commit, or a disk that refuses."""

    gateway = "gw-1"

    def __init__(self) -> None:
        self.commits: list[list[Reading]] = []
        self.fault: Exception | None = None
        self.refused = 0
        self.may_write = asyncio.Event()
        self.may_write.set()
        self.writing = False

    @property
    def points(self) -> list[str]:
        """All points that were kept, in order."""
        return [reading.point for commit in self.commits for reading in commit]

    async def append(self, readings: Sequence[Reading]) -> None:
        """Keep readings when that is allowed."""
        self.writing = True
        await self.may_write.wait()
        self.writing = False
        if self.fault is not None:
            self.refused += 1
            raise self.fault
        self.commits.append(list(readings))


def some(*points: str) -> list[Reading]:
    """Readings of these points."""
    return [Reading(point, 1, 1.0) for point in points]


@asynccontextmanager
async def running(disk: Disk, enough: int = 100) -> AsyncIterator[Keeper]:
    """A keeper that works, and is stopped in order at the end."""
    keeper, stopping = Keeper(disk, enough), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(keeper.run(stopping))
        try:
            yield keeper
        finally:
            stopping.set()


async def test_what_is_put_until_a_flush_shares_one_commit() -> None:
    """A round of a line is one visit to the disk."""
    disk = Disk()
    async with running(disk) as keeper:
        keeper.put(some("A", "B"))
        keeper.put(some("C"))
        keeper.flush()
        await eventually(lambda: disk.points == ["A", "B", "C"])
    assert len(disk.commits) == 1


async def test_enough_readings_need_no_flush() -> None:
    """A long round goes to disk in between."""
    disk = Disk()
    async with running(disk, enough=3) as keeper:
        keeper.put(some("A", "B"))
        keeper.put(some("C"))
        await eventually(lambda: disk.points == ["A", "B", "C"])


async def test_a_short_while_is_enough_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """A crash in a round over a slow line costs seconds, not the round."""
    monkeypatch.setattr("collector.spool.keeper.LINGER_S", 0.01)
    disk = Disk()
    async with running(disk) as keeper:
        keeper.put(some("A"))
        await eventually(lambda: disk.points == ["A"])


async def test_what_comes_during_a_commit_shares_the_next() -> None:
    """However many lines put meanwhile."""
    disk = Disk()
    async with running(disk) as keeper:
        disk.may_write.clear()
        keeper.put(some("A"))
        keeper.flush()
        await eventually(lambda: disk.writing)
        for point in "BCD":
            keeper.put(some(point))
            keeper.flush()
        disk.may_write.set()
        await eventually(lambda: disk.points == ["A", "B", "C", "D"])
    assert [len(commit) for commit in disk.commits] == [1, 3]


async def test_keep_returns_when_its_readings_are_on_disk() -> None:
    """So that a message is acknowledged after that, and not before."""
    disk = Disk()
    async with running(disk) as keeper, asyncio.TaskGroup() as group:
        disk.may_write.clear()
        kept = group.create_task(keeper.keep(some("A")))
        await eventually(lambda: disk.writing)
        assert not kept.done()
        disk.may_write.set()
        await kept
        assert disk.points == ["A"]


async def test_a_disk_that_refuses_loses_nothing_while_memory_lasts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The readings wait in their order, and those that came later stand behind them."""
    monkeypatch.setattr("collector.spool.keeper._AFTER_REFUSAL_S", 0.001)
    disk = Disk()
    disk.fault = StorageError("disk is full")
    async with running(disk) as keeper:
        keeper.put(some("A"))
        keeper.flush()
        await eventually(lambda: disk.refused >= 2)
        keeper.put(some("B"))
        disk.fault = None
        await eventually(lambda: disk.points == ["A", "B"])


async def test_memory_is_bounded_while_the_disk_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the bound the oldest go, and whoever waits for them hears of it."""
    monkeypatch.setattr("collector.spool.keeper._AFTER_REFUSAL_S", 0.001)
    monkeypatch.setattr("collector.spool.keeper.MOST_WAITING", 3)
    disk = Disk()
    disk.fault = StorageError("disk is full")

    async def overflow(keeper: Keeper) -> None:
        await eventually(lambda: disk.refused >= 1)
        keeper.put(some("B", "C", "D"))

    async with running(disk) as keeper, asyncio.TaskGroup() as group:
        group.create_task(overflow(keeper))
        with pytest.raises(StorageError, match="had to go"):
            await keeper.keep(some("A"))
        disk.fault = None
        await eventually(lambda: disk.points == ["B", "C", "D"])


async def test_who_can_wait_waits_while_the_disk_is_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a disk that is slow, and takes everything, costs no reading."""
    monkeypatch.setattr("collector.spool.keeper._ROOM", 2)
    disk = Disk()
    async with running(disk) as keeper, asyncio.TaskGroup() as group:
        disk.may_write.clear()
        keeper.put(some("A"))
        keeper.flush()
        await eventually(lambda: disk.writing)
        keeper.put(some("B", "C"))
        await keeper.room()
        keeper.put(some("D"))
        room = group.create_task(keeper.room())
        await asyncio.sleep(0)
        assert not room.done()
        keeper.flush()
        disk.may_write.set()
        await room
        await eventually(lambda: disk.points == ["A", "B", "C", "D"])


async def test_nobody_waits_for_a_disk_that_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may refuse for days, and the newest readings are worth more than the oldest."""
    monkeypatch.setattr("collector.spool.keeper._ROOM", 2)
    disk = Disk()
    disk.fault = StorageError("disk is full")
    async with running(disk) as keeper:
        keeper.put(some("A", "B", "C"))
        async with asyncio.timeout(5), asyncio.TaskGroup() as group:
            room = group.create_task(keeper.room())
            await asyncio.sleep(0)
            assert not room.done()
            keeper.flush()
        disk.fault = None


async def test_nobody_waits_for_a_keeper_that_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """A broken spool ends it, and the lines have to come to their end too."""
    monkeypatch.setattr("collector.spool.keeper._ROOM", 0)
    disk = Disk()
    disk.fault = SpoolCorruptError("malformed")
    keeper = Keeper(disk, enough=1)
    keeper.put(some("A"))
    async with asyncio.timeout(5):
        await asyncio.gather(keeper.run(asyncio.Event()), keeper.room(), return_exceptions=True)
        await keeper.room()


async def test_an_orderly_stop_takes_what_waits_to_disk() -> None:
    """Without a flush."""
    disk = Disk()
    async with running(disk) as keeper:
        keeper.put(some("A"))
    assert disk.points == ["A"]


async def test_what_a_stop_takes_to_disk_is_kept_for_whoever_waits() -> None:
    """The last message of a plant is acknowledged, and does not come again."""
    disk = Disk()
    disk.may_write.clear()
    async with asyncio.TaskGroup() as group:
        async with running(disk) as keeper:
            keeper.put(some("A"))
            keeper.flush()
            await eventually(lambda: disk.writing)
            kept = group.create_task(keeper.keep(some("B")))
            await asyncio.sleep(0)
            asyncio.get_running_loop().call_later(0.05, disk.may_write.set)
        await kept
    assert disk.points == ["A", "B"]


async def test_a_cut_off_keeper_still_takes_what_waits_to_disk() -> None:
    """Where the grace of the stop is over."""
    disk = Disk()
    keeper = Keeper(disk, 100)
    async with asyncio.TaskGroup() as group:
        running_keeper = group.create_task(keeper.run(asyncio.Event()))
        await asyncio.sleep(0)
        keeper.put(some("A"))
        running_keeper.cancel()
    assert disk.points == ["A"]


async def test_a_broken_spool_is_for_a_person() -> None:
    """It is not swallowed."""
    disk = Disk()
    disk.fault = SpoolCorruptError("malformed")
    keeper = Keeper(disk, enough=1)
    keeper.put(some("A"))
    with pytest.raises(ExceptionGroup) as caught:
        await keeper.run(asyncio.Event())
    assert caught.group_contains(SpoolCorruptError)


async def test_what_is_in_memory_when_the_spool_breaks_is_counted_and_told() -> None:
    """It is lost, with the readings that came while the file broke, and that is said."""
    disk = Disk()
    disk.fault = SpoolCorruptError("malformed")
    disk.may_write.clear()
    keeper = Keeper(disk, enough=1)
    keeper.put(some("A", "B"))

    async def go_on() -> None:
        await eventually(lambda: disk.writing)
        keeper.put(some("C"))
        disk.may_write.set()

    with capture_logs() as logs:
        ended, _ = await asyncio.gather(keeper.run(asyncio.Event()), go_on(), return_exceptions=True)
    assert isinstance(ended, ExceptionGroup)
    assert [(log["event"], log["count"]) for log in logs] == [("readings_unspooled", 3)]


async def test_weeks_of_losses_are_few_lines_that_leave_none_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk is not filled further with a line for each poll; the rest is told when it takes readings again."""
    monkeypatch.setattr("collector.spool.keeper._AFTER_REFUSAL_S", 0.001)
    monkeypatch.setattr("collector.spool.keeper.MOST_WAITING", 3)
    disk = Disk()
    disk.fault = StorageError("disk is full")
    with capture_logs() as logs:
        async with running(disk) as keeper:
            for _ in range(2_000):
                keeper.put(some("A"))
            await eventually(lambda: disk.refused >= 1)
            disk.fault = None
            await eventually(lambda: len(disk.points) == 3)
        assert [log["count"] for log in logs if log["event"] == "readings_unspooled"] == [1, 1_996]


async def test_only_who_lost_readings_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory overflows while a commit is under way: what is in the commit is kept, what was put behind it goes."""
    monkeypatch.setattr("collector.spool.keeper.MOST_WAITING", 2)
    disk = Disk()
    async with running(disk, enough=1) as keeper, asyncio.TaskGroup() as group:
        disk.may_write.clear()
        writing = group.create_task(keeper.keep(some("A", "B")))
        await eventually(lambda: disk.writing)
        losing = asyncio.gather(keeper.keep(some("C")), return_exceptions=True)
        await asyncio.sleep(0)
        keeper.put(some("D", "E"))
        (lost,) = await losing
        assert isinstance(lost, StorageError)
        assert not writing.done()
        disk.may_write.set()
        await writing
        await eventually(lambda: disk.points == ["A", "B", "D", "E"])


async def test_to_keep_nothing_waits_for_what_was_put_before() -> None:
    """Also for what is in a commit that is under way."""
    disk = Disk()
    async with running(disk, enough=1) as keeper, asyncio.TaskGroup() as group:
        disk.may_write.clear()
        keeper.put(some("A"))
        await eventually(lambda: disk.writing)
        waiting = group.create_task(keeper.keep([]))
        await asyncio.sleep(0)
        assert not waiting.done()
        disk.may_write.set()
        await waiting
        assert disk.points == ["A"]
