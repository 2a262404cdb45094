"""A spool whose process is killed, whose disk is full, that two processes want."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import pytest

from collector.spool.file import spooled_readings
from collector.spool.settings import LEAST_BYTES, SpoolSettings
from energy.errors import SetupError
from energy.readings import Reading
from energy.wire import decode_envelope
from tests.support.source_tree import ROOT
from tests.support.spool_victim import AFTERWARDS, SETTINGS, reading
from tests.support.spool_world import fetched, opened

LINES = 8


@contextmanager
def victim(path: Path, run: int, lines: str = str(LINES)) -> Iterator[subprocess.Popen[bytes]]:
    """A process that appends; killed at the end."""
    command = [sys.executable, "-m", "tests.support.spool_victim", str(path), str(run), lines]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.kill()


def rows(output: bytes) -> list[Reading]:
    """The readings whose append had returned; a last row that the kill cut short says nothing."""
    whole = [row for row in output.split(b"\n")[:-1] if row != b"full"]
    return [reading(*map(int, row.split())) for row in whole]


def check(path: Path, returned: list[Reading]) -> None:
    """All that was told is there, each once, in envelopes numbered without a gap; the file was not set aside."""
    with opened(path, SETTINGS) as file:
        envelopes = [(seq, decode_envelope(body)) for seq, body in fetched(file)]
        assert [seq for seq, _ in envelopes] == list(range(1, file.state().last_seq + 1))
        assert [envelope.seq for _, envelope in envelopes] == [seq for seq, _ in envelopes]
        assert {envelope.stream for _, envelope in envelopes} <= {file.state().stream}
    kept = list(spooled_readings(path))
    assert len(kept) == len(set(kept))
    assert set(kept) >= set(returned)
    # What had not returned yet may be there too: no more than one reading of each line and kill.
    by_line = {(one.point, one.at) for one in set(kept) - set(returned)}
    assert len({point for point, _ in by_line}) == len(by_line)
    assert list(path.parent.glob("*.damaged-*")) == []


def kill_at_random_moments(path: Path, kills: int, seed: int) -> None:
    """Kill one process after the other, all with the same spool: some right after their start, some in full run."""
    chance = random.Random(seed)  # noqa: S311 - a seed, so that a failure can be repeated
    returned: list[Reading] = []
    for run in range(kills):
        with victim(path, run) as process:
            assert process.stdout is not None
            # A process that has told so many rows is in the middle of the next commits, wherever that is.
            before = b"".join(process.stdout.readline() for _ in range(chance.choice((0, 1, 20, 300, 2_000))))
            try:
                process.wait(chance.uniform(0, 0.3 if not before else 0.01))
            except subprocess.TimeoutExpired:
                process.kill()
            assert process.wait(10) == -9
            returned += rows(before + process.stdout.read())
        if path.exists():
            check(path, returned)
    assert returned
    check(path, returned)


def test_kills_in_the_middle_of_appends_lose_nothing_that_had_returned(tmp_path: Path) -> None:
    """Numbers go on, nothing is there twice, and no file is found damaged."""
    kill_at_random_moments(tmp_path / "gw-1.sqlite3", kills=3, seed=4)


@pytest.mark.long
def test_twenty_kills_lose_nothing_that_had_returned(tmp_path: Path) -> None:
    """The same, more often."""
    kill_at_random_moments(tmp_path / "gw-1.sqlite3", kills=20, seed=11)


def test_a_full_disk_loses_nothing_that_had_returned(tmp_path: Path) -> None:
    """Writes really fail, within a commit; what was refused is kept when there is room again, and not twice."""
    path = tmp_path / "gw-1.sqlite3"
    with victim(path, 0, "full") as process:
        output, _ = process.communicate(timeout=60)
        assert process.returncode == 0
    before, _, after = output.partition(b"full\n")
    assert len(rows(after)) == AFTERWARDS
    assert len(rows(before)) > 10
    assert list(spooled_readings(path)) == [*rows(before), *rows(after)]
    check(path, rows(output))


def test_a_second_process_is_refused(tmp_path: Path) -> None:
    """While another one appends; as soon as that is gone, however it went, the spool is free."""
    path = tmp_path / "gw-1.sqlite3"
    with victim(path, 0) as process:
        assert process.stdout is not None
        output = process.stdout.readline()
        with pytest.raises(SetupError, match="held by another process"), opened(path, SETTINGS):
            pass
        process.kill()
        output += process.stdout.read()
        process.wait(10)
    assert output
    check(path, rows(output))


@pytest.mark.no_cover  # the same lines over and over
@pytest.mark.parametrize("policy", ["oldest", "thin"])
def test_a_thousand_hours_without_a_platform_are_accounted_for(
    tmp_path: Path, policy: Literal["oldest", "thin"]
) -> None:
    """Longer than the bound: whatever is not kept is in a dropped range with its reason, through ten restarts."""
    path = tmp_path / "gw-1.sqlite3"
    narrow = SpoolSettings(max_bytes=LEAST_BYTES, max_age_days=30, policy=policy, synchronous="normal")
    chance = random.Random(3)  # noqa: S311 - a seed, so that a failure can be repeated
    appended = copies = 0
    for start in range(0, 1_000, 100):
        with opened(path, narrow) as file:
            for minute in range(start * 60, (start + 100) * 60, 5):
                round_ = [Reading(f"P-{meter}", minute * 60_000, chance.random() * 1e6) for meter in range(5)]
                appended += len(round_)
                copies += file.append(round_, (), minute * 60_000).copies
    with opened(path, narrow) as file:
        state = file.state()
        kept = [one for _, body in fetched(file) for one in decode_envelope(body).readings]
        assert appended + copies == len(kept) + state.dropped_total.readings
        assert state.last_seq == state.kept + state.dropped_total.envelopes
        if policy == "oldest":
            assert {one.reason for one in state.dropped} == {"size"}
            assert kept[-1].at - kept[0].at < 100 * 3_600_000
        else:
            # One reading of three lies on a border: they go back further.
            assert {one.reason for one in state.dropped} >= {"thinned"}
            assert kept[-1].at - kept[0].at > 120 * 3_600_000
