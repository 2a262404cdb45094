"""Frames of DL/T 645 under any address, data and cut: what was sent comes out, and what was damaged never does."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.drivers.dlt645 import frames
from collector.drivers.dlt645.frames import Frame, FrameReader, ReadData, encode, request_frame, take_part
from collector.errors import MismatchError, RefusedReadError

ADDRESSES = st.text("0123456789", min_size=12, max_size=12)
DATA_IDS = st.text("0123456789ABCDEF", min_size=8, max_size=8)
DATA = st.binary(max_size=196)
# Noise that cannot begin a frame: nothing that looks like 68H.
NOISE = st.binary(max_size=20).map(lambda noise: noise.replace(b"\x68", b"\x00"))


def answer(address: str, data_id: str, data: bytes, control: int = 0x91) -> Frame:
    """What a meter sends."""
    return Frame(address, control, bytes.fromhex(data_id)[::-1] + data)


def read(stream: bytes) -> Frame | None:
    """The first frame in what came, all at once."""
    reader = FrameReader()
    reader.feed(stream)
    return reader.next()


@given(ADDRESSES, st.integers(0, 255), DATA, st.integers(0, 4))
def test_a_frame_comes_out_as_it_went_in(address: str, control: int, data: bytes, wake_bytes: int) -> None:
    """Any address, control byte and data, behind any number of FE."""
    frame = Frame(address, control, data)
    assert read(encode(frame, wake_bytes)) == frame


@given(ADDRESSES, DATA_IDS, DATA, NOISE, st.lists(st.integers(1, 300), max_size=10))
def test_any_cut_of_the_stream_gives_the_same_frame(
    address: str, data_id: str, data: bytes, noise: bytes, cuts: list[int]
) -> None:
    """The line brings bytes as it likes; noise ahead of a frame is passed over."""
    frame = answer(address, data_id, data)
    stream = noise + encode(frame, 4)
    reader = FrameReader()
    found: list[Frame] = []
    for start, end in zip([0, *sorted(cuts)], [*sorted(cuts), len(stream)], strict=True):
        assert not found or start >= len(stream)
        reader.feed(stream[start:end])
        if (seen := reader.next()) is not None:
            found.append(seen)
    assert found == [frame]
    assert reader.waiting == 0


@given(ADDRESSES, DATA_IDS, DATA, st.data())
def test_one_damaged_byte_never_gives_a_value(address: str, data_id: str, data: bytes, choice: st.DataObject) -> None:
    """The sum changes with any single byte, and a changed length puts the checksum elsewhere."""
    stream = bytearray(encode(answer(address, data_id, data)))
    place = choice.draw(st.integers(0, len(stream) - 1))
    stream[place] ^= choice.draw(st.integers(1, 255))
    request = ReadData(data_id, len(data), len(data))
    with contextlib.suppress(MismatchError):
        if (frame := read(bytes(stream))) is not None:
            part = take_part(frame, address, request)
            frames.check_size(part.data, request)
            pytest.fail(f"a value came out: {part}")


@given(ADDRESSES, DATA_IDS, DATA, st.integers(1, 211))
def test_a_cut_off_frame_gives_nothing(address: str, data_id: str, data: bytes, missing: int) -> None:
    """Neither a value nor a fault: more may come."""
    stream = encode(answer(address, data_id, data))
    assert read(stream[: max(0, len(stream) - missing)]) is None


@given(ADDRESSES, DATA_IDS, DATA, ADDRESSES, DATA_IDS, st.integers(0, 255))
def test_only_the_asked_meters_asked_data_is_taken(  # noqa: PLR0913, PLR0917 - two frames and their difference
    address: str, data_id: str, data: bytes, other_address: str, other_id: str, control: int
) -> None:
    """A frame from another address, with another identifier or another control byte, is refused."""
    request = ReadData(data_id, 0, 255)
    frame = answer(other_address, other_id, data, control)
    if (other_address, other_id) == (address, data_id) and control in (0x91, 0xB1):
        return
    with pytest.raises((MismatchError, RefusedReadError)):
        take_part(frame, address, request)


@given(ADDRESSES, DATA_IDS, st.lists(DATA.map(lambda data: data[:190]), min_size=1, max_size=5))
def test_parts_are_told_apart_by_their_number(address: str, data_id: str, parts: list[bytes]) -> None:
    """Follow-up answers carry the request's number; with another one they are refused."""
    request = ReadData(data_id, 0, 2000)
    for sequence, data in enumerate(parts, start=1):
        more = sequence < len(parts)
        frame = answer(address, data_id, data + bytes([sequence]), 0xB2 if more else 0x92)
        assert take_part(frame, address, request, sequence) == (data, more)
        with pytest.raises(MismatchError):
            take_part(frame, address, request, sequence + 1)


@given(ADDRESSES, DATA_IDS, st.integers(0, 255))
def test_an_error_reply_is_never_a_value(address: str, data_id: str, code: int) -> None:
    """Whatever bits its byte has; the byte is kept."""
    with pytest.raises(RefusedReadError) as refusal:
        take_part(Frame(address, 0xD1, bytes([code])), address, ReadData(data_id, 0, 255))
    assert refusal.value.code == code


@given(ADDRESSES, DATA_IDS)
def test_a_request_is_no_answer(address: str, data_id: str) -> None:
    """Our own echo, or another master's question, holds the right address and identifier, and no data."""
    request = ReadData(data_id, 0, 255)
    with pytest.raises(MismatchError):
        take_part(request_frame(address, request), address, request)
