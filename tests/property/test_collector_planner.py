"""The planner covers every wanted value, legally, with as few reads as brute force finds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.errors import PlanError
from collector.planning.planner import Limits, limits_of, plan
from collector.profiles import Confidence, Register, load_profile, profile_names
from collector.registers import DataType

TYPES = [DataType.U16, DataType.F32, DataType.BCD48, DataType.I64]


def register(address: int, data_type: DataType, function_code: int = 3, name: str = "x") -> Register:
    """A register of which only the place matters."""
    return Register(
        name=name,
        quantity="any",
        unit="1",
        function_code=4 if function_code == 4 else 3,
        address=address,
        type=data_type,
        confidence=Confidence.INVENTED,
    )


registers = st.builds(register, st.integers(0, 24), st.sampled_from(TYPES), st.sampled_from([3, 4]))
limits = st.builds(
    Limits,
    st.integers(4, 12),
    st.integers(0, 4),
    st.lists(st.integers(0, 28).map(lambda at: (at, at + 1)), max_size=2).map(tuple),
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


def legal(group: Sequence[Register], bounds: Limits) -> bool:
    """Whether one read may bring the group, counted register by register."""
    if len({item.function_code for item in group}) > 1:
        return False
    touched = range(min(item.address for item in group), max(item.end for item in group))
    wanted = {at for item in group for at in range(item.address, item.end)}
    if len(touched) > bounds.max_words or any(
        first <= at <= last for first, last in bounds.forbidden for at in touched
    ):
        return False
    hole = 0
    for at in touched:
        hole = 0 if at in wanted else hole + 1
        if hole > bounds.max_hole:
            return False
    return True


@given(st.lists(registers, min_size=1, max_size=6), limits)
def test_no_plan_with_fewer_reads_exists(wanted: list[Register], bounds: Limits) -> None:
    """Against every division of up to six values, overlapping ones included."""
    if not all(legal([item], bounds) for item in wanted):
        with pytest.raises(PlanError):
            plan(wanted, bounds)
        return
    reads = plan(wanted, bounds)
    fewest = min(len(groups) for groups in partitions(wanted) if all(legal(group, bounds) for group in groups))
    assert len(reads) == fewest


@given(st.lists(registers, max_size=20), limits)
def test_each_value_is_read_once_whole_and_legally(wanted: list[Register], bounds: Limits) -> None:
    """No value is left out, doubled or split, and every read keeps to the limits."""
    wanted = [item for item in wanted if legal([item], bounds)]
    reads = plan(wanted, bounds)
    brought = [item for read in reads for item in read.registers]
    assert sorted(map(repr, brought)) == sorted(map(repr, wanted))
    for read in reads:
        assert legal(read.registers, bounds)
        words = list(range(read.address, read.address + read.count))
        assert all(read.words_of(item, words) == tuple(range(item.address, item.end)) for item in read.registers)


@pytest.mark.parametrize("name", profile_names())
def test_every_profile_can_be_read_whole(name: str) -> None:
    """All registers of a profile have a plan within its own limits."""
    profile = load_profile(name)
    reads = plan(profile.registers, limits_of(profile))
    assert sum(len(read.registers) for read in reads) == len(profile.registers)
    assert all(read.count <= profile.max_words for read in reads)
