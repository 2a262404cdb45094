"""A broker that is gone for a thousand hours: what the spool's bound drops is told, and everything else arrives."""

from __future__ import annotations

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from collector.spool.borders import QUARTER_MS
from collector.spool.settings import LEAST_BYTES, SpoolSettings
from energy.readings import Reading
from energy.transport.mqtt import MqttSettings
from tests.support.collector_ledger import explains, spool_drops, stored_readings
from tests.support.eventually import eventually
from tests.support.outage_world import START, Plant, plant
from tests.support.plant import metric

# Weeks of polls run the same lines over and over: counting them would take two fifths of the time.
pytestmark = pytest.mark.no_cover

OUTAGE_S = 1_000 * 3_600.0
BEFORE_S = AFTER_S = 3_600.0


async def outage(world: Plant) -> None:
    """A working hour, a thousand without a broker, and another working one: at last nothing waits."""
    await world.poll_for(BEFORE_S)
    await eventually(lambda: world.spool.unconfirmed == 0)
    await world.proxy.cut()
    await world.poll_for(OUTAGE_S)
    await world.proxy.restore()
    await world.poll_for(AFTER_S)
    await world.settle()
    await eventually(lambda: world.spool.unconfirmed == 0, within=30)


async def told(world: Plant) -> None:
    """Wait until the platform was told of everything that was dropped."""
    await eventually(lambda: explains(world.platform.statuses[-1], world.file))


def hours_of(readings: list[Reading]) -> float:
    """From the first of them to the last."""
    return (max(one.at for one in readings) - min(one.at for one in readings)) / 3_600_000


@pytest.mark.parametrize("interval_s", [300.0, pytest.param(60.0, marks=pytest.mark.long)])
async def test_the_oldest_leave_and_all_is_accounted_for(tmp_path: Path, mqtt: MqttSettings, interval_s: float) -> None:
    """By size: the newest readings without a hole, everything older in one range that the status names.

    Trap: full means that the new reading is dropped, without a word.
    """
    settings = SpoolSettings(max_bytes=LEAST_BYTES, synchronous="normal")
    with capture_logs() as lines:
        async with plant(tmp_path, mqtt, settings, interval_s=interval_s) as world:
            await outage(world)
            await told(world)
            made = world.books()
    assert made.difference == 0
    assert (made.kept, made.lost, made.copied, made.refused) == (0, 0, 0, 0)
    assert made.read == 2 * round((BEFORE_S + OUTAGE_S + AFTER_S) / interval_s)
    assert made.dropped > 1_000
    (range_,) = spool_drops(world.file)
    assert range_.reason == "size"
    assert set(world.platform.bodies) == {
        *range(1, range_.first),
        *range(range_.last + 1, max(world.platform.bodies) + 1),
    }
    dropped = [line for line in lines if line["event"] == "envelopes_dropped"]
    assert sum(line["readings"] for line in dropped) == made.dropped


async def test_what_was_stored_and_never_confirmed_is_told_as_dropped(tmp_path: Path, mqtt: MqttSettings) -> None:
    """The gateway cannot know that it arrived; the books count it as stored, once."""
    settings = SpoolSettings(max_bytes=LEAST_BYTES, synchronous="normal")
    async with plant(tmp_path, mqtt, settings, interval_s=300) as world:
        world.platform.confirming = False
        await world.poll_for(BEFORE_S)
        await world.settle()
        await eventually(lambda: len(stored_readings(world.platform.bodies)) == world.read)
        stored = set(world.platform.bodies)
        await world.proxy.cut()
        world.platform.confirming = True
        await world.poll_for(OUTAGE_S)
        await world.proxy.restore()
        await world.settle()
        await eventually(lambda: world.spool.unconfirmed == 0, within=30)
        await told(world)
        made = world.books()
    assert made.difference == 0
    assert (made.kept, made.lost) == (0, 0)
    (range_,) = spool_drops(world.file)
    assert stored <= set(range(range_.first, range_.last + 1))
    assert range_.readings == made.dropped + 2 * round(BEFORE_S / 300)


async def test_what_is_too_old_leaves_and_all_is_accounted_for(tmp_path: Path, mqtt: MqttSettings) -> None:
    """By age, of data time: the last ten days arrive."""
    settings = SpoolSettings(max_age_days=10, synchronous="normal")
    async with plant(tmp_path, mqtt, settings, interval_s=900) as world:
        await outage(world)
        await told(world)
        made = world.books()
    assert made.difference == 0
    assert (made.kept, made.lost) == (0, 0)
    (range_,) = spool_drops(world.file)
    assert range_.reason == "age"
    newest = stored_readings({seq: body for seq, body in world.platform.bodies.items() if seq > range_.last})
    assert hours_of(newest) == pytest.approx(240 + 1, abs=8)


# Bounds that all readings do not fit in, and those nearest the quarter hours do.
@pytest.mark.parametrize(
    ("interval_s", "most_bytes"), [(150.0, 500_000), pytest.param(60.0, 900_000, marks=pytest.mark.long)]
)
async def test_thinned_every_quarter_hour_of_the_outage_arrives(
    tmp_path: Path, mqtt: MqttSettings, interval_s: float, most_bytes: int
) -> None:
    """What lies between leaves first; the reading nearest each border of the whole time is there."""
    settings = SpoolSettings(max_bytes=most_bytes, policy="thin", synchronous="normal")
    async with plant(tmp_path, mqtt, settings, interval_s=interval_s) as world:
        await outage(world)
        await told(world)
        made = world.books()
    assert made.difference == 0
    assert (made.kept, made.lost) == (0, 0)
    assert made.dropped == dropped_for(world, "thinned") > 0
    for register in world.registers:
        assert quarters_stored(world, register.request) == set(quarters())


async def test_thinned_still_further_the_newest_quarter_hours_arrive(tmp_path: Path, mqtt: MqttSettings) -> None:
    """Where even the borders do not fit, the oldest of them leave, and that is told under its own name."""
    settings = SpoolSettings(max_bytes=LEAST_BYTES, policy="thin", readings_per_envelope=4, synchronous="normal")
    async with plant(tmp_path, mqtt, settings, interval_s=150) as world:
        await outage(world)
        await told(world)
        made = world.books()
    assert made.difference == 0
    assert (made.kept, made.lost) == (0, 0)
    assert made.dropped == dropped_for(world, "thinned") + dropped_for(world, "size")
    assert dropped_for(world, "size") > 0
    for register in world.registers:
        there = quarters_stored(world, register.request)
        missing = sorted(set(quarters()) - there)
        before = range(quarters()[0], missing[0])
        assert there == {*before, *range(missing[-1] + 1, quarters()[-1] + 1)}
        assert len(before) <= BEFORE_S / 900 + 5  # the first commit of the outage may have been on its way


def quarters() -> range:
    """The quarter hours that begin while the meters are polled, as multiples since 1970."""
    first = round(START * 1000) // QUARTER_MS + 1
    return range(first, first + round((BEFORE_S + OUTAGE_S + AFTER_S) * 1000) // QUARTER_MS)


def quarters_stored(world: Plant, point: str) -> set[int]:
    """Those that the platform has a reading of, from the border itself but for what a poll takes."""
    stored = stored_readings(world.platform.bodies)
    return {one.at // QUARTER_MS for one in stored if one.point == point and one.at % QUARTER_MS < 100}


def dropped_for(world: Plant, reason: str) -> int:
    """How many readings were counted as dropped for a reason."""
    return round(metric("collector_dropped_readings_total", gateway=world.spool.gateway, reason=reason))
