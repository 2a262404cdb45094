"""Against an implementation of DL/T 645-2007 that is not ours: the server of the package `dlt645`, on TCP and serial.

Its addresses are set low byte first; it knows no blocks and no answers in several frames, which it refuses.
"""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from collector.drivers.dlt645.exchange import Dlt645Requests, exchanges
from collector.drivers.dlt645.frames import WILDCARD, ReadAddress, ReadData
from collector.drivers.dlt645.line import Dlt645Line, dlt645_line
from collector.drivers.dlt645.settings import Dlt645LineSettings, Dlt645Meter, Dlt645SerialLine, Dlt645TcpLine
from collector.drivers.meters import sent_values
from collector.errors import RefusedReadError
from collector.profiles import load_any_profile
from collector.profiles.dlt645 import Dlt645Profile
from tests.support.serial_pair import serial_pair

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from dlt645 import MeterServerService  # type: ignore[import-untyped]  # the package ships no types
    from dlt645.aio import AsyncMeterServerService  # type: ignore[import-untyped]  # likewise

ADDRESS = "000012345678"
METERS = (Dlt645Meter(profile="dlt645_2007_three_phase", address=ADDRESS),)
SHOWN = {
    "00000000": -1.25,
    "00010000": 123456.78,
    "00010100": 12345.6,
    "00010200": 0.01,
    "00010300": 99999.99,
    "00010400": 799999.99,
    "00020000": 7.5,
    "02010100": 230.1,
    "02010200": 0.0,
    "02010300": 799.9,
    "02020100": 5.432,
    "02020200": -0.5,
    "02020300": 99.999,
    "02030000": -12.3456,
    "02030100": 1.5,
    "02030200": 0.0001,
    "02030300": 2.25,
    "02060000": -0.95,
    "02800002": 49.98,
}
"""What the server is set to show, by data identifier, in the unit of measure of the standard."""


def fill(service: Any) -> None:
    """Give the server its address and its values."""
    service.set_address(bytearray(bytes.fromhex(ADDRESS)[::-1]))
    for data_id, value in SHOWN.items():
        setter = service.set_00 if data_id.startswith("00") else service.set_02
        assert setter(int(data_id, 16), value)


@asynccontextmanager
async def tcp_server() -> AsyncIterator[Dlt645LineSettings]:
    """The server on a free port, and the table of a line to it."""
    service = AsyncMeterServerService.new_tcp_server("127.0.0.1", 0, 0.2)
    fill(service)
    assert await service.start()
    try:
        yield Dlt645TcpLine(host="127.0.0.1", port=service.server.port, quiet_s=0, meters=METERS)
    finally:
        await service.stop()


@contextmanager
def serial_server() -> Iterator[Dlt645LineSettings]:
    """The server at the far end of a wire, in a thread of its own, and the table of a line at the near end."""
    with serial_pair() as pair:
        service = MeterServerService.new_rtu_server(pair.theirs, 8, 1, 2400, "E", 0.2)
        fill(service)
        assert service.start()
        try:
            yield Dlt645SerialLine(device=Path(pair.ours), quiet_s=0, meters=METERS)
        finally:
            service.stop()


@pytest.fixture(params=["tcp", "serial"])
async def line(request: pytest.FixtureRequest) -> AsyncIterator[Dlt645Line]:
    """A line to the server, on each of its transports."""
    async with (
        tcp_server() if request.param == "tcp" else _entered(serial_server()) as settings,
    ):
        line = dlt645_line(settings, lambda: 1_000)
        yield line
        line.close()


@asynccontextmanager
async def _entered(server: Any) -> AsyncIterator[Dlt645LineSettings]:
    with server as settings:
        yield settings


def profile() -> Dlt645Profile:
    """The shipped profile of three-phase meters."""
    loaded = load_any_profile("dlt645_2007_three_phase")
    assert isinstance(loaded, Dlt645Profile)
    return loaded


async def test_every_item_reads_as_the_server_shows_it(line: Dlt645Line) -> None:
    """All items of the profile that have an identifier of their own, each in its own format and with its sign."""
    for item in profile().items:
        if item.data_id is None:
            continue
        answer = await line.ask(ADDRESS, ReadData(item.data_id, item.length, item.length))
        raw = item.decode(answer.data)
        assert raw is not None
        assert float(raw * item.exact_scale) == SHOWN[item.data_id], item.name


async def test_a_meter_without_blocks_gives_all_its_values(line: Dlt645Line) -> None:
    """The server refuses each block, and the same values come one by one."""
    names = [item.name for item in profile().items if item.data_id is not None]
    points = {name: name for name in names}
    meter = Dlt645Meter(profile="dlt645_2007_three_phase", address=ADDRESS, points=points, ct=1, pt=1)
    requests = Dlt645Requests(exchanges(profile(), sent_values(meter, profile())))
    for exchange in list(requests.exchanges):
        if exchange.request.data_id.endswith("FF00"):
            with pytest.raises(RefusedReadError, match="error 02H: no such data") as refused:
                await line.ask(ADDRESS, exchange.request)
            assert refused.value.code == 2
            assert requests.replace(exchange)
    readings = [
        reading
        for exchange in requests.exchanges
        for reading in exchange.take(await line.ask(ADDRESS, exchange.request)).readings
    ]
    assert sorted(reading.point for reading in readings) == sorted(names)
    values = {reading.point: reading.value for reading in readings}
    assert values["energy_import_total"] == 123456.78
    assert values["power_active"] == -12345.6
    assert values["current_l2"] == -0.5


async def test_the_wildcard_reads_the_only_meter(line: Dlt645Line) -> None:
    """Its address, and with it its values: the server answers under the wildcard itself."""
    answer = await line.ask(WILDCARD, ReadAddress())
    assert answer.data[::-1].hex() == ADDRESS
    assert (await line.ask(WILDCARD, ReadData("02010100", 2, 2))).data == bytes.fromhex("0123")


async def test_a_refusal_of_a_stranger_is_named(line: Dlt645Line) -> None:
    """The server answers to any address, and says that it is not meant."""
    with pytest.raises(RefusedReadError, match="error 01H: other error"):
        await line.ask("000000000002", ReadData("00010000", 4, 4))


async def test_reads_that_are_asked_for_together_follow_each_other(line: Dlt645Line) -> None:
    """Each gets its own answer."""
    items = [item for item in profile().items if item.data_id is not None]
    answers = await asyncio.gather(
        *(line.ask(ADDRESS, ReadData(item.data_id or "", item.length, item.length)) for item in items)
    )
    raws = [item.decode(answer.data) for item, answer in zip(items, answers, strict=True)]
    assert [float(raw * item.exact_scale) for raw, item in zip(raws, items, strict=True) if raw is not None] == [
        SHOWN[item.data_id or ""] for item in items
    ]
