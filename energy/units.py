"""Units of measure with exact factors: what may be added to what, and what may not.

A factor is a `Fraction` of the dimension's base unit, so that nothing is lost between GJ and kWh. Standard coal
and CO2 are dimensions of their own: they are reached through a dated factor (`energy.factors`), never by a
conversion.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Context, Decimal
from enum import StrEnum
from fractions import Fraction

from energy.errors import UnitError

# As many digits as IEEE 754 decimal128: every result that has fewer is exact.
_CONTEXT = Context(prec=34)


class Dimension(StrEnum):
    """What a unit of measure measures; only units of one dimension convert into each other."""

    ENERGY = "energy"
    MASS = "mass"
    GAS_VOLUME = "gas volume"
    """Base: m3 at 20 degC and 101.325 kPa, the standard conditions of gas metering in China."""
    STANDARD_COAL = "standard coal"
    CO2 = "CO2"


@dataclass(frozen=True, slots=True)
class UnitOfMeasure:
    """One unit of measure: `size` is how many base units of its dimension it holds."""

    symbol: str
    dimension: Dimension
    size: Fraction


def _units(dimension: Dimension, **sizes: str) -> dict[str, UnitOfMeasure]:
    return {symbol: UnitOfMeasure(symbol, dimension, Fraction(size)) for symbol, size in sizes.items()}


def _scaled(units: dict[str, UnitOfMeasure], *symbols: str) -> dict[str, UnitOfMeasure]:
    """The statistics' units of ten thousand (万), written `10^4 kWh`."""
    scaled = (units[symbol] for symbol in symbols)
    return {f"10^4 {u.symbol}": UnitOfMeasure(f"10^4 {u.symbol}", u.dimension, u.size * 10_000) for u in scaled}


_NAMED = (
    _units(Dimension.ENERGY, kJ="1", MJ="1e3", GJ="1e6", Wh="3.6", kWh="3600", MWh="3.6e6")
    | _units(Dimension.MASS, kg="1", t="1e3")
    # 1 m3 at 0 degC is 1.0732 m3 at 20 degC, the ratio of the absolute temperatures (293.15 / 273.15).
    | _units(Dimension.GAS_VOLUME, m3="1", Nm3="1.0732")
    | _units(Dimension.STANDARD_COAL, kgce="1", tce="1e3")
    | _units(Dimension.CO2, kgCO2="1", tCO2="1e3")
)
UNITS: dict[str, UnitOfMeasure] = _NAMED | _scaled(_NAMED, "kWh", "m3", "Nm3")
"""Every unit of measure that configuration and data files may name, by symbol."""


def unit_of_measure(symbol: str) -> UnitOfMeasure:
    """The unit of measure called `symbol`; raises UnitError for one that is not known."""
    try:
        return UNITS[symbol]
    except KeyError:
        known = ", ".join(UNITS)
        raise UnitError(f"unknown unit of measure {symbol!r}", advice=f"known units: {known}") from None


def ratio(source: str, target: str) -> Fraction:
    """How many `target` one `source` is, exactly; raises UnitError where the dimensions differ."""
    one, other = unit_of_measure(source), unit_of_measure(target)
    if one.dimension is not other.dimension:
        raise UnitError(f"{source} is {one.dimension}, {target} is {other.dimension}: no conversion leads there")
    return one.size / other.size


def convert(value: Decimal | int, source: str, target: str) -> Decimal:
    """`value` in `source`, expressed in `target`.

    Exact wherever the result has at most 34 digits, else rounded half even to 34. Raises UnitError on a mismatch.
    """
    return to_decimal(Fraction(value) * ratio(source, target))


def to_decimal(value: Fraction) -> Decimal:
    """`value` as a Decimal of at most 34 digits."""
    return _CONTEXT.divide(Decimal(value.numerator), Decimal(value.denominator))
