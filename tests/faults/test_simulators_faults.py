"""Every kind of fault as it shows on the wire, to a client of raw sockets that shares nothing with the simulators."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pymodbus.framer.rtu import FramerRTU

from collector.profiles import load_profile
from simulators.faults.kinds import OF_ANSWERS, OF_VALUES, FaultKind
from simulators.faults.schedule import Moment
from simulators.faults.settings import FaultSettings
from simulators.quick import random_faults
from simulators.serving.pdu import Request
from simulators.settings import Transport
from tests.support.eventually import never_within
from tests.support.simulated import START_MS, Simulated, simulated

METER = "chint_dtsu666"
"""Its counter is a float32 at 4126, and it multiplies by ct and pt: both 1 here."""
OTHER = "eastron_sdm630"
COUNTER = load_profile(METER).counter_register


class Client:
    """A client that writes requests by hand and looks at raw bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, serial: bool) -> None:
        self.reader = reader
        self.writer = writer
        self.serial = serial
        self.transaction = 0

    def ask(self, address: int = COUNTER.address, count: int = 2, unit: int = 1, function: int = 3) -> None:
        """Send one read; transactions count up."""
        self.transaction += 1
        pdu = struct.pack(">BBHH", unit, function, address, count)
        if self.serial:
            self.writer.write(pdu + FramerRTU.compute_CRC(pdu).to_bytes(2, "big"))
        else:
            self.writer.write(struct.pack(">HHH", self.transaction, 0, 6) + pdu)

    async def take(self, count: int) -> bytes:
        """The next so many bytes."""
        async with asyncio.timeout(5):
            return await self.reader.readexactly(count)

    async def frame(self) -> tuple[int, int, bytes]:
        """The next frame of Modbus TCP: transaction, unit, PDU."""
        transaction, protocol, length, unit = struct.unpack(">HHHB", await self.take(7))
        assert protocol == 0
        return transaction, unit, await self.take(length - 1)

    async def read(self, **what: int) -> bytes:
        """Ask, and the PDU of the answer."""
        self.ask(**what)
        return (await self.frame())[2]

    async def value(self, **what: int) -> float:
        """Ask for a float32, and its value."""
        function, size, value = struct.unpack(">BBf", await self.read(**what))
        assert (function, size) == (what.get("function", 3), 4)
        return float(value)


@asynccontextmanager
async def talking(
    *faults: FaultSettings, transport: Transport = "tcp", seed: int = 0, start: float = 5000.0
) -> AsyncIterator[tuple[Simulated, Client]]:
    """A meter with these faults, another one beside it, and a client."""
    async with simulated(METER, OTHER, transport=transport, faults=faults, seed=seed, start=start) as line:
        reader, writer = await asyncio.open_connection("127.0.0.1", line.port)
        try:
            yield line, Client(reader, writer, serial=transport != "tcp")
        finally:
            writer.close()


def fault(kind: str, **keys: object) -> FaultSettings:
    """A fault of the meter at unit 1."""
    return FaultSettings(kind=FaultKind(kind), unit_id=1, **keys)  # type: ignore[arg-type]  # keys of the table


def data_time(seconds: float) -> datetime:
    """Data time, seconds after the start."""
    return datetime.fromtimestamp(START_MS / 1000 + seconds, UTC)


RIGHT = (1, 1, struct.pack(">BBf", 3, 4, 5000.0))
"""Transaction, unit and PDU of the answer to the first request, while nothing goes wrong."""


async def test_a_silent_meter_leaves_the_others_alone() -> None:
    """Its answer never comes, the next meter on the same connection answers, and it comes back when it is healed."""
    async with talking(fault("silence")) as (line, client):
        client.ask()
        client.ask(unit=2, function=4, address=0)
        assert (await client.frame())[:2] == (2, 2)
        line.faults[METER].clear()
        client.ask()
        assert (await client.frame())[:2] == (3, 1)


async def test_what_is_never_sent_is_spoilt_no_further() -> None:
    """Of a silence and a wrong unit at once only the silence came true."""
    async with talking(fault("wrong-unit"), fault("silence", until_request=2)) as (line, client):
        client.ask()
        client.ask()
        assert (await client.frame())[:2] == (2, 2)
        assert [(one.request, one.kind) for one in line.record.injected] == [(1, "silence"), (2, "wrong-unit")]


async def test_a_late_answer_keeps_its_own_transaction() -> None:
    """While one meter dawdles another answers; the late frame still carries the number of its own request."""
    async with talking(fault("delay", delay_s=0.05)) as (_, client):
        client.ask()
        client.ask(unit=2, function=4, address=0)
        assert [(await client.frame())[:2] for _ in range(2)] == [(2, 2), (1, 1)]


async def test_an_ordinary_answer_takes_its_latency() -> None:
    """Without any fault: `latency_s` of a meter."""
    async with simulated(METER, latency_s=0.05) as line:
        reader, writer = await asyncio.open_connection("127.0.0.1", line.port)
        client = Client(reader, writer, serial=False)
        began = asyncio.get_running_loop().time()
        client.ask()
        assert (await client.frame())[0] == 1
        assert asyncio.get_running_loop().time() - began >= 0.05
        writer.close()


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("wrong-transaction", (0, *RIGHT[1:])),
        ("wrong-unit", (1, 2, RIGHT[2])),
        ("wrong-function", (1, 1, b"\x04" + RIGHT[2][1:])),
    ],
)
async def test_an_answer_can_claim_to_be_another(kind: str, expected: tuple[int, int, bytes]) -> None:
    """The number, the unit or the function of another request; all else is right."""
    async with talking(fault(kind)) as (_, client):
        client.ask()
        assert await client.frame() == expected


async def test_an_answer_can_be_cut_short() -> None:
    """The header promises more than comes."""
    async with talking(fault("truncated", bytes=3)) as (line, client):
        client.ask()
        assert await client.take(10) == bytes.fromhex("0001 0000 0007 01 03 04 45")
        await never_within(0.05, lambda: client.reader._buffer)  # type: ignore[attr-defined]  # nothing more may come
        assert [one.kind for one in line.record.injected] == ["truncated"]


async def test_an_answer_can_come_twice_in_one_piece() -> None:
    """Both copies are whole, and carry the same number."""
    async with talking(fault("merged")) as (_, client):
        client.ask()
        whole = bytes.fromhex("0001 0000 0007 01") + RIGHT[2]
        assert await client.take(2 * len(whole)) == whole + whole


async def test_an_old_answer_can_come_before_the_right_one() -> None:
    """It is the line's last one, with its own number and unit; the first answer of all has none before it."""
    async with talking(fault("stale")) as (line, client):
        client.ask()
        assert (await client.frame())[:2] == (1, 1)
        client.ask(unit=2, function=4, address=0)
        assert (await client.frame())[:2] == (2, 2)
        client.ask()
        assert [(await client.frame())[:2] for _ in range(2)] == [(2, 2), (3, 1)]
        assert [one.request for one in line.record.injected] == [2]


async def test_a_checksum_can_be_wrong() -> None:
    """In RTU frames: all but the CRC is right. Where there is no checksum nothing happens, and nothing is noted."""
    async with talking(fault("crc"), transport="rtu-over-tcp") as (_, client):
        client.ask()
        answer = await client.take(9)
        assert answer[:-2] == b"\x01" + RIGHT[2]
        assert FramerRTU.compute_CRC(answer[:-2]) ^ int.from_bytes(answer[-2:], "big") == 0xFF
    async with talking(fault("crc")) as (line, client):
        client.ask()
        assert await client.frame() == RIGHT
        assert not line.record.injected


async def test_a_wrong_unit_on_a_serial_line_has_a_right_checksum() -> None:
    """Only the unit tells; there is no transaction to be wrong."""
    async with talking(fault("wrong-unit"), fault("wrong-transaction"), transport="rtu-over-tcp") as (line, client):
        client.ask()
        answer = await client.take(9)
        assert answer[0] == 2
        assert FramerRTU.compute_CRC(answer[:-2]) == int.from_bytes(answer[-2:], "big")
        assert [one.kind for one in line.record.injected] == ["wrong-unit"]


async def test_garbage_can_come_before_an_answer() -> None:
    """So many bytes by chance; the same seed gives the same."""
    seen = []
    for _ in range(2):
        async with talking(fault("garbage", bytes=5), seed=7) as (_, client):
            client.ask()
            seen.append(await client.take(5))
            assert await client.frame() == RIGHT
    assert seen[0] == seen[1]


@pytest.mark.parametrize("code", range(1, 7))
async def test_a_meter_can_refuse_with_any_exception(code: int) -> None:
    """1 to 6, on request."""
    async with talking(fault("exception", code=code)) as (_, client):
        assert await client.read() == bytes((0x83, code))


async def test_a_meter_can_be_busy_for_a_while() -> None:
    """Exception 6 from the second request to the third; before and after it answers."""
    async with talking(fault("busy", from_request=2, until_request=4)) as (line, client):
        answers = [await client.read() for _ in range(4)]
        assert [answer[0] for answer in answers] == [3, 0x83, 0x83, 3]
        assert [(one.request, one.kind) for one in line.record.injected] == [(2, "busy"), (3, "busy")]


async def test_real_seconds_bound_a_fault_too() -> None:
    """A fault that is over before the first request can come never shows, and one that holds from the start does."""
    async with talking(fault("busy", until_s=1e-9)) as (_, client):
        assert (await client.read())[0] == 3
    async with talking(fault("busy", from_s=0.0, until_s=3600)) as (_, client):
        assert (await client.read())[0] == 0x83


async def test_ranges_can_be_forbidden() -> None:
    """Exception 2 for every read that touches one, be it with a single register."""
    async with talking(fault("forbidden", ranges=((4128, 4130),))) as (_, client):
        assert (await client.read())[0] == 3
        assert await client.read(count=3) == bytes((0x83, 2))
        assert await client.read(address=4130, count=1) == bytes((0x83, 2))
        assert (await client.read(address=4136))[0] == 3


async def test_values_can_freeze() -> None:
    """All of them stand still from the moment on, and go on where they should be when it is over."""
    frozen = fault("frozen", since=data_time(3600), until=data_time(7200))
    async with talking(frozen) as (line, client):
        line.now_ms += 3_600_000
        begin = [await client.value(), await client.value(address=8198)]
        line.now_ms += 1_800_000
        assert [await client.value(), await client.value(address=8198)] == begin
        line.now_ms += 1_800_000
        assert await client.value() > begin[0]
        assert [(one.at_ms, one.kind) for one in line.record.injected] == [(START_MS + 3_600_000, "frozen")]


async def test_a_register_can_have_no_value() -> None:
    """The counter by default, others by name."""
    async with talking(fault("not-available", registers=("voltage_l1",))) as (_, client):
        assert (await client.read(address=8198))[2:4] in (b"\x7f\xc0", b"\xff\xc0")
        assert await client.value() == 5000.0
    async with talking(fault("not-available")) as (_, client):
        assert (await client.read())[2:4] in (b"\x7f\xc0", b"\xff\xc0")


async def test_a_counter_can_wrap() -> None:
    """Just before the moment it stands near its end, at the moment at zero, and it goes on from there."""
    async with talking(fault("wrap", since=data_time(3600))) as (line, client):
        before = await client.value()
        line.now_ms += 3_600_000
        at = await client.value()
        line.now_ms += 3_600_000
        assert (before > 999_000, at, 0 < await client.value() < 100) == (True, 0.0, True)


async def test_a_counter_can_be_reset() -> None:
    """From the moment on it counts from zero."""
    async with talking(fault("reset", since=data_time(60))) as (line, client):
        assert await client.value() == 5000.0
        line.now_ms += 60_000
        assert await client.value() == 0.0
        line.now_ms += 3_600_000
        assert 0 < await client.value() < 100


async def test_a_meter_can_be_replaced() -> None:
    """The new one begins at its own start."""
    async with talking(fault("replacement", from_request=2, start=17.0)) as (line, client):
        assert await client.value() == 5000.0
        assert await client.value() == 17.0
        line.now_ms += 3_600_000
        assert 17 < await client.value() < 100
        assert [one.request for one in line.record.injected] == [2]


async def test_a_counter_can_dip_and_recover() -> None:
    """It shows too little for a while, and then as if nothing had been."""
    dip = fault("dip", by=0.5, from_request=2, until_request=3)
    async with talking(dip) as (_, client):
        assert [await client.value() for _ in range(3)] == [5000.0, 4999.5, 5000.0]


async def test_words_can_come_in_the_wrong_order() -> None:
    """5000.0 is 459C 4000; the words change places."""
    async with talking(fault("swapped-words")) as (_, client):
        assert await client.read() == bytes.fromhex("03 04 4000 459c")


async def test_values_can_be_old() -> None:
    """What a meter shows now is what it stood at an hour ago."""
    async with talking() as (line, client):
        right = await client.value()
        line.faults[METER].add(fault("clock-drift", seconds=3600))
        line.now_ms += 3_600_000
        assert await client.value() == right


def test_every_kind_has_its_test_here() -> None:
    """A new kind of fault gets a test; this list is compared with the code's."""
    text = Path(__file__).read_text(encoding="utf-8")
    assert not [kind for kind in OF_ANSWERS | OF_VALUES if f'"{kind}"' not in text]


async def test_random_faults_are_the_same_with_the_same_seed() -> None:
    """The same requests at the same moments meet the same faults and get the same bytes; another seed gives others."""
    runs = [await _run_at_random(seed) for seed in (7, 7, 8)]
    assert runs[0] == runs[1] != runs[2]
    kinds = {one[-1] for one in runs[0][0]}
    assert len(kinds) > 10


async def _run_at_random(seed: int) -> tuple[list[tuple[object, ...]], list[list[tuple[float, bytes]]]]:
    """Three hundred requests to each of two meters, ten minutes apart: what was injected and what came back."""
    faults = random_faults(datetime.fromtimestamp(START_MS / 1000, UTC))
    async with simulated(METER, OTHER, transport="rtu-over-tcp", faults=faults, seed=seed) as line:
        sent = []
        for step in range(300):
            moment = Moment(START_MS + step * 600_000, float(step))
            for unit, function, address in ((1, 3, 4126), (2, 4, 72)):
                request = Request(0, unit, function, struct.pack(">HH", address, 2))
                sent.append([tuple(one) for one in line.line.respond(request, moment)])
        return [tuple(one) for one in line.record.injected], sent  # type: ignore[return-value]  # tuples of the records
