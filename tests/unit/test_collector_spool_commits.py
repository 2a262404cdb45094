"""The spool as the loop sees it: commits shared, confirmations gathered, callers that give up."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from collector.spool import layout
from collector.spool.database import Database
from collector.spool.file import Appended, SpoolFile, spooled_readings
from collector.spool.settings import SpoolSettings
from collector.spool.spool import Spool
from energy.clocks import DataClock
from energy.errors import StorageError
from energy.readings import Reading
from energy.wire import decode_envelope
from tests.support.eventually import eventually
from tests.support.spool_world import readings, spooling


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a spool may stand."""
    return tmp_path / "gw-1.sqlite3"


class Gate:
    """Wraps the file's append: counts commits, holds them back while closed, and fails them on demand."""

    def __init__(self, spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sizes: list[int] = []
        self.error: Exception | None = None
        self.open = threading.Event()
        self._append = spool._file.append
        monkeypatch.setattr(spool._file, "append", self.append)

    def append(self, given: Sequence[Reading], confirmed: Iterable[int], now_ms: int) -> Appended:
        """As the file's own."""
        self.sizes.append(len(given))
        assert self.open.wait(10)
        if self.error is not None:
            raise self.error
        return self._append(given, confirmed, now_ms)


async def test_what_comes_during_a_commit_shares_the_next_one(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fifty lines that append at once cost two commits, and each of them returns when its readings are on disk."""
    async with spooling(path) as spool:
        gate = Gate(spool, monkeypatch)
        returned: list[int] = []

        async def line(number: int) -> None:
            await spool.append(readings(4, at=number * 10_000, point=f"P-{number}"))
            returned.append(number)

        async with asyncio.TaskGroup() as group:
            for number in range(50):
                group.create_task(line(number))
            await eventually(lambda: bool(gate.sizes))
            assert returned == []
            gate.open.set()
        assert gate.sizes == [4, 196]
        assert sorted(returned) == list(range(50))
        rows = await spool.fetch(0, 10)
        kept = [one for _, body in rows for one in decode_envelope(body).readings]
        assert kept == [one for number in range(50) for one in readings(4, at=number * 10_000, point=f"P-{number}")]
        assert [seq for seq, _ in rows] == [1, 2, 3]


async def test_all_that_shared_a_failed_commit_are_told(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """None of it was kept; the next commit has all of it again."""
    async with spooling(path) as spool:
        gate = Gate(spool, monkeypatch)
        gate.error = StorageError("disk is full")
        gate.open.set()
        results = await asyncio.gather(*(spool.append(readings(2)) for _ in range(5)), return_exceptions=True)
        assert [str(result) for result in results] == ["disk is full"] * 5
        assert spool.state().last_seq == 0
        gate.error = None
        await spool.append(readings(2))
        assert spool.state().last_seq == 1


async def test_a_caller_that_gives_up_disturbs_nobody(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its readings are kept all the same, the figures know, and those that wait get their commit."""
    async with spooling(path) as spool:
        gate = Gate(spool, monkeypatch)
        async with asyncio.TaskGroup() as group:
            first = group.create_task(spool.append(readings(1)))
            await eventually(lambda: bool(gate.sizes))
            second = group.create_task(spool.append(readings(2)))
            third = group.create_task(spool.append(readings(3)))
            await asyncio.sleep(0)
            first.cancel()
            second.cancel()
            await asyncio.sleep(0)
            gate.open.set()
            await third
        assert gate.sizes == [1, 5]
        assert (spool.state().kept, spool.state().last_seq) == (2, 2)


async def test_a_large_file_that_is_opened_holds_up_no_other_spool(
    tmp_path: Path, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reload that adds a gateway: the check of its whole file may take minutes, and the others share the thread."""
    checked = threading.Event()
    check = layout.check

    def slow(database: Database) -> None:
        assert checked.wait(10)
        check(database)

    with ThreadPoolExecutor(1) as thread:
        first, second = (
            Spool(one.stem, SpoolFile(one, SpoolSettings()), DataClock(), thread)
            for one in (path, tmp_path / "gw-2.sqlite3")
        )
        await first.open()
        with monkeypatch.context() as patched:
            patched.setattr("collector.spool.layout.check", slow)
            async with asyncio.TaskGroup() as group:
                opening = group.create_task(second.open())
                await asyncio.wait_for(first.append(readings(1, at=DataClock().now_ms())), 5)
                assert not opening.done()
                checked.set()
        await second.append(readings(2, at=DataClock().now_ms()))
        assert (first.state().kept, second.state().kept) == (1, 1)
        await first.close()
        await second.close()


async def test_a_close_waits_for_commits_whose_callers_gave_up(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A keeper that is cut off while a slow disk still writes: what it had handed over is on disk at the end."""
    async with spooling(path) as spool:
        gate = Gate(spool, monkeypatch)
        async with asyncio.TaskGroup() as group:
            callers = [group.create_task(spool.append(readings(1)))]
            await eventually(lambda: bool(gate.sizes))
            callers.append(group.create_task(spool.append(readings(2))))
            await asyncio.sleep(0)
            for caller in callers:
                caller.cancel()
        asyncio.get_running_loop().call_later(0.05, gate.open.set)
    assert gate.sizes[:2] == [1, 2]
    assert len(list(spooled_readings(path))) == 3


async def test_what_is_refused_after_its_caller_gave_up_is_counted_and_told(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody is left to try again: it is lost, and not without a word."""
    async with spooling(path) as spool:
        gate = Gate(spool, monkeypatch)
        gate.error = StorageError("disk is full")
        with capture_logs() as logs:
            async with asyncio.TaskGroup() as group:
                caller = group.create_task(spool.append(readings(3)))
                await eventually(lambda: bool(gate.sizes))
                caller.cancel()
            gate.open.set()
            await eventually(lambda: [(log["event"], log["count"]) for log in logs] == [("readings_unspooled", 3)])


async def test_confirmations_are_written_down_before_they_pile_up(path: Path) -> None:
    """A gateway that sends a long backlog and reads nothing new lets it go on disk too."""
    clock = DataClock()
    async with spooling(path, SpoolSettings(readings_per_envelope=1)) as spool:
        await spool.append(readings(100, at=clock.now_ms()))
        await spool.confirm(range(1, 11))
        assert (spool.unconfirmed, spool.state().kept) == (90, 100)
        assert [number for number, _ in await spool.fetch(0, 2)] == [11, 12]
        assert [number for number, _ in await spool.fetch(0, 99, until=12)] == [11, 12]
        assert await spool.fetch(0, 99, border=True) == []
        await spool.confirm(range(11, 81))
        assert (spool.unconfirmed, spool.state().kept) == (20, 20)


async def test_a_disk_that_refuses_confirmations_keeps_them_waiting(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They leave with the next commit that succeeds."""
    async with spooling(path) as spool:
        await spool.append(readings(1))
        gate = Gate(spool, monkeypatch)
        gate.open.set()
        gate.error = StorageError("disk is full")
        await spool.confirm([1])
        await spool.settle()
        assert (spool.unconfirmed, spool.state().kept) == (0, 1)
        gate.error = None
        await spool.append(readings(1))
        assert (spool.unconfirmed, spool.state().kept) == (1, 1)


async def test_confirmations_that_wait_for_long_do_not_bring_all_they_confirm_into_memory(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that is read-only for weeks: each new connection begins at the lowest number, past all that was sent."""
    settings = SpoolSettings(readings_per_envelope=1)
    async with spooling(path, settings) as spool:
        await spool.append(readings(1_000, at=DataClock().now_ms()))
    async with spooling(path, settings) as spool:
        gate = Gate(spool, monkeypatch)
        gate.open.set()
        gate.error = StorageError("disk is read-only")
        await spool.confirm(range(1, 991))
        limits: list[int] = []
        fetch = spool._file.fetch

        def fetched(after: int, limit: int, **rest: Any) -> Any:
            limits.append(limit)
            return fetch(after, limit, **rest)

        monkeypatch.setattr(spool._file, "fetch", fetched)
        assert [number for number, _ in await spool.fetch(0, 20)] == list(range(991, 1_001))
        assert max(limits) <= 100
        gate.error = None


async def test_what_is_confirmed_during_a_commit_waits_for_the_next(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The commit that runs knows nothing of it; it is neither offered again nor forgotten."""
    async with spooling(path, SpoolSettings(max_age_days=100_000, readings_per_envelope=1)) as spool:
        await spool.append(readings(3))
        await spool.confirm([1])
        gate = Gate(spool, monkeypatch)
        async with asyncio.TaskGroup() as group:
            group.create_task(spool.append(readings(1)))
            await eventually(lambda: bool(gate.sizes))
            await spool.confirm([2])
            gate.open.set()
        assert (spool.unconfirmed, spool.state().kept) == (2, 3)
        assert [seq for seq, _ in await spool.fetch(0, 10)] == [3, 4]
        await spool.settle()
        assert (spool.unconfirmed, spool.state().kept) == (2, 2)


async def test_what_is_confirmed_while_a_bound_drops_it_counts_once(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The confirmation came too late, by one commit."""
    narrow = SpoolSettings(max_age_days=100_000, max_bytes=50_000)
    async with spooling(path, narrow) as spool:
        await spool.append(readings(1))
        gate = Gate(spool, monkeypatch)
        async with asyncio.TaskGroup() as group:
            group.create_task(spool.append(readings(5_000)))
            await eventually(lambda: bool(gate.sizes))
            await spool.confirm([1])
            gate.open.set()
        assert 1 in spool.take_dropped()
        assert spool.unconfirmed == spool.state().kept > 0


async def test_what_a_bound_drops_is_no_longer_waited_for(path: Path) -> None:
    """The numbers are handed to the uplink once."""
    now = DataClock().now_ms()
    async with spooling(path, SpoolSettings(max_age_days=1)) as spool:
        spool.changed.clear()
        await spool.append(readings(1, at=now - 2 * 86_400_000))
        assert spool.changed.is_set()
        assert spool.take_dropped() == {1}
        assert spool.take_dropped() == set()
        assert (spool.unconfirmed, spool.state().last_seq) == (0, 1)


class Refusing(Executor):
    """A thread pool that was shut down."""

    def submit(self, fn: Callable[..., Any], /, *_: Any, **__: Any) -> Future[Any]:
        """Take nothing."""
        raise RuntimeError(f"cannot schedule {fn} after shutdown")


async def test_a_commit_that_cannot_even_begin_is_an_error_each_time(path: Path) -> None:
    """No append waits for ever for one that never ran."""
    spool = Spool("gw-1", SpoolFile(path, SpoolSettings()), DataClock(), Refusing())
    for _ in range(2):
        with pytest.raises(RuntimeError, match="after shutdown"):
            await spool.append(readings(1))
