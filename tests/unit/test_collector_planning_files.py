"""What was learned on disk, and how long a cycle takes."""

from __future__ import annotations

from pathlib import Path

import pytest
import structlog

from collector.planning.cycle import NetworkTiming, SerialTiming, read_seconds
from collector.planning.learned_file import LearnedFile
from collector.planning.limits import Barriers, Learned
from collector.planning.planner import Read
from energy.errors import StorageError

SOME = Learned(barriers={3: Barriers(forbidden=((10, 12),), breaks=(40,))}, unreadable={"power": 7})


def test_what_was_learned_survives_the_process(tmp_path: Path) -> None:
    """Each meter by its name; a meter that never refused has nothing."""
    path = tmp_path / "gw.learned.json"
    file = LearnedFile(path)
    assert file.of("a") == Learned()
    file.put("a", SOME)
    file.put("b", Learned(unreadable={"x": 1}))
    again = LearnedFile(path)
    assert (again.of("a"), again.of("b"), again.of("c")) == (SOME, Learned(unreadable={"x": 1}), Learned())
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_nothing_new_is_not_written(tmp_path: Path) -> None:
    """An unchanged file wears no flash memory."""
    path = tmp_path / "gw.learned.json"
    LearnedFile(path).put("a", Learned())
    assert not path.exists()


@pytest.mark.parametrize("damage", [b"", b"{", b"\xff\xfe", b'{"a": {"barriers": {"3": {"forbidden": [[1]]}}}}'])
def test_a_damaged_file_is_set_aside_and_reported(tmp_path: Path, damage: bytes) -> None:
    """It is never silently made anew: the damaged one keeps its bytes under another name, twice if need be."""
    path = tmp_path / "gw.learned.json"
    for number in (1, 2):
        path.write_bytes(damage)
        with structlog.testing.capture_logs() as logs:
            assert LearnedFile(path).of("a") == Learned()
        aside = tmp_path / f"gw.learned.json.damaged-{number}"
        assert (logs[0]["event"], logs[0]["file"]) == ("learned_set_aside", str(aside))
        assert aside.read_bytes() == damage
    LearnedFile(path).put("a", SOME)
    assert LearnedFile(path).of("a") == SOME


def test_a_full_disk_is_told_and_what_was_learned_is_known_all_the_same(tmp_path: Path) -> None:
    """The directory is gone: nothing can be written, and the old file would have stayed whole."""
    file = LearnedFile(tmp_path / "gone" / "gw.learned.json")
    with pytest.raises(StorageError, match="cannot be written: No such file"):
        file.put("a", SOME)
    assert file.of("a") == SOME
    (tmp_path / "gone").mkdir()
    file.put("a", SOME)
    assert LearnedFile(tmp_path / "gone" / "gw.learned.json").of("a") == SOME


def test_a_file_that_cannot_be_read_is_reported_and_stops_nothing(tmp_path: Path) -> None:
    """A directory in its place: everything is learned anew, and what is learned is known although it is not kept."""
    with structlog.testing.capture_logs() as logs:
        file = LearnedFile(tmp_path)
    assert [(one["event"], one["file"]) for one in logs] == [("learned_unreadable", str(tmp_path))]
    with pytest.raises(StorageError, match="cannot be written: Is a directory"):
        file.put("a", SOME)
    assert file.of("a") == SOME


def test_a_read_on_a_serial_line_takes_its_characters_and_silences() -> None:
    """8 bytes there and 45 back at 9600 baud 8N1 are 55.2 ms; two silences of 3.5 characters 7.3 ms; and the device."""
    read = Read(3, 0, 20, ())
    timing = SerialTiming(baud=9600, turnaround_s=0.02)
    assert read_seconds(read, timing) == pytest.approx(0.0552 + 0.0073 + 0.02, abs=1e-4)
    parity = SerialTiming(baud=9600, character_bits=11, turnaround_s=0.0)
    assert read_seconds(read, parity) == pytest.approx((53 + 7) * 11 / 9600)


def test_above_19200_baud_the_silence_is_fixed() -> None:
    """1.75 ms each, and a converter's way there and back on top."""
    timing = SerialTiming(baud=115_200, turnaround_s=0.0, round_trip_s=0.004)
    assert read_seconds(Read(4, 0, 1, ()), timing) == pytest.approx(15 * 10 / 115_200 + 0.0035 + 0.004)


def test_coils_come_eight_to_a_byte() -> None:
    """17 coils are three bytes."""
    timing = SerialTiming(baud=9600, turnaround_s=0.0)
    assert read_seconds(Read(1, 0, 17, ()), timing) == pytest.approx((8 + 8 + 7) * 10 / 9600)


@pytest.mark.parametrize("count", [1, 125])
def test_on_a_network_a_read_takes_a_round_trip(count: int) -> None:
    """Whatever it brings."""
    assert read_seconds(Read(3, 0, count, ()), NetworkTiming(round_trip_s=0.005)) == pytest.approx(0.005)
