"""The spool's file: cut once, numbered for ever, and let go when confirmed."""

from __future__ import annotations

import errno
import fcntl
from pathlib import Path
from typing import Literal

import pytest

from collector.spool.file import SpoolFile, spooled_readings
from collector.spool.settings import SpoolSettings
from energy.errors import SetupError, StorageError
from energy.readings import Reading
from energy.wire import decode_envelope
from tests.support.spool_world import (
    OTHER_STREAM,
    STREAM,
    database_of,
    fetched,
    kept_readings,
    numbers,
    opened,
    readings,
)

QUARTER_MS = 900_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a spool may stand."""
    return tmp_path / "gw-1.sqlite3"


def test_a_round_is_cut_once_and_read_back_byte_for_byte(path: Path) -> None:
    """250 readings become three envelopes whose bytes are the same after a restart."""
    with opened(path) as file:
        file.append(readings(250), (), 0)
        first = fetched(file)
    with opened(path, stream=OTHER_STREAM) as file:
        assert fetched(file) == first
        assert file.state().stream == STREAM
    assert [seq for seq, _ in first] == [1, 2, 3]
    envelopes = [decode_envelope(body) for _, body in first]
    assert [len(envelope.readings) for envelope in envelopes] == [100, 100, 50]
    assert {envelope.stream for envelope in envelopes} == {STREAM}
    assert list(spooled_readings(path)) == readings(250)


def test_numbers_go_on_after_everything_left(path: Path) -> None:
    """A number is never given twice, also when the table was empty at the restart."""
    with opened(path) as file:
        file.append(readings(1), (), 0)
        file.append([], (1,), 0)
        assert file.state().kept == 0
    with opened(path) as file:
        file.append(readings(1), (), 0)
        assert numbers(file) == [2]
        assert file.state().last_seq == 2


def test_only_what_was_confirmed_leaves(path: Path) -> None:
    """Confirmations come in any order, twice, and for numbers that are long gone."""
    with opened(path) as file:
        for number in range(5):
            file.append(readings(1, at=7 * number), (), 0)
        file.append([], (1, 4, 2, 2, 99), 0)
        state = file.state()
        assert numbers(file) == [3, 5]
        assert (state.kept, state.kept_from, state.oldest_at) == (2, 3, 14)


def test_the_figures_are_the_same_after_a_restart(path: Path) -> None:
    """What is counted in memory is what the file has."""
    settings = SpoolSettings(max_age_days=1, keep_confirmed=True)
    with opened(path, settings, classes=True) as file:
        file.append(readings(300, step=10_000), (), 0)
        file.append(readings(300, at=QUARTER_MS * 200, step=10_000), (2, 3), QUARTER_MS * 200)
        file.reopen([(3, 3)])
        before = file.state()
    assert before.kept_border
    assert before.dropped_total.envelopes
    with opened(path, settings, classes=True) as file:
        assert file.state() == before


def test_confirmed_envelopes_stay_for_the_audit_when_asked(path: Path) -> None:
    """With keep_confirmed they are no longer offered, but the audit reads them and the platform may ask again."""
    with opened(path, SpoolSettings(keep_confirmed=True)) as file:
        file.append(readings(1), (), 0)
        file.append(readings(1, at=9_000), (1,), 0)
        assert numbers(file) == [2]
        assert file.state().kept == 1
        assert file.reopen([(1, 7)]) == 1
        assert numbers(file) == [1, 2]
        assert file.state().kept == 2
    assert len(list(spooled_readings(path))) == 2


def test_a_part_of_the_envelopes_can_be_fetched(path: Path) -> None:
    """Above a number, up to a number, of one class or any, and never more than asked for."""
    with opened(path, SpoolSettings(readings_per_envelope=1), classes=True) as file:
        # A reading every 10 minutes: the first, and those at 30 and 60 minutes, are on a border; 20 and 40 are near.
        for reading in readings(7, at=0, step=600_000):
            file.append([reading], (), 0)
        everything = fetched(file)
        border = fetched(file, border=True)
        rest = fetched(file, border=False)
        assert sorted([*border, *rest]) == everything
        assert [seq for seq, _ in everything] == list(range(1, len(everything) + 1))
        for chosen, kind in ((everything, None), (border, True), (rest, False)):
            assert file.fetch(2, 2, until=6, border=kind)[0] == [row for row in chosen if 2 < row[0] <= 6][:2]
            for until in range(8):
                assert file.fetch(0, 9, until=until, border=kind)[0] == [row for row in chosen if row[0] <= until]


def test_readings_near_the_quarter_hours_are_kept_apart(path: Path) -> None:
    """A copy of one that was on the disk already comes under a new number, and nothing is left out."""
    with opened(path, classes=True) as file:
        first = file.append([Reading("P-1", QUARTER_MS - 1, 1.0), Reading("P-2", QUARTER_MS - 400, 1.0)], (), 0)
        second = file.append([Reading("P-1", QUARTER_MS + 60_000, 2.0), Reading("P-2", QUARTER_MS + 1, 2.0)], (), 0)
        assert (first.copies, second.copies) == (0, 0)
        third = file.append(readings(2, at=2 * QUARTER_MS - 60_000, step=100_000), (), 0)
        assert third.copies == 0
        assert kept_readings(file, border=True) == [
            Reading("P-1", QUARTER_MS - 1, 1.0),
            Reading("P-2", QUARTER_MS - 400, 1.0),
            Reading("P-2", QUARTER_MS + 1, 2.0),
            Reading("P-1", 2 * QUARTER_MS + 40_000, 1.0),
        ]


def test_without_classes_everything_is_rest(path: Path) -> None:
    """Nobody pays for copies that nobody wants."""
    with opened(path) as file:
        file.append(readings(50, step=600_000), (), 0)
        assert numbers(file, border=True) == []
        assert kept_readings(file, border=False) == readings(50, step=600_000)


def test_a_full_disk_keeps_what_was_and_takes_more_when_there_is_room(path: Path) -> None:
    """The failed round is not half kept, what was picked from it is forgotten, and the figures agree with the file."""
    with opened(path, classes=True) as file:
        file.append(readings(10, at=0), (), 0)
        database = database_of(file)
        ((pages,),) = database.execute("pragma page_count")
        database.execute(f"pragma max_page_count = {pages}")
        late = [Reading(f"P-{number % 600}", QUARTER_MS, number * 1.7) for number in range(5_000)]
        before = file.state()
        with pytest.raises(StorageError, match="full"):
            file.append(late, (1,), 0)
        assert file.state() == before
        database.execute("pragma max_page_count = 100000")
        file.append(late, (1,), 0)
        assert kept_readings(file, border=True)[:600] == late[:600]
        assert sorted(kept_readings(file), key=repr) == sorted([*readings(10, at=0)[1:], *late], key=repr)


def test_two_processes_cannot_share_a_spool(path: Path) -> None:
    """The second is told so, and the first goes on."""
    with opened(path) as file:
        with pytest.raises(SetupError, match="held by another process"), opened(path):
            pass
        file.append(readings(1), (), 0)


def test_a_disk_that_knows_no_locks_is_a_clear_message(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A share in the network may refuse; nobody is to look for a second collector then."""

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(SetupError, match="cannot be locked: No locks available"), opened(path):
        pass


def test_a_lock_that_cannot_be_made_is_a_clear_message(tmp_path: Path) -> None:
    """The directory is missing."""
    with pytest.raises(SetupError, match="cannot be made"), opened(tmp_path / "nowhere" / "gw-1.sqlite3"):
        pass


@pytest.mark.parametrize(("word", "number"), [("full", 2), ("normal", 1)])
def test_how_commits_reach_the_disk_is_as_configured(path: Path, word: Literal["full", "normal"], number: int) -> None:
    """In write-ahead mode, full waits for the disk at every commit and normal at every checkpoint."""
    with opened(path, SpoolSettings(synchronous=word)) as file:
        assert database_of(file).execute("pragma synchronous") == [(number,)]
        assert database_of(file).execute("pragma journal_mode") == [("wal",)]


def test_a_spool_half_made_is_made_again(path: Path) -> None:
    """A crash while the first file was being made leaves its draft, which holds nothing."""
    path.with_name(path.name + ".new").write_bytes(b"half")
    path.with_name(path.name + ".new-journal").write_bytes(b"half")
    file = SpoolFile(path, SpoolSettings())
    assert file.open(lambda: STREAM, now_ms=0) is None
    try:
        file.append(readings(3), (), 0)
        assert numbers(file) == [1]
    finally:
        file.close()
