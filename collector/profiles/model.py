"""Meter profiles: what one model's values mean. No I/O library is loaded.

A profile has a form for each protocol: `Profile` here is Modbus's. `collector.profiles.library` finds and loads them;
`collector.profiles.checks` says what contradicts itself.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec

from collector.profiles.register import Address, Register
from collector.profiles.value import Value

MOST_WORDS = 125
"""Most registers that one read may carry, by the Modbus standard."""
MOST_BITS = 2000
"""Most coils or discrete inputs that one read may carry, by the Modbus standard."""


class Addresses(StrEnum):
    """How the addresses of a profile are written."""

    ZERO_BASED = "zero-based"
    """As on the wire."""
    ONE_BASED = "one-based"
    """As many manuals print them: the address on the wire is one less."""


class ProfileBase(msgspec.Struct, frozen=True, kw_only=True, tag_field="protocol"):
    """What is known of one model, whatever it speaks.

    Attributes:
        maker: who makes it.
        model: as the maker calls it.
        carrier: what it measures: the key of a carrier, or a word such as `water` where there is none.
        counter: name of the value whose differences are consumption.
        source: where the facts come from.
        notes: what to mind on site.
        disagreements: where the sources say different things, and what is assumed here.
    """

    maker: str
    model: str
    carrier: str
    counter: str
    source: str
    notes: str = ""
    disagreements: str = ""

    @property
    def protocol(self) -> str:
        """What it speaks: the value of the key `protocol`."""
        return str(self.__struct_config__.tag)

    @property
    def values(self) -> tuple[Value, ...]:
        """All values of the model."""
        raise NotImplementedError

    @property
    def counter_value(self) -> Value:
        """The value whose differences are consumption."""
        return self.value(self.counter)

    def value(self, name: str) -> Value:
        """The value of that name; raises KeyError."""
        for value in self.values:
            if value.name == name:
                return value
        raise KeyError(name)


class Profile(ProfileBase, frozen=True, kw_only=True, tag="modbus"):
    """What is known of one model that speaks Modbus.

    Attributes:
        addresses: how the addresses in `registers` and `forbidden` are written; `library` makes all zero-based.
        max_words: most registers of one read.
        max_bits: most coils or inputs of one read.
        max_hole: most registers that nobody asked for between two wanted ones in one read.
        forbidden: first and last address of ranges that must not be touched, of whatever function code.
        registers: the values.
    """

    addresses: Addresses = Addresses.ZERO_BASED
    max_words: Annotated[int, msgspec.Meta(ge=1, le=MOST_WORDS)] = MOST_WORDS
    max_bits: Annotated[int, msgspec.Meta(ge=1, le=MOST_BITS)] = MOST_BITS
    max_hole: Annotated[int, msgspec.Meta(ge=0, le=MOST_WORDS)] = 16
    forbidden: tuple[tuple[Address, Address], ...] = ()
    registers: Annotated[tuple[Register, ...], msgspec.Meta(min_length=1)]

    @property
    def values(self) -> tuple[Register, ...]:
        """All values of the model."""
        return self.registers

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

    def on_the_wire(self) -> Profile:
        """The same with zero-based addresses."""
        if self.addresses is Addresses.ZERO_BASED:
            return self
        return msgspec.structs.replace(
            self,
            addresses=Addresses.ZERO_BASED,
            registers=tuple(register.moved(-1) for register in self.registers),
            forbidden=tuple((first - 1, last - 1) for first, last in self.forbidden),
        )
