"""A batch is due by readings, by messages or by age, and never sooner."""

from __future__ import annotations

from energy.readings import Reading
from ingest.receiving.batcher import Batcher, BatchLimits
from tests.support.ingest_world import GATEWAY, START_MS, message, received

LIMITS = BatchLimits(readings=5, messages=4, age=0.5)
TWO = message([Reading("A-1", START_MS, 1.0), Reading("A-2", START_MS, 1.0)])
UNREADABLE = received(GATEWAY.up, b"")


def test_full_by_readings() -> None:
    """The message that reaches the limit is the batch's last, and may go over it."""
    batcher = Batcher(LIMITS)
    batcher.begin(now_ms=7, monotonic=1.0)
    assert [batcher.add(TWO) for _ in range(3)] == [False, False, True]
    gathered = batcher.take()
    assert gathered is not None
    assert (gathered.readings, gathered.received_ms, gathered.opened) == (6, 7, 1.0)
    assert batcher.take() is None


def test_full_by_messages() -> None:
    """Messages without readings fill a batch too, or they could fill the window."""
    batcher = Batcher(LIMITS)
    batcher.begin(now_ms=7, monotonic=1.0)
    assert [batcher.add(UNREADABLE) for _ in range(4)] == [False, False, False, True]


def test_due_by_the_age_of_the_first_message() -> None:
    """Later messages, which have no time of their own here, do not put it off."""
    batcher = Batcher(LIMITS)
    assert batcher.due_in(10.0) is None
    batcher.begin(now_ms=7, monotonic=10.0)
    batcher.add(TWO)
    batcher.add(TWO)
    assert batcher.due_in(10.25) == 0.25
    assert batcher.due_in(11.0) == 0.0
    assert batcher.messages == 2
