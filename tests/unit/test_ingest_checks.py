"""Every check refuses what it is for, with the code of the contract, and nothing else."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from energy.readings import Reading
from energy.wire import RefusalCode
from ingest.checking.points import PointTable
from ingest.checking.verdicts import Bounds
from tests.support.ingest_world import BOUNDS, GATEWAY, OTHER_GATEWAY, START_MS, batch_of, message

GOOD = Reading("A-1", START_MS, 1.5, 0)


@pytest.mark.parametrize(
    ("reading", "code"),
    [
        (Reading("X-9", START_MS, 1.5, 0), RefusalCode.UNKNOWN_POINT),
        (Reading("B-1", START_MS, 1.5, 0), RefusalCode.NOT_OWNER),
        (Reading("A-1", START_MS, 1.5, 4), RefusalCode.UNKNOWN_QUALITY),
        (Reading("A-1", START_MS, 1.5, -1), RefusalCode.UNKNOWN_QUALITY),
        (Reading("A-1", START_MS, 1.5, 10**30), RefusalCode.UNKNOWN_QUALITY),
        (Reading("A-1", START_MS, None, 0), RefusalCode.NOT_FINITE),
        (Reading("A-1", START_MS, 1.5, 3), RefusalCode.NOT_FINITE),
        (Reading("A-1", BOUNDS.latest + 1, 1.5, 0), RefusalCode.FUTURE),
        (Reading("A-1", 10**30, 1.5, 0), RefusalCode.FUTURE),
        (Reading("A-1", BOUNDS.earliest - 1, 1.5, 0), RefusalCode.TOO_OLD),
        (Reading("A-1", -(10**30), 1.5, 0), RefusalCode.TOO_OLD),
        (Reading("X-9", -1, None, 9), RefusalCode.UNKNOWN_POINT),
    ],
)
def test_refused_with_its_code_and_its_own_payload(reading: Reading, code: RefusalCode) -> None:
    """One bad reading among good ones is refused alone; the first fault in the order of precedence names it."""
    batch = batch_of(message([GOOD, reading, Reading("A-2", START_MS, 2.0, 0)], seq=7))
    (reject,) = batch.rejects
    assert (reject.refusal.seq, reject.refusal.index, reject.refusal.code) == (7, 1, code)
    assert msgspec.json.decode(reject.payload, type=Reading) == reading
    assert batch.rows.point.tolist() == [11, 12]
    assert batch.offered == 3


def test_bounds_are_inclusive_and_a_missing_value_has_its_quality() -> None:
    """Readings at both bounds pass, and so does one without a value that says so."""
    readings = [
        Reading("A-1", BOUNDS.earliest, 1.0, 0),
        Reading("A-1", BOUNDS.latest, 1.0, 2),
        Reading("A-2", START_MS, None, 3),
    ]
    assert not batch_of(message(readings)).rejects


def test_bounds_never_reach_before_1970() -> None:
    """However long the age bound, a time before 1970 is refused: it is a clock that was never set."""
    assert Bounds.around(5_000, age_ms=10_000, future_ms=1) == Bounds(0, 5_001)


def test_each_gateway_writes_its_own_points_in_one_batch() -> None:
    """Owners are compared per envelope, not per batch."""
    mine, theirs = Reading("A-1", START_MS, 1.0), Reading("B-1", START_MS, 1.0)
    batch = batch_of(message([mine]), message([theirs, mine], sender=OTHER_GATEWAY), message([theirs]))
    assert [(reject.delivery, reject.refusal.index) for reject in batch.rejects] == [(1, 1), (2, 0)]


def test_an_empty_registry_refuses_all() -> None:
    """Without a single registered point everything is unknown, and nothing fails."""
    batch = batch_of(message([GOOD]), table=PointTable.of([]))
    assert batch.unknown_codes() == {"A-1"}
    assert len(batch.rows) == 0


def test_a_gateway_without_points_owns_nothing() -> None:
    """The number of an unregistered gateway equals no owner's."""
    stranger = type(GATEWAY)("610303", "gw-unknown")
    (reject,) = batch_of(message([GOOD], sender=stranger)).rejects
    assert reject.refusal.code is RefusalCode.NOT_OWNER


def test_what_the_database_refuses_is_refused_with_all_its_repetitions() -> None:
    """A row stands for every reading that repeats it: all their senders must learn of it."""
    again, other = Reading("A-1", START_MS, 1.5, 0), Reading("A-2", START_MS, 2.0, 0)
    batch = batch_of(message([GOOD, other], seq=1), message([again], seq=2))
    guilty = batch.rows.point == 11
    refusing = batch.refusing(guilty, "value out of range")
    assert [(reject.refusal.seq, reject.refusal.index) for reject in refusing.rejects] == [(1, 0), (2, 0)]
    assert {reject.refusal.code for reject in refusing.rejects} == {RefusalCode.STORAGE_REFUSED}
    assert refusing.rows.point.tolist() == [12]
    assert refusing.offered == batch.offered == 3


def test_what_was_refused_before_stays_refused_when_the_database_refuses_more() -> None:
    """Each is kept and told, whoever refused it."""
    nobodys = Reading("X-1", START_MS, 1.0)
    refusing = batch_of(message([nobodys, GOOD])).refusing(np.array([True]), "value out of range")
    assert [(reject.refusal.index, reject.refusal.code) for reject in refusing.rejects] == [
        (0, RefusalCode.UNKNOWN_POINT),
        (1, RefusalCode.STORAGE_REFUSED),
    ]
    assert (refusing.offered, len(refusing.rows)) == (2, 0)
