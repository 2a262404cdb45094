"""Meter profiles: what one model's registers mean, one TOML file per model in `models/`. No I/O library is loaded.

    profile = load_profile("acrel_dtsd1352")
    raw = profile.counter_register.decode(words)

A new meter is a new file. Addresses are zero-based, as on the wire; manuals often count from one.
"""

from __future__ import annotations

import math
from enum import StrEnum
from fractions import Fraction
from functools import cache
from importlib import resources
from typing import Annotated, Literal

import msgspec

from collector.registers import WORD_RANGE, DataType, WordOrder, decode, encode
from energy.config import parse_document
from energy.errors import ConfigError, Fault

Address = Annotated[int, msgspec.Meta(ge=0, le=0xFFFF)]
"""A zero-based register address."""
Factor = Annotated[float, msgspec.Meta(gt=0)]
"""A positive number; its shortest decimal notation is meant exactly, so that 0.01 is one hundredth."""
MOST_WORDS = 125
"""Most registers that one read may carry, by the Modbus standard."""


class CtPt(StrEnum):
    """Whether the register shows the primary side already."""

    NONE = "none"
    """As it is: no transformer, or the meter knows its ratios."""
    MULTIPLY = "multiply"
    """Secondary side: times the current and the voltage transformer's ratio."""


class Confidence(StrEnum):
    """How well a register's facts are known."""

    CONFIRMED = "confirmed"
    """Two sources of different origin agree."""
    FOUND = "found"
    """One source."""
    RECALLED = "recalled"
    """From memory: check it against the manual before relying on it."""
    INVENTED = "invented"
    """No real model: made up for simulation, or a template to copy."""


class Register(msgspec.Struct, frozen=True, kw_only=True):
    """One value of a meter.

    Attributes:
        name: unique within the profile.
        quantity: what it measures, e.g. `energy_import_total`, `power_active`.
        unit: unit of measure of the value after `scale`, before CT x PT.
        function_code: 3 (holding registers) or 4 (input registers).
        address: of its first register, zero-based.
        type: layout.
        order: byte order.
        scale: raw number times this is the value in `unit`.
        ct_pt: whether CT x PT has to be applied.
        wrap: value in `unit`, before CT x PT, at which a counter starts again from zero; None when not known.
        not_available: raw numbers that mean "no value"; NaN and infinities always do.
        confidence: how well the facts are known.
    """

    name: str
    quantity: str
    unit: str
    function_code: Literal[3, 4]
    address: Address
    type: DataType
    order: WordOrder = WordOrder.ABCD
    scale: Factor = 1.0
    ct_pt: CtPt = CtPt.NONE
    wrap: Factor | None = None
    not_available: tuple[int, ...] = ()
    confidence: Confidence

    def __post_init__(self) -> None:
        if self.end > WORD_RANGE:
            raise ValueError(f"{self.type} at {self.address} ends beyond register 65535")

    @property
    def end(self) -> int:
        """Address after its last register."""
        return self.address + self.type.words

    @property
    def exact_scale(self) -> Fraction:
        """`scale` as the decimal fraction that was written."""
        return Fraction(str(self.scale))

    def decode(self, words: tuple[int, ...]) -> int | float | None:
        """The raw number in its words, before `scale`; None when the device has no value.

        Raises:
            RegisterError: the words hold no number of the type.
        """
        raw = decode(words, self.type, self.order)
        return None if not math.isfinite(raw) or raw in self.not_available else raw

    def encode(self, value: float | Fraction) -> tuple[int, ...]:
        """The words that show `value`, in `unit`, cut to whole steps as a counter does.

        Raises:
            RegisterError: the value does not fit.
        """
        raw = Fraction(value) / self.exact_scale
        return encode(float(raw) if self.type.is_float else math.floor(raw), self.type, self.order)

    def encode_not_available(self) -> tuple[int, ...] | None:
        """The words by which the device says "no value"; None where it has no way to say so."""
        if self.type.is_float:
            return encode(math.nan, self.type, self.order)
        return encode(self.not_available[0], self.type, self.order) if self.not_available else None


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one model.

    Attributes:
        maker: who makes it.
        model: as the maker calls it.
        carrier: the carrier that it measures.
        counter: name of the register whose differences are consumption.
        source: where the facts come from.
        notes: what to mind on site.
        max_words: most registers of one read.
        max_hole: most registers that nobody asked for between two wanted ones in one read.
        forbidden: first and last address of ranges that must not be touched.
        registers: the values.
    """

    maker: str
    model: str
    carrier: str
    counter: str
    source: str
    notes: str = ""
    max_words: Annotated[int, msgspec.Meta(ge=1, le=MOST_WORDS)] = MOST_WORDS
    max_hole: Annotated[int, msgspec.Meta(ge=0, le=MOST_WORDS)] = 16
    forbidden: tuple[tuple[Address, Address], ...] = ()
    registers: Annotated[tuple[Register, ...], msgspec.Meta(min_length=1)]

    def __post_init__(self) -> None:
        names = [register.name for register in self.registers]
        if doubled := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"two registers of one name: {', '.join(doubled)}")
        if self.counter not in names:
            raise ValueError(f"counter {self.counter!r} is none of the registers ({', '.join(names)})")
        if backwards := [pair for pair in self.forbidden if pair[0] > pair[1]]:
            raise ValueError(f"forbidden ranges end before they begin: {backwards}")

    def register(self, name: str) -> Register:
        """The register of that name; raises KeyError."""
        for register in self.registers:
            if register.name == name:
                return register
        raise KeyError(name)

    @property
    def counter_register(self) -> Register:
        """The register whose differences are consumption."""
        return self.register(self.counter)


def profile_names() -> tuple[str, ...]:
    """Names of all profiles that come with the collector, sorted."""
    files = (resources.files("collector.profiles") / "models").iterdir()
    return tuple(sorted(file.name.removesuffix(".toml") for file in files if file.name.endswith(".toml")))


@cache
def load_profile(name: str) -> Profile:
    """The profile of that name.

    Raises:
        ConfigError: there is none, or its file has faults.
    """
    if name not in profile_names():
        raise ConfigError(
            (Fault("collector/profiles/models", 0, name, f"no such profile (known: {', '.join(profile_names())})"),)
        )
    file = resources.files("collector.profiles") / "models" / f"{name}.toml"
    return parse_document(file.read_text(encoding="utf-8"), f"collector/profiles/models/{name}.toml").decode(Profile)
