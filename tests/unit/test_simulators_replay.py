"""Replayed units: the next recorded answer for each request, and nothing that was not recorded."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from energy.errors import RejectedError
from energy.recordings import Failure, Header, Recorded, RecordedLine, RecordedMeter, Recording
from simulators.replay.device import ReplayDevice, replayed
from simulators.replay.settings import ReplaySettings
from simulators.serving.pdu import Request

FILE = Path("polls.jsonl")


def recorded(address: int, answer: str | None = None, *, unit: int = 1, code: int | None = None) -> Recorded:
    """One exchange; without an answer a refusal, or a silence."""
    error = None if answer is not None else Failure.SILENT if code is None else Failure.REFUSED
    return Recorded(
        line="hall",
        at=0,
        unit=unit,
        function=3,
        address=address,
        count=1,
        delay_ms=20.0,
        answer=answer,
        error=error,
        code=code,
    )


def asked(device: ReplayDevice, address: int, count: int = 1) -> bytes | None:
    """The PDU of the answer."""
    reply = device.answer(Request(0, 1, 3, struct.pack(">HH", address, count)), 0)
    return None if reply is None else reply.pdu


def test_each_request_gets_its_own_answers_in_their_order() -> None:
    """However the requests are mixed."""
    device = ReplayDevice([recorded(10, "0001"), recorded(20, "00ff"), recorded(10, "0002")])
    assert [asked(device, at) for at in (20, 10, 10)] == [b"\x03\x02\x00\xff", b"\x03\x02\x00\x01", b"\x03\x02\x00\x02"]


def test_failures_are_replayed() -> None:
    """A refusal with its code, a silence as a silence."""
    device = ReplayDevice([recorded(10, code=6), recorded(10), recorded(10, "0001")])
    assert [asked(device, 10) for _ in range(3)] == [b"\x83\x06", None, b"\x03\x02\x00\x01"]


def test_what_was_never_recorded_is_refused() -> None:
    """Exception 2: another address, another count, a body that is no read."""
    device = ReplayDevice([recorded(10, "0001")])
    assert [asked(device, 11), asked(device, 10, 2)] == [b"\x83\x02", b"\x83\x02"]
    reply = device.answer(Request(0, 1, 3, b"\x00"), 0)
    assert reply is not None
    assert reply.pdu == b"\x83\x02"


def test_after_the_last_answer_there_is_none_or_the_first_again() -> None:
    """As `loop` says."""
    once, again = (ReplayDevice([recorded(10, "0001"), recorded(10, "0002")], loop=loop) for loop in (False, True))
    assert [asked(once, 10) for _ in range(3)][2] is None
    assert [asked(again, 10) for _ in range(3)][2] == b"\x03\x02\x00\x01"


@pytest.mark.parametrize(("scale", "delay_s"), [(1.0, 0.02), (0.0, 0.0), (2.5, 0.05)])
def test_delays_are_scaled(scale: float, delay_s: float) -> None:
    """Twenty milliseconds were recorded."""
    reply = ReplayDevice([recorded(10, "0001")], delay_scale=scale).answer(Request(0, 1, 3, b"\0\x0a\0\1"), 0)
    assert reply is not None
    assert reply.delay_s == pytest.approx(delay_s)


def recording(*kinds: str) -> Recording:
    """A recording of lines of these kinds, the first with two units."""
    lines = tuple(
        RecordedLine("hall" if not at else f"hall-{at}", kind, (RecordedMeter(1, "x"), RecordedMeter(2, "x")))
        for at, kind in enumerate(kinds)
    )
    return Recording(Header(lines), (recorded(10, "0001"), recorded(10, "0002", unit=2)))


def test_a_recorded_line_has_its_units() -> None:
    """Each with its own exchanges."""
    units = replayed(recording("modbus-rtu"), ReplaySettings(file=FILE))
    assert {unit: asked(device, 10) for unit, device in units.items()} == {
        1: b"\x03\x02\x00\x01",
        2: b"\x03\x02\x00\x02",
    }


def test_only_modbus_can_be_replayed() -> None:
    """A recorded DL/T 645 line is refused with its kind."""
    with pytest.raises(RejectedError, match="hall is a line of kind dlt645-serial; only Modbus"):
        replayed(recording("dlt645-serial"), ReplaySettings(file=FILE))


@pytest.mark.parametrize(
    ("line", "message"), [("", "has 2 lines, and `line` names none of them"), ("hall-9", "has no line 'hall-9'")]
)
def test_an_unknown_line_is_refused(line: str, message: str) -> None:
    """And one of several has to be named."""
    with pytest.raises(RejectedError, match=rf"polls\.jsonl {message}") as caught:
        replayed(recording("modbus-tcp", "modbus-tcp"), ReplaySettings(file=FILE, line=line))
    assert "hall, hall-1" in caught.value.advice
