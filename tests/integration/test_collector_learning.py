"""A device that forbids what its profile does not know: read around it at once, remembered on disk, tried again."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from structlog.testing import capture_logs

from collector.drivers.meters import sent_values
from collector.drivers.modbus.line import modbus_line
from collector.drivers.modbus.requests import RETRY_MS, ModbusRequests
from collector.drivers.modbus.settings import ModbusMeter, ModbusTcpLine
from collector.planning.learned_file import LearnedFile
from collector.polling.sweep import Sweep, sweep
from collector.profiles import load_profile
from simulators.faults.kinds import FaultKind
from simulators.faults.settings import FaultSettings
from tests.support.simulated import Simulated, simulated

POINTS = {"voltage_l1": "U1", "power_factor": "PF", "frequency": "F", "energy_export_total": "X"}
METER = ModbusMeter(unit_id=1, profile="eastron_sdm630", point="E", points=POINTS)
PROFILE = load_profile("eastron_sdm630")


class World:
    """One meter on a simulated line, asked as the collector does."""

    def __init__(self, line: Simulated, file: Path) -> None:
        self.now_ms = line.now_ms
        self.line = modbus_line(ModbusTcpLine(host="127.0.0.1", port=line.port, meters=(METER,)), lambda: self.now_ms)
        self.file = file
        self.restart()

    def restart(self) -> None:
        """As after a restart of the collector: what was learned comes from the disk."""
        learned = LearnedFile(self.file)
        self.requests = ModbusRequests("m", PROFILE, sent_values(METER, PROFILE), learned, lambda: self.now_ms)

    async def poll(self) -> Sweep:
        """One poll."""
        result = Sweep()
        await sweep(self.line, METER.unit_id, self.requests.exchanges, self.requests, result)
        return result


def points(result: Sweep) -> set[str]:
    """The points that a poll brought."""
    return {reading.point for reading in result.readings}


async def test_a_forbidden_hole_is_read_around_at_once_and_for_ever(tmp_path: Path) -> None:
    """The first poll brings all values; the next ones ask nothing that is refused, also after a restart.

    Trap: a forbidden register fails its block for ever.
    """
    hole = FaultSettings(kind=FaultKind.FORBIDDEN, ranges=((66, 68),))
    async with simulated("eastron_sdm630", faults=[hole]) as line:
        world = World(line, tmp_path / "learned.json")
        before = len(world.requests.exchanges)
        assert points(await world.poll()) == {"E", *POINTS.values()}
        refused = len(line.record.injected)
        assert refused
        world.restart()
        assert len(world.requests.exchanges) == before + 1
        assert points(await world.poll()) == {"E", *POINTS.values()}
        assert len(line.record.injected) == refused
        world.line.close()
    assert json.loads(world.file.read_text(encoding="utf-8"))["m"]["barriers"]


async def test_what_was_found_to_be_forbidden_is_said_once(tmp_path: Path) -> None:
    """With the range: whoever writes profiles can put it there."""
    hole = FaultSettings(kind=FaultKind.FORBIDDEN, ranges=((66, 68),))
    async with simulated("eastron_sdm630", faults=[hole]) as line:
        world = World(line, tmp_path / "learned.json")
        with capture_logs() as logs:
            for _ in range(3):
                await world.poll()
        world.line.close()
    said = [log for log in logs if log["event"] == "range_forbidden"]
    assert said
    ((first, last),) = said[-1]["forbidden"]
    assert first <= 68
    assert last >= 66
    assert len({str(log) for log in said}) == len(said)


async def test_a_value_that_is_refused_by_itself_is_tried_again_after_a_day(tmp_path: Path) -> None:
    """It costs the others nothing meanwhile, and comes when the device gives it."""
    async with simulated("eastron_sdm630") as line:
        fault = FaultSettings(kind=FaultKind.FORBIDDEN, ranges=((70, 71),))
        line.faults["eastron_sdm630"].add(fault)
        world = World(line, tmp_path / "learned.json")
        for _ in range(2):  # the second time it is refused alone, it is not by chance
            assert points(await world.poll()) == {"E", "U1", "PF", "X"}
        struck = len(line.record.injected)
        for _ in range(3):
            world.now_ms += 60_000
            assert points(await world.poll()) == {"E", "U1", "PF", "X"}
        assert len(line.record.injected) == struck
        line.faults["eastron_sdm630"].clear()
        world.now_ms += RETRY_MS
        assert points(await world.poll()) == {"E", *POINTS.values()}
        world.line.close()


async def test_a_file_that_cannot_be_written_stops_no_poll(tmp_path: Path) -> None:
    """What was learned holds until the process ends."""
    hole = FaultSettings(kind=FaultKind.FORBIDDEN, ranges=((66, 68),))
    async with simulated("eastron_sdm630", faults=[hole]) as line:
        world = World(line, tmp_path / "nowhere" / "learned.json")
        await world.poll()
        struck = len(line.record.injected)
        assert points(await world.poll()) == {"E", *POINTS.values()}
        assert len(line.record.injected) == struck
        world.line.close()
        await asyncio.sleep(0)
