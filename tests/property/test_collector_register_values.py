"""Values of a profile in their registers: steps, fractions, exponents, and what a device says when it has none."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.errors import RegisterError
from collector.profiles import Confidence, Part, Register, RegisterBlock
from collector.registers import DataType, WordOrder

INTEGERS = [DataType.U16, DataType.I32, DataType.U64, DataType.BCD48, DataType.SM32, DataType.MOD10K_3]


def some(data_type: DataType, address: int = 0, **more: Any) -> Register:
    """A register of that type."""
    return Register(
        name="energy",
        quantity="energy_import_total",
        unit="kWh",
        function_code=3,
        address=address,
        type=data_type,
        confidence=Confidence.INVENTED,
        **more,
    )


def block_of(registers: list[Register], cells: Mapping[int, int]) -> list[Any]:
    """What a block of registers says of these words; those that nobody gave are zero."""
    words = [cells.get(at, 0) for at in range(max(register.end for register in registers))]
    return list(RegisterBlock(registers, 0).decode(struct.pack(f">{len(words)}H", *words)))


@given(st.fractions(0, 10**7))
def test_an_encoded_value_is_cut_to_the_step_below(value: Fraction) -> None:
    """A counter shows what is full, never more."""
    register = some(DataType.U32, scale=0.01)
    raw = register.decode(register.encode(value))
    assert isinstance(raw, int)
    assert raw * Fraction(1, 100) <= value < (raw + 1) * Fraction(1, 100)


@given(st.integers(0, 30_000), st.integers(-10, 10), st.sampled_from(WordOrder))
def test_an_exponent_moves_the_point(raw: int, power: int, order: WordOrder) -> None:
    """SunSpec: the value is the register times ten to the power of another one."""
    register = some(DataType.U16, 4, order=order, scale=0.5, exponent=1)
    value = Fraction(raw, 2) * Fraction(10) ** power
    cells = register.encode(value, exponent=power)
    assert set(cells) == {4, 1}
    assert register.decode(cells) == raw * Fraction(10) ** power
    assert block_of([register], cells) == [raw * Fraction(10) ** power]


@given(st.integers(0, 2**31 - 1), st.integers(0, 999), st.sampled_from(WordOrder))
def test_integer_and_fraction_make_one_number(whole: int, thousandths: int, order: WordOrder) -> None:
    """An integer of one type and order, a fraction of another; nothing is lost between them."""
    part = Part(address=7, type=DataType.U16, order=order, scale=0.001)
    register = some(DataType.I32, 3, order=order, scale=0.1, fraction=part)
    value = whole + Fraction(thousandths, 1000)
    cells = register.encode(value * Fraction(1, 10))
    assert set(cells) == {3, 4, 7}
    assert register.decode(cells) == value
    assert block_of([register, some(DataType.U16, 7)], cells) == [value, cells[7]]


@given(st.floats(0, 1, exclude_max=True, width=32), st.integers(0, 2**31 - 1))
def test_a_float_fraction_is_added_exactly(rest: float, whole: int) -> None:
    """As flow computers have it: a float64 could not hold the sum."""
    part = Part(address=2, type=DataType.F32, order=WordOrder.CDAB)
    register = some(DataType.I32, 0, order=WordOrder.CDAB, fraction=part)
    assert register.decode(register.encode(Fraction(rest) + whole)) == Fraction(rest) + whole


@pytest.mark.parametrize(
    ("data_type", "more"),
    [
        (DataType.F32, {}),
        (DataType.F64, {}),
        (DataType.U64, {"not_available": (2**64 - 1,)}),
        (DataType.I16, {"exponent": 9}),
        (DataType.F32, {"fraction": Part(address=9, type=DataType.F32)}),
        (DataType.U16, {"not_available": (0xFFFF,), "fraction": Part(address=9, type=DataType.F32)}),
    ],
)
def test_no_value_stays_no_value(data_type: DataType, more: dict[str, Any]) -> None:
    """NaN, the profile's own markers, and SunSpec's exponent that means nothing."""
    register = some(data_type, **more)
    cells = register.encode_not_available()
    assert cells is not None
    assert set(cells) == set(register.addresses)
    assert register.decode(cells) is None
    assert block_of([register, some(DataType.U16, 20)], cells) == [None, 0]


def test_infinity_is_no_value_in_any_part() -> None:
    """A float that overflowed says nothing."""
    assert some(DataType.F32).decode({0: 0x7F80, 1: 0}) is None
    part = Part(address=2, type=DataType.F32)
    assert some(DataType.I32, fraction=part).decode({0: 0, 1: 5, 2: 0x7F80, 3: 0}) is None


@pytest.mark.parametrize("data_type", INTEGERS)
def test_a_layout_without_marker_cannot_say_so(data_type: DataType) -> None:
    """An integer without one always means a number."""
    assert some(data_type).encode_not_available() is None


def test_an_exponent_beyond_sunspec_is_a_fault_of_that_value_alone() -> None:
    """Ten to the power of eleven is no scale factor; the neighbour keeps its value."""
    register = some(DataType.U16, exponent=1)
    with pytest.raises(RegisterError, match="exponent 11"):
        register.decode({0: 1, 1: 11})
    fault, neighbour = block_of([register, some(DataType.U16, 2)], {0: 1, 1: 11, 2: 7})
    assert isinstance(fault, RegisterError)
    assert neighbour == 7


def test_a_part_that_makes_no_sense_is_a_fault_of_its_value_alone() -> None:
    """A BCD fraction with a digit above nine."""
    register = some(DataType.U16, fraction=Part(address=1, type=DataType.BCD16, scale=0.0001))
    fault, neighbour = block_of([register, some(DataType.U16, 2)], {0: 1, 1: 0x000A, 2: 7})
    assert isinstance(fault, RegisterError)
    assert neighbour == 7


@given(st.lists(st.booleans(), min_size=1, max_size=20), st.integers(0, 100))
def test_coils_are_values_too(states: list[bool], start: int) -> None:
    """A read of coils brings each by its address, eight to a byte."""
    coils = [coil(start + at) for at in range(len(states))]
    packed = sum(state << at for at, state in enumerate(states)).to_bytes(3, "little")
    assert RegisterBlock(coils, start).decode(packed) == states
    assert coils[0].decode(coils[0].encode(int(states[0]))) == states[0]


def coil(address: int) -> Register:
    """One coil."""
    return Register(
        name=f"relay_{address}",
        quantity="state",
        unit="1",
        function_code=1,
        address=address,
        type=DataType.BIT,
        confidence=Confidence.INVENTED,
    )


def test_fields_of_bits_share_a_register() -> None:
    """Two fields of one word, and one that lies across two."""
    fields = [
        some(DataType.BITS, bit=0, bits=4),
        some(DataType.BITS, bit=12, bits=4),
        some(DataType.BITS, bit=12, bits=8, order=WordOrder.CDAB),
    ]
    assert block_of(fields, {0: 0xA005, 1: 0x000B}) == [5, 0xA, 0xBA]


def test_text_is_text() -> None:
    """A serial number has no marker and no number."""
    register = some(DataType.STRING, words=2)
    assert register.is_text
    assert register.decode({0: 0x4142, 1: 0}) == "AB"
    assert block_of([register], {0: 0x4142, 1: 0}) == ["AB"]


@given(st.integers(0, 2**32 - 1), st.floats(width=32))
def test_offset_and_scale_lead_back(steps: int, shift: float) -> None:
    """What is encoded with an offset is what stands in the register, step for step."""
    if not math.isfinite(shift):
        return
    register = some(DataType.U32, scale=0.1, offset=shift)
    assert register.decode(register.encode(Fraction(steps, 10) + register.exact_offset)) == steps
