"""Whatever the layout, encode then decode gives the value back."""

from __future__ import annotations

import math
import struct
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.errors import RegisterError
from collector.registers import WORD_RANGE, DataType, WordOrder, decode, encode

LAYOUTS = list(product(DataType, WordOrder))


def numbers(data_type: DataType) -> st.SearchStrategy[int | float]:
    """Every number that the type can hold exactly."""
    if data_type.bounds is not None:
        low, high = data_type.bounds
        return st.integers(low, high)
    return st.floats(width=32 if data_type is DataType.F32 else 64)


@st.composite
def cases(draw: st.DrawFn) -> tuple[DataType, WordOrder, int | float]:
    """A layout and a number that fits it."""
    data_type, order = draw(st.sampled_from(LAYOUTS))
    return data_type, order, draw(numbers(data_type))


@given(cases())
def test_encode_then_decode_gives_the_number_back(case: tuple[DataType, WordOrder, int | float]) -> None:
    """The round trip is exact for every type and order, and takes as many words as the type says."""
    data_type, order, number = case
    words = encode(number, data_type, order)
    assert len(words) == data_type.words
    assert all(0 <= word < WORD_RANGE for word in words)
    back = decode(words, data_type, order)
    assert back == number or (math.isnan(back) and math.isnan(number))


@given(st.sampled_from(LAYOUTS), st.data())
def test_every_pattern_of_integer_words_decodes_and_encodes_to_itself(
    layout: tuple[DataType, WordOrder], data: st.DataObject
) -> None:
    """No pattern of words is lost on the way through an integer."""
    data_type, order = layout
    if data_type.is_float or data_type is DataType.BCD48:
        return
    words = tuple(data.draw(st.integers(0, WORD_RANGE - 1)) for _ in range(data_type.words))
    assert encode(decode(words, data_type, order), data_type, order) == words


@given(st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_float32_agrees_with_the_standard_library_in_the_standard_order(number: float) -> None:
    """ABCD is big-endian throughout, as struct writes it."""
    assert encode(number, DataType.F32) == struct.unpack(">HH", struct.pack(">f", number))


@pytest.mark.parametrize(
    ("order", "words"),
    [
        (WordOrder.ABCD, (0x0A0B, 0x0C0D)),
        (WordOrder.CDAB, (0x0C0D, 0x0A0B)),
        (WordOrder.BADC, (0x0B0A, 0x0D0C)),
        (WordOrder.DCBA, (0x0D0C, 0x0B0A)),
    ],
)
def test_the_four_orders_are_the_ones_of_the_manuals(order: WordOrder, words: tuple[int, ...]) -> None:
    """Each order stands on the wire as its name says."""
    assert encode(0x0A0B0C0D, DataType.U32, order) == words


def test_bcd_shows_its_digits() -> None:
    """Twelve digits, four to a word; a nibble above nine is no number."""
    assert encode(123_456_789_012, DataType.BCD48) == (0x1234, 0x5678, 0x9012)
    with pytest.raises(RegisterError, match="no binary coded decimal"):
        decode((0x12A4, 0, 0), DataType.BCD48)


@pytest.mark.parametrize(
    ("number", "data_type"),
    [(65_536, DataType.U16), (-1, DataType.U32), (0.5, DataType.I32), (math.nan, DataType.I16), (1e39, DataType.F32)],
)
def test_what_does_not_fit_is_refused(number: float, data_type: DataType) -> None:
    """Nothing is cut off or wrapped silently."""
    with pytest.raises(RegisterError):
        encode(number, data_type)


def test_a_wrong_number_of_words_is_refused() -> None:
    """Half a counter is no value."""
    with pytest.raises(RegisterError, match="takes 2 registers, got 1"):
        decode((1,), DataType.U32)
