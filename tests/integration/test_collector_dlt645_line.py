"""The line of DL/T 645 meters against peers that answer well, badly, late, in pieces or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
import uvloop

from collector.drivers.dlt645.frames import WILDCARD, ReadAddress, ReadData
from collector.drivers.dlt645.line import Dlt645Line, dlt645_line
from collector.drivers.dlt645.settings import Dlt645Meter, Dlt645TcpLine
from collector.errors import LineError, LostLineError, MismatchError, RefusedReadError, SilentUnitError
from tests.support.dlt645_peer import METER, TOTAL, Answer, Peer, asked, dlt645_peer, frame, item, refusal, reply
from tests.support.eventually import eventually

READ = ReadData(TOTAL, 4, 4)
VALUE = b"\x78\x56\x34\x12"


@asynccontextmanager
async def line_to(
    answer: Answer, *, time_out: float = 0.2, quiet: float = 0.05, now_ms: Callable[[], int] = lambda: 1_000
) -> AsyncIterator[tuple[Dlt645Line, Peer]]:
    """A line to a peer that answers so."""
    async with dlt645_peer(answer) as peer:
        meter = Dlt645Meter(profile="none", address=METER)
        settings = Dlt645TcpLine(
            host="127.0.0.1", port=peer.port, time_out_s=time_out, quiet_s=quiet, wake_bytes=4, meters=(meter,)
        )
        line = dlt645_line(settings, now_ms)
        try:
            yield line, peer
        finally:
            line.close()


async def test_a_read_brings_the_data_of_the_meter_that_was_asked() -> None:
    """Address, control byte and identifier go out as they should, four FE ahead, and one connection serves them all."""
    async with line_to(lambda request: [b"\xfe\xfe" + reply(request, VALUE)]) as (line, peer):
        assert (await line.ask(METER, READ)).data == VALUE
        assert (await line.ask("000000000002", ReadData("02010100", 2, 4))).data == VALUE
    assert [asked(request) for request in peer.requests] == [
        (METER, 0x11, bytes.fromhex("00000100")),
        ("000000000002", 0x11, bytes.fromhex("00010102")),
    ]
    assert peer.received == b"".join(b"\xfe\xfe\xfe\xfe" + request for request in peer.requests)
    assert peer.connections == 1


async def test_the_time_stamp_is_the_middle_of_request_and_answer() -> None:
    """Of an answer in several frames, that of the first one."""
    times = iter([1_000, 1_501])
    parts = [frame(METER, 0xB1, item(TOTAL, VALUE)), frame(METER, 0x92, item(TOTAL, VALUE + b"\x01"))]
    async with line_to(lambda _: [parts.pop(0)], now_ms=lambda: next(times)) as (line, _peer):
        assert (await line.ask(METER, ReadData(TOTAL, 8, 8))).at == 1_250


async def test_an_answer_in_pieces_is_put_together() -> None:
    """However the line cuts it."""
    async with line_to(lambda request: [bytes([byte]) for byte in reply(request, VALUE)]) as (line, _):
        assert (await line.ask(METER, READ)).data == VALUE


async def test_more_that_follows_is_fetched_until_the_end() -> None:
    """Three frames, each asked for by its number; their data is put together in order."""
    parts = {0: (0xB1, b"\x01\x02"), 1: (0xB2, b"\x03\x04\x01"), 2: (0x92, b"\x05\x06\x02")}

    def answer(request: bytes) -> list[bytes]:
        control, data = parts[asked(request)[2][4] if asked(request)[1] == 0x12 else 0]
        return [frame(METER, control, item("0001FF00", data))]

    async with line_to(answer) as (line, peer):
        assert (await line.ask(METER, ReadData("0001FF00", 6, 256))).data == b"\x01\x02\x03\x04\x05\x06"
    assert [asked(request)[1:] for request in peer.requests[1:]] == [
        (0x12, bytes.fromhex("00FF010001")),
        (0x12, bytes.fromhex("00FF010002")),
    ]


@pytest.mark.parametrize("fault", ["same part again", "silence", "refused", "never ends"])
async def test_an_answer_that_breaks_off_gives_nothing(fault: str) -> None:
    """A value is made of all parts or not at all."""

    def answer(request: bytes) -> list[bytes]:
        address, control, data = asked(request)
        if control == 0x11:
            return [frame(address, 0xB1, item(TOTAL, VALUE))]
        number = data[4:5]
        return {
            "same part again": [frame(address, 0x92, item(TOTAL, VALUE + b"\x02"))],
            "silence": [],
            "refused": [refusal(request, 2)],
            "never ends": [frame(address, 0xB2, item(TOTAL, VALUE + number))],
        }[fault]

    async with line_to(answer) as (line, peer):
        with pytest.raises((MismatchError, SilentUnitError, RefusedReadError)):
            await line.ask(METER, ReadData(TOTAL, 4, 10_000))
        assert len(peer.requests) <= 256


async def test_the_address_of_the_only_meter_is_read_with_the_wildcard() -> None:
    """For commissioning: the answer's data is the address, low byte first."""

    def answer(request: bytes) -> list[bytes]:
        assert asked(request) == (WILDCARD.lower(), 0x13, b"")
        return [frame(METER, 0x93, bytes.fromhex(METER)[::-1])]

    async with line_to(answer) as (line, _):
        assert (await line.ask(WILDCARD, ReadAddress())).data[::-1].hex() == METER


async def test_our_own_echo_is_passed_over() -> None:
    """A converter on two wires hears what it sends; the answer comes behind it, with or without a pause."""
    async with line_to(lambda request: [b"\xfe\xfe\xfe\xfe" + request, reply(request, VALUE)]) as (line, peer):
        assert (await line.ask(METER, READ)).data == VALUE
        peer.answer = lambda request: [request + reply(request, VALUE)]
        assert (await line.ask(METER, READ)).data == VALUE


async def test_our_own_echo_is_no_answer() -> None:
    """With nothing behind it the meter is silent."""
    async with line_to(lambda request: [request]) as (line, _):
        with pytest.raises(SilentUnitError):
            await line.ask(METER, READ)


WRONG: dict[str, Callable[[bytes], bytes]] = {
    "another meter": lambda _: frame("000000000002", 0x91, item(TOTAL, VALUE)),
    "other data": lambda _: frame(METER, 0x91, item("00020000", VALUE)),
    "another request's control byte": lambda _: frame(METER, 0x92, item(TOTAL, VALUE)),
    "another master's request": lambda _: frame(METER, 0x11, item("00020000", b"")),
    "too short": lambda _: frame(METER, 0x91, item(TOTAL, VALUE[:3])),
    "too long": lambda _: frame(METER, 0x91, item(TOTAL, VALUE + b"\x00")),
    "no data": lambda _: frame(METER, 0x91, item(TOTAL, b"")),
    "a wrong checksum": lambda right: right[:-2] + bytes([right[-2] ^ 1]) + right[-1:],
    "a wrong end": lambda right: right[:-1] + b"\x17",
    "two answers in one": lambda right: right + right,
    "another answer behind": lambda right: right + frame("000000000002", 0x91, item(TOTAL, VALUE)),
}


@pytest.mark.parametrize("wrong", list(WRONG))
async def test_what_does_not_fit_is_never_a_value(wrong: str) -> None:
    """It ends the read at once, and the next read gets its own answer."""
    async with line_to(lambda request: [WRONG[wrong](reply(request, VALUE))], time_out=5) as (line, peer):
        with pytest.raises(MismatchError, match=f"{peer.port} meter {METER}: data {TOTAL}: "):
            await line.ask(METER, READ)
        peer.answer = lambda request: [reply(request, b"\x01\x00\x00\x00")]
        assert (await line.ask(METER, READ)).data == b"\x01\x00\x00\x00"


async def test_noise_ahead_of_an_answer_is_passed_over() -> None:
    """Stray bytes of the line's turning round, also such as look like a beginning."""
    async with line_to(lambda request: [b"\x00\xff\x68\x16", b"\x68\xfe" + reply(request, VALUE)]) as (line, _):
        assert (await line.ask(METER, READ)).data == VALUE


async def test_an_endless_noise_ends_with_the_time_out() -> None:
    """A jabbering line is a silent meter."""
    async with line_to(lambda _: [bytes(100)] * 1_000) as (line, _):
        with pytest.raises(SilentUnitError):
            await line.ask(METER, READ)


async def test_half_an_answer_is_said_to_be_one() -> None:
    """The message tells a cut-off answer from silence."""
    async with line_to(lambda request: [reply(request, VALUE)[:9]]) as (line, _):
        with pytest.raises(SilentUnitError, match="only 9 bytes, within"):
            await line.ask(METER, READ)


async def test_an_error_reply_is_named_and_leaves_the_line_at_work() -> None:
    """The meter answered: nothing is wrong with the line, and nothing has to be quiet."""
    async with line_to(lambda request: [refusal(request, 0x02)], quiet=30) as (line, peer):
        with pytest.raises(RefusedReadError, match=f"meter {METER}: data {TOTAL}: error 02H: no such data") as refused:
            await line.ask(METER, READ)
        assert refused.value.code == 2
        peer.answer = lambda request: [reply(request, VALUE)]
        assert (await line.ask(METER, READ)).data == VALUE
        assert peer.connections == 1


async def test_a_late_answer_is_dropped_while_the_line_is_quiet() -> None:
    """The answer to a read that timed out comes during the time of quiet; the next read gets its own."""
    async with line_to(lambda _: None, quiet=0.2) as (line, peer):
        with pytest.raises(SilentUnitError):
            await line.ask(METER, READ)
        late = reply(peer.requests[0], b"\x99\x99\x99\x99")
        peer.answer = lambda request: [reply(request, VALUE)]
        asking = asyncio.ensure_future(line.ask(METER, READ))
        peer.send(late)
        assert (await asking).data == VALUE


async def test_what_comes_unasked_is_dropped() -> None:
    """A right answer that came before the request is none."""
    async with line_to(lambda request: [reply(request, VALUE)]) as (line, peer):
        await line.ask(METER, READ)
        peer.send(reply(peer.requests[0], b"\x99\x99\x99\x99"))
        for _ in range(10):
            await asyncio.sleep(0)
        assert (await line.ask("000000000002", READ)).data == VALUE


async def test_a_cancelled_read_ends_at_once_and_leaves_the_line_in_order() -> None:
    """Its answer comes late, and is not taken for that to the next read."""
    async with line_to(lambda _: None, time_out=30) as (line, peer):
        asking = asyncio.ensure_future(line.ask(METER, READ))
        await eventually(lambda: peer.requests)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        peer.send(reply(peer.requests[0], b"\x99\x99\x99\x99"))
        peer.answer = lambda request: [reply(request, VALUE)]
        assert (await line.ask(METER, READ)).data == VALUE


async def test_an_outer_time_out_is_a_time_out() -> None:
    """Nothing swallows it."""
    async with line_to(lambda _: None, time_out=30) as (line, _):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await line.ask(METER, READ)


async def test_one_request_is_on_the_way_at_a_time() -> None:
    """Reads that are asked for together follow each other, and each gets its own answer."""
    async with line_to(lambda request: [reply(request, request[1:5])]) as (line, _):
        units = [f"{number:012}" for number in range(20)]
        answers = await asyncio.gather(*(line.ask(unit, READ) for unit in units))
    assert [answer.data for answer in answers] == [bytes.fromhex(unit)[::-1][:4] for unit in units]


async def test_after_a_time_out_a_new_connection_is_made() -> None:
    """A converter that was switched off looks like a silent meter, and its connection would stay dead for minutes."""
    async with line_to(lambda _: None, quiet=0) as (line, peer):
        with pytest.raises(SilentUnitError, match=r"no answer within 0\.2 s"):
            await line.ask(METER, READ)
        peer.answer = lambda request: [reply(request, VALUE)]
        await line.ask(METER, READ)
        assert peer.connections == 2


async def test_a_lost_connection_ends_the_read_at_once() -> None:
    """Not only at the time-out; the next read connects again."""
    async with line_to(lambda _: None, time_out=30) as (line, peer):
        asking = asyncio.ensure_future(line.ask(METER, READ))
        await eventually(lambda: peer.requests)
        peer.hang_up()
        with pytest.raises(LostLineError, match="connection lost"):
            await asking
        assert not line.connected
        peer.answer = lambda request: [reply(request, VALUE)]
        assert (await line.ask(METER, READ)).data == VALUE


async def test_no_connection_is_a_fault_of_the_line() -> None:
    """Not of the meter that was to be asked."""
    async with line_to(lambda _: None) as (_, peer):
        port = peer.port
    settings = Dlt645TcpLine(host="127.0.0.1", port=port, meters=(Dlt645Meter(profile="none", address=METER),))
    with pytest.raises(LineError, match="no connection"):
        await dlt645_line(settings, lambda: 0).ask(METER, READ)


def test_it_works_on_uvloop() -> None:
    """The loop of the collector."""

    async def read() -> bytes:
        async with line_to(lambda request: [reply(request, VALUE)]) as (line, _):
            return (await line.ask(METER, READ)).data

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(read()) == VALUE
