"""Whatever happens to a spool, each number and each reading of it is accounted for."""

from __future__ import annotations

import math
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.spool.bounds import Drop
from collector.spool.file import SpoolFile
from collector.spool.settings import SpoolSettings
from energy.readings import Reading
from energy.wire import DropReason, decode_envelope
from tests.support.spool_world import STREAM, database_of, fetched

HOUR_MS = 3_600_000
MOST_BYTES = 56_000
"""Room for a dozen envelopes beside what an empty file takes, which the configuration would not allow."""

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["append", "append", "append", "append", "confirm", "clock", "reopen", "restart", "spoil"]),
        st.integers(0, 400),
        st.integers(1, 40),
    ),
    max_size=25,
)


class World:
    """A spool in a narrow place, and the ledger that is kept of it."""

    def __init__(self, directory: Path, policy: Literal["oldest", "thin"]) -> None:
        bounds = SpoolSettings(
            max_bytes=MOST_BYTES, max_age_days=2, keep_confirmed=True, readings_per_envelope=30, policy=policy
        )
        self.file = SpoolFile(directory / "gw-1.sqlite3", bounds)
        self.file.open(lambda: STREAM, 0)
        self.now = 100 * HOUR_MS
        self.appended = self.copies = 0
        self.confirmed: dict[int, int] = {}
        self.dropped: dict[int, int] = {}
        self.drops: list[Drop] = []

    def step(self, what: str, number: int, count: int) -> None:
        """One thing that happens."""
        getattr(self, what)(number, count)

    def append(self, number: int, count: int) -> None:
        """A poll round of `count` meters, some minutes after the last one; often several rounds at once."""
        for _ in range(1 + number // 40):
            self.now += 60_000 * (1 + number % 20)
            readings = [Reading(f"P-{meter}", self.now, math.sin(self.now + meter)) for meter in range(count)]
            self._note(readings, ())

    def confirm(self, number: int, count: int) -> None:
        """Ingest is done with some of what is kept."""
        numbers = [seq for seq, _ in fetched(self.file)][number : number + count]
        sizes = dict(database_of(self.file).execute("select seq, readings from envelope where confirmed = 0"))
        self.confirmed.update((seq, sizes[seq]) for seq in numbers)
        self._note([], numbers)

    def clock(self, number: int, _: int) -> None:
        """The clock steps, an hour back or some hours ahead."""
        self.now += HOUR_MS * (number % 8 - 1)

    def reopen(self, number: int, count: int) -> None:
        """The platform asks again."""
        still = {seq for (seq,) in database_of(self.file).execute("select seq from envelope where confirmed = 1")}
        self.file.reopen([(number, number + count)])
        for seq in still & set(range(number, number + count + 1)):
            del self.confirmed[seq]

    def restart(self, _: int, __: int) -> None:
        """The process ends and begins again."""
        before = self.file.state()
        self.file.close()
        assert self.file.open(lambda: "", 0) is None
        assert self.file.state() == before

    def spoil(self, number: int, _: int) -> None:
        """The disk spoils an envelope, which is found when it is fetched."""
        for seq, _body in fetched(self.file)[number : number + 1]:
            database_of(self.file).execute("update envelope set body = x'00' where seq = ?", (seq,))
            sound, spoilt = self.file.fetch(0, 10_000)
            assert spoilt == [seq]
            assert seq not in dict(sound)
            drops = self.file.drop(spoilt, DropReason.DAMAGED, self.now)
            self.dropped.update((drop.seq, drop.readings) for drop in drops)

    def _note(self, readings: list[Reading], confirmed: list[int] | tuple[()]) -> None:
        result = self.file.append(readings, confirmed, self.now)
        self.appended += len(readings)
        self.copies += result.copies
        self.drops += result.drops
        for drop in result.drops:
            assert drop.seq not in self.dropped
            self.dropped[drop.seq] = drop.readings

    def check(self) -> None:
        """Each number is in one place, each reading is counted, and the file says so too."""
        state = self.file.state()
        kept = {seq: len(decode_envelope(body).readings) for seq, body in fetched(self.file)}
        places = [*kept, *self.confirmed, *self.dropped]
        assert sorted(places) == list(range(1, state.last_seq + 1))
        counted = sum(kept.values()) + sum(self.confirmed.values()) + sum(self.dropped.values())
        assert self.appended + self.copies == counted
        assert (state.kept, state.kept_from) == (len(kept), min(kept, default=None))
        assert (state.dropped_total.envelopes, state.dropped_total.readings) == (
            len(self.dropped),
            sum(self.dropped.values()),
        )
        assert state.kept_bytes <= self.file.settings.max_bytes
        told = [seq for one in state.dropped for seq in range(one.first, one.last + 1)]
        assert told == sorted(self.dropped)


@pytest.mark.parametrize("policy", ["oldest", "thin"])
@settings(max_examples=25, deadline=None)
@given(steps=STEPS)
def test_the_ledger_closes(policy: Literal["oldest", "thin"], steps: list[tuple[str, int, int]]) -> None:
    """Kept, confirmed or dropped: each number is one of them, through bounds, restarts, repeats and spoilt bytes."""
    with TemporaryDirectory() as directory:
        world = World(Path(directory), policy)
        try:
            for step in steps:
                world.step(*step)
                world.check()
        finally:
            world.file.close()


def test_the_world_of_the_ledger_is_narrow(tmp_path: Path) -> None:
    """Else nothing would ever be dropped in it, and the test above would show little."""
    world = World(tmp_path, "thin")
    try:
        for _ in range(600):
            world.append(0, 30)
            world.check()
        assert {drop.reason for drop in world.drops} == {DropReason.THINNED, DropReason.SIZE}
    finally:
        world.file.close()
