"""What the spool serves from memory is what its file holds."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from collector.spool.bounds import BORDER, REST
from collector.spool.file import SpoolFile
from collector.spool.recent import Recent, Written
from collector.spool.settings import SpoolSettings
from collector.spool.spool import Spool
from energy.clocks import DataClock
from tests.support.spool_world import readings

NARROW, WIDE = 56_000, 1 << 24
"""Bytes of a file with room for some dozen envelopes, which the configuration would not allow, and for all."""
MOST_BYTES = 2_000
"""Held in memory: a dozen of them."""
PLACES = st.tuples(st.sampled_from([NARROW, WIDE]), st.sampled_from([MOST_BYTES, WIDE]))
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["append", "append", "append", "confirm", "settle", "reopen", "restart"]),
        st.integers(0, 60),
        st.integers(1, 30),
    ),
    max_size=20,
)


class World:
    """A spool with so many bytes of disk and memory."""

    def __init__(self, path: Path, thread: ThreadPoolExecutor, disk: int, memory: int) -> None:
        bounds = SpoolSettings(max_bytes=disk, keep_confirmed=True, readings_per_envelope=3, policy="thin")
        self.file = SpoolFile(path, bounds)
        self.spool = Spool("gw-1", self.file, DataClock(), thread)
        self.spool._recent = self.recent = Recent(memory)
        self.confirmed: set[int] = set()
        self.served = 0

    async def step(self, what: str, number: int, count: int) -> None:
        """One thing that happens."""
        kept = [one for one, _ in self.truth(0, 1_000)]
        if what == "append":
            now = DataClock().now_ms()
            for each in range(5 + number // 5):
                await self.spool.append(readings(3 * count, at=now - 900_000 * number, point=f"P-{each}"))
        elif what == "confirm":
            part = kept[number % (len(kept) or 1) :][:count]
            await self.spool.confirm(part)
            self.confirmed.update(part)
        elif what == "settle":
            await self.spool.settle()
        elif what == "reopen":
            first = min(self.confirmed, default=1) + number // 10
            await self.spool.reopen([(first, first + count)])
            self.confirmed -= set(range(first, first + count + 1))
        else:
            await self.spool.close()
            await self.spool.open()

    def truth(
        self, after: int, limit: int, *, until: int | None = None, border: bool | None = None
    ) -> list[tuple[int, bytes]]:
        """What the file holds and nobody confirmed."""
        rows, _ = self.file.fetch(after, 1_000, until=until, border=border)
        return [row for row in rows if row[0] not in self.confirmed][:limit]

    async def check(self, number: int, count: int) -> None:
        """Whatever is asked for comes as the file has it."""
        last = self.spool.state().last_seq
        for after in {0, number, max(0, last - number), last}:
            for border in (None, True, False):
                for until in (None, last, after + count):
                    self.served += self.recent.fetch(after, count, until or last, border=border) is not None
                    asked = await self.spool.fetch(after, count, until=until, border=border)
                    assert asked == self.truth(after, count, until=until, border=border)


@settings(max_examples=settings().max_examples // 4)  # each is a file's whole life: a quarter of a second
@given(places=PLACES, steps=STEPS)
def test_memory_serves_what_the_file_holds(places: tuple[int, int], steps: list[tuple[str, int, int]]) -> None:
    """Of both classes and of any range, through bounds on both, confirmations, repeats and restarts."""

    async def live() -> None:
        with TemporaryDirectory() as directory, ThreadPoolExecutor(1) as thread:
            world = World(Path(directory) / "gw-1.sqlite3", thread, *places)
            await world.spool.open()
            try:
                for step in steps:
                    await world.step(*step)
                    await world.check(*step[1:])
                # A fresh envelope is served from memory, or the rest of this would show nothing.
                before = world.served
                await world.step("append", 0, 1)
                await world.check(1, 1)
                assert world.served > before
            finally:
                await world.spool.close()

    asyncio.run(live())


@given(st.lists(st.integers(1, 900), min_size=1, max_size=30))
def test_memory_is_bounded(sizes: list[int]) -> None:
    """The newest envelopes that fit are held, and none older; those from before the start are on the disk."""
    recent = Recent(MOST_BYTES)
    recent.start_over(10)
    for at, size in enumerate(sizes, 11):
        recent.add([Written(at, BORDER if at % 2 else REST, bytes(size))])
    last = 10 + len(sizes)
    assert recent.fetch(9, 99, last, border=None) is None
    assert recent.fetch(last, 99, last + 1, border=None) is None
    first = next(after for after in range(10, last + 1) if recent.fetch(after, 99, last, border=None) is not None)
    held = recent.fetch(first, 99, last, border=None) or []
    assert [number for number, _ in held] == list(range(first + 1, last + 1))
    assert sum(len(body) for _, body in held) <= MOST_BYTES
    assert first == 10 or sum(sizes[first - 11 :]) > MOST_BYTES
