"""Refused reads: pieces until it is plain what the device refuses; then a plan that it does not refuse."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.planning.learning import Refusals, split
from collector.planning.limits import Barriers, Learned, Limits
from collector.planning.planner import Read, plan, read_of
from collector.profiles import Confidence, Part, Register
from collector.registers import DataType

LIMITS = Limits(max_hole=8)
AT_MS = 1_790_000_000_000
DAY_MS = 86_400_000


def register(address: int, data_type: DataType = DataType.U32, **more: Any) -> Register:
    """A register, named after its place."""
    return Register(
        name=f"at_{address}",
        quantity="any",
        unit="1",
        function_code=3,
        address=address,
        type=data_type,
        confidence=Confidence.INVENTED,
        **more,
    )


def ask(reads: tuple[Read, ...], refusals: Refusals, refuses: Callable[[Read], bool]) -> tuple[set[str], int, int]:
    """One sweep over a device, as a poll makes it: names of what was read, requests, refusals among them."""
    brought: set[str] = set()
    waiting, asked, refused = list(reads), 0, 0
    while waiting:
        read = waiting.pop(0)
        asked += 1
        if refuses(read):
            refused += 1
            waiting[:0] = refusals.refused(read, AT_MS)
        else:
            refusals.answered(read)
            brought |= {item.name for item in read.registers}
    return brought, asked, refused


VALUES = st.lists(st.integers(0, 60), min_size=1, max_size=12, unique=True).map(
    lambda places: [register(4 * at, DataType.U32 if at % 3 else DataType.U64) for at in sorted(places)]
)


@given(VALUES, st.sets(st.integers(0, 260), max_size=6), st.sets(st.integers(1, 260), max_size=3))
def test_every_value_that_can_be_read_is_and_soon_without_refusals(
    wanted: list[Register], forbidden: set[int], breaks: set[int]
) -> None:
    """Whatever the device forbids: each sweep brings all that is readable, and each refusal teaches something.

    After as many sweeps as there are things to learn none of the reads is refused any more.
    """

    def refuses(read: Read) -> bool:
        touched = range(read.address, read.end)
        return bool(forbidden & set(touched)) or any(at in touched and at - 1 in touched for at in breaks)

    readable = {item.name for item in wanted if not refuses(read_of([item]))}
    refusals = Refusals(Learned())
    refused = 1
    for _ in range(2 * len(wanted) + 1):
        asked_for = refusals.learned.worth_asking(wanted, AT_MS, DAY_MS)
        before = refusals.learned
        brought, _, refused = ask(plan(asked_for, LIMITS.with_learned(before, asked_for)), refusals, refuses)
        assert brought == readable
        assert (refused == 0) == (refusals.learned == before)
        if not refused:
            break
    assert refused == 0
    assert set(refusals.learned.unreadable) == {item.name for item in wanted} - readable


def test_a_forbidden_hole_is_found_and_nothing_else_is_blamed() -> None:
    """Three holes, the last of them forbidden: only that one becomes a wall, and the plan has one read more."""
    wanted = [register(0), register(4), register(8), register(12)]
    refusals = Refusals(Learned())
    brought, asked, refused = ask(plan(wanted, LIMITS), refusals, lambda read: read.address <= 10 < read.end)
    assert (len(brought), asked, refused) == (4, 5, 2)
    assert refusals.learned == Learned(barriers={3: Barriers(forbidden=((10, 11),))})
    reads = plan(wanted, LIMITS.with_learned(refusals.learned, wanted))
    assert [(read.address, read.count) for read in reads] == [(0, 10), (12, 2)]


def test_a_border_inside_a_run_becomes_a_break() -> None:
    """A device whose blocks must not be mixed refuses although nothing is forbidden."""
    wanted = [register(0), register(2), register(4), register(6)]
    refusals = Refusals(Learned())
    ask(plan(wanted, LIMITS), refusals, lambda read: read.address < 2 < read.end)
    assert refusals.learned.barriers[3].breaks == (2,)


def test_a_value_refused_by_itself_is_unreadable_until_it_is_tried_again() -> None:
    """Its neighbours stay in one read each side; a day later it is asked for again, and forgiven when it answers."""
    wanted = [register(0), register(2), register(4)]
    refusals = Refusals(Learned())
    brought, _, _ = ask(plan(wanted, LIMITS), refusals, lambda read: read.address <= 2 < read.end)
    learned = refusals.learned
    assert brought == {"at_0", "at_4"}
    assert learned.unreadable == {"at_2": AT_MS}
    assert [item.name for item in learned.worth_asking(wanted, AT_MS + DAY_MS - 1, DAY_MS)] == ["at_0", "at_4"]
    assert learned.worth_asking(wanted, AT_MS + DAY_MS, DAY_MS) == tuple(wanted)
    assert learned.worth_asking(wanted, AT_MS - 1, DAY_MS) == tuple(wanted)
    ask(plan(wanted, LIMITS.with_learned(learned, wanted)), refusals, lambda _: False)
    assert refusals.learned.unreadable == {}


def test_values_that_share_registers_are_asked_for_one_by_one() -> None:
    """One total as a number and as its words: half of them, then the others; no wall can be drawn between."""
    outer = register(0, DataType.U16, fraction=Part(address=6, type=DataType.F32))
    wanted = [outer, register(1), register(5, DataType.U16)]
    (whole,) = plan(wanted, LIMITS)
    first, rest = split(whole)
    assert [item.name for item in first.registers] == ["at_0"]
    assert [item.name for item in rest.registers] == ["at_1", "at_5"]
    refusals = Refusals(Learned())
    brought, _, _ = ask((whole,), refusals, lambda read: len(read.registers) == 3)
    assert brought == {"at_0", "at_1", "at_5"}
    assert refusals.learned == Learned()


def test_an_answer_that_never_came_teaches_nothing() -> None:
    """One piece answered, the other lost on the line: the next sweep begins anew."""
    (whole,) = plan([register(0), register(4)], LIMITS)
    refusals = Refusals(Learned())
    low, high = refusals.refused(whole, AT_MS)
    refusals.answered(low)
    assert refusals.learned == Learned()
    assert refusals.refused(whole, AT_MS) == (low, high)
    refusals.answered(high)
    assert refusals.learned == Learned()
    refusals.answered(low)
    assert refusals.learned.barriers[3].forbidden == ((2, 3),)


@pytest.mark.parametrize("count", [1, 2, 7])
def test_pieces_bring_the_same_values(count: int) -> None:
    """No value is lost or doubled by a cut; one alone is not cut."""
    (whole,) = plan([register(4 * at) for at in range(count)], LIMITS)
    pieces = split(whole)
    assert [item for piece in pieces for item in piece.registers] == (list(whole.registers) if count > 1 else [])
