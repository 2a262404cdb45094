"""Streams of requests cut anywhere, and faults of frames whatever the frame."""

from __future__ import annotations

import random
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from pymodbus.framer.rtu import FramerRTU

from simulators.faults.frames import Way, send
from simulators.faults.kinds import FaultKind
from simulators.faults.settings import FaultSettings
from simulators.serving.framing import Frame, Framing, RequestReader
from simulators.serving.mbap import MbapFraming, MbapReader
from simulators.serving.pdu import Request
from simulators.serving.rtu import RtuFraming, RtuReader, crc16

words = st.integers(0, 0xFFFF)
bodies = st.one_of(
    st.tuples(st.sampled_from([1, 2, 3, 4, 5, 6]), st.binary(min_size=4, max_size=4)),
    st.binary(max_size=20).map(lambda data: (16, b"\0\1\0\2" + bytes([len(data)]) + data)),
    st.tuples(st.sampled_from([7, 11, 12, 17]), st.just(b"")),
)
requests = st.builds(
    lambda transaction, unit, function_body: Request(transaction, unit, *function_body),
    words,
    st.integers(1, 247),
    bodies,
)
frames = st.builds(Frame, words, st.integers(0, 255), st.binary(min_size=2, max_size=253))
framings: st.SearchStrategy[Framing] = st.sampled_from([MbapFraming(), RtuFraming()])


def tcp_bytes(request: Request) -> bytes:
    """A request as a client of Modbus TCP sends it."""
    length = 2 + len(request.body)
    head = request.transaction.to_bytes(2, "big") + b"\0\0" + length.to_bytes(2, "big")
    return head + bytes((request.unit, request.function)) + request.body


def rtu_bytes(request: Request) -> bytes:
    """The same on a serial line, with the checksum as pymodbus computes it."""
    body = bytes((request.unit, request.function)) + request.body
    return body + FramerRTU.compute_CRC(body).to_bytes(2, "big")


def pieces(stream: bytes, cuts: list[int]) -> list[bytes]:
    """The stream, cut at some places."""
    places = sorted({0, len(stream), *(cut % (len(stream) + 1) for cut in cuts)})
    return [stream[one:other] for one, other in pairwise(places)]


def fed(reader: RequestReader, parts: list[bytes]) -> list[Request]:
    """What a reader makes of the parts."""
    return [request for part in parts for request in reader.feed(part)]


@given(asked=st.lists(requests, max_size=5), cuts=st.lists(st.integers(0, 2000), max_size=20))
def test_any_cut_of_a_tcp_stream_gives_the_same_requests(asked: list[Request], cuts: list[int]) -> None:
    """Segments keep no borders."""
    assert fed(MbapReader(), pieces(b"".join(map(tcp_bytes, asked)), cuts)) == asked


@given(asked=st.lists(requests, max_size=5), cuts=st.lists(st.integers(0, 2000), max_size=20))
def test_any_cut_of_a_serial_stream_gives_the_same_requests(asked: list[Request], cuts: list[int]) -> None:
    """The length follows from the function code, not from pauses."""
    stream = b"".join(map(rtu_bytes, asked))
    assert fed(RtuReader(), pieces(stream, cuts)) == [request._replace(transaction=0) for request in asked]


@given(noise=st.binary(max_size=40), asked=requests)
def test_after_noise_and_a_pause_a_serial_request_is_understood(noise: bytes, asked: Request) -> None:
    """Whatever came before: a pause ends it."""
    reader = RtuReader()
    fed(reader, [noise])
    reader.forget()
    assert fed(reader, [rtu_bytes(asked)]) == [asked._replace(transaction=0)]


@given(noise=st.binary(max_size=40), asked=requests)
def test_noise_of_no_known_function_costs_no_request(noise: bytes, asked: Request) -> None:
    """Even without a pause the reader finds the next frame, as no byte before it can begin one."""
    asked = asked._replace(unit=asked.unit | 0x80)
    harmless = bytes(byte | 0x80 for byte in noise)
    assert fed(RtuReader(), [harmless + rtu_bytes(asked)]) == [asked._replace(transaction=0)]


@given(data=st.binary(max_size=300))
def test_the_checksum_is_pymodbuss(data: bytes) -> None:
    """Two implementations of CRC-16/Modbus agree."""
    assert int.from_bytes(crc16(data), "big") == FramerRTU.compute_CRC(data)


def spoilt(kind: FaultKind, frame: Frame, framing: Framing, before: bytes = b"") -> bytes:
    """The bytes that leave with one fault."""
    (sent,) = send(frame, [FaultSettings(kind=kind)], Way(framing, before, random.Random(1)))  # noqa: S311 - a test
    assert sent.delay_s == (5.0 if kind is FaultKind.DELAY else 0.0)
    return sent.data


@given(frame=frames, framing=framings, before=st.binary(max_size=20))
def test_faults_of_bytes_do_what_they_say(frame: Frame, framing: Framing, before: bytes) -> None:
    """Each is told from the right answer by exactly its own difference."""
    right = framing.encode(frame)
    assert send(frame, [FaultSettings(kind=FaultKind.SILENCE)], Way(framing, before, random.Random(1))) == []  # noqa: S311 - a test
    assert spoilt(FaultKind.DELAY, frame, framing) == right
    assert right.startswith(spoilt(FaultKind.TRUNCATED, frame, framing))
    assert len(spoilt(FaultKind.TRUNCATED, frame, framing)) == max(1, len(right) - 3)
    assert spoilt(FaultKind.MERGED, frame, framing) == right + right
    assert spoilt(FaultKind.STALE, frame, framing, before) == before + right
    garbage = spoilt(FaultKind.GARBAGE, frame, framing)
    assert (len(garbage) - len(right), garbage[3:]) == (3, right)
    broken = spoilt(FaultKind.CRC, frame, framing)
    assert (broken[:-1], broken[-1] ^ right[-1]) == (right[:-1], 0xFF)


@given(frame=frames, framing=framings)
def test_faults_of_frames_change_one_field(frame: Frame, framing: Framing) -> None:
    """The wrong unit or function leaves all else, and a serial frame has a right checksum again."""
    unit = framing.encode(frame._replace(unit=(frame.unit + 1) % 256))
    assert spoilt(FaultKind.WRONG_UNIT, frame, framing) == unit
    function = spoilt(FaultKind.WRONG_FUNCTION, frame, framing)
    at = 1 if framing.serial else 7
    assert function[at] != framing.encode(frame)[at]
    assert function[at] & 0x80 == frame.pdu[0] & 0x80
    if framing.serial:
        assert crc16(function[:-2]) == function[-2:]
