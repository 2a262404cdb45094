"""`quotawatt simulate meters` as a user runs it: what it prints is what a collector needs."""

from __future__ import annotations

import asyncio
import sys
import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from collector.drivers.modbus.line import modbus_line
from collector.drivers.modbus.settings import ModbusLineSettings, ModbusRtuLine, ModbusRtuOverTcpLine, ModbusTcpLine
from collector.planning.planner import Read
from collector.profiles import load_profile
from deploy.cli.simulate import simulate
from energy.errors import ConfigError
from simulators.building import build_lines
from simulators.checks import load_settings
from simulators.faults.record import FaultRecord
from tests.support.simulated import modbus_profiles

MODELS = Path(__file__).parents[2] / "collector" / "profiles" / "models"
KINDS: dict[str, Any] = {
    "modbus-tcp": ModbusTcpLine,
    "modbus-rtu": ModbusRtuLine,
    "modbus-rtu-over-tcp": ModbusRtuOverTcpLine,
}


@asynccontextmanager
async def started(*arguments: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, asyncio.StreamReader]]:
    """The command and what it prints; ended with SIGTERM."""
    command = (sys.executable, "-m", "deploy.cli", "simulate", "meters", *arguments)
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(60):
            yield process, process.stdout
    finally:
        if process.returncode is None:
            process.terminate()
        await process.communicate()


@asynccontextmanager
async def running(*arguments: str, meters: int) -> AsyncIterator[dict[str, Any]]:
    """The command, and the tables that it printed for so many meters, once all of them are there."""
    printed = ""
    async with started(*arguments) as (process, output):
        while printed.count("point = ") < meters:
            row = await output.readline()
            assert row, f"the command ended after {printed!r}"
            printed += row.decode()
        yield tomllib.loads(f"[[gateways]]\n{printed}")["gateways"][0]
    assert process.returncode == 0


async def counter_of(table: dict[str, Any], meter: dict[str, Any]) -> Any:
    """What the collector reads of a meter's counter with the printed tables as its settings."""
    settings: ModbusLineSettings = msgspec.convert(table, KINDS[table["kind"]], strict=False, dec_hook=_path)
    register = load_profile(meter["profile"]).counter_register
    line = modbus_line(settings, lambda: 0)
    read = Read(register.function_code, register.start, register.end - register.start, ())
    try:
        answer = await line.ask(meter["unit_id"], read)
    finally:
        line.close()
    words = [int.from_bytes(answer.data[at : at + 2], "big") for at in range(0, len(answer.data), 2)]
    raw = register.decode(dict(enumerate(words, register.start)))
    assert raw is not None
    assert not isinstance(raw, str)
    return float(raw) * register.scale


def _path(kind: type, value: str) -> Path:
    assert kind is Path
    return Path(value)


@pytest.mark.parametrize("transport", ["tcp", "rtu", "rtu-over-tcp"])
async def test_the_printed_table_is_what_a_collector_needs(transport: str) -> None:
    """Without a file: two meters, served in each way, are read with exactly what the command printed."""
    names = ["eastron_sdm630", "acrel_dtsd1352"]
    options = [word for name in names for word in ("--profile", name)]
    async with running(*options, "--transport", transport, meters=2) as gateway:
        (table,) = gateway["lines"]
        assert table["kind"] == f"modbus-{transport}"
        assert [meter["profile"] for meter in table["meters"]] == names
        for meter in table["meters"]:
            assert 1000 <= await counter_of(table, meter) < 1001


async def test_every_shipped_profile_can_be_served_at_once() -> None:
    """And the collector accepts each printed meter: ratios where they are needed, units where the menu decides."""
    names = modbus_profiles()
    options = [word for name in names for word in ("--profile", name)]
    async with running(*options, "--faults", "random", "--seed", "7", meters=len(names)) as gateway:
        (table,) = gateway["lines"]
    settings = msgspec.convert(table, ModbusTcpLine)
    assert [meter.profile for meter in settings.meters] == names
    for meter in settings.meters:
        counter = load_profile(meter.profile).counter_register
        given = {key for key in ("ct", "pt") if getattr(meter, key) is not None}
        assert given == set(counter.ct_pt.ratios)
        assert bool(meter.unit) == (counter.unit == "display")


async def test_a_profile_of_ones_own_is_served_and_its_table_printed(tmp_path: Path) -> None:
    """It is found in the directory that was given, beside those that come along."""
    (tmp_path / "own.toml").write_text((MODELS / "eastron_sdm630.toml").read_text(encoding="utf-8"), encoding="utf-8")
    options = ("--profile", "own", "--profile", "eastron_sdm120", "--profile-dir", str(tmp_path))
    async with running(*options, meters=2) as gateway:
        (table,) = gateway["lines"]
        assert [meter["profile"] for meter in table["meters"]] == ["own", "eastron_sdm120"]
        assert 1000 <= await counter_of(table, table["meters"][0] | {"profile": "eastron_sdm630"}) < 1001


def test_a_file_names_directories_of_ones_own_profiles(tmp_path: Path) -> None:
    """By the key that a collector's file has for them, relative to the file."""
    (tmp_path / "own.toml").write_text((MODELS / "eastron_sdm630.toml").read_text(encoding="utf-8"), encoding="utf-8")
    config = tmp_path / "meters.toml"
    line = '[[lines]]\nname = "hall"\nmeters = [{ unit_id = 1, profile = "own" }]\n'
    config.write_text(f'profile_dirs = ["."]\n{line}', encoding="utf-8")
    assert set(build_lines(load_settings(config), 0, FaultRecord())) == {"hall"}
    config.write_text(line, encoding="utf-8")
    with pytest.raises(ConfigError, match="no such profile 'own'"):
        load_settings(config)


async def test_a_file_is_served_and_each_line_told_with_its_place(tmp_path: Path) -> None:
    """A link that is relative to the file, and a port that the system chose."""
    config = tmp_path / "meters.toml"
    meters = 'meters = [{ unit_id = 1, profile = "eastron_sdm630", start = 5.0 }]'
    config.write_text(
        f'[[lines]]\nname = "hall"\ntransport = "rtu"\nlink = "hall.tty"\n{meters}\n'
        f'[[lines]]\nname = "boiler"\n{meters}\n',
        encoding="utf-8",
    )
    async with started(str(config)) as (process, output):
        places = dict([(await output.readline()).decode().split() for _ in range(2)])
        assert places["hall"] == str(tmp_path / "hall.tty")
        meter = {"unit_id": 1, "profile": "eastron_sdm630"}
        host, port = places["boiler"].split(":")
        for table in (
            {"kind": "modbus-rtu", "device": places["hall"], "meters": [meter]},
            {"kind": "modbus-tcp", "host": host, "port": int(port), "meters": [meter]},
        ):
            assert 5 <= await counter_of(table, meter) < 6
    assert process.returncode == 0
    assert not (tmp_path / "hall.tty").is_symlink()


def test_a_file_with_faults_tells_all_of_them(tmp_path: Path) -> None:
    """Each with its line; nothing is served."""
    config = tmp_path / "meters.toml"
    config.write_text(
        """
[[lines]]
name = "hall"
transport = "rtu"
meters = [{ unit_id = 1, profile = "eastron_sdm360" }]
[[faults]]
kind = "wrong-transaction"
[[faults]]
kind = "silence"
unit_id = 2
[[faults]]
kind = "silence"
line = "hal"
""",
        encoding="utf-8",
    )
    with pytest.raises(ConfigError) as caught:
        CliRunner().invoke(simulate, ["meters", str(config)], catch_exceptions=False)
    told = [(fault.line, fault.path, fault.message.partition(" (")[0]) for fault in caught.value.faults]
    assert told == [
        (5, "lines[0].meters[0].profile", "no such profile 'eastron_sdm360'"),
        (7, "faults[0].kind", "wrong-transaction: a serial frame has no transaction"),
        (10, "faults[1].unit_id", "no meter has unit id 2"),
        (13, "faults[2].line", "no line is called 'hal'"),
    ]


@pytest.mark.parametrize("arguments", [[], ["x.toml", "--profile", "eastron_sdm630"]])
def test_a_file_and_profiles_exclude_each_other(arguments: list[str]) -> None:
    """One of them has to be given."""
    result = CliRunner().invoke(simulate, ["meters", *arguments])
    assert result.exit_code == 2
    assert "Give either a file or --profile" in result.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["x.toml", "--port", "1502"], "--port belongs to --profile: a file says it itself"),
        (["x.toml", "--profile-dir", "d"], "--profile-dir belongs to --profile"),
        (["x.toml", "--faults", "random", "--seed", "3"], "--faults, --seed belong to --profile"),
        (["--profile", "eastron_sdm630", "--transport", "rtu", "--port", "1502"], "a pseudo-terminal has no port"),
    ],
)
def test_an_option_that_would_do_nothing_is_refused(
    arguments: list[str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits at a port on which nothing is served."""

    async def serve(*_: object) -> None:
        raise AssertionError("it is served")

    monkeypatch.setattr("simulators.service.run", serve)
    result = CliRunner().invoke(simulate, ["meters", *arguments])
    assert result.exit_code == 2
    assert message in " ".join(result.output.replace("│", "").split())
