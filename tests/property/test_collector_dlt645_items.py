"""Data items of DL/T 645: any number that fits into the digits comes back; what is no number is none."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.drivers.dlt645.exchange import exchanges
from collector.drivers.line import Answer
from collector.drivers.meters import Sent
from collector.errors import RegisterError
from collector.profiles.conversion import Conversion
from collector.profiles.dlt645 import DataItem, Dlt645Profile
from collector.profiles.value import Confidence


def item(length: int, decimals: int, *, signed: bool) -> DataItem:
    """An item of that many bytes and decimal places."""
    return DataItem(
        name="x",
        quantity="x",
        unit="kWh",
        scale=float(f"1e-{decimals}"),
        data_id="00010000",
        length=length,
        signed=signed,
        confidence=Confidence.INVENTED,
    )


@given(st.integers(1, 8), st.integers(0, 6), st.data())
def test_any_number_that_fits_comes_back(length: int, decimals: int, choice: st.DataObject) -> None:
    """Without a sign all digits count, with one the top digit goes up to 7."""
    signed = choice.draw(st.booleans())
    most = (8 * 10 ** (2 * length - 1) if signed else 100**length) - 1
    raw = choice.draw(st.integers(-most if signed else 0, most))
    shown = item(length, decimals, signed=signed)
    assert shown.decode(shown.encode(Fraction(raw, 10**decimals))) == raw


@given(st.integers(1, 8), st.booleans(), st.data())
def test_bytes_are_digits_or_nothing(length: int, signed: bool, choice: st.DataObject) -> None:  # noqa: FBT001 - hypothesis passes by position
    """Any bytes: a number that its digits spell, no value where all are FF, else a fault; never another number."""
    data = choice.draw(st.binary(min_size=length, max_size=length))
    shown = item(length, 0, signed=signed)
    top = data[-1] & 0x7F if signed else data[-1]
    digits = f"{top:02x}" + data[:-1][::-1].hex()
    if data == b"\xff" * length:
        assert shown.decode(data) is None
    elif digits.isdecimal():
        assert shown.decode(data) == (-1 if signed and data[-1] & 0x80 else 1) * int(digits)
    else:
        with pytest.raises(RegisterError):
            shown.decode(data)


@given(st.integers(1, 8), st.booleans(), st.integers(0, 10**6))
def test_what_does_not_fit_is_refused(length: int, signed: bool, beyond: int) -> None:  # noqa: FBT001 - hypothesis passes by position
    """A simulated meter shows no wrong digits."""
    shown = item(length, 0, signed=signed)
    with pytest.raises(RegisterError, match="does not fit"):
        shown.encode((8 * 10 ** (2 * length - 1) if signed else 100**length) + beyond)
    if not signed:
        with pytest.raises(RegisterError):
            shown.encode(-1 - beyond)


BLOCKS = ["0001FF00", "0201FF00"]


@given(st.data())
def test_the_fewest_requests_bring_each_wanted_value_once(choice: st.DataObject) -> None:
    """A block for two or more of its items, else each alone; and each value is the one that was put in its place."""
    places: dict[str, int] = dict.fromkeys(BLOCKS, 0)
    items = []
    for number in range(choice.draw(st.integers(1, 12))):
        block = choice.draw(st.sampled_from([None, *BLOCKS]))
        length = choice.draw(st.integers(1, 4))
        place = 0
        if block is not None:
            place = places[block] + choice.draw(st.integers(0, 2))
            places[block] = place + length
        items.append(
            DataItem(
                name=f"v{number}",
                quantity="x",
                unit="kWh",
                data_id=f"0000{number:02}00",
                length=length,
                block=block,
                block_at=place,
                confidence=Confidence.INVENTED,
            )
        )
    profile = Dlt645Profile(maker="x", model="y", carrier="electricity", counter="v0", source="z", items=tuple(items))
    wanted = choice.draw(st.lists(st.sampled_from(items), min_size=1, unique=True))
    asked = exchanges(profile, {one.name: Sent(f"p.{one.name}", Conversion(1, 1), "kWh") for one in wanted})
    assert sorted(point for one in asked for point in one.points) == sorted(f"p.{one.name}" for one in wanted)
    alone = sum(one.block is None for one in wanted)
    assert len(asked) == alone + len({one.block for one in wanted} - {None})
    values = {f"p.{one.name}": 10 + number for number, one in enumerate(wanted)}
    for exchange in asked:
        data = answer_to(exchange.request.data_id, items, values)
        assert exchange.request.least <= len(data) <= exchange.request.most
        outcome = exchange.take(Answer(data, 5))
        assert not outcome.faults
        assert {reading.point: reading.value for reading in outcome.readings} == {
            point: values[point] for point in exchange.points
        }


def answer_to(data_id: str, items: list[DataItem], values: dict[str, int]) -> bytes:
    """What a meter with those items and values says when it is asked for a block or an item."""
    data = bytearray(100)
    for one in items:
        raw = one.encode(values.get(f"p.{one.name}", 0))
        if one.data_id == data_id:
            return raw
        if one.block == data_id:
            data[one.block_at : one.block_end] = raw
    return bytes(data)
