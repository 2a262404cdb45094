"""What is wrong with a file is said in the words of TOML, and with what would be right."""

from __future__ import annotations

from datetime import date, datetime
from enum import Enum
from typing import Annotated, Literal

import msgspec
import pytest

from energy.config import decode_toml
from energy.errors import ConfigError


class Side(Enum):
    """Which side of the transformers."""

    PRIMARY = "primary"
    SECONDARY = "secondary"


class Pump(msgspec.Struct):
    """A table within an array."""

    power: Annotated[float, msgspec.Meta(gt=0)] = 1.0


Digits = Annotated[str, msgspec.Meta(pattern="^[0-9]{2}$", description="two digits")]


class Plant(msgspec.Struct):
    """Values of every kind."""

    parity: Literal["none", "even", "odd"] = "none"
    stop_bits: Literal[1, 2] = 1
    side: Side | None = None
    code: Digits | None = None
    own: str | int = 0
    flag: bool = False
    day: date | None = None
    at: datetime | None = None
    hours: tuple[int, ...] = ()
    share: Annotated[int, msgspec.Meta(le=100, description="per cent")] = 0
    pumps: tuple[Pump, ...] = ()
    pump: Pump | None = None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("parity = 'E'", "unknown value 'E' (known: none, even, odd)"),
        ("parity = 'evn'", "unknown value 'evn', did you mean 'even'? (known: none, even, odd)"),
        ("stop_bits = 3", "unknown value 3 (known: 1, 2)"),
        ("side = 'secundary'", "unknown value 'secundary', did you mean 'secondary'? (known: primary, secondary)"),
        ("side = [1]", "expected a string, got an array"),
        ("code = '1'", "expected two digits, got '1'"),
        ("code = 1", "expected a string, got a whole number"),
        ("own = true", "expected a whole number or a string, got a boolean"),
        ("share = 101", "expected a whole number <= 100: per cent"),
        ("flag = 1", "expected a boolean, got a whole number"),
        ("at = 1", "expected a date with time, got a whole number"),
        ("day = 07:00:00", "expected a date, got a time"),
        ("hours = { a = 1 }", "expected an array, got a table"),
        ("[pumps]\npower = 1", "expected an array, got a table: write it as [[pumps]]"),
        ("[[pump]]\npower = 1", "expected a table, got an array: write it as [pump]"),
        ("[pump]\npower = 0", "expected a number > 0"),
        ("[pump]\npower = '1'", "expected a number, got a string"),
    ],
)
def test_a_fault_says_what_would_be_right(text: str, message: str) -> None:
    """Kinds by their names in TOML, the values of a closed set, patterns in words, and which brackets."""
    with pytest.raises(ConfigError) as caught:
        decode_toml(text, Plant, "x.toml")
    (fault,) = caught.value.faults
    assert fault.message == message
