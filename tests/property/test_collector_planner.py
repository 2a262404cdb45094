"""The planner covers every wanted value, legally, with as few reads as brute force finds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.errors import PlanError
from collector.planning.limits import Barriers, Learned, Limits, limits_of
from collector.planning.planner import Read, plan
from collector.profiles import Confidence, Part, Profile, Register, load_any_profile, profile_names
from collector.registers import DataType

TYPES = [DataType.U16, DataType.F32, DataType.BCD48, DataType.I64]


def register(address: int, data_type: DataType, function_code: int = 3, name: str = "x", **more: Any) -> Register:
    """A register of which only the place matters; of coils and inputs the type is given."""
    return Register(
        name=name,
        quantity="any",
        unit="1",
        function_code=function_code,  # type: ignore[arg-type] # the strategies give 1 to 4
        address=address,
        type=DataType.BIT if function_code < 3 else data_type,
        confidence=Confidence.INVENTED,
        **more,
    )


def spread(address: int, before: int, after: int, function_code: int, *, exponent: bool) -> Register:
    """A value of several parts that lie apart, around or between other values."""
    more: dict[str, Any] = {"fraction": Part(address=max(0, address - before), type=DataType.F32)}
    if exponent:
        more["exponent"] = address + after
    return register(address, DataType.U16, function_code, **more)


ADDRESSES = st.integers(0, 16)
REGISTERS = (
    st.builds(register, ADDRESSES, st.sampled_from(TYPES), st.sampled_from([3, 4]))
    | st.builds(register, ADDRESSES, st.just(DataType.BIT), st.sampled_from([1, 2]))
    | st.builds(spread, ADDRESSES, *[st.integers(0, 6)] * 2, st.sampled_from([3, 4]), exponent=st.booleans())
)
RANGES = st.tuples(st.integers(0, 22), st.integers(0, 2)).map(lambda pair: (pair[0], sum(pair)))
BARRIERS = st.builds(
    Barriers,
    forbidden=st.lists(RANGES, max_size=1).map(tuple),
    breaks=st.lists(st.integers(1, 22), max_size=2).map(tuple),
)
LIMITS = st.builds(
    Limits,
    st.integers(4, 12),
    st.integers(0, 4),
    st.lists(RANGES, max_size=2).map(tuple),
    st.integers(1, 20),
    st.dictionaries(st.integers(1, 4), BARRIERS, max_size=2),
)


def partitions(items: Sequence[Register]) -> Iterator[list[list[Register]]]:
    """Every way to divide the items into groups."""
    if not items:
        yield []
        return
    for rest in partitions(items[1:]):
        yield [[items[0]], *rest]
        for at, group in enumerate(rest):
            yield [*rest[:at], [items[0], *group], *rest[at + 1 :]]


def legal(group: Sequence[Register], wanted: Sequence[Register], bounds: Limits) -> bool:
    """Whether one read may bring the group, counted address by address."""
    codes = {item.function_code for item in group}
    if len(codes) > 1:
        return False
    code = codes.pop()
    touched = range(min(item.start for item in group), max(item.end for item in group))
    learned = bounds.barriers.get(code, Barriers())
    walls = {at for first, last in (*bounds.forbidden, *learned.forbidden) for at in range(first, last + 1)}
    if len(touched) > (bounds.max_bits if code < 3 else bounds.max_words) or walls.intersection(touched):
        return False
    if any(at in touched and at - 1 in touched for at in learned.breaks):
        return False
    asked = {at for item in wanted if item.function_code == code for at in range(item.start, item.end)}
    hole = 0
    for at in touched:
        hole = 0 if at in asked else hole + 1
        if hole > bounds.max_hole * (16 if code < 3 else 1):
            return False
    return True


@given(st.lists(REGISTERS, min_size=1, max_size=6), LIMITS)
def test_no_plan_with_fewer_reads_exists(wanted: list[Register], bounds: Limits) -> None:
    """Against every division of up to six values, nested and overlapping ones included. Trap: one read per register."""
    if not all(legal([item], wanted, bounds) for item in wanted):
        with pytest.raises(PlanError, match="no legal read"):
            plan(wanted, bounds)
        return
    reads = plan(wanted, bounds)
    fewest = min(len(groups) for groups in partitions(wanted) if all(legal(group, wanted, bounds) for group in groups))
    assert len(reads) == fewest


@given(st.lists(REGISTERS, max_size=20), LIMITS)
def test_each_value_is_read_once_whole_and_legally(wanted: list[Register], bounds: Limits) -> None:
    """No value is left out, doubled or split, every read keeps to the limits, and carries no more than it has to."""
    wanted = [item for item in wanted if legal([item], [item], bounds)]
    reads = plan(wanted, bounds)
    brought = [item for read in reads for item in read.registers]
    assert sorted(map(repr, brought)) == sorted(map(repr, wanted))
    for read in reads:
        assert legal(read.registers, wanted, bounds)
        assert (read.address, read.end) == (
            min(item.start for item in read.registers),
            max(item.end for item in read.registers),
        )
    assert list(reads) == sorted(reads, key=lambda read: (read.function_code, read.address))


@given(st.lists(REGISTERS, max_size=8), LIMITS, st.dictionaries(st.integers(1, 4), BARRIERS, max_size=4))
def test_what_was_learned_makes_no_value_unreadable(
    wanted: list[Register], bounds: Limits, barriers: dict[int, Barriers]
) -> None:
    """A hole that is wanted today is asked for by itself; around it the learned walls stand."""
    plain = Limits(bounds.max_words, bounds.max_hole, bounds.forbidden, bounds.max_bits)
    wanted = [item for item in wanted if legal([item], [item], plain)]
    limits = plain.with_learned(Learned(barriers=barriers), wanted)
    spans = [(item.function_code, range(item.start, item.end)) for item in wanted]
    for read in plan(wanted, limits):
        walls = barriers.get(read.function_code, Barriers())
        touched = range(read.address, read.end)
        asked = {at for code, span in spans if code == read.function_code for at in span}
        assert all(at in asked for first, last in walls.forbidden for at in range(first, last + 1) if at in touched)
        for at in walls.breaks:
            within = any(code == read.function_code and at in span and at - 1 in span for code, span in spans)
            assert within or not (at in touched and at - 1 in touched)


@pytest.mark.parametrize("name", profile_names())
def test_every_profile_can_be_read_whole(name: str) -> None:
    """All registers of a profile have a plan within its own limits."""
    profile = load_any_profile(name)
    if not isinstance(profile, Profile):
        return
    reads = plan(profile.registers, limits_of(profile))
    assert sum(len(read.registers) for read in reads) == len(profile.registers)
    assert all(read.count <= profile.max_words for read in reads)


def test_a_read_says_what_it_asks_for() -> None:
    """For logs and `quotawatt plan`: how much, where, and what of it nobody wants."""
    (read,) = plan([register(3, DataType.F32, 4), register(8, DataType.U16, 4)], Limits(max_hole=3))
    assert str(read) == "6 input registers from 3 (function code 4)"
    assert read.wasted == 3
    (read,) = plan([register(3, DataType.BIT, 1), register(19, DataType.BIT, 1)], Limits(max_hole=1))
    assert str(read) == "17 coils from 3 (function code 1)"
    (read,) = plan([register(3, DataType.U16, 3)], Limits())
    assert str(read) == "1 holding register from 3 (function code 3)"


def test_a_break_holds_from_the_first_register_on() -> None:
    """No read covers both sides, and none ends early for a break at its own beginning."""
    wanted = [register(at, DataType.U16) for at in range(4)]
    reads = plan(wanted, Limits(barriers={3: Barriers(breaks=(0, 1, 4))}))
    assert [(read.address, read.count) for read in reads] == [(0, 1), (1, 3)]


def test_nothing_wanted_is_nothing_asked() -> None:
    """An empty plan."""
    assert plan([], Limits()) == ()


def test_a_value_within_another_does_not_cost_a_read() -> None:
    """The parts of a flow computer's total lie around another value; one read brings both."""
    around = spread(10, 6, 4, 3, exponent=True)
    assert plan([register(12, DataType.U16), around, register(7, DataType.U16)], Limits()) == (
        Read(3, 4, 11, (around, register(7, DataType.U16), register(12, DataType.U16))),
    )
