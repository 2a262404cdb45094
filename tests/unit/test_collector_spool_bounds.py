"""What a full spool lets go, in which order, and how it is written down."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Literal

import pytest

from collector.spool import bounds
from collector.spool.borders import QUARTER_MS
from collector.spool.file import SpoolFile
from collector.spool.settings import LEAST_BYTES, SpoolSettings
from energy.readings import Reading
from energy.wire import DroppedRange, DroppedTotal, DropReason
from tests.support.spool_world import DAY_MS, database_of, kept_readings, numbers, opened, readings

POINTS = 50
MINUTE_MS = 60_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a spool may stand."""
    return tmp_path / "gw-1.sqlite3"


def bounded(
    *,
    max_bytes: int = 1 << 30,
    max_age_days: float = 90,
    policy: Literal["oldest", "thin"] = "oldest",
    keep_confirmed: bool = False,
) -> SpoolSettings:
    """Bounds, without waiting for the disk at each of thousands of commits: what leaves does not depend on it."""
    return SpoolSettings(
        max_bytes=max_bytes,
        max_age_days=max_age_days,
        policy=policy,
        keep_confirmed=keep_confirmed,
        synchronous="normal",
    )


def rounds(count: int, *, first: int = 0) -> list[list[Reading]]:
    """Poll rounds of many points, a minute apart, with values that do not pack well."""
    chance = random.Random(first)  # noqa: S311 - a seed, so that a failure can be repeated
    return [
        [Reading(f"P-{point}", minute * MINUTE_MS, chance.random()) for point in range(POINTS)]
        for minute in range(first, first + count)
    ]


def fill(file: SpoolFile, count: int, *, first: int = 0) -> list[bounds.Drop]:
    """Append so many rounds; what they made the spool drop."""
    return [drop for one in rounds(count, first=first) for drop in file.append(one, (), one[0].at).drops]


def told(file: SpoolFile) -> dict[str, int]:
    """How many envelopes the told ranges name, by reason."""
    found: dict[str, int] = {}
    for one in file.state().dropped:
        found[one.reason] = found.get(one.reason, 0) + one.last - one.first + 1
    return found


def test_the_bound_on_size_drops_the_oldest_and_writes_it_down(path: Path) -> None:
    """What exceeds the bound leaves oldest first, as one range, and never the newest.

    Trap: full means that the new reading is dropped, without a word.
    """
    with opened(path, bounded(max_bytes=LEAST_BYTES)) as file:
        drops = fill(file, 600)
        state = file.state()
        kept = numbers(file)
    assert state.kept_bytes <= LEAST_BYTES
    assert drops
    assert [drop.seq for drop in drops] == list(range(1, len(drops) + 1))
    assert state.dropped == (DroppedRange(1, len(drops), "size"),)
    assert state.dropped_total == DroppedTotal(len(drops), POINTS * len(drops))
    assert kept == list(range(len(drops) + 1, 601))
    assert (state.kept_from, state.oldest_at) == (kept[0], (kept[0] - 1) * MINUTE_MS)


def test_the_bound_is_that_of_the_file(path: Path) -> None:
    """Free pages are used again: the file itself is no larger than the bound and one round, whatever is done to it."""
    most = 4 * LEAST_BYTES
    with opened(path, bounded(max_bytes=most)) as file:
        fill(file, 3_000)
        full = file.state().kept_bytes
        database_of(file).execute("pragma wal_checkpoint(truncate)")
        assert 0.95 * most < full <= most
        assert path.stat().st_size <= most + 16_384
        file.append([], numbers(file), 0)
        assert file.state().kept_bytes < 65_536  # drained: what is left of the file is free
        fill(file, 400, first=3_000)
        database_of(file).execute("pragma wal_checkpoint(truncate)")
        assert path.stat().st_size <= most + 16_384
        assert file.state().kept == 400


def test_thinning_lets_go_what_is_between_the_borders_first(path: Path) -> None:
    """Of a week the quarter hours stay, all of them, and the last minutes; the drops are told as thinned."""
    with opened(path, bounded(max_bytes=4 * LEAST_BYTES, policy="thin")) as file:
        drops = fill(file, 4_000)
        assert {drop.kind for drop in drops} == {bounds.REST}
        border = kept_readings(file, border=True)
        assert {reading.at for reading in border} == {quarter * QUARTER_MS for quarter in range(4_000 // 15 + 1)}
        assert len(border) == POINTS * len({reading.at for reading in border})
        rest = numbers(file, border=False)
        assert rest == sorted(rest)
        assert max(drop.seq for drop in drops) < rest[0]
        state = file.state()
        assert state.kept_bytes <= 4 * LEAST_BYTES
        assert state.oldest_at == 0
        assert state.dropped_total.envelopes == len(drops)
        assert set(told(file)) == {"thinned"}
        assert len(state.dropped) == 100  # the borders between them cut the ranges; the newest hundred are told


def test_border_readings_go_when_nothing_else_is_left(path: Path) -> None:
    """Then the oldest of them, told as size; what is kept is still the newest."""
    with opened(path, bounded(max_bytes=LEAST_BYTES, policy="thin")) as file:
        drops = fill(file, 6_000)
        reasons = {(drop.reason.value, drop.kind) for drop in drops}
        assert reasons == {("thinned", bounds.REST), ("size", bounds.BORDER)}
        kept = {reading.at // QUARTER_MS for reading in kept_readings(file, border=True)}
        assert kept == set(range(min(kept), 400))
        assert min(kept) > 0


def test_without_thinning_the_class_makes_no_difference_at_the_bound(path: Path) -> None:
    """A thin line has classes too; where the policy is the oldest, they leave in the order of their numbers."""
    with opened(path, bounded(max_bytes=LEAST_BYTES), classes=True) as file:
        drops = fill(file, 600)
        assert [drop.seq for drop in drops] == list(range(1, len(drops) + 1))
        assert {drop.kind for drop in drops} == {bounds.REST, bounds.BORDER}
        assert {drop.reason.value for drop in drops} == {"size"}


def test_the_bound_on_age_looks_at_the_readings(path: Path) -> None:
    """What is too old leaves at the next round, in data time, and is a range with its own reason."""
    with opened(path, bounded(max_age_days=1)) as file:
        file.append(readings(1, at=0), (), 0)
        file.append(readings(1, at=DAY_MS), (), DAY_MS)
        assert file.state().kept == 2
        drops = file.append([], (), DAY_MS + 1).drops
        assert [(drop.seq, drop.reason.value) for drop in drops] == [(1, "age")]
        assert file.state().dropped == (DroppedRange(1, 1, "age"),)


def test_age_takes_both_classes(path: Path) -> None:
    """Thinning does not keep a border reading for ever."""
    with opened(path, bounded(max_age_days=1, policy="thin")) as file:
        fill(file, 40)
        file.append([], (), DAY_MS + 31 * MINUTE_MS)
        assert min(reading.at for reading in kept_readings(file)) == 31 * MINUTE_MS
        assert told(file) == {"age": 31}
        assert numbers(file, border=True) == []


def test_a_clock_set_back_loses_nothing(path: Path) -> None:
    """An hour is lived twice: all of it is kept, in the order in which it came, and ages as its time stamps say."""
    hour = 60 * MINUTE_MS
    with opened(path, bounded(max_age_days=1, policy="thin")) as file:
        first = [one for minute in range(60) for one in readings(1, at=hour + minute * MINUTE_MS)]
        again = [one for minute in range(60) for one in readings(1, at=minute * MINUTE_MS + 500)]
        for reading in [*first, *again]:
            assert file.append([reading], (), reading.at).drops == []
        assert {(one.at, one.value) for one in kept_readings(file)} == {(one.at, one.value) for one in [*first, *again]}
        everything = numbers(file)
        assert everything == list(range(1, len(everything) + 1))
        file.append([], (), DAY_MS + hour)
        left = {one.at for one in kept_readings(file)}
        # What came after a reading of a later time waits for its turn, and is dropped no sooner than it is due.
        assert left >= {one.at for one in first}
        for _ in range(3):
            file.append([], (), DAY_MS + 2 * hour)
        assert kept_readings(file) == []
        assert file.state().dropped_total.envelopes == everything[-1]


def test_a_clock_far_ahead_for_a_moment_does_not_empty_the_spool(path: Path) -> None:
    """A year ahead, everything is too old: a commit drops a part of it; the bound on size has no such patience."""
    with opened(path, bounded(max_age_days=1)) as file:
        fill(file, 300)
        drops = file.append([], (), 365 * DAY_MS).drops
        assert [drop.seq for drop in drops] == list(range(1, 65))
        assert file.append([], (), 300 * MINUTE_MS).drops == []
        assert file.state().kept == 236
    with opened(path, bounded(max_age_days=1, max_bytes=100_000)) as file:
        drops = file.append([], (), 365 * DAY_MS).drops
        assert [drop.reason.value for drop in drops[:65]] == ["age"] * 64 + ["size"]
        assert file.state().kept_bytes <= 100_000


def test_dropped_ranges_name_no_number_that_was_confirmed(path: Path) -> None:
    """A confirmed envelope between two dropped ones splits the range."""
    with opened(path, bounded(max_age_days=1)) as file:
        for _ in range(3):
            file.append(readings(1, at=0), (), 0)
        file.append([], (2,), 2 * DAY_MS)
        assert file.state().dropped == (DroppedRange(1, 1, "age"), DroppedRange(3, 3, "age"))
        assert file.state().dropped_total == DroppedTotal(2, 2)


def test_a_drop_between_two_ranges_makes_them_one(path: Path) -> None:
    """Whatever the order in which numbers go, the ranges are as few as is true."""
    chance = random.Random(5)  # noqa: S311 - a seed, so that a failure can be repeated
    order = list(range(1, 31))
    chance.shuffle(order)
    with opened(path) as file, database_of(file).transaction():
        for seq in order:
            drop = bounds.Drop(seq, bounds.REST, 2, DropReason.SIZE if seq <= 20 else DropReason.AGE)
            bounds.record(database_of(file), [drop], 0)
        rows = database_of(file).execute("select first, last, reason, readings from drops order by first")
        assert rows == [(1, 20, "size", 40), (21, 30, "age", 20)]


def test_totals_go_on_where_ranges_are_forgotten(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The table of ranges is bounded; the ledger closes all the same."""
    monkeypatch.setattr(bounds, "_MOST_RANGES", 5)
    with opened(path, bounded(max_age_days=1)) as file:
        for _ in range(20):
            file.append(readings(3, at=0), (), 0)
        file.append([], range(2, 21, 2), 2 * DAY_MS)
        assert [one.first for one in file.state().dropped] == [11, 13, 15, 17, 19]
        assert file.state().dropped_total == DroppedTotal(10, 30)


def test_what_an_audit_keeps_makes_room_first(path: Path) -> None:
    """Confirmed envelopes are no loss: the oldest of them go before anything unconfirmed."""
    with opened(path, bounded(max_bytes=LEAST_BYTES, keep_confirmed=True)) as file:
        fill(file, 100)
        file.append([], range(1, 51), 0)
        assert file.state().kept == 50
        assert fill(file, 150, first=100) == []
        held = database_of(file).execute("select count(*) from envelope where confirmed = 1")[0][0]
        assert fill(file, 60, first=250) == []
        assert file.state().kept == 260
        assert file.state().kept_bytes <= LEAST_BYTES
        left = database_of(file).execute("select seq from envelope where confirmed = 1 order by seq")
        assert held == 50
        assert 0 < len(left) < held
        assert left[-1] == (50,)


def test_a_lowered_bound_is_reached_step_by_step(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No poll round waits until all that exceeds it is gone."""
    with opened(path, bounded()) as file:
        fill(file, 600)
    monkeypatch.setattr(bounds, "_MOST_A_COMMIT", 100)
    with opened(path, bounded(max_bytes=LEAST_BYTES)) as file:
        steps = [len(file.append([], (), 0).drops) for _ in range(8)]
        assert steps[0] == 100
        assert steps[-1] == 0
        assert file.state().kept_bytes <= LEAST_BYTES
