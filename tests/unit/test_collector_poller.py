"""The polls of one line: what a sick meter or a lost line costs the others."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from collector.drivers.line import Answer, Exchange, Outcome
from collector.errors import LineError, LostLineError, MismatchError, RefusedReadError, RegisterError, SilentUnitError
from collector.polling.meter import Meter
from collector.polling.poller import LinePoller
from collector.polling.turns import Slot
from energy.backoff import Backoff
from energy.clocks import ClockSettings, DataClock
from energy.errors import TransportError
from energy.readings import Reading
from tests.support.plant import metric

MINUTE = 60.0
T0 = 1_772_294_400.0


class Ask:
    """One exchange: its request is the name of what it brings."""

    def __init__(self, *points: str) -> None:
        self.request = "+".join(points)
        self.points = points

    def take(self, answer: Answer) -> Outcome:
        """A reading for each point, but for those whose name says that they are bad."""
        good = [Reading(point, answer.at, 1.0) for point in self.points if "bad" not in point]
        return Outcome(good, [RegisterError(f"{point}: no number") for point in self.points if "bad" in point])


class Requests:
    """What a meter is asked; a refused pair of points is asked one by one from then on."""

    def __init__(self, *exchanges: Ask) -> None:
        self.exchanges: list[Exchange] = list(exchanges)

    refused: Sequence[str] = ()

    def replace(self, refused: Exchange) -> Sequence[Exchange]:
        """Each point on its own."""
        if len(refused.points) == 1:
            return ()
        smaller = [Ask(point) for point in refused.points]
        at = self.exchanges.index(refused)
        self.exchanges[at : at + 1] = smaller
        return smaller

    def answered(self, exchange: Exchange) -> None:
        """Learn nothing of it."""


class ScriptedLine:
    """A line whose requests fail as told, by request or by unit."""

    connected = True

    def __init__(self) -> None:
        self.discarded = 0
        self.asked: list[str] = []
        self.faults: dict[object, list[TransportError]] = {}
        self.before: Callable[[str], None] = lambda _: None
        self.closed = False

    async def ask(self, unit: int, request: str) -> Answer:
        """Answer, or fail."""
        self.asked.append(request)
        self.before(request)
        for key in (request, unit):
            if faults := self.faults.get(key):
                raise faults.pop(0)
        return Answer(b"", unit)

    def close(self) -> None:
        """Be closed."""
        self.closed = True


class World:
    """Three meters on a scripted line, and a keeper that tells when nobody's turn is left."""

    def __init__(self, *meters: Requests) -> None:
        self.line, self.stopping = ScriptedLine(), asyncio.Event()
        self.kept: list[Reading] = []
        self.has_room = asyncio.Event()
        self.has_room.set()
        self.wall = T0 + 1.0
        clock = DataClock(ClockSettings(), wall=lambda: self.wall)
        self.requests = meters or tuple(Requests(Ask(f"P-{unit}")) for unit in (1, 2, 3))
        self.meters = [
            Meter("gw-1", f"meter {unit}", unit, requests, Slot(unit, 60_000, 0, Backoff(3_600, 3_600)))
            for unit, requests in enumerate(self.requests, start=1)
        ]
        backoff = Backoff(3_600, 3_600)
        self.poller = LinePoller("gw-1", self.line, self.meters, self, clock, time_out_s=1.0, line_backoff=backoff)

    def put(self, readings: Sequence[Reading]) -> None:
        """Keep readings."""
        self.kept.extend(readings)

    def flush(self) -> None:
        """Nobody's turn is left: the round is over, and nobody shall sleep."""
        self.stopping.set()

    async def room(self) -> None:
        """Have room once `has_room` is set."""
        await self.has_room.wait()

    async def round(self) -> list[str]:
        """Poll at the next minute until nobody's turn is left; the points that were kept."""
        self.wall += MINUTE
        self.stopping.clear()
        before = len(self.kept)
        self.line.asked.clear()
        while not self.stopping.is_set():
            await self.poller.step(self.stopping)
        return [reading.point for reading in self.kept[before:]]


@pytest.fixture
def world() -> World:
    """A fresh line."""
    return World()


async def test_nobody_is_asked_while_the_disk_is_behind(world: World) -> None:
    """A poll that is left out is counted; a reading that finds no place would be lost."""
    world.has_room.clear()
    async with asyncio.TaskGroup() as group:
        polled = group.create_task(world.round())
        await asyncio.sleep(0)
        assert world.line.asked == []
        world.has_room.set()
    assert polled.result() == ["P-1", "P-2", "P-3"]


async def test_a_line_that_is_too_slow_is_told_once(world: World) -> None:
    """Not at every poll; and once more when it has kept its pace for a while."""
    with capture_logs() as logs:
        for minutes in (1, 3, 3, *[1] * 20, 3):
            world.wall += MINUTE * (minutes - 1)
            await world.round()
    told = [log["event"] for log in logs if log.get("meter") == "meter 1"]
    assert told == ["meter_pace_lost", "meter_pace_back", "meter_pace_lost"]


async def test_a_round_keeps_every_meters_reading(world: World) -> None:
    """Each with its own time stamp, that of its answer."""
    assert await world.round() == ["P-1", "P-2", "P-3"]
    assert world.kept[1] == Reading("P-2", 2, 1.0)
    assert await world.round() == ["P-1", "P-2", "P-3"]


@pytest.mark.parametrize(
    "fault",
    [SilentUnitError("silent"), LostLineError("lost"), MismatchError("foreign"), RefusedReadError(0x0B, "absent")],
    ids=["silent", "lost", "foreign", "absent"],
)
async def test_one_sick_meter_costs_the_others_nothing(world: World, fault: TransportError) -> None:
    """It is asked once more behind the others, and then rests while they keep their pace.

    Trap: a dead unit stalls its line.
    """
    world.line.faults[2] = [fault, fault]
    assert await world.round() == ["P-1", "P-3"]
    assert world.line.asked == ["P-1", "P-2", "P-3", "P-2"]
    assert await world.round() == ["P-1", "P-3"]
    assert world.line.asked == ["P-1", "P-3"]


async def test_one_lost_packet_costs_no_reading(world: World) -> None:
    """The second try of the same tick brings it."""
    world.line.faults[1] = [SilentUnitError("once")]
    assert await world.round() == ["P-2", "P-3", "P-1"]
    assert sorted(await world.round()) == ["P-1", "P-2", "P-3"]


async def test_a_time_out_keeps_the_values_already_read() -> None:
    """The second try asks only for what is missing, the silent request last. Trap: a time-out throws away the sweep."""
    world = World(Requests(Ask("A"), Ask("B"), Ask("C")))
    world.line.faults["B"] = [SilentUnitError("once")]
    assert await world.round() == ["A", "C", "B"]
    assert world.line.asked == ["A", "B", "C", "B"]


async def test_a_dead_meter_costs_one_time_out_a_try() -> None:
    """Its other requests would each cost the rest of the line as much again."""
    world = World(Requests(Ask("A"), Ask("B"), Ask("C")), Requests(Ask("D")))
    world.line.faults[1] = [SilentUnitError("dead")] * 9
    assert await world.round() == ["D"]
    assert len(world.line.asked) == 3
    assert world.line.asked[1] == "D"


async def test_what_goes_wrong_is_counted_by_its_kind(world: World) -> None:
    """A foreign answer, a silent unit: each read that gave no value."""
    reasons = ("MismatchError", "SilentUnitError")
    before = [metric("collector_failed_reads_total", gateway="gw-1", reason=reason) for reason in reasons]
    world.line.faults[1] = [MismatchError("transaction 7 instead of 8"), SilentUnitError("silent")]
    await world.round()
    after = [metric("collector_failed_reads_total", gateway="gw-1", reason=reason) for reason in reasons]
    assert after == [count + 1 for count in before]


async def test_ticks_that_an_overrun_costs_are_counted(world: World) -> None:
    """Three minutes in the middle of a round cost each meter the two ticks in between; none is served late."""
    before = metric("collector_skipped_polls_total", gateway="gw-1")
    await world.round()
    world.wall += 2 * MINUTE
    assert await world.round() == ["P-1", "P-2", "P-3"]
    assert metric("collector_skipped_polls_total", gateway="gw-1") == before + 3 * 2


async def test_a_meter_that_ignores_one_request_is_not_sick() -> None:
    """Its other values come at every tick."""
    world = World(Requests(Ask("A"), Ask("B"), Ask("C")))
    world.line.faults["B"] = [SilentUnitError("never")] * 10
    for _ in range(3):
        assert await world.round() == ["A", "C"]


async def test_a_refused_request_costs_the_others_nothing() -> None:
    """It is not asked for a second time at the same tick: the refusal would be the same."""
    world = World(Requests(Ask("A"), Ask("B")))
    world.line.faults["A"] = [RefusedReadError(4, "device failure")] * 2
    assert await world.round() == ["B"]
    assert world.line.asked == ["A", "B"]
    assert await world.round() == ["B"]
    assert await world.round() == ["A", "B"]


async def test_a_busy_device_is_asked_again_at_once(world: World) -> None:
    """Exception 6 passes."""
    world.line.faults[1] = [RefusedReadError(6, "busy")]
    assert sorted(await world.round()) == ["P-1", "P-2", "P-3"]
    assert world.line.asked == ["P-1", "P-2", "P-3", "P-1"]


async def test_a_block_that_the_device_forbids_is_split_in_the_same_poll() -> None:
    """What can be read is read at once, and from then on in smaller requests."""
    world = World(Requests(Ask("A", "B", "C")))
    world.line.faults["A+B+C"] = [RefusedReadError(2, "illegal address")]
    world.line.faults["B"] = [RefusedReadError(2, "illegal address")] * 2
    assert await world.round() == ["A", "C"]
    assert await world.round() == ["A", "C"]
    assert world.line.asked == ["A", "B", "C"]
    assert await world.round() == ["A", "B", "C"]


async def test_one_bad_value_costs_no_other() -> None:
    """Nor does it make the meter sick."""
    world = World(Requests(Ask("A", "bad", "C")))
    assert await world.round() == ["A", "C"]
    assert await world.round() == ["A", "C"]


async def test_a_lost_line_keeps_what_was_read_and_rests(world: World) -> None:
    """What came before is kept; the line is left alone for a while, and nobody is called sick for it."""
    world.line.faults[2] = [LineError("no connection")]
    world.stopping.set()  # nobody shall sleep while the line rests
    world.wall += MINUTE
    for _ in range(4):
        await world.poller.step(world.stopping)
    assert [reading.point for reading in world.kept] == ["P-1"]
    assert world.line.asked == ["P-1", "P-2"]
    assert not any(meter.slot.failures for meter in world.meters)


async def test_a_stop_ends_the_polls_after_the_meter_at_hand(world: World) -> None:
    """And the line is closed."""
    world.wall += MINUTE
    world.line.before = lambda request: world.stopping.set() if request == "P-2" else None
    await world.poller.run(world.stopping)
    assert [reading.point for reading in world.kept] == ["P-1", "P-2"]
    assert world.line.closed


async def test_a_cancelled_sweep_keeps_what_was_read() -> None:
    """Also when the grace of a stop is over in the middle of a meter."""
    world = World(Requests(Ask("A"), Ask("B")))
    forever, reached = asyncio.Event(), asyncio.Event()
    ask = world.line.ask

    async def hang(unit: int, request: str) -> Answer:
        if request == "B":
            reached.set()
            await forever.wait()
        return await ask(unit, request)

    world.line.ask = hang  # type: ignore[method-assign] # the fault is injected on one instance
    async with asyncio.TaskGroup() as group:
        polling = group.create_task(world.round())
        await reached.wait()
        polling.cancel()
    assert [reading.point for reading in world.kept] == ["A"]


async def test_bytes_that_nobody_asked_for_are_counted_once(world: World) -> None:
    """Each poll adds what came since the one before."""
    name, labels = "quotawatt_collector_discarded_bytes_total", {"gateway": "gw-1"}
    before = REGISTRY.get_sample_value(name, labels) or 0.0
    await world.round()
    world.line.discarded = 7
    await world.round()
    await world.round()
    assert REGISTRY.get_sample_value(name, labels) == before + 7


async def test_a_value_that_the_device_refuses_stays_lost(world: World) -> None:
    """Also in polls that leave it out and bring all others: it is back when it is asked for again and comes."""
    name, labels = "quotawatt_collector_refused_values", {"gateway": "gw-1"}
    await world.round()
    with capture_logs() as logs:
        world.requests[0].refused = ["energy_import_total"]
        await world.round()
        await world.round()
        assert REGISTRY.get_sample_value(name, labels) == 1
        assert [log["event"] for log in logs] == ["meter_values_lost"]
        world.requests[0].refused = []
        await world.round()
    assert [log["event"] for log in logs] == ["meter_values_lost", "meter_values_back"]
    assert "energy_import_total" in logs[0]["reason"]
    assert REGISTRY.get_sample_value(name, labels) == 0


async def test_what_a_line_that_ends_refused_is_counted_no_more(world: World) -> None:
    """A reload may have taken its meters away."""
    world.requests[0].refused = ["energy_import_total"]
    await world.round()
    world.stopping.set()
    await world.poller.run(world.stopping)
    assert REGISTRY.get_sample_value("quotawatt_collector_refused_values", {"gateway": "gw-1"}) == 0


async def test_a_line_that_is_reached_is_told_once(world: World) -> None:
    """Whoever commissions a plant waits for it; a line that was lost before tells that it is back instead."""
    with capture_logs() as logs:
        await world.round()
        await world.round()
    assert [log["event"] for log in logs] == ["line_reached"]
