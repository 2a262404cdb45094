"""The Modbus line at a serial port and behind a converter, against units that misbehave on the wire."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import uvloop

from collector.errors import LostLineError, MismatchError, RefusedReadError, SilentUnitError
from collector.planning.planner import Read
from tests.support.eventually import eventually
from tests.support.modbus_peer import Answer, Peer, rtu_refusal, rtu_reply, with_crc
from tests.support.modbus_rtu import KINDS, TWO_WORDS, Lines, right, words

GRAIN = 0.002
"""Seconds by which a timer of the loop may be early."""


@pytest.fixture(params=KINDS)
def lines(request: pytest.FixtureRequest, tmp_path: Path) -> Lines:
    """Both kinds."""
    return Lines(request.param, tmp_path)


async def test_a_read_brings_the_words_of_the_unit_that_was_asked(lines: Lines) -> None:
    """Unit, function, address and count go out as planned, with the checksum."""
    async with lines.to(right) as (line, units):
        assert words(await line.ask(7, TWO_WORDS)) == (7, 3)
        assert words(await line.ask(8, Read(4, 0x1234, 2, ()))) == (8, 4)
        assert line.connected
        assert units.requests == [with_crc(b"\x07\x03\0\x0a\0\x02"), with_crc(b"\x08\x04\x12\x34\0\x02")]


async def test_coils_are_read_too(lines: Lines) -> None:
    """Bits come eight to a byte, the lowest first."""
    async with lines.to(lambda request: with_crc(request[:2] + b"\x02\xcd\x02")) as (line, _):
        assert (await line.ask(1, Read(1, 0, 10, ()))).data == b"\xcd\x02"


async def test_a_refused_read_costs_no_quiet_time(lines: Lines) -> None:
    """A Modbus exception is an answer like any other."""
    async with lines.to(lambda request: rtu_refusal(request, 2), quiet=60) as (line, _):
        for _ in range(2):
            with pytest.raises(RefusedReadError, match="unit 1: exception 2") as caught:
                await line.ask(1, TWO_WORDS)
            assert caught.value.code == 2


async def test_an_answer_in_pieces_is_put_together(lines: Lines) -> None:
    """USB converters pass on what they have."""
    async with lines.to(lambda _: None, time_out=5) as (line, units):

        async def drip() -> None:
            await eventually(lambda: units.requests)
            for byte in rtu_reply(units.requests[0], [5, 6]):
                units.write(bytes([byte]))
                await asyncio.sleep(0)

        answer, _ = await asyncio.gather(line.ask(1, TWO_WORDS), drip())
        assert words(answer) == (5, 6)


def _damaged(request: bytes) -> bytes:
    frame = bytearray(right(request))
    frame[4] ^= 1
    return bytes(frame)


def _other_unit(request: bytes) -> bytes:
    return rtu_reply(bytes([request[0] + 1]) + request[1:], [1, 2])


def _other_function(request: bytes) -> bytes:
    return rtu_reply(request[:1] + b"\x04" + request[2:], [1, 2])


MISMATCHES: dict[str, tuple[Answer, str]] = {
    "unit": (_other_unit, "unit 2 instead of 1"),
    "function": (_other_function, "function 4 instead of 3"),
    "too short": (lambda request: rtu_reply(request, [1]), "byte count 2 instead of 4"),
    "too long": (lambda request: rtu_reply(request, [1, 2, 3]), "byte count 6 instead of 4"),
    "crc": (_damaged, "CRC error"),
    "refusal with a wrong crc": (lambda request: rtu_refusal(request, 2)[:-1] + b"\0", "CRC error"),
    "merged": (lambda request: right(request) * 2, "9 bytes after the end"),
    "garbage before": (lambda request: b"\xff" + right(request), "unit 255 instead of 1"),
    "garbage after": (lambda request: right(request) + b"\0", "1 bytes after the end"),
    "echo": (lambda request: request, "byte count 0 instead of 4"),
    "flood": (lambda request: right(request) * 60, "531 bytes after the end"),
}


@pytest.mark.parametrize("kind", MISMATCHES)
async def test_an_answer_that_does_not_belong_is_never_a_value(lines: Lines, kind: str) -> None:
    """It is a mismatch at once, not after the time-out; the connection stays, and the next read is served."""
    answer, what = MISMATCHES[kind]
    async with lines.to(answer, time_out=60) as (line, units):
        with pytest.raises(MismatchError, match=f"unit 1: {what}"):
            await line.ask(1, TWO_WORDS)
        assert line.connected
        assert line._quiet_until > asyncio.get_running_loop().time() + 59
        line._quiet_until = 0
        units.answer = right
        assert words(await line.ask(1, TWO_WORDS)) == (1, 3)


async def test_a_truncated_answer_is_silence(lines: Lines) -> None:
    """The rest may come until the time-out."""
    async with lines.to(lambda request: right(request)[:-1], time_out=0.1) as (line, units):
        with pytest.raises(SilentUnitError):
            await line.ask(1, TWO_WORDS)
        units.answer = right
        assert words(await line.ask(1, TWO_WORDS)) == (1, 3)


def noting(arrivals: list[float]) -> Answer:
    """The right answer; notes when it was asked for."""

    def answer(request: bytes) -> bytes:
        arrivals.append(asyncio.get_running_loop().time())
        return right(request)

    return answer


@pytest.mark.parametrize("next_unit", [1, 2], ids=["same unit", "other unit"])
async def test_a_late_reply_is_thrown_away_while_the_line_is_quiet(lines: Lines, next_unit: int) -> None:
    """It would fit the next request of the same unit wholly; nothing is sent before the quiet time is over.

    Trap: a late reply answers the next request.
    """
    async with lines.to(lambda _: None, time_out=0.05, quiet=0.3) as (line, units):
        with pytest.raises(SilentUnitError):
            await line.ask(1, TWO_WORDS)
        late = rtu_reply(units.requests[0], [0xDEAD, 0xDEAD])
        arrivals: list[float] = []
        units.answer = noting(arrivals)
        waiting = asyncio.ensure_future(line.ask(next_unit, TWO_WORDS))
        units.write(late)
        assert words(await waiting) == (next_unit, 3)
        assert line.discarded == len(late)
        assert arrivals[0] > line._quiet_until - GRAIN


async def test_input_while_the_line_is_quiet_does_not_make_it_longer(lines: Lines) -> None:
    """Whoever keeps talking stops nobody for ever."""
    async with lines.to(lambda _: None, time_out=0.05, quiet=60) as (line, units):
        with pytest.raises(SilentUnitError):
            await line.ask(1, TWO_WORDS)
        until = line._quiet_until
        units.write(b"talk")
        await eventually(lambda: line.discarded == 4)
        assert line._quiet_until == until
        units.write(b"more")
        await eventually(lambda: line.discarded == 8)
        assert line._quiet_until == until


async def test_input_that_nobody_asked_for_begins_a_quiet_time(lines: Lines) -> None:
    """An answer that is sent twice is not taken for the next one."""
    async with lines.to(right, quiet=0.2) as (line, units):
        await line.ask(1, TWO_WORDS)
        units.write(right(units.requests[0]))
        await eventually(lambda: line.discarded == 9)
        loop = asyncio.get_running_loop()
        began = loop.time()
        assert words(await line.ask(1, TWO_WORDS)) == (1, 3)
        assert loop.time() - began > 0.15


async def test_the_gap_between_two_frames_is_kept(lines: Lines) -> None:
    """Units need 3.5 characters of silence, and 1.75 ms above 19 200 baud, to see where a frame begins."""
    async with lines.to(right) as (line, _):
        loop = asyncio.get_running_loop()
        await line.ask(1, TWO_WORDS)
        began = loop.time()
        for _ in range(5):
            await line.ask(1, TWO_WORDS)
        assert loop.time() - began >= 5 * 0.0016


async def test_a_cancelled_read_leaves_the_line_clean(lines: Lines) -> None:
    """CancelledError comes out at once, and the answer that comes after it is nobody's."""
    async with lines.to(lambda _: None, time_out=0.3, quiet=0.1) as (line, units):
        task = asyncio.ensure_future(line.ask(1, TWO_WORDS))
        await eventually(lambda: units.requests)
        task.cancel()
        await asyncio.sleep(0)
        assert task.done()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert task.cancelled()
        late = rtu_reply(units.requests[0], [0xDEAD, 0xDEAD])
        arrivals: list[float] = []
        units.answer = noting(arrivals)
        waiting = asyncio.ensure_future(line.ask(1, TWO_WORDS))
        units.write(late)
        assert words(await waiting) == (1, 3)
        assert line.discarded == len(late)
        assert arrivals[0] > line._quiet_until - GRAIN


async def test_a_read_cancelled_while_the_line_is_quiet_sends_nothing(lines: Lines) -> None:
    """The wait is no part of the request."""
    async with lines.to(lambda _: None, time_out=0.05, quiet=60) as (line, units):
        with pytest.raises(SilentUnitError):
            await line.ask(1, TWO_WORDS)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await line.ask(1, TWO_WORDS)
        assert len(units.requests) == 1


async def test_many_cancelled_reads_leak_nothing(lines: Lines) -> None:
    """Cancelled at any turn of the loop, also while the connection is being made; the next read is served."""
    async with lines.to(right, time_out=0.3, quiet=0) as (line, units):
        for turns in range(12):
            line.close()
            task = asyncio.ensure_future(line.ask(1, TWO_WORDS))
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task])
        assert words(await line.ask(1, TWO_WORDS)) == (1, 3)
        del units


async def test_a_unit_that_is_silent_for_long_gets_a_new_connection() -> None:
    """A converter that was switched off leaves a connection that nobody answers on."""
    async with Lines("over tcp", Path()).to(lambda _: None, time_out=0.01, quiet=0) as (line, units):
        assert isinstance(units, Peer)
        for _ in range(5):
            with pytest.raises(SilentUnitError):
                await line.ask(1, TWO_WORDS)
        assert units.connections == 1
        units.answer = right
        await line.ask(1, TWO_WORDS)
        assert units.connections == 2
        units.answer = lambda request: right(request) if request[0] == 2 else None
        for unit in (1, 1, 1, 1, 2, 1, 1, 1, 1, 2):
            with suppress(SilentUnitError):
                await line.ask(unit, TWO_WORDS)
        assert units.connections == 2


async def test_a_slow_line_has_the_time_that_its_bytes_take(tmp_path: Path) -> None:
    """At 1200 baud an answer of 60 registers is 1.2 s on the way, whatever the unit's time-out is."""
    async with Lines("serial", tmp_path).to(lambda _: None, time_out=0.05, baud_rate=1200) as (line, units):

        def answer(request: bytes) -> None:
            asyncio.get_running_loop().call_later(0.2, units.write, rtu_reply(request, list(range(60))))

        units.answer = answer
        assert words(await line.ask(1, Read(3, 0, 60, ()))) == tuple(range(60))


async def test_the_quiet_time_outlasts_the_connection() -> None:
    """A converter hands late bytes of its line to whoever connects next."""
    async with Lines("over tcp", Path()).to(lambda _: None, time_out=0.1, quiet=0.1) as (line, units):
        assert isinstance(units, Peer)
        reading = asyncio.ensure_future(line.ask(1, TWO_WORDS))
        await eventually(lambda: units.requests)
        began = asyncio.get_running_loop().time()
        units.hang_up()
        with pytest.raises(LostLineError, match="unit 1: connection lost"):
            await reading
        units.answer = right
        assert words(await line.ask(1, TWO_WORDS)) == (1, 3)
        assert asyncio.get_running_loop().time() - began > 0.15


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "scenario",
    [
        test_a_read_brings_the_words_of_the_unit_that_was_asked,
        test_an_answer_in_pieces_is_put_together,
        test_a_cancelled_read_leaves_the_line_clean,
        test_many_cancelled_reads_leak_nothing,
    ],
)
def test_the_same_holds_on_uvloop(
    scenario: Callable[[Lines], Coroutine[Any, Any, None]], kind: str, tmp_path: Path
) -> None:
    """Services run on it where it is installed."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(scenario(Lines(kind, tmp_path)))
