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
    """Whatever the device forbids, each sweep brings all that is readable, and refusals end once all is learned."""

    def refuses(read: Read) -> bool:
        touched = range(read.address, read.end)
        return bool(forbidden & set(touched)) or any(at in touched and at - 1 in touched for at in breaks)

    readable = {item.name for item in wanted if not refuses(read_of([item]))}
    refusals = Refusals(Learned())
    refused = 1
    for _ in range(3 * len(wanted) + 1):
        asked_for = refusals.learned.worth_asking(wanted, AT_MS, DAY_MS)
        before = refusals.learned
        brought, _, refused = ask(plan(asked_for, LIMITS.with_learned(before, asked_for)), refusals, refuses)
        assert brought == readable
        assert refused or refusals.learned == before
        if not refused:
            break
    # Of a meter that answers nothing at all, nothing is learned.
    assert bool(refused) == (not readable)
    assert set(refusals.learned.unreadable) == ({item.name for item in wanted} - readable if readable else set())


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
    for _ in range(2):
        brought, _, _ = ask(plan(wanted, LIMITS), refusals, lambda read: read.address <= 2 < read.end)
        assert brought == {"at_0", "at_4"}
    learned = refusals.learned
    assert learned.barriers == {3: Barriers(forbidden=((2, 3),))}
    assert learned.unreadable == {"at_2": AT_MS}
    assert [item.name for item in learned.worth_asking(wanted, AT_MS + DAY_MS - 1, DAY_MS)] == ["at_0", "at_4"]
    assert learned.worth_asking(wanted, AT_MS + DAY_MS, DAY_MS) == tuple(wanted)
    assert learned.worth_asking(wanted, AT_MS - 1, DAY_MS) == tuple(wanted)
    ask(plan(wanted, LIMITS.with_learned(learned, wanted)), refusals, lambda _: False)
    assert refusals.learned.unreadable == {}


def test_a_value_refused_again_a_day_later_stays_unreadable() -> None:
    """One refusal is enough then: it is no news."""
    refusals = Refusals(Learned(unreadable={"at_2": AT_MS - DAY_MS}))
    assert refusals.refused(read_of([register(2)]), AT_MS) == ()
    assert refusals.learned.unreadable == {"at_2": AT_MS}


def test_a_meter_that_refuses_everything_for_a_while_loses_no_value() -> None:
    """It starts up: poll after poll all is refused, then all is answered."""
    wanted = [register(0), register(2)]
    refusals = Refusals(Learned())
    for _ in range(5):
        ask(plan(wanted, LIMITS), refusals, lambda _: True)
    ask(plan(wanted, LIMITS), refusals, lambda _: False)
    ask(plan(wanted, LIMITS), refusals, lambda _: True)
    assert refusals.learned == Learned()


def test_holes_are_suspected_before_borders() -> None:
    """Unknown registers are what devices refuse; a cut in the middle would find them later."""
    wanted = [register(0), register(4), register(6), register(8), register(10)]
    (whole,) = plan(wanted, LIMITS)
    assert [(piece.address, piece.count) for piece in split(whole)] == [(0, 2), (4, 8)]


def test_what_is_learned_leaves_just_the_wanted_readable() -> None:
    """Of a wall around a value that is wanted now, both ends stand."""
    learned = Learned().with_barrier(3, 8, 20).with_barrier(3, 12, 12).with_barrier(3, 11, 11)
    limits = LIMITS.with_learned(learned, [register(10), register(13, DataType.U16)])
    assert limits.barriers == {3: Barriers(forbidden=((8, 9), (12, 12), (14, 19)), breaks=(12,))}


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


def test_pieces_of_another_read_are_forgotten() -> None:
    """An answer that comes after another read was refused belongs to no open question."""
    refusals = Refusals(Learned())
    low, high = refusals.refused(read_of([register(0), register(4)]), AT_MS)
    refusals.answered(low)
    refusals.refused(read_of([register(40), register(44)]), AT_MS)
    refusals.answered(high)
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
