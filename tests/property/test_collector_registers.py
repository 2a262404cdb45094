"""Whatever the layout, encode then decode gives the value back, one by one or as a block."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from collector.errors import RegisterError
from collector.registers import WORD_RANGE, DataType, Layout, Raw, WordOrder, decode, encode
from collector.registers.block import Block, Slot

TEXT = st.text(st.characters(max_codepoint=127), max_size=12).map(lambda text: text.rstrip("\0 "))
WORD = st.integers(0, WORD_RANGE - 1)


@st.composite
def layouts(draw: st.DrawFn, *, coils: bool = True) -> Layout:
    """Every type in every order; a field of bits anywhere within two words."""
    kind = draw(st.sampled_from([kind for kind in DataType if coils or kind is not DataType.BIT]))
    order = draw(st.sampled_from(WordOrder))
    if kind is DataType.STRING:
        return Layout(kind, order, length=draw(st.integers(1, 6)))
    if kind is DataType.BITS:
        bit = draw(st.integers(0, 31))
        return Layout(kind, order, bit=bit, bits=draw(st.integers(1, 32 - bit)))
    return Layout(kind, order)


def raws(layout: Layout) -> st.SearchStrategy[Raw]:
    """Every raw value that the layout can hold exactly."""
    if layout.type is DataType.STRING:
        return TEXT.map(lambda text: text[: 2 * layout.length].rstrip("\0 "))
    if layout.type.is_float:
        return st.floats(width=32 if layout.type is DataType.F32 else 64)
    low, high = layout.type.bounds or (0, 2**layout.bits - 1)
    return st.integers(low, high)


@st.composite
def cases(draw: st.DrawFn) -> tuple[Layout, Raw]:
    """A layout and a value that fits it."""
    layout = draw(layouts())
    return layout, draw(raws(layout))


def same(one: object, other: object) -> bool:
    """Whether two outcomes are the same: equal, both NaN, or both the same refusal."""
    if isinstance(one, RegisterError) and isinstance(other, RegisterError):
        return str(one) == str(other)
    return one == other or (one != one and other != other)  # noqa: PLR0124 - only NaN differs from itself


@given(cases())
def test_encode_then_decode_gives_the_value_back(case: tuple[Layout, Raw]) -> None:
    """The round trip is exact for every type and order, and takes as many words as the layout says."""
    layout, raw = case
    words = encode(raw, layout)
    assert len(words) == (layout.words or 1)
    assert all(0 <= word < WORD_RANGE for word in words)
    assert same(decode(words, layout), raw)


@given(layouts(), st.data())
def test_every_pattern_of_words_decodes_and_encodes_to_itself(layout: Layout, data: st.DataObject) -> None:
    """No pattern of words is lost on the way through a number, but for the bits beside a field and a second zero."""
    assume(not layout.type.is_float and layout.type not in (DataType.STRING, DataType.BITS, DataType.BIT))
    words = tuple(data.draw(WORD) for _ in range(layout.words))
    try:
        raw = decode(words, layout)
    except RegisterError:
        assert layout.type.value.startswith(("bcd", "mod10k"))
        return
    assert encode(raw, layout) == words or (raw == 0 and layout.type.value.startswith("sm"))


@st.composite
def blocks(draw: st.DrawFn) -> tuple[list[Slot], list[int]]:
    """Up to eight values that stand anywhere in a block of random words, overlapping or not."""
    slots = draw(st.lists(st.builds(Slot, st.integers(0, 20), layouts(coils=False)), max_size=8))
    if draw(st.booleans()):
        slots = [slot._replace(offset=7 * at) for at, slot in enumerate(slots)]
    size = max((slot.offset + slot.layout.words for slot in slots), default=1)
    # Digits, so that decimal types have values as well as faults.
    digits = st.sampled_from([0, 0x1234, 0x9999, 9_999, 0x0A00])
    return slots, draw(st.lists(WORD | digits, min_size=size, max_size=size))


@given(blocks())
def test_a_block_says_what_its_values_say_one_by_one(case: tuple[list[Slot], list[int]]) -> None:
    """Types, orders, overlaps and holes mixed; a value that makes no sense costs no other."""
    slots, words = case
    assert all(map(same, Block(slots).decode(struct.pack(f">{len(words)}H", *words)), one_by_one(slots, words)))


def one_by_one(slots: Sequence[Slot], words: Sequence[int]) -> list[Raw | RegisterError]:
    """Each value decoded by itself."""
    outcomes: list[Raw | RegisterError] = []
    for slot in slots:
        try:
            outcomes.append(decode(words[slot.offset : slot.offset + slot.layout.words], slot.layout))
        except RegisterError as error:
            outcomes.append(error)
    return outcomes


@given(st.lists(st.booleans(), min_size=1, max_size=40), st.data())
def test_coils_and_inputs_come_packed(states: list[bool], data: st.DataObject) -> None:
    """Eight to a byte, the lowest bit first, as the Modbus standard has them."""
    packed = sum(state << at for at, state in enumerate(states)).to_bytes(-(-len(states) // 8), "little")
    offsets = data.draw(st.lists(st.integers(0, len(states) - 1)))
    block = Block([Slot(offset, Layout(DataType.BIT)) for offset in offsets])
    assert block.decode(packed) == [states[offset] for offset in offsets]


def test_coils_and_registers_do_not_mix() -> None:
    """No read brings both."""
    with pytest.raises(ValueError, match="one block"):
        Block([Slot(0, Layout(DataType.BIT)), Slot(0, Layout(DataType.U16))])


def test_a_block_that_is_too_short_is_refused() -> None:
    """Half an answer gives no values."""
    with pytest.raises(RegisterError, match="2 bytes for values that take 4"):
        Block([Slot(0, Layout(DataType.F32))]).decode(b"\0\0")
    with pytest.raises(RegisterError, match="1 bytes for values that take 2"):
        Block([Slot(8, Layout(DataType.BIT))]).decode(b"\0")


@given(st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_float32_agrees_with_the_standard_library_in_the_standard_order(number: float) -> None:
    """ABCD is big-endian throughout, as struct writes it."""
    assert encode(number, Layout(DataType.F32)) == struct.unpack(">HH", struct.pack(">f", number))


@pytest.mark.parametrize(
    ("order", "words", "longer"),
    [
        (WordOrder.ABCD, (0x0A0B, 0x0C0D), (0x1234, 0x5678, 0x9012)),
        (WordOrder.CDAB, (0x0C0D, 0x0A0B), (0x9012, 0x5678, 0x1234)),
        (WordOrder.BADC, (0x0B0A, 0x0D0C), (0x3412, 0x7856, 0x1290)),
        (WordOrder.DCBA, (0x0D0C, 0x0B0A), (0x1290, 0x7856, 0x3412)),
    ],
)
def test_the_four_orders_are_the_ones_of_the_manuals(
    order: WordOrder, words: tuple[int, ...], longer: tuple[int, ...]
) -> None:
    """Each order stands on the wire as its name says, also of three words."""
    assert encode(0x0A0B0C0D, Layout(DataType.U32, order)) == words
    assert encode(123_456_789_012, Layout(DataType.BCD48, order)) == longer


@pytest.mark.parametrize(
    ("layout", "words", "raw"),
    [
        (Layout(DataType.SM16), (0x8064,), -100),
        (Layout(DataType.SM16), (0x8000,), 0),
        (Layout(DataType.SM32), (0x8000, 0x0064), -100),
        (Layout(DataType.SM32, WordOrder.CDAB), (0x0064, 0x8000), -100),
        (Layout(DataType.BCD16), (0x9876,), 9_876),
        (Layout(DataType.BCD32), (0x1234, 0x5678), 12_345_678),
        (Layout(DataType.MOD10K_2, WordOrder.CDAB), (1_234, 56), 561_234),
        (Layout(DataType.MOD10K_3), (1, 2, 3), 100_020_003),
        (Layout(DataType.STRING, length=3), (0x4142, 0x4320, 0x0000), "ABC"),
        (Layout(DataType.STRING, WordOrder.BADC, 2), (0x4241, 0x0043), "ABC"),
        (Layout(DataType.BITS, bit=4, bits=3), (0x0050,), 5),
        (Layout(DataType.BITS, bit=14, bits=4), (0x0003, 0x4000), 13),
        (Layout(DataType.BIT), (1,), 1),
    ],
)
def test_values_worked_out_by_hand(layout: Layout, words: tuple[int, ...], raw: Raw) -> None:
    """One or two of each kind."""
    assert decode(words, layout) == raw


@pytest.mark.parametrize(
    ("layout", "words", "message"),
    [
        (Layout(DataType.BCD48), (0x12A4, 0, 0), "no binary coded decimal"),
        (Layout(DataType.MOD10K_2), (0, 10_000), "more than the four digits"),
        (Layout(DataType.STRING, length=1), (0xB5B5,), "no ASCII"),
        (Layout(DataType.U32), (1,), "takes 2 registers, got 1"),
    ],
)
def test_words_that_mean_nothing_are_refused(layout: Layout, words: tuple[int, ...], message: str) -> None:
    """Half a counter is no value, and neither is a digit above nine."""
    with pytest.raises(RegisterError, match=message):
        decode(words, layout)


@pytest.mark.parametrize(
    ("raw", "layout"),
    [
        (65_536, Layout(DataType.U16)),
        (-1, Layout(DataType.U32)),
        (0.5, Layout(DataType.I32)),
        (math.nan, Layout(DataType.I16)),
        (1e39, Layout(DataType.F32)),
        (-(2**15), Layout(DataType.SM16)),
        (100_000_000, Layout(DataType.MOD10K_2)),
        (10_000, Layout(DataType.BCD16)),
        (8, Layout(DataType.BITS, bits=3)),
        (2, Layout(DataType.BIT)),
        ("ABC", Layout(DataType.STRING, length=1)),
        ("é", Layout(DataType.STRING, length=4)),
        (7, Layout(DataType.STRING, length=4)),
        ("7", Layout(DataType.U16)),
    ],
)
def test_what_does_not_fit_is_refused(raw: Raw, layout: Layout) -> None:
    """Nothing is cut off or wrapped silently."""
    with pytest.raises(RegisterError):
        encode(raw, layout)
