"""Files of recorded polls: what is written comes back, and what is wrong is named with file and line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from energy.errors import RecordingError, StorageError
from energy.recordings import (
    Failure,
    Header,
    Recorded,
    RecordedLine,
    RecordedMeter,
    RecordingWriter,
    decode_recording,
    encode_line,
    exchanges_of,
    load_recording,
)

HEADER = Header((RecordedLine("hall-1", "modbus-tcp", (RecordedMeter(1, "eastron_sdm630"),)),))
ANSWERED = Recorded(line="hall-1", at=1000, unit=1, function=4, address=72, count=2, delay_ms=5.2, answer="461c4000")
SILENT = Recorded(
    line="hall-1", at=2000, unit=1, function=4, address=72, count=2, delay_ms=1000.3, error=Failure.SILENT
)


@pytest.mark.parametrize("name", ["polls.jsonl", "polls.jsonl.gz"])
def test_what_is_written_comes_back(tmp_path: Path, name: str) -> None:
    """In the same order, packed or not."""
    with RecordingWriter(tmp_path / name, HEADER) as writer:
        for one in (ANSWERED, SILENT, ANSWERED):
            writer.write(one)
    recording = load_recording(tmp_path / name)
    assert (recording.header, recording.exchanges) == (HEADER, (ANSWERED, SILENT, ANSWERED))
    assert list(exchanges_of(recording, "hall-1")) == [ANSWERED, SILENT, ANSWERED]
    assert list(exchanges_of(recording, "hall-2")) == []


def test_the_lines_are_those_of_the_description() -> None:
    """The form is a contract: other programs may write it."""
    assert encode_line(ANSWERED) == (
        b'{"line":"hall-1","at":1000,"unit":1,"function":4,"address":72,"count":2,"delay_ms":5.2,"answer":"461c4000"}\n'
    )
    assert encode_line(SILENT).endswith(b'"delay_ms":1000.3,"error":"silent"}\n')


@given(data=st.binary(max_size=250), at=st.integers(0, 2**45), unit=st.one_of(st.integers(1, 247), st.just("1234")))
def test_any_exchange_comes_back(data: bytes, at: int, unit: int | str) -> None:
    """Whatever the answer's bytes."""
    one = Recorded(line="hall-1", at=at, unit=unit, request="00010000", delay_ms=1.5, answer=data.hex())
    recording = decode_recording([encode_line(HEADER), encode_line(one)], "x")
    assert recording.exchanges == (one,)
    assert one.data == data


def test_each_exchange_is_in_the_file_at_once(tmp_path: Path) -> None:
    """A process that is killed leaves all that it had recorded."""
    path = tmp_path / "polls.jsonl"
    with RecordingWriter(path, HEADER) as writer:
        writer.write(ANSWERED)
        assert load_recording(path).exchanges == (ANSWERED,)


def test_an_existing_file_is_not_overwritten(tmp_path: Path) -> None:
    """A recording cannot be had a second time."""
    path = tmp_path / "polls.jsonl"
    path.write_text("precious", encoding="utf-8")
    with pytest.raises(StorageError, match=r"polls\.jsonl cannot be written: File exists"):
        RecordingWriter(path, HEADER)
    assert path.read_text(encoding="utf-8") == "precious"


def _changed(**keys: Any) -> bytes:
    return msgspec.json.encode(msgspec.to_builtins(ANSWERED) | keys)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "x:1: "),
        ([b'{"lines":[],"format":"other-2"}'], "x:1: format 'other-2'"),
        ([encode_line(HEADER), encode_line(ANSWERED), b'{"line":'], "x:3: "),
        ([encode_line(HEADER), _changed(line="hall-9")], "x:2: line 'hall-9' is none of the header's"),
        ([encode_line(HEADER), _changed(answer="46c")], "x:2: .*answer"),
        ([encode_line(HEADER), _changed(error="silent")], "x:2: .*either an answer or an error"),
        ([encode_line(HEADER), _changed(delay_ms=-1)], "x:2: .*delay_ms"),
    ],
)
def test_a_wrong_line_is_named(rows: list[bytes], message: str) -> None:
    """The first of them, with its number."""
    with pytest.raises(RecordingError, match=message):
        decode_recording(rows, "x")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """There is none, or it is no gzip, or gzip was cut off."""
    broken = tmp_path / "broken.gz"
    with RecordingWriter(broken, HEADER) as writer:
        writer.write(ANSWERED)
    broken.write_bytes(broken.read_bytes()[:-12])
    other = tmp_path / "other.gz"
    other.write_bytes(b"no gzip")
    for path in (tmp_path / "absent.jsonl", other, broken):
        with pytest.raises(RecordingError, match=f"{path.name} cannot be read"):
            load_recording(path)
