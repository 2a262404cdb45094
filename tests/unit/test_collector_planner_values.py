"""The trap of torn values: a counter of two registers whose halves come from two reads jumps by 65 536 at a carry."""

from __future__ import annotations

import pytest

from collector.planning.limits import Limits
from collector.planning.planner import plan
from collector.profiles import Register, load_profile


def contiguous() -> list[Register]:
    """Values of two registers each, one right behind the other."""
    values = [value for value in load_profile("eastron_sdm630").registers if value.start < 18]
    assert all(value.end - value.start == 2 for value in values)
    assert [value.start for value in values] == list(range(0, 18, 2))
    return values


@pytest.mark.parametrize("most", range(2, 13))
def test_no_value_is_split_whatever_a_read_may_bring(most: int) -> None:
    """Where the limit falls within a value, the whole of it goes into the next read."""
    wanted = contiguous()
    reads = plan(wanted, Limits(max_words=most))
    assert [value for read in reads for value in read.registers] == wanted
    assert all(read.count <= most for read in reads)
    for read in reads:
        assert all(read.address <= value.start and value.end <= read.end for value in read.registers)
    whole = most // 2
    assert [len(read.registers) for read in reads[:-1]] == [whole] * (len(reads) - 1)


def test_a_forbidden_range_splits_no_value() -> None:
    """Nor does a border that the device was found to have."""
    wanted = contiguous()
    for at in range(18):
        reads = plan([value for value in wanted if at not in value.addresses], Limits(forbidden=((at, at),)))
        for read in reads:
            assert not read.address <= at < read.end
            assert all(read.address <= value.start and value.end <= read.end for value in read.registers)
