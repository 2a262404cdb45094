"""`quotawatt plan | read | record` before simulated meters: what will be asked, what came, what can be replayed."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from deploy.cli import root
from energy.recordings import Failure, load_recording
from simulators.faults.kinds import FaultKind
from simulators.faults.settings import FaultSettings
from tests.support.dlt645_peer import METER, asked, dlt645_peer, frame, refusal, reply
from tests.support.simulated import simulated

CONFIG = """
spool_dir = "spool"
[[platforms]]
kind = "mqtt"
[[gateways]]
code = "gw-1"
region = "610303"
[[gateways.lines]]
kind = "modbus-tcp"
host = "127.0.0.1"
port = {port}
interval_s = {interval_s}
time_out_s = 0.3
[[gateways.lines.meters]]
name = "incomer"
unit_id = 1
profile = "acrel_dtsd1352"
point = "E1"
points = {{ voltage_l1 = "U1", frequency = "F1" }}
ct = 200
pt = 100
[[gateways.lines.meters]]
unit_id = 2
profile = "eastron_sdm630"
point = "E2"
"""
DLT645 = """
spool_dir = "spool"
[[platforms]]
kind = "mqtt"
[[gateways]]
code = "gw-1"
region = "610303"
[[gateways.lines]]
kind = "dlt645-tcp"
host = "127.0.0.1"
port = {port}
[[gateways.lines.meters]]
address = "000012345678"
profile = "dlt645_2007_single_phase"
point = "E1"
"""


def config(directory: Path, port: int, *, interval_s: float = 60) -> Path:
    """A file of two meters."""
    path = directory / "collector.toml"
    path.write_text(CONFIG.format(port=port, interval_s=interval_s), encoding="utf-8")
    return path


async def command(*arguments: str | Path) -> tuple[int, str]:
    """Run a command of `quotawatt` as a process; its exit code and what it printed."""
    return await run(sys.executable, "-m", "deploy.cli", *arguments)


async def run(*arguments: str | Path) -> tuple[int, str]:
    """Run a process; its exit code and what it printed."""
    process = await asyncio.create_subprocess_exec(
        *map(str, arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    printed, _ = await asyncio.wait_for(process.communicate(), 30)
    return process.returncode or 0, printed.decode()


def test_plan_shows_requests_registers_and_time(tmp_path: Path) -> None:
    """The fewest requests for what is sent, and what of them nobody asked for."""
    done = CliRunner().invoke(root, ["plan", str(config(tmp_path, 1))])
    assert done.exit_code == 0, done.output
    assert "incomer, unit 1, acrel_dtsd1352: 3 requests, 4 registers, 0 of them not asked for" in done.output
    assert "2 holding registers from 10 (function code 3): energy_import_total" in done.output
    assert "about 10 ms every 60 s" in done.output
    assert done.output.endswith("time is needed\n")
    assert "warning" not in done.output


def test_plan_warns_where_the_interval_cannot_be_kept(tmp_path: Path) -> None:
    """A serial line has only so much time; the exit code says so too."""
    path = config(tmp_path, 1, interval_s=0.5)
    text = path.read_text(encoding="utf-8")
    serial = text.replace('kind = "modbus-tcp"', 'kind = "modbus-rtu"\nbaud_rate = 1200\ndevice = "/dev/ttyS1"')
    serial = serial.replace('host = "127.0.0.1"\nport = 1\n', "").replace("time_out_s = 0.3", "time_out_s = 0.03")
    path.write_text(serial, encoding="utf-8")
    done = CliRunner().invoke(root, ["plan", str(path), "--no-requests"])
    assert done.exit_code == 1
    assert "does not fit" in done.output
    assert "time_out_s (0.03) is shorter than an answer will take" in done.output
    assert "holding registers from" not in done.output


async def test_read_shows_raw_words_beside_values(tmp_path: Path) -> None:
    """All values of the profile, what is sent of them under which point, and what the ratios do."""
    async with simulated("acrel_dtsd1352", "eastron_sdm630", start=1234.5) as line:
        code, printed = await command("read", config(tmp_path, line.port), "E1")
    assert code == 0, printed
    (row,) = [row for row in printed.splitlines() if "energy_import_total" in row]
    assert "0001 e23a" in row
    assert "1234.5 kWh" in row
    assert "E1 = 24690000 kWh" in row
    assert "(times ct and pt)" in row
    assert any("power_factor" in row and " = " not in row for row in printed.splitlines())


async def test_read_is_machine_readable(tmp_path: Path) -> None:
    """One object for each request, by any name of the meter."""
    async with simulated("acrel_dtsd1352", "eastron_sdm630") as line:
        code, printed = await command("read", config(tmp_path, line.port), "incomer", "--json")
    assert code == 0, printed
    shown = {value["name"]: value for row in printed.splitlines() for value in json.loads(row)["values"]}
    assert shown["voltage_l1"]["point"] == "U1"
    assert shown["power_active"]["point"] == ""


async def test_read_asks_in_pieces_where_the_device_refuses(tmp_path: Path) -> None:
    """Each refusal is shown, and all that can be read is."""
    forbidden = FaultSettings(kind=FaultKind.FORBIDDEN, unit_id=2, ranges=((55, 60),))
    async with simulated("acrel_dtsd1352", "eastron_sdm630", faults=[forbidden]) as line:
        code, printed = await command("read", config(tmp_path, line.port), "E2", "--json")
    attempts = [json.loads(row) for row in printed.splitlines()]
    names = [value["name"] for attempt in attempts for value in attempt["values"]]
    assert code == 0, printed
    assert any("exception 2" in attempt["error"] for attempt in attempts)
    assert "energy_import_total" in names
    assert len(names) == len(set(names))


async def test_read_of_a_silent_meter_says_so(tmp_path: Path) -> None:
    """Each request once, and an exit code for scripts."""
    silent = FaultSettings(kind=FaultKind.SILENCE, unit_id=2)
    async with simulated("acrel_dtsd1352", "eastron_sdm630", faults=[silent]) as line:
        code, printed = await command("read", config(tmp_path, line.port), "E2")
    assert code == 1
    assert "no answer within 0.3 s" in printed


async def test_read_asks_a_meter_of_dlt645_for_blocks_too(tmp_path: Path) -> None:
    """A value that only a block brings is read from it; what the meter does not have is told."""
    given = {"00010000": b"\x78\x56\x34\x12", "05060101": b"\x77\x56\x34\x12" + bytes(16)}

    def answer(request: bytes) -> list[bytes]:
        value = given.get(asked(request)[2][3::-1].hex())
        return [refusal(request, 2) if value is None else reply(request, value)]

    async with dlt645_peer(answer) as peer:
        path = tmp_path / "collector.toml"
        path.write_text(DLT645.format(port=peer.port), encoding="utf-8")
        code, printed = await command("read", path, "E1")
    assert code == 0, printed
    rows = {row.split()[0]: row for row in printed.splitlines()}
    assert "78 56 34 12" in rows["energy_import_total"]
    assert "E1 = 123456.78 kWh" in rows["energy_import_total"]
    assert "123456.77 kWh" in rows["energy_import_at_midnight"]
    assert "error 02H: no such data" in printed


async def test_read_tells_the_address_of_the_meter_that_answers(tmp_path: Path) -> None:
    """Whoever asks with the wildcard learns what belongs into the file."""

    def answer(request: bytes) -> list[bytes]:
        if asked(request)[1] == 0x13:
            return [frame(METER, 0x93, bytes.fromhex(METER)[::-1])]
        return [frame(METER, 0x91, asked(request)[2][:4] + b"\x78\x56\x34\x12")]

    async with dlt645_peer(answer) as peer:
        path = tmp_path / "collector.toml"
        path.write_text(DLT645.format(port=peer.port).replace(METER, "A" * 12), encoding="utf-8")
        code, printed = await command("read", path, "E1")
    assert code == 0, printed
    (row,) = [row for row in printed.splitlines() if row.split()[0] == "address" and METER in row]
    assert "78 56 34 12 00 00" in row


async def test_read_of_an_unknown_meter_names_those_that_are_known(tmp_path: Path) -> None:
    """So that nobody has to open the file."""
    code, printed = await command("read", config(tmp_path, 1), "E9")
    assert code == 65
    assert "Known: incomer, E2." in printed


async def test_read_takes_no_meter_for_another(tmp_path: Path) -> None:
    """Where two have one name, their points tell them apart."""
    path = config(tmp_path, 1)
    path.write_text(path.read_text(encoding="utf-8").replace("unit_id = 2", 'unit_id = 2\nname = "incomer"'))
    code, printed = await command("read", path, "incomer")
    assert code == 65
    assert "2 meters are called 'incomer'" in printed
    assert "Their points: E1, E2." in printed


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "packed"])
async def test_record_writes_real_polls_down(tmp_path: Path, *, packed: bool) -> None:
    """Answers and failures, without a word about where it was; an existing file is not overwritten."""
    path = tmp_path / ("polls.jsonl.gz" if packed else "polls.jsonl")
    silent = FaultSettings(kind=FaultKind.SILENCE, unit_id=2)
    async with simulated("acrel_dtsd1352", "eastron_sdm630", faults=[silent]) as line:
        file = config(tmp_path, line.port, interval_s=0.2)
        code, printed = await command("record", file, "--output", path, "--seconds", "1.5")
        again, refused = await command("record", file, "--output", path, "--seconds", "1.5")
    assert code == 0, printed
    recording = load_recording(path)
    assert [meter.profile for meter in recording.header.lines[0].meters] == ["acrel_dtsd1352", "eastron_sdm630"]
    assert f"{len(recording.exchanges)} exchanges" in printed
    assert any(one.unit == 1 and one.answer for one in recording.exchanges)
    assert any(one.unit == 2 and one.error is Failure.SILENT for one in recording.exchanges)
    assert again != 0
    assert "exists" in refused


async def test_record_says_that_no_poll_fell_into_the_time(tmp_path: Path) -> None:
    """An empty recording is no fault, but seldom meant."""
    path = tmp_path / "polls.jsonl"
    async with simulated("acrel_dtsd1352", "eastron_sdm630") as line:
        file = config(tmp_path, line.port, interval_s=1e7)
        code, printed = await command("record", file, "--output", path, "--seconds", "0.2")
    assert code == 0, printed
    assert f"{path}: 0 exchanges: no poll fell into the time" in printed
    assert load_recording(path).exchanges == ()


async def test_record_ends_where_the_disk_takes_no_more(tmp_path: Path) -> None:
    """It says so and ends; what was written until then is there."""
    path = tmp_path / "polls.jsonl"
    async with simulated("acrel_dtsd1352", "eastron_sdm630") as line:
        file = config(tmp_path, line.port, interval_s=0.2)
        limited = ("sh", "-c", 'ulimit -f 2; exec "$@"', "sh", sys.executable, "-m", "deploy.cli")
        code, printed = await run(*limited, "record", file, "--output", path, "--seconds", "20")
    assert code != 0
    assert "polls.jsonl cannot be written: File too large" in printed
    assert path.stat().st_size > 0
