"""How many days a spool holds: the constants against files, the promise, and the warning at the start."""

from __future__ import annotations

import random
import struct
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from collector.spool.estimate import BYTES_PER_ENVELOPE, BYTES_PER_READING, WANTED_DAYS, Expected, days_that_fit
from collector.spool.file import SpoolFile
from collector.spool.settings import SpoolSettings
from energy.readings import Reading
from tests.support.spool_world import opened, spooling

A_MINUTE = 24 * 60


@pytest.mark.parametrize("together", [1, 5, 20, 100, 500])
@pytest.mark.parametrize("digits", ["integers", "hundredths", "float32", "doubles"])
def test_the_constants_are_on_the_safe_side_of_what_a_file_takes(tmp_path: Path, together: int, digits: str) -> None:
    """Whatever the values look like, and however few readings come together; they are no gross exaggeration either."""
    count = 4_000 * together if together < 20 else 30_000
    with opened(tmp_path / "gw-1.sqlite3", SpoolSettings(synchronous="normal")) as file:
        empty = file.state().kept_bytes
        append_rounds(file, digits, count, together)
        measured = (file.state().kept_bytes - empty) / count
    estimated = BYTES_PER_READING + BYTES_PER_ENVELOPE / min(together, 100)
    assert 0.55 * estimated < measured <= estimated


def append_rounds(file: SpoolFile, digits: str, count: int, together: int) -> None:
    """Readings of 500 meters a minute, as many in each commit."""
    chance = random.Random(1)  # noqa: S311 - a seed, so that a failure can be repeated
    registers = [chance.uniform(10_000, 1_000_000) for _ in range(500)]
    waiting = []
    for number in range(count):
        meter, minute = number % 500, number // 500
        registers[meter] += chance.uniform(0, 3)
        at = 1_772_294_400_000 + minute * 60_000 + meter * 103
        waiting.append(Reading(f"610303-{meter // 10:04d}-E{meter % 10}", at, shown(registers[meter], digits)))
        if len(waiting) == together:
            file.append(waiting, (), 0)
            waiting = []


def shown(value: float, digits: str) -> float:
    """A register's value as its type can tell it."""
    if digits == "integers":
        return float(int(value))
    if digits == "float32":
        (rounded,) = struct.unpack("<f", struct.pack("<f", value))
        return float(rounded)
    return round(value, 2) if digits == "hundredths" else value


def test_the_default_bound_holds_what_it_promises() -> None:
    """30 days of 500 meters at one minute, even where only five of them come together."""
    for together in (5.0, 20.0, 500.0):
        assert days_that_fit(SpoolSettings(), Expected(500 * A_MINUTE, together)) >= WANTED_DAYS


def test_days_follow_the_narrowest_bound() -> None:
    """Size, the disk's room, age; and nothing is no load at all."""
    settings = SpoolSettings(max_bytes=1_000_000, max_age_days=20)
    a_day = Expected(100_000 / (BYTES_PER_READING + BYTES_PER_ENVELOPE / 100))
    assert days_that_fit(settings, a_day) == pytest.approx(10)
    assert days_that_fit(settings, a_day, room=500_000) == pytest.approx(5)
    assert days_that_fit(settings, Expected(a_day.readings_per_day / 10)) == 20
    assert days_that_fit(settings, Expected(0)) == 20


async def test_the_start_says_when_the_bound_is_too_small(tmp_path: Path) -> None:
    """Once, with the days that it will last; and nothing where it will do, or where less is wanted."""
    small = SpoolSettings(max_bytes=100_000_000)
    with capture_logs() as logs:
        async with spooling(tmp_path / "a.sqlite3", small, expected=Expected(500 * A_MINUTE)):
            pass
        async with spooling(tmp_path / "b.sqlite3", expected=Expected(50 * A_MINUTE)):
            pass
        async with spooling(tmp_path / "c.sqlite3", small):
            pass
    (warning,) = [log for log in logs if log["event"] == "spool_too_small"]
    assert (warning["log_level"], warning["gateway"], warning["wanted_days"]) == ("warning", "gw-1", 30)
    assert 5 < warning["days"] < 7


async def test_the_start_says_when_the_disk_is_too_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bound that the disk cannot hold is none."""
    monkeypatch.setattr(SpoolFile, "room", lambda _: 50_000_000)
    with capture_logs() as logs:
        async with spooling(tmp_path / "a.sqlite3", expected=Expected(500 * A_MINUTE)):
            pass
    assert [log["days"] for log in logs if log["event"] == "spool_too_small"] == [3.1]
