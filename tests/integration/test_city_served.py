"""`quotawatt simulate city`: a whole city on its ports, or every fault of its file and nothing started."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from pymodbus.client import AsyncModbusTcpClient

from collector.profiles import load_profile
from deploy.demo import BAOJI
from deploy.demo.city import City, CityMeter, load_city
from deploy.demo.city_parts import CityTruth
from deploy.stack import ports
from energy.carriers import carrier
from simulators.meters.counter import CounterScale
from tests.support.eventually import eventually


async def start(city: Path, *options: str) -> asyncio.subprocess.Process:
    """The command on a city file."""
    command = (sys.executable, "-m", "deploy.cli", "simulate", "city", str(city), *options)
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(*command, stdout=pipe, stderr=pipe)


def one_unit(folder: Path) -> tuple[Path, City]:
    """The shipped city cut down to its first unit, so that one port is enough."""
    text = BAOJI.read_text(encoding="utf-8")
    second = text.index("[[unit]]", text.index("[[unit]]") + 1)
    file = folder / "one.toml"
    file.write_text(text[:second], encoding="utf-8")
    return file, load_city(file)


async def read(port: int, meter: CityMeter) -> float:
    """A meter's register through pymodbus, in the carrier's base unit."""
    register = load_profile(meter.profile).counter_register
    client = AsyncModbusTcpClient("127.0.0.1", port=port, retries=0, timeout=5)
    assert await client.connect()
    ask = client.read_holding_registers if register.function_code == 3 else client.read_input_registers
    answer = await ask(register.address, count=register.type.words, device_id=meter.address)
    client.close()
    scale = CounterScale(register, carrier(meter.carrier).unit, meter.ct or 1.0, meter.pt or 1.0)
    return scale.value(dict(enumerate(answer.registers, register.address)))


async def test_every_meter_shows_its_start_and_what_the_file_says(tmp_path: Path) -> None:
    """With the clock far in the past and barely moving, the registers stand where the audit's truth puts them."""
    file, city = one_unit(tmp_path)
    (port,) = ports.passing(1, os.getpid())
    # A year of real time at this scale is 31 seconds of data time: the clock stands, a little after the start.
    process = await start(file, "--port", str(port), "--scale", "0.000001", "--real-origin", "1")
    try:
        await eventually(lambda: _connects(port), within=30)
        truth, unit = CityTruth(city), city.unit[0]
        for meter in unit.meter:
            shown = await read(port, meter)
            # 1.7e9 real seconds and some are about half an hour; the exact moment is bounded by a minute on both sides.
            low, high = (
                meter.start + truth.consumed(unit.point(meter), city.city.start_ms, city.city.start_ms + elapsed_ms)
                for elapsed_ms in (1_000_000, 4_000_000)
            )
            step = truth.quantum(unit.point(meter), shown)
            assert low - step <= shown <= high + step, meter.code
    finally:
        process.terminate()
        await process.communicate()
    assert process.returncode == 0


async def _connects(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


async def test_a_city_with_faults_starts_nothing(tmp_path: Path) -> None:
    """Exit code 78, every fault with its line on stderr, and what to read."""
    file, _ = one_unit(tmp_path)
    text = file.read_text(encoding="utf-8").replace('unit = "m3"', 'unit = "Nm3"').replace("address = 2", "address = 1")
    file.write_text(text.replace('district = "610302"', 'district = "610399"'), encoding="utf-8")
    process = await start(file)
    out, err = await process.communicate()
    assert (process.returncode, out) == (78, b"")
    message = err.decode()
    assert "3 faults in the configuration" in message
    assert message.count(f"{file}:") == 3
    assert "docs/demo-city.md" in message


async def test_a_clock_that_stands_or_runs_backwards_is_refused(tmp_path: Path) -> None:
    """A register would never count, or count down."""
    file, _ = one_unit(tmp_path)
    for scale in ("0", "-60"):
        process = await start(file, "--scale", scale)
        _, said = await process.communicate()
        assert process.returncode == 2
        assert b"--scale" in said
