"""What a spool says of what it drops: at once, then seldom, and all of it."""

from __future__ import annotations

from pathlib import Path

from structlog.testing import capture_logs

from collector.spool.bounds import REST, Drop
from collector.spool.losses import Dropped, Losses
from collector.spool.settings import LEAST_BYTES, SpoolSettings
from energy.clocks import DataClock
from energy.logs import SUMMARY_S
from energy.metrics import exposition
from energy.wire import DropReason
from tests.support.spool_world import readings, spooling


class Time:
    """Real seconds that a test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """As the loop's."""
        return self.now


def drop(seq: int, reason: DropReason = DropReason.SIZE) -> Drop:
    """An envelope of ten readings."""
    return Drop(seq, REST, 10, reason)


def test_each_reason_has_its_own_lines() -> None:
    """What begins is told at once, also where something else has been dropped for weeks."""
    time = Time()
    losses = Losses(clock=time)
    assert losses.add([]) == []
    assert losses.add([drop(1), drop(2)]) == [Dropped(DropReason.SIZE, 1, 2, 2, 20)]
    assert losses.add([drop(3)]) == []
    assert losses.add([drop(9, DropReason.AGE)]) == [Dropped(DropReason.AGE, 9, 9, 1, 10)]
    time.now = SUMMARY_S
    assert losses.add([drop(5)]) == [Dropped(DropReason.SIZE, 3, 5, 2, 20)]
    assert losses.rest() == []


def test_what_was_not_told_is_told_when_its_time_comes_though_nothing_more_is_dropped() -> None:
    """Or at the end."""
    time = Time()
    losses = Losses(clock=time)
    losses.add([drop(1)])
    losses.add([drop(2), drop(3)])
    time.now = SUMMARY_S
    assert losses.add([]) == [Dropped(DropReason.SIZE, 2, 3, 2, 20)]
    losses.add([drop(4)])
    assert losses.rest() == [Dropped(DropReason.SIZE, 4, 4, 1, 10)]
    assert losses.rest() == []


async def test_a_spool_at_its_bound_does_not_fill_the_log(tmp_path: Path) -> None:
    """Hundreds of commits that drop are two lines; counter and status have every reading, and so have the lines."""
    settings = SpoolSettings(max_bytes=LEAST_BYTES, synchronous="normal")
    now = DataClock().now_ms()
    with capture_logs() as logs:
        async with spooling(tmp_path / "gw-1.sqlite3", settings) as spool:
            spool.gateway = "gw-losses"
            for number in range(1_000):
                await spool.append(readings(100, at=now - 100_000 + number))
            total = spool.state().dropped_total
    lines = [log for log in logs if log["event"] == "envelopes_dropped"]
    assert len(lines) == 2
    assert total.envelopes > 100
    assert sum(line["envelopes"] for line in lines) == total.envelopes
    assert sum(line["readings"] for line in lines) == total.readings
    assert (lines[0]["first"], lines[1]["last"]) == (1, total.envelopes)
    counter = 'quotawatt_collector_dropped_readings_total{gateway="gw-losses",reason="size"}'
    assert f"{counter} {total.readings}.0" in exposition()[0].decode()
