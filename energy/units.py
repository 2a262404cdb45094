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
    """Base: m3 at 20 degC and 101.325 kPa, the standard conditions of gas metering in China. Water's m3 are m3 too."""
    POWER = "power"
    REACTIVE_POWER = "reactive power"
    REACTIVE_ENERGY = "reactive energy"
    APPARENT_POWER = "apparent power"
    APPARENT_ENERGY = "apparent energy"
    VOLTAGE = "voltage"
    CURRENT = "current"
    FREQUENCY = "frequency"
    TEMPERATURE = "temperature"
    PRESSURE = "pressure"
    VOLUME_FLOW = "volume flow"
    MASS_FLOW = "mass flow"
    VELOCITY = "velocity"
    DENSITY = "density"
    TIME = "time"
    NUMBER = "number"
    """A ratio or a count: no unit of measure at all, or per cent."""
    STANDARD_COAL = "standard coal"
    CO2 = "CO2"


@dataclass(frozen=True, slots=True)
class UnitOfMeasure:
    """One unit of measure: `size` is how many base units of its dimension it holds."""

    symbol: str
    dimension: Dimension
    size: Fraction


def _units(
    dimension: Dimension, others: dict[str, Fraction | str] | None = None, **sizes: str
) -> dict[str, UnitOfMeasure]:
    """Units of one dimension by symbol; `others` are those whose symbols are no names of Python."""
    every = sizes | (others or {})
    return {symbol: UnitOfMeasure(symbol, dimension, Fraction(size)) for symbol, size in every.items()}


def _scaled(units: dict[str, UnitOfMeasure], *symbols: str) -> dict[str, UnitOfMeasure]:
    """The statistics' units of ten thousand (万), written `10^4 kWh`."""
    scaled = (units[symbol] for symbol in symbols)
    return {f"10^4 {u.symbol}": UnitOfMeasure(f"10^4 {u.symbol}", u.dimension, u.size * 10_000) for u in scaled}


_NAMED = (
    _units(Dimension.ENERGY, kJ="1", MJ="1e3", GJ="1e6", Wh="3.6", kWh="3600", MWh="3.6e6")
    | _units(Dimension.MASS, kg="1", t="1e3")
    # 1 m3 at 0 degC is 1.0732 m3 at 20 degC, the ratio of the absolute temperatures (293.15 / 273.15).
    | _units(Dimension.GAS_VOLUME, m3="1", Nm3="1.0732", l="1e-3")
    | _units(Dimension.POWER, {"MJ/h": Fraction(10**6, 3600), "GJ/h": Fraction(10**9, 3600)}, W="1", kW="1e3", MW="1e6")
    | _units(Dimension.REACTIVE_POWER, var="1", kvar="1e3", Mvar="1e6")
    | _units(Dimension.REACTIVE_ENERGY, varh="1e-3", kvarh="1", Mvarh="1e3")
    | _units(Dimension.APPARENT_POWER, VA="1", kVA="1e3", MVA="1e6")
    | _units(Dimension.APPARENT_ENERGY, VAh="1e-3", kVAh="1", MVAh="1e3")
    | _units(Dimension.VOLTAGE, V="1", mV="1e-3", kV="1e3")
    | _units(Dimension.CURRENT, A="1", mA="1e-3", kA="1e3")
    | _units(Dimension.FREQUENCY, Hz="1")
    # A difference of temperatures would convert; a temperature does not by a factor, so that degC stands alone.
    | _units(Dimension.TEMPERATURE, degC="1")
    | _units(Dimension.PRESSURE, Pa="1e-3", hPa="1e-1", kPa="1", MPa="1e3", mbar="1e-1", bar="100")
    | _units(Dimension.VOLUME_FLOW, {"l/h": "1e-3", "l/min": "6e-2", "l/s": "3.6", "m3/h": "1", "Nm3/h": "1.0732"})
    | _units(Dimension.MASS_FLOW, {"kg/h": "1", "kg/s": "3600", "t/h": "1e3"})
    | _units(Dimension.VELOCITY, {"m/s": "1"})
    | _units(Dimension.DENSITY, {"kg/m3": "1"})
    | _units(Dimension.TIME, s="1", min="60", h="3600", d="86400")
    | _units(Dimension.NUMBER, {"1": "1", "%": "1e-2"})
    | _units(Dimension.STANDARD_COAL, kgce="1", tce="1e3")
    | _units(Dimension.CO2, kgCO2="1", tCO2="1e3")
)
UNITS: dict[str, UnitOfMeasure] = _NAMED | _scaled(_NAMED, "kWh", "m3", "Nm3")
"""Every unit of measure that configuration and data files may name, by symbol."""
_CANONICAL = {
    Dimension.ENERGY: "kWh",
    Dimension.MASS: "t",
    Dimension.GAS_VOLUME: "m3",
    Dimension.POWER: "W",
    Dimension.REACTIVE_POWER: "var",
    Dimension.REACTIVE_ENERGY: "kvarh",
    Dimension.APPARENT_POWER: "VA",
    Dimension.APPARENT_ENERGY: "kVAh",
    Dimension.VOLTAGE: "V",
    Dimension.CURRENT: "A",
    Dimension.FREQUENCY: "Hz",
    Dimension.TEMPERATURE: "degC",
    Dimension.PRESSURE: "kPa",
    Dimension.VOLUME_FLOW: "m3/h",
    Dimension.MASS_FLOW: "t/h",
    Dimension.VELOCITY: "m/s",
    Dimension.DENSITY: "kg/m3",
    Dimension.TIME: "h",
    Dimension.NUMBER: "1",
    Dimension.STANDARD_COAL: "tce",
    Dimension.CO2: "tCO2",
}


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


def per_hour(rate: str, unit: str) -> Fraction:
    """How many `unit` one `rate` makes in an hour (kWh of W: 1/1000); raises UnitError where it makes none of them."""
    one, other = unit_of_measure(rate), unit_of_measure(unit)
    made = {
        (Dimension.POWER, Dimension.ENERGY): Fraction("3.6"),  # 1 W for 1 h is 3.6 kJ
        (Dimension.VOLUME_FLOW, Dimension.GAS_VOLUME): Fraction(1),
        (Dimension.MASS_FLOW, Dimension.MASS): Fraction(1),
    }.get((one.dimension, other.dimension))
    if made is None:
        raise UnitError(f"{rate} is {one.dimension}, which makes no {other.dimension} ({unit}) in time")
    return one.size * made / other.size


def canonical_unit(symbol: str) -> str:
    """The unit in which values of the dimension of `symbol` are kept where no carrier decides; raises UnitError."""
    return _CANONICAL[unit_of_measure(symbol).dimension]


def convert(value: Decimal | int, source: str, target: str) -> Decimal:
    """`value` in `source`, expressed in `target`.

    Exact wherever the result has at most 34 digits, else rounded half even to 34. Raises UnitError on a mismatch.
    """
    return to_decimal(Fraction(value) * ratio(source, target))


def to_decimal(value: Fraction) -> Decimal:
    """`value` as a Decimal of at most 34 digits."""
    return _CONTEXT.divide(Decimal(value.numerator), Decimal(value.denominator))
