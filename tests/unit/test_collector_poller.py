"""One round over a line: what a sick meter, a lost line or a full disk costs the others."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from collector.drivers.modbus.line import Answer
from collector.errors import LineError, LostLineError, RefusedReadError, SilentUnitError, SpoolCorruptError
from collector.planning.planner import Read
from collector.polling.meter import Meter
from collector.polling.poller import Poller
from collector.settings import BackoffSettings, MeterSettings
from energy.backoff import Backoff
from energy.errors import StorageError, TransportError
from energy.readings import Quality, Reading

LONG = BackoffSettings(first_s=3_600.0, most_s=3_600.0)


class ScriptedLine:
    """A line whose units fail as told."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.faults: dict[int, list[TransportError]] = {}
        self.words: dict[int, tuple[int, ...]] = {}
        self.before: Callable[[int], None] = lambda _: None

    async def read(self, unit: int, request: Read) -> Answer:
        """Answer a hundredfold of the unit, or fail."""
        del request
        self.asked.append(unit)
        self.before(unit)
        if faults := self.faults.get(unit):
            raise faults.pop(0)
        return Answer(self.words.get(unit, (0, unit * 100)), unit)


class Disk:
    """What was kept, or a disk that refuses."""

    def __init__(self) -> None:
        self.kept: list[Reading] = []
        self.fault: Exception | None = None

    async def append(self, readings: list[Reading]) -> None:
        """Keep the readings."""
        if self.fault is not None:
            raise self.fault
        self.kept.extend(readings)


class World:
    """Three meters on a scripted line."""

    def __init__(self) -> None:
        self.line, self.disk, self.stopping = ScriptedLine(), Disk(), asyncio.Event()
        meters = [
            Meter(
                "gw-1",
                MeterSettings(
                    point=f"P-{unit}", unit_id=unit, profile="acrel_dtsd1352", carrier="electricity", ct=10, pt=1
                ),
                LONG,
            )
            for unit in (1, 2, 3)
        ]
        self.poller = Poller("gw-1", meters, self.line, self.disk, Backoff(3_600, 3_600))

    async def round(self) -> list[str]:
        """Poll once; the points that were kept by it."""
        before = len(self.disk.kept)
        self.line.asked.clear()
        await self.poller.round(self.stopping)
        return [reading.point for reading in self.disk.kept[before:]]


@pytest.fixture
def world() -> World:
    """A fresh line."""
    return World()


async def test_a_round_keeps_every_meters_reading(world: World) -> None:
    """Each with its own time stamp, in the base unit, CT applied."""
    assert await world.round() == ["P-1", "P-2", "P-3"]
    assert world.disk.kept[1] == Reading("P-2", 2, 20.0, Quality.MEASURED)


@pytest.mark.parametrize(
    "fault",
    [SilentUnitError("silent"), LostLineError("lost"), RefusedReadError(0x0B, "unreachable")],
    ids=["silent", "lost", "refused"],
)
async def test_one_sick_meter_costs_the_others_nothing(world: World, fault: TransportError) -> None:
    """It is asked once more at the end of the round, and then rests while the others keep their pace."""
    world.line.faults[2] = [fault, fault]
    assert await world.round() == ["P-1", "P-3"]
    assert world.line.asked == [1, 2, 3, 2]
    assert await world.round() == ["P-1", "P-3"]
    assert world.line.asked == [1, 3]


async def test_one_lost_packet_costs_no_reading(world: World) -> None:
    """The second try of the same round brings it."""
    world.line.faults[1] = [SilentUnitError("once")]
    assert await world.round() == ["P-2", "P-3", "P-1"]
    assert await world.round() == ["P-1", "P-2", "P-3"]


async def test_a_lost_line_keeps_what_was_read_and_rests(world: World) -> None:
    """What came before is on disk; the line is left alone for a while."""
    world.line.faults[2] = [LineError("no connection")]
    assert await world.round() == ["P-1"]
    assert await world.round() == []
    assert world.line.asked == []


async def test_an_answer_that_is_no_number_is_no_value(world: World) -> None:
    """A profile that does not fit the device harms only that meter."""
    world.line.words[2] = (1,)
    assert await world.round() == ["P-1", "P-3"]


async def test_a_full_disk_loses_nothing_while_memory_lasts(world: World) -> None:
    """The readings wait, and go to disk first when there is room."""
    world.disk.fault = StorageError("disk is full")
    assert await world.round() == []
    world.disk.fault = None
    assert await world.round() == ["P-1", "P-2", "P-3"] * 2


async def test_memory_is_bounded_while_the_disk_refuses(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the bound the oldest go."""
    monkeypatch.setattr("collector.polling.poller._MOST_UNSPOOLED", 4)
    world.disk.fault = StorageError("disk is full")
    await world.round()
    await world.round()
    world.disk.fault = None
    world.line.faults = {unit: [SilentUnitError("gone")] * 2 for unit in (1, 2, 3)}
    assert await world.round() == ["P-3", "P-1", "P-2", "P-3"]


async def test_a_broken_spool_is_for_a_person(world: World) -> None:
    """It is not swallowed."""
    world.disk.fault = SpoolCorruptError("malformed")
    with pytest.raises(SpoolCorruptError):
        await world.round()


async def test_a_stop_ends_the_round_after_the_meter_at_hand(world: World) -> None:
    """What was read until then is on disk."""
    world.line.before = lambda unit: world.stopping.set() if unit == 2 else None
    assert await world.round() == ["P-1", "P-2"]


async def test_a_cancelled_round_keeps_what_was_read(world: World) -> None:
    """Also when the grace is over."""
    forever = asyncio.Event()

    async def hang(unit: int, request: Read) -> Answer:
        if unit == 3:
            world.stopping.set()
            await forever.wait()
        return await ScriptedLine.read(world.line, unit, request)

    world.line.read = hang  # type: ignore[method-assign] # the fault is injected on one instance
    task = asyncio.ensure_future(world.round())
    await world.stopping.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [reading.point for reading in world.disk.kept] == ["P-1", "P-2"]


async def test_a_long_round_goes_to_disk_in_between(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A crash in a round over a slow line costs seconds, not the round."""
    monkeypatch.setattr("collector.polling.poller._KEEP_AFTER", -1.0)
    kept_before: list[int] = []
    world.line.before = lambda _: kept_before.append(len(world.disk.kept))
    await world.round()
    assert kept_before == [0, 1, 2]
