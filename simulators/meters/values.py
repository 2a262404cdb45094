"""What a meter's registers show besides its counter: powers and flows from the load, the rest plausible. Pure.

One meter's values belong together: its current is its power over its voltage, its reactive power follows its active
one. They are no model of a grid or a pipe; they are there so that every register can be read and recognised.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable
from typing import NamedTuple

from collector.profiles import DISPLAY, Register
from energy.units import Dimension, canonical_unit, ratio, unit_of_measure


class Medium(NamedTuple):
    """What flows through a meter, for what belongs together where it counts in several dimensions.

    Attributes:
        kwh_per_m3: the energy that a cubic metre carries.
        t_per_m3: its mass.
    """

    kwh_per_m3: float
    t_per_m3: float


WATER = Medium(35.0, 1.0)
"""Heating water that gives off 30 K: 1.163 kWh per m3 and K."""
MEDIA = {
    "natural_gas": Medium(10.0, 0.00075),
    "steam": Medium(3.2, 0.0042),
    "low_pressure_steam": Medium(3.2, 0.0042),
    "raw_coal": Medium(5200.0, 0.9),
}
"""By carrier; all others are taken for water. Steam is saturated at 7 bar."""
_KWH_PER_REACTIVE, _KWH_PER_APPARENT = 1 / 0.33, 0.95
"""At a power factor of 0.95."""
_AMOUNT_OF = {
    Dimension.POWER: Dimension.ENERGY,
    Dimension.VOLUME_FLOW: Dimension.GAS_VOLUME,
    Dimension.MASS_FLOW: Dimension.MASS,
    Dimension.REACTIVE_POWER: Dimension.REACTIVE_ENERGY,
    Dimension.APPARENT_POWER: Dimension.APPARENT_ENERGY,
}
"""What a rate is a rate of."""
_AMOUNTS = frozenset(_AMOUNT_OF.values())
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


class Nameplate(NamedTuple):
    """What stays the same of a meter.

    Attributes:
        unit: unit of measure of its counter and its load, as `Standing` has them.
        ct: ratio of its current transformers.
        pt: ratio of its voltage transformers.
        medium: what it measures, where that is no electricity.
    """

    unit: str
    ct: float = 1.0
    pt: float = 1.0
    medium: Medium = WATER

    @property
    def voltage(self) -> float:
        """Volts from phase to neutral, primary side."""
        return self.pt * (_LOW_VOLTAGE if self.pt == 1 else _BEHIND_TRANSFORMERS)

    def in_canonical(self, dimension: Dimension) -> float:
        """What one unit of the meter's own is as an amount of another dimension, in the canonical unit of that."""
        own = unit_of_measure(self.unit).dimension
        per = {
            Dimension.GAS_VOLUME: self.medium.kwh_per_m3,
            Dimension.MASS: self.medium.kwh_per_m3 / self.medium.t_per_m3,
            Dimension.REACTIVE_ENERGY: _KWH_PER_REACTIVE,
            Dimension.APPARENT_ENERGY: _KWH_PER_APPARENT,
        }
        return _size(self.unit) * per.get(own, 1.0) / per.get(dimension, 1.0)


class Standing(NamedTuple):
    """A meter at a moment.

    Attributes:
        amount: what its counter stands at, primary side, in the nameplate's unit.
        per_hour: its load, in that unit per hour.
        at_s: data time, seconds since 1970 UTC.
    """

    amount: float
    per_hour: float
    at_s: float


Show = Callable[[Standing], float]
"""What a register shows when the meter stands so, primary side, in the register's unit of measure."""


def exponent_of(register: Register) -> int:
    """What stands in a register's `exponent`: the same for all values of a dimension, which often share one."""
    return 0 if register.unit == DISPLAY else _EXPONENTS.get(unit_of_measure(register.unit).dimension, 0)


def plausible(register: Register, plate: Nameplate) -> Show:
    """What a register other than the counter shows, worked out as far as only the meter decides."""
    if register.unit == DISPLAY:
        return _of_menu(register)
    dimension = unit_of_measure(register.unit).dimension
    share = _share(register) / _size(register.unit)
    if dimension in _AMOUNTS:
        each = plate.in_canonical(dimension) * share
        return lambda standing: standing.amount * each
    if dimension in _AMOUNT_OF:
        each = plate.in_canonical(_AMOUNT_OF[dimension]) * _PER_CANONICAL.get(dimension, 1.0) * share
        return lambda standing: standing.per_hour * each
    if dimension is Dimension.CURRENT and not register.quantity.startswith("ct_"):
        watts = plate.in_canonical(Dimension.ENERGY) * _PER_CANONICAL[Dimension.POWER]
        each = watts / (_PHASES * plate.voltage * _POWER_FACTOR) / _size(register.unit)
        return _swinging(register.name, lambda standing: standing.per_hour * each, 0.005)
    value, part = _steady(register, dimension, plate)
    shown = value / _size(register.unit)
    return _swinging(register.name, lambda _: shown, part)


def _swinging(name: str, show: Show, part: float) -> Show:
    """A value that swings a little; the registers of a meter do not swing together."""
    phase = zlib.crc32(name.encode()) % 628 / 100
    return lambda standing: (
        show(standing) * (1 + part * math.sin(math.tau * (standing.at_s % _SWING_S) / _SWING_S + phase))
    )


def _steady(register: Register, dimension: Dimension, plate: Nameplate) -> tuple[float, float]:
    """A value that has nothing to do with the load, in its canonical unit, and by which part of it it swings."""
    if dimension is Dimension.VOLTAGE:
        line_to_line = _LINE_TO_LINE & {*register.quantity.split("_")}
        return plate.voltage * (_SQRT_3 if line_to_line else 1.0), 0.005
    if dimension is Dimension.CURRENT:
        return _CT_SECONDARY_A * (plate.ct if "primary" in register.quantity else 1.0), 0.0
    if dimension is Dimension.NUMBER:
        numbers = {"power_factor": (_POWER_FACTOR, 0.005), "ct_ratio": (plate.ct, 0.0), "pt_ratio": (plate.pt, 0.0)}
        known = (value for word, value in numbers.items() if register.quantity.startswith(word))
        return next(known, (1.0, 0.0))
    if dimension is Dimension.TEMPERATURE:
        words = {*register.quantity.split("_"), *register.name.split("_")}
        return next((value for word, value in _TEMPERATURES.items() if word in words), _TEMPERATURE), 0.005
    return _STANDING.get(dimension, (1.0, 0.0))


def _of_menu(register: Register) -> Show:
    """A value whose unit of measure is set in the meter's menu: what its quantity makes likely."""
    if register.quantity.startswith(("energy", "mass", "volume")):
        return lambda standing: standing.amount
    if register.quantity.startswith(("flow", "power")):
        return lambda standing: standing.per_hour
    value = _TEMPERATURES["steam"] if register.quantity.startswith("temperature") else 1.0
    return _swinging(register.name, lambda _: value, 0.01)


def _share(register: Register) -> float:
    return math.prod(_SHARES.get(word, 1.0) for word in register.quantity.split("_"))


def _size(unit: str) -> float:
    """Canonical units in one unit of measure."""
    return float(ratio(unit, canonical_unit(unit)))
