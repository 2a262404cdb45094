"""The Modbus TCP line against a peer that misbehaves on the wire."""

from __future__ import annotations

import asyncio
import itertools
import struct
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvloop

from collector.drivers.line import Answer as LineAnswer
from collector.drivers.modbus.connection import Connection
from collector.drivers.modbus.line import ModbusLine, modbus_line
from collector.drivers.modbus.settings import ModbusMeter, ModbusTcpLine
from collector.errors import LineError, LostLineError, MismatchError, RefusedReadError, SilentUnitError
from collector.planning.planner import Read
from tests.support.eventually import eventually
from tests.support.modbus_peer import Answer, Peer, asked, modbus_peer, refusal, reply

TWO_WORDS = Read(3, 10, 2, ())


METERS = (ModbusMeter(unit_id=1, profile="generic_belt_scale", point="a"),)


def tcp_line(port: int, *, time_out: float = 0.2, now_ms: Callable[[], int] = lambda: 1_000) -> ModbusLine:
    """A line to that port."""
    return modbus_line(ModbusTcpLine(host="127.0.0.1", port=port, time_out_s=time_out, meters=METERS), now_ms)


@asynccontextmanager
async def line_to(answer: Answer, *, time_out: float = 0.2) -> AsyncIterator[tuple[ModbusLine, Peer]]:
    """A line to a peer that answers so."""
    async with modbus_peer(answer) as peer:
        line = tcp_line(peer.port, time_out=time_out)
        try:
            yield line, peer
        finally:
            line.close()


def words(answer: LineAnswer) -> tuple[int, ...]:
    """The registers of an answer."""
    return struct.unpack(f">{len(answer.data) // 2}H", answer.data)


def counting() -> Answer:
    """Each answer's second word tells its number, from 1."""
    numbers = itertools.count(1)
    return lambda request: reply(request, [0, next(numbers) & 0xFFFF])


async def test_a_read_brings_the_words_of_the_unit_that_was_asked() -> None:
    """Unit, function, address and count go out as planned, and one connection serves them all."""
    async with line_to(lambda request: reply(request, [request[6], request[7]])) as (line, peer):
        assert words(await line.ask(7, TWO_WORDS)) == (7, 3)
        assert words(await line.ask(8, Read(4, 20, 2, ()))) == (8, 4)
    assert [asked(request) for request in peer.requests] == [(7, 3, 10, 2), (8, 4, 20, 2)]
    assert peer.connections == 1


async def test_the_time_stamp_is_the_middle_of_request_and_answer() -> None:
    """Data time is taken when the bytes leave and when they come. Trap: the stamp is taken after the sweep."""
    times = iter([1_000, 1_501])
    async with modbus_peer(lambda request: reply(request, [0, 0])) as peer:
        line = tcp_line(peer.port, time_out=1, now_ms=lambda: next(times))
        assert (await line.ask(1, TWO_WORDS)).at == 1_250
        line.close()


async def test_a_late_reply_is_never_taken_for_the_next_one() -> None:
    """The answer to the first read comes after its time-out, and a careless gateway sends it on the new connection.

    Trap: a late reply answers the next request.
    """
    async with line_to(lambda _: None) as (line, peer):
        with pytest.raises(SilentUnitError, match=r"unit 1: no answer within 0\.2 s"):
            await line.ask(1, TWO_WORDS)
        assert not line.connected
        peer.answer = lambda _: reply(peer.requests[0], [0xDEAD, 0xDEAD])
        with pytest.raises(MismatchError, match="transaction 1 instead of 2"):
            await line.ask(1, TWO_WORDS)
        peer.answer = lambda request: reply(request, [0, 2])
        assert words(await line.ask(1, TWO_WORDS)) == (0, 2)
        assert peer.connections == 3


def _other(place: int, value: int) -> Callable[[bytes], bytes]:
    """The right answer with one byte of its header changed."""

    def answer(request: bytes) -> bytes:
        frame = bytearray(reply(request, [1, 2]))
        frame[place] = value
        return bytes(frame)

    return answer


@pytest.mark.parametrize(
    ("answer", "what"),
    [
        (_other(1, 99), "transaction"),
        (_other(3, 1), "protocol"),
        (_other(6, 99), "unit"),
        (_other(7, 4), "function"),
        (_other(8, 2), "byte count"),
        (_other(8, 6), "byte count"),
        (lambda request: reply(request, [1]), "length"),
        (lambda request: reply(request, [1, 2, 3]), "length"),
        (lambda request: reply(request, [1, 2]) * 2, "bytes after the end"),
    ],
    ids=["transaction", "protocol", "unit", "function", "few bytes", "many bytes", "too short", "too long", "merged"],
)
async def test_an_answer_that_does_not_belong_is_never_a_value(answer: Answer, what: str) -> None:
    """It is a mismatch at once, not after the time-out, and the connection is dropped; the next read is served."""
    async with line_to(answer, time_out=60) as (line, peer):
        with pytest.raises(MismatchError, match=what):
            await line.ask(1, TWO_WORDS)
        assert not line.connected
        peer.answer = lambda request: reply(request, [3, 4])
        assert words(await line.ask(1, TWO_WORDS)) == (3, 4)
    assert peer.connections == 2


async def test_an_answer_that_nobody_asked_for_ends_the_connection() -> None:
    """What a line says unasked makes all that follows on it doubtful."""
    async with line_to(counting()) as (line, peer):
        await line.ask(1, TWO_WORDS)
        peer.writers[0].write(reply(peer.requests[0], [9, 9]))
        await eventually(lambda: not line.connected)
        assert words(await line.ask(1, TWO_WORDS)) == (0, 2)


async def test_an_answer_in_pieces_is_put_together() -> None:
    """TCP may cut anywhere."""
    async with line_to(lambda _: None, time_out=5) as (line, peer):

        async def drip() -> None:
            await eventually(lambda: peer.requests)
            for byte in reply(peer.requests[0], [5, 6]):
                peer.writers[0].write(bytes([byte]))
                await peer.writers[0].drain()

        answer, _ = await asyncio.gather(line.ask(1, TWO_WORDS), drip())
        assert words(answer) == (5, 6)


async def test_a_cancelled_read_is_cancelled() -> None:
    """CancelledError comes out, and the connection is dropped with the answer that may still come."""
    async with line_to(lambda _: None, time_out=60) as (line, peer):
        task = asyncio.ensure_future(line.ask(1, TWO_WORDS))
        await eventually(lambda: peer.requests)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert task.cancelled()
        assert not line.connected


async def test_the_time_out_of_a_read_ends_with_it() -> None:
    """None of many reads that follow each other is ended by the time-out of one before it."""
    async with line_to(counting(), time_out=0.3) as (line, _):
        loop = asyncio.get_running_loop()
        until = loop.time() + 0.5
        while loop.time() < until:
            await line.ask(1, TWO_WORDS)


async def test_a_timeout_around_a_read_fires() -> None:
    """Some releases of pymodbus turn it into an error of their own and keep running."""
    async with line_to(lambda _: None, time_out=60) as (line, _):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await line.ask(1, TWO_WORDS)


async def test_a_refused_read_keeps_the_connection() -> None:
    """A Modbus exception is an answer like any other."""
    async with line_to(lambda request: refusal(request, 2)) as (line, peer):
        for _ in range(2):
            with pytest.raises(RefusedReadError) as caught:
                await line.ask(1, TWO_WORDS)
            assert caught.value.code == 2
    assert peer.connections == 1


async def test_a_lost_connection_is_noticed_at_once() -> None:
    """Not after the time-out; the next read connects again."""
    async with line_to(lambda _: None, time_out=60) as (line, peer):

        async def hang_up() -> None:
            await eventually(lambda: peer.requests)
            peer.hang_up()

        with pytest.raises(LostLineError):
            await asyncio.gather(line.ask(1, TWO_WORDS), hang_up())
        peer.answer = counting()
        assert words(await line.ask(1, TWO_WORDS)) == (0, 1)


async def test_a_server_that_has_enough_connections_is_noticed_at_once() -> None:
    """It accepts and hangs up: sooner or later than the request goes out."""
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    async with server:
        line = tcp_line(server.sockets[0].getsockname()[1], time_out=60)
        for _ in range(20):
            with pytest.raises(LostLineError, match="unit 1: connection lost"):
                await line.ask(1, TWO_WORDS)
            assert not line.connected


async def test_nothing_is_sent_on_a_connection_that_is_gone_already() -> None:
    """It went in the same turn of the loop in which it was made."""
    async with line_to(counting(), time_out=60) as (line, peer):
        connection = Connection(line._settings, line)
        await connection.open(5)
        connection.close()
        with pytest.raises(LostLineError):
            connection.send(b"")
        assert not peer.requests


async def test_closing_the_line_ends_the_read_under_way() -> None:
    """Whoever waits for it is told at once, and the next read connects again."""
    async with line_to(lambda _: None, time_out=60) as (line, peer):

        async def close() -> None:
            await eventually(lambda: peer.requests)
            line.close()

        with pytest.raises(LostLineError, match="unit 1: closed"):
            await asyncio.gather(line.ask(1, TWO_WORDS), close())
        peer.answer = counting()
        assert words(await line.ask(1, TWO_WORDS)) == (0, 1)


async def test_a_flood_is_a_mismatch_too() -> None:
    """More bytes at once than any frame has; pymodbus alone would drop them without a word."""
    async with line_to(lambda request: reply(request, [1, 2]) * 100, time_out=60) as (line, _):
        with pytest.raises(MismatchError, match="bytes after the end"):
            await line.ask(1, TWO_WORDS)


@pytest.mark.parametrize(
    ("request_", "data"),
    [(Read(1, 0, 10, ()), b"\xcd\x02"), (Read(2, 5, 8, ()), b"\x81"), (Read(4, 0, 1, ()), b"\x01\x02")],
    ids=["coils", "discrete inputs", "input registers"],
)
async def test_all_four_functions_are_asked(request_: Read, data: bytes) -> None:
    """Bits come eight to a byte, the lowest first."""

    def answer(request: bytes) -> bytes:
        assert asked(request) == (9, request_.function_code, request_.address, request_.count)
        return request[:4] + bytes([0, 3 + len(data), 9, request_.function_code, len(data)]) + data

    async with line_to(answer) as (line, _):
        assert (await line.ask(9, request_)).data == data


async def test_transactions_are_numbered_on_and_on() -> None:
    """After 65 535 comes 1."""
    async with line_to(counting()) as (line, peer):
        line._transaction = 0xFFFE  # 65 534 reads take too long
        for _ in range(2):
            await line.ask(1, TWO_WORDS)
    assert [request[:2] for request in peer.requests] == [b"\xff\xff", b"\0\1"]


async def test_requests_of_several_callers_go_one_at_a_time() -> None:
    """A gateway with a serial line behind it stands no more."""
    under_way = 0
    most = 0

    def answer(request: bytes) -> bytes:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        under_way -= 1
        return reply(request, [0, request[6]])

    async with line_to(answer, time_out=5) as (line, peer):
        answers = await asyncio.gather(*(line.ask(unit, TWO_WORDS) for unit in range(1, 11)))
    assert [words(answer)[1] for answer in answers] == list(range(1, 11))
    assert most == 1
    assert peer.connections == 1


async def test_no_server_is_an_error_of_the_line() -> None:
    """It concerns every unit behind the address."""
    async with modbus_peer(lambda _: None) as peer:
        port = peer.port
    line = tcp_line(port, time_out=1)
    with pytest.raises(LineError, match="no connection"):
        await line.ask(1, TWO_WORDS)


@pytest.mark.parametrize(
    "scenario",
    [
        test_a_read_brings_the_words_of_the_unit_that_was_asked,
        test_a_late_reply_is_never_taken_for_the_next_one,
        test_an_answer_that_nobody_asked_for_ends_the_connection,
        test_an_answer_in_pieces_is_put_together,
        test_a_cancelled_read_is_cancelled,
        test_a_timeout_around_a_read_fires,
        test_a_lost_connection_is_noticed_at_once,
        test_no_server_is_an_error_of_the_line,
    ],
)
def test_the_same_holds_on_uvloop(scenario: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Services run on it where it is installed."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(scenario())
