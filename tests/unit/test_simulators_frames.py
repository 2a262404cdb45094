"""Modbus TCP frames against the examples of the standard, and streams that are cut anywhere."""

from __future__ import annotations

import struct

import pytest

from simulators.serving.framing import Frame, FrameError
from simulators.serving.mbap import MbapFraming, MbapReader
from simulators.serving.pdu import ExceptionCode, Request, bits_pdu, exception_pdu, registers_pdu

READ = bytes.fromhex("0007 0000 0006 11 03 006b 0003")


def test_a_read_of_the_standard_is_understood() -> None:
    """The standard's example: unit 17, function 3, address 107, three registers."""
    (request,) = MbapReader().feed(READ)
    assert request == Request(7, 17, 3, bytes.fromhex("006b0003"))
    assert request.span() == (107, 3)


def test_the_answer_of_the_standard_comes_out() -> None:
    """The same example's answer: 555, 0, 100; it carries the request's transaction and unit."""
    answer = MbapFraming().encode(Frame(7, 17, registers_pdu(3, [555, 0, 100])))
    assert answer == bytes.fromhex("0007 0000 0009 11 03 06 022b 0000 0064")


def test_an_exception_sets_the_high_bit() -> None:
    """Function 0x83 and one code."""
    answer = MbapFraming().encode(Frame(7, 17, exception_pdu(3, ExceptionCode.ILLEGAL_ADDRESS)))
    assert answer == bytes.fromhex("0007 0000 0003 11 83 02")


@pytest.mark.parametrize("cut", range(len(READ)))
def test_a_frame_may_arrive_in_two_parts(cut: int) -> None:
    """TCP keeps no borders: nothing comes of the first part, the request of the second."""
    reader = MbapReader()
    assert list(reader.feed(READ[:cut])) == []
    assert len(list(reader.feed(READ[cut:]))) == 1


def test_two_frames_may_arrive_at_once() -> None:
    """Both are served, in their order."""
    second = READ.replace(b"\x00\x07", b"\x00\x08", 1)
    assert [request.transaction for request in MbapReader().feed(READ + second)] == [7, 8]


@pytest.mark.parametrize("header", [(1, 1, 6), (1, 0, 1), (1, 0, 255), (0x4745, 0x5420, 0x2F20)])
def test_other_protocols_are_refused(header: tuple[int, int, int]) -> None:
    """A wrong protocol id or an impossible length ends the stream: the last one is "GET / "."""
    with pytest.raises(FrameError):
        list(MbapReader().feed(struct.pack(">HHH", *header) + b"\x01\x03\x00\x00\x00\x01"))


def test_a_body_of_another_length_is_no_read() -> None:
    """A read has two words behind its function code."""
    assert Request(1, 1, 3, b"\x00\x01").span() is None


def test_bits_are_packed_as_the_standard_shows() -> None:
    """Its example of function 1: the states of coils 20 to 38 are CD 6B 05."""
    states = [1, 0, 1, 1, 0, 0, 1, 1, 1, 1, 0, 1, 0, 1, 1, 0, 1, 0, 1]
    assert bits_pdu(1, states) == bytes.fromhex("01 03 cd 6b 05")
