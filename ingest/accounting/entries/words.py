"""The words of entries: kinds, subjects, units of measure and days, in both languages. Pure."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import cache

from energy.carriers import carriers
from energy.errors import UnitError
from energy.units import UNITS, convert, to_decimal
from ingest.accounting.entries.model import Kind

VALUE_UNIT = "10^4 yuan"
"""Unit of output value."""
CERTIFICATE_UNIT = "MWh"
"""Unit of green certificates: one stands for 1 MWh."""

KINDS = {
    "购进": Kind.PURCHASE,
    "库存": Kind.STOCK,
    "外供": Kind.SALE,
    "原料": Kind.FEEDSTOCK,
    "产量": Kind.OUTPUT,
    "产值": Kind.OUTPUT_VALUE,
    "绿证": Kind.CERTIFICATE,
    "绿证基数": Kind.CERTIFICATE_BASE,
    "报表": Kind.STATEMENT,
} | {kind.value: kind for kind in Kind}
"""Kinds by the words that name them."""
UNIT_WORDS = {
    "千瓦时": "kWh",
    "万千瓦时": "10^4 kWh",
    "兆瓦时": "MWh",
    "吉焦": "GJ",
    "吨": "t",
    "千克": "kg",
    "公斤": "kg",
    "立方米": "m3",
    "m³": "m3",
    "万立方米": "10^4 m3",
    "元": "yuan",
    "万元": "10^4 yuan",
    "亿元": "10^8 yuan",
}
"""Units of measure by other words."""
_YUAN = {"yuan": Fraction(1), "10^4 yuan": Fraction(10_000), "10^8 yuan": Fraction(100_000_000)}
_DAY = re.compile(r"([0-9]{4})(?:-([0-9]{2})-([0-9]{2})|/([0-9]{1,2})/([0-9]{1,2})|年([0-9]{1,2})月([0-9]{1,2})日)")


def kind_of(text: str) -> Kind:
    """The kind that `text` names; raises ValueError with those that are known."""
    kind = KINDS.get(text.casefold())
    if kind is None:
        raise ValueError(f"{text!r}: one of {', '.join(KINDS)} expected")
    return kind


def carrier_of(text: str) -> str:
    """The key of the carrier that `text` names, by key or by name; raises ValueError."""
    key = _carrier_words().get(text.casefold())
    if key is None:
        raise ValueError(
            f"{text!r}: a carrier expected, such as {', '.join(list(carriers())[:6])} …, or its Chinese name"
        )
    return key


@cache
def _carrier_words() -> dict[str, str]:
    return {word.casefold(): one.key for one in carriers().values() for word in (one.name_en, one.name_zh, one.key)}


def day_of(text: str) -> date:
    """The day that `text` writes; raises ValueError."""
    match = _DAY.fullmatch(text)
    try:
        year, month, day = (int(part) for part in match.groups() if part) if match else (0, 0, 0)
        return date(year, month, day)
    except ValueError:
        raise ValueError(f"{text!r}: a day such as 2026-03-31, 2026/3/31 or 2026年3月31日 expected") from None


def unit_symbol(text: str) -> str:
    """The symbol of the unit of measure that `text` names; an unknown word stays as it is."""
    return UNIT_WORDS.get(text, text)


def in_base(amount: Decimal, source: str, base: str) -> Decimal:
    """`amount` in `source`, expressed in `base`, exactly, as `energy.units.convert` is.

    Raises:
        UnitError: they do not convert into each other; with what was expected.
    """
    if source == base:
        return amount
    if base in _YUAN and source in _YUAN:
        return to_decimal(Fraction(amount) * _YUAN[source] / _YUAN[base])
    try:
        return convert(amount, source, base)
    except UnitError:
        raise UnitError(f"{source!r}: {_expected(base)} expected") from None


def _expected(base: str) -> str:
    """What converts into `base`."""
    if base in _YUAN:
        return ", ".join(_YUAN)
    if base not in UNITS:
        return base
    dimension = UNITS[base].dimension
    return ", ".join(one.symbol for one in UNITS.values() if one.dimension is dimension)
