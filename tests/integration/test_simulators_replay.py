"""Recorded polls replayed: the same requests get the same answers and failures, in the same order."""

from __future__ import annotations

from pathlib import Path

import pytest

from collector.drivers.modbus.line import ModbusLine, modbus_line
from collector.drivers.modbus.settings import ModbusMeter, ModbusTcpLine
from collector.errors import RefusedReadError, SilentUnitError
from collector.planning.planner import Read
from collector.recording.recorder import RecordingLine
from energy.errors import TransportError
from energy.recordings import Header, RecordedLine, RecordedMeter, RecordingWriter, load_recording
from simulators.building import build_lines
from simulators.faults.kinds import FaultKind
from simulators.faults.record import FaultRecord
from simulators.faults.settings import FaultSettings
from simulators.replay.settings import ReplaySettings
from simulators.service import line_server
from simulators.serving.tcp import TcpServer
from simulators.settings import LineSettings, SimulatorSettings
from tests.support.simulated import START_MS, simulated

EASTRON, ACREL = 1, 2
READS = [(EASTRON, Read(4, 72, 2, ())), (ACREL, Read(3, 10, 2, ())), (EASTRON, Read(4, 0, 6, ()))]
ROUNDS = 6
TROUBLE = [
    FaultSettings(kind=FaultKind.SILENCE, unit_id=EASTRON, from_request=3, until_request=4),
    FaultSettings(kind=FaultKind.BUSY, unit_id=ACREL, from_request=2, until_request=4),
]


def line_to(port: int) -> ModbusLine:
    """The collector's line to a port; its meters are not asked about."""
    meters = (ModbusMeter(unit_id=EASTRON, profile="eastron_sdm630", point="P"),)
    return modbus_line(ModbusTcpLine(host="127.0.0.1", port=port, meters=meters, time_out_s=0.3), lambda: START_MS)


async def outcomes(line: ModbusLine | RecordingLine) -> list[bytes | str]:
    """What all reads bring, several times over: bytes, or the kind of failure."""
    found: list[bytes | str] = []
    for _ in range(ROUNDS):
        for unit, read in READS:
            try:
                found.append((await line.ask(unit, read)).data)
            except TransportError as error:
                found.append(f"{type(error).__name__} {getattr(error, 'code', '')}")
    return found


async def record(path: Path) -> list[bytes | str]:
    """Poll simulated meters that move on, and write down what happens."""
    header = Header((RecordedLine("hall", "modbus-tcp", (RecordedMeter(EASTRON, "eastron_sdm630"),)),))
    async with simulated("eastron_sdm630", "acrel_dtsd1352", faults=TROUBLE, start=5000.0) as meters:

        def now_ms() -> int:
            meters.now_ms += 60_000
            return meters.now_ms

        with RecordingWriter(path, header) as writer:
            line = RecordingLine(line_to(meters.port), "hall", writer.write, now_ms)
            try:
                return await outcomes(line)
            finally:
                line.close()


async def replay(path: Path, **keys: float) -> list[bytes | str]:
    """Poll what was recorded."""
    settings = LineSettings(name="again", replay=ReplaySettings(file=path, **keys))  # type: ignore[arg-type]  # keys of the table
    line = build_lines(SimulatorSettings(lines=(settings,)), START_MS, FaultRecord())["again"]
    server = line_server(settings, line, lambda: START_MS)
    assert isinstance(server, TcpServer)
    await server.start()
    client = line_to(server.port)
    try:
        return await outcomes(client)
    finally:
        client.close()
        await server.stop()


@pytest.mark.parametrize("name", ["polls.jsonl", "polls.jsonl.gz"])
async def test_a_replay_gives_what_was_recorded(tmp_path: Path, name: str) -> None:
    """Twice the same: values that moved, a silence, refusals, each at its place."""
    path = tmp_path / name
    seen = await record(path)
    assert len({one for one in seen if isinstance(one, bytes)}) > ROUNDS
    assert [one for one in seen if isinstance(one, str)] == [
        "SilentUnitError ",
        "RefusedReadError 6",
        "RefusedReadError 6",
    ]
    assert await replay(path) == seen
    assert await replay(path, delay_scale=0.1) == seen


async def test_a_recording_says_what_was_asked_and_how_long_it_took(tmp_path: Path) -> None:
    """Requests in their order with their data time; a silence lasts as long as the time-out."""
    path = tmp_path / "polls.jsonl"
    await record(path)
    exchanges = load_recording(path).exchanges
    asked = [(one.unit, one.function, one.address, one.count) for one in exchanges]
    assert asked == [(unit, read.function_code, read.address, read.count) for unit, read in READS] * ROUNDS
    assert [one.at for one in exchanges] == [START_MS + at * 60_000 for at in range(1, len(asked) + 1)]
    (silent,) = (one for one in exchanges if one.error == "silent")
    assert silent.delay_ms >= 300


async def test_recording_changes_nothing_for_whoever_asks(tmp_path: Path) -> None:
    """Errors come through as they are."""
    header = Header((RecordedLine("hall", "modbus-tcp"),))
    faults = [FaultSettings(kind=FaultKind.EXCEPTION, code=3, unit_id=EASTRON)]
    async with simulated("eastron_sdm630", faults=faults) as meters:
        with RecordingWriter(tmp_path / "polls.jsonl", header) as writer:
            line = RecordingLine(line_to(meters.port), "hall", writer.write, lambda: START_MS)
            connected = [line.connected]
            with pytest.raises(RefusedReadError) as caught:
                await line.ask(EASTRON, READS[0][1])
            assert caught.value.code == 3
            connected.append(line.connected)
            meters.faults["eastron_sdm630"].clear()
            meters.faults["eastron_sdm630"].add(FaultSettings(kind=FaultKind.SILENCE))
            with pytest.raises(SilentUnitError):
                await line.ask(EASTRON, READS[0][1])
            line.close()
            assert [*connected, line.connected] == [False, True, False]
