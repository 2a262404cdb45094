"""What a meter's registers show besides its counter: powers and flows from the load, the rest plausible. Pure.

One meter's values belong together: its current is its power over its voltage, its reactive power follows its active
one. They are no model of a grid or a pipe; they are there so that every register can be read and recognised.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

from collector.profiles import DISPLAY, Register
from energy.units import Dimension, canonical_unit, ratio, unit_of_measure

_KWH_PER = {
    Dimension.ENERGY: 1.0,
    Dimension.GAS_VOLUME: 10.0,
    Dimension.MASS: 770.0,
    Dimension.REACTIVE_ENERGY: 1 / 0.33,
    Dimension.APPARENT_ENERGY: 0.95,
}
"""What belongs together where a meter counts in several dimensions, in the canonical unit of each: the heat of a cubic
metre of gas or of a tonne of steam; the reactive energy at a power factor of 0.95."""
_AMOUNT_OF = {
    Dimension.POWER: Dimension.ENERGY,
    Dimension.VOLUME_FLOW: Dimension.GAS_VOLUME,
    Dimension.MASS_FLOW: Dimension.MASS,
    Dimension.REACTIVE_POWER: Dimension.REACTIVE_ENERGY,
    Dimension.APPARENT_POWER: Dimension.APPARENT_ENERGY,
}
"""What a rate is a rate of."""
_PER_CANONICAL = {Dimension.POWER: 1000.0, Dimension.REACTIVE_POWER: 1000.0, Dimension.APPARENT_POWER: 1000.0}
"""Canonical units of a rate in one canonical unit of its amount an hour: 1 kWh/h is 1000 W."""
_SHARES = {
    "export": 0.02,
    "reverse": 0.02,
    "partial": 0.1,
    "net": 0.98,
    "l1": 0.34,
    "l2": 0.33,
    "l3": 0.33,
    "t1": 0.4,
    "t2": 0.3,
    "t3": 0.2,
    "t4": 0.1,
}
"""How much of the whole a register shows, by a word of its quantity."""
_POWER_FACTOR = 0.95
_PHASES = 3
_LOW_VOLTAGE, _BEHIND_TRANSFORMERS = 230.0, 57.7
"""Volts from phase to neutral on the meter's side: connected directly, and behind voltage transformers (100 V/√3)."""
_CT_SECONDARY_A = 5.0
_STANDING = {
    Dimension.FREQUENCY: (50.0, 0.0004),
    Dimension.PRESSURE: (500.0, 0.01),
    Dimension.VELOCITY: (1.5, 0.05),
    Dimension.DENSITY: (4.2, 0.01),
    Dimension.TIME: (8760.0, 0.0),
}
"""Canonical value, and by which part of it it swings."""
_TEMPERATURES = {"supply": 80.0, "return": 50.0, "steam": 180.0}
_TEMPERATURE = 20.0
_SWING_S = 900.0
_SQRT_3 = math.sqrt(3)
_LINE_TO_LINE = {"l12", "l23", "l31", "ll"}
_EXPONENTS = {
    Dimension.POWER: 1,
    Dimension.REACTIVE_POWER: 1,
    Dimension.APPARENT_POWER: 1,
    Dimension.VOLTAGE: -1,
    Dimension.CURRENT: -2,
    Dimension.FREQUENCY: -2,
    Dimension.NUMBER: -3,
}
"""What stands in a register of exponents; 0 for all other dimensions."""


class Standing(NamedTuple):
    """A meter at a moment.

    Attributes:
        amount: what its counter stands at, primary side, in `unit`.
        per_hour: its load, in `unit` per hour.
        unit: unit of measure of both.
        at_s: data time, seconds since 1970 UTC.
        ct: ratio of its current transformers.
        pt: ratio of its voltage transformers.
    """

    amount: float
    per_hour: float
    unit: str
    at_s: float
    ct: float = 1.0
    pt: float = 1.0

    @property
    def voltage(self) -> float:
        """Volts from phase to neutral, primary side."""
        return self.pt * (_LOW_VOLTAGE if self.pt == 1 else _BEHIND_TRANSFORMERS)

    def kwh(self, amount: float) -> float:
        """An amount of the meter's in kWh, or what stands for them."""
        return amount * _size(self.unit) * _KWH_PER.get(unit_of_measure(self.unit).dimension, 1.0)


def exponent_of(register: Register) -> int:
    """What stands in a register's `exponent`: the same for all values of a dimension, which often share one."""
    return 0 if register.unit == DISPLAY else _EXPONENTS.get(unit_of_measure(register.unit).dimension, 0)


def plausible(register: Register, standing: Standing) -> float:
    """What a register other than the counter shows, primary side, in its unit of measure."""
    swing = math.sin(2 * math.pi * (standing.at_s % _SWING_S) / _SWING_S + _phase(register.name))
    if register.unit == DISPLAY:
        return _of_menu(register, standing) * (1 + 0.01 * swing)
    dimension = unit_of_measure(register.unit).dimension
    value = _canonical(register, dimension, standing, swing)
    return value / _size(register.unit)


def _canonical(register: Register, dimension: Dimension, standing: Standing, swing: float) -> float:
    """In the dimension's canonical unit."""
    if dimension in _KWH_PER:
        return standing.kwh(standing.amount) / _KWH_PER[dimension] * _share(register)
    if dimension in _AMOUNT_OF:
        hourly = standing.kwh(standing.per_hour) / _KWH_PER[_AMOUNT_OF[dimension]]
        return hourly * _PER_CANONICAL.get(dimension, 1.0) * _share(register)
    if dimension in _ELECTRIC:
        return _ELECTRIC[dimension](register, standing) * (1 + 0.005 * swing)
    if dimension is Dimension.TEMPERATURE:
        words = {*register.quantity.split("_"), *register.name.split("_")}
        return next((value for word, value in _TEMPERATURES.items() if word in words), _TEMPERATURE) + 0.5 * swing
    value, part = _STANDING.get(dimension, (1.0, 0.0))
    return value * (1 + part * swing)


def _voltage(register: Register, standing: Standing) -> float:
    line_to_line = _LINE_TO_LINE & {*register.quantity.split("_")} or register.quantity.endswith(("_l2_l1", "_l1_l2"))
    return standing.voltage * (_SQRT_3 if line_to_line else 1.0)


def _current(register: Register, standing: Standing) -> float:
    if register.quantity.startswith("ct_"):
        return _CT_SECONDARY_A * (standing.ct if "primary" in register.quantity else 1.0)
    watts = standing.kwh(standing.per_hour) * 1000
    return watts / (_PHASES * standing.voltage * _POWER_FACTOR)


def _number(register: Register, standing: Standing) -> float:
    numbers = {"power_factor": _POWER_FACTOR, "ct_ratio": standing.ct, "pt_ratio": standing.pt}
    known = (value for word, value in numbers.items() if register.quantity.startswith(word))
    return next(known, 1.0)


_ELECTRIC: dict[Dimension, Callable[[Register, Standing], float]] = {
    Dimension.VOLTAGE: _voltage,
    Dimension.CURRENT: _current,
    Dimension.NUMBER: _number,
}


def _of_menu(register: Register, standing: Standing) -> float:
    """A value whose unit of measure is set in the meter's menu: what its quantity makes likely."""
    if register.quantity.startswith(("energy", "mass", "volume")):
        return standing.amount
    if register.quantity.startswith(("flow", "power")):
        return standing.per_hour
    return _TEMPERATURES["steam"] if register.quantity.startswith("temperature") else 1.0


def _share(register: Register) -> float:
    return _share_of(register.quantity)


@cache
def _share_of(quantity: str) -> float:
    return math.prod(_SHARES.get(word, 1.0) for word in quantity.split("_"))


@cache
def _size(unit: str) -> float:
    """Canonical units in one unit of measure."""
    return float(ratio(unit, canonical_unit(unit)))


def _phase(name: str) -> float:
    """The registers of a meter do not swing together."""
    return zlib.crc32(name.encode()) % 628 / 100
