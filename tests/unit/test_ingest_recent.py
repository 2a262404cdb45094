"""The trap of one duplicate that slows a whole batch: what comes again is kept apart."""

from __future__ import annotations

from energy.readings import Reading
from ingest.checking.recent import Recent
from ingest.receiving.batcher import Gathered
from ingest.receiving.carrier import Delivery
from tests.support.ingest_world import GATEWAY, START_MS, message, received


def envelope(seq: int) -> Delivery:
    """An envelope of two readings."""
    return message([Reading("A-1", START_MS, 1.0), Reading("A-2", START_MS, 1.0)], seq=seq)


def gathered(*deliveries: Delivery) -> Gathered:
    """What was gathered at once."""
    return Gathered(7, 1.5, list(deliveries), sum(delivery.weight for delivery in deliveries))


def test_repetitions_go_apart() -> None:
    """Within a batch and from an earlier one; both parts keep the times and count their own readings."""
    recent = Recent()
    first, second, third = envelope(1), envelope(2), envelope(1)
    fresh, again = recent.apart(gathered(first, second, third))
    assert (fresh.deliveries, again.deliveries) == ([first, second], [third])
    assert (fresh.readings, again.readings) == (4, 2)
    assert (again.received_ms, again.opened) == (7, 1.5)
    (only,) = recent.apart(gathered(envelope(2)))
    assert only.readings == 2
    (only,) = recent.apart(gathered(envelope(3)))
    assert [one.seq for one in only.deliveries] == [3]


def test_what_has_no_number_is_always_new() -> None:
    """What cannot be read counts as one, and is never taken for a repetition."""
    recent = Recent()
    nonsense = received(GATEWAY.up, b"nonsense")
    for _ in range(2):
        (only,) = recent.apart(gathered(nonsense, nonsense))
        assert only.readings == 2


def test_memory_is_bounded() -> None:
    """The oldest are forgotten, the newest generation never is."""
    recent = Recent(most=10)
    for seq in range(1, 36):
        list(recent.apart(gathered(envelope(seq))))
    assert len(recent._young) + len(recent._old) <= 20
    assert all(recent._knows(envelope(seq)) for seq in range(21, 36))
    assert not recent._knows(envelope(20))
