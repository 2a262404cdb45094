"""The words of entries: kinds, and amounts in one unit of measure for another. Pure."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

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
_YUAN = {"yuan": Fraction(1), "10^4 yuan": Fraction(10_000), "10^8 yuan": Fraction(100_000_000)}


def kind_of(text: str) -> Kind:
    """The kind that `text` names; raises ValueError with those that are known."""
    kind = KINDS.get(text.casefold())
    if kind is None:
        raise ValueError(f"{text!r}: one of {', '.join(KINDS)} expected")
    return kind


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
