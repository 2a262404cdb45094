"""What a unit fills in. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from energy.errors import Fault


class Kind(StrEnum):
    """What an entry is about."""

    PURCHASE = "purchase"
    """购进: of a carrier."""
    STOCK = "stock"
    """期末库存: of a carrier, at the end of a day."""
    SALE = "sale"
    """外供: of a carrier, sold or passed on."""
    FEEDSTOCK = "feedstock"
    """原料用能: of a carrier."""
    OUTPUT = "output"
    """产品产量: of a registered product."""
    OUTPUT_VALUE = "output_value"
    """产值, at constant prices."""
    CERTIFICATE = "certificate"
    """绿证: green certificates, as the electricity that they stand for."""
    CERTIFICATE_BASE = "certificate_base"
    """绿证基数: what of these is deducted before they count."""
    STATEMENT = "statement"
    """报表消费量: of a carrier, what the unit stated as consumed; in no balance, days are held against it."""

    @property
    def of_carrier(self) -> bool:
        """Whether its subject is a carrier."""
        return self in {Kind.PURCHASE, Kind.STOCK, Kind.SALE, Kind.FEEDSTOCK, Kind.STATEMENT}


class Source(StrEnum):
    """By which way an entry came."""

    FILE = "file"
    API = "api"
    HAND = "hand"


@dataclass(frozen=True, slots=True)
class Given:
    """An entry as a person gives it.

    Attributes:
        said: its fields as text: `FIELDS`; empty ones are not there.
        author: who says it.
        source: where it stands, for faults.
        line: likewise; 0 for no line.
        faults: what is wrong with the form in which it stands there.
    """

    said: Mapping[str, str]
    author: str
    source: str = ""
    line: int = 0
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True, slots=True)
class Product:
    """A product of a unit.

    Attributes:
        code: its name in entries.
        unit: unit of measure of its output, one of `energy.units` or any other word, such as a count of pieces.
        quota_key: row of the product quota standards, empty for none.
        point: the point that meters it, empty for none.
    """

    code: str
    unit: str
    name_zh: str = ""
    name_en: str = ""
    quota_key: str = ""
    point: str = ""


@dataclass(frozen=True, slots=True)
class EntryUnit:
    """What must be known of a unit to enter something for it; products by code."""

    unit_id: int
    code: str
    time_zone: str
    products: Mapping[str, Product]


@dataclass(frozen=True, slots=True)
class Key:
    """What an entry is for; a later one for the same replaces the earlier."""

    unit_id: int
    kind: Kind
    subject: str
    first_day: date
    last_day: date


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry that makes sense by itself.

    Attributes:
        amount: in `unit`, the base unit of what it is about.
        given, given_unit: how it was filled in, where that is another unit.
    """

    key: Key
    amount: Decimal
    unit: str
    given: Decimal | None
    given_unit: str | None
    document: str
    reason: str
    author: str


@dataclass(frozen=True, slots=True)
class Standing:
    """An entry that is in force.

    Attributes:
        name: what to call it in faults.
        entry_id: its number; None while it is being written itself.
    """

    name: str
    entry_id: int | None
    key: Key
    amount: Decimal
    document: str
    reason: str
