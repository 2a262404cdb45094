"""What a meter's table and its profile say together: which values go to which points, and how they are converted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from collector.drivers.settings import MeterBase
from collector.profiles.conversion import Conversion, conversion, target_unit
from collector.profiles.model import ProfileBase
from collector.profiles.value import DISPLAY, Value
from energy.carriers import carriers
from energy.errors import UnitError


class Sent(NamedTuple):
    """A value that becomes readings: under which code, how its raw number becomes what is sent, and in which unit."""

    point: str
    conversion: Conversion
    unit: str


def sent_values(settings: MeterBase, profile: ProfileBase) -> Mapping[str, Sent]:
    """The values that are sent, by their name in the profile.

    Raises:
        KeyError: the profile has no such value.
        RejectedError: ratios or units of measure do not fit.
    """
    points = dict(settings.points)
    if settings.point is not None:
        points[profile.counter] = settings.point
    units = units_of(settings, profile)
    return {
        name: Sent(
            point,
            conversion_of(profile, profile.value(name), ct=settings.ct, pt=settings.pt, unit=units.get(name, "")),
            kept_unit(profile, profile.value(name), units.get(name, "")),
        )
        for name, point in points.items()
    }


def units_of(settings: MeterBase, profile: ProfileBase) -> Mapping[str, str]:
    """The units of measure that are set in the meter's menu, as far as its table names them, by the value's name."""
    return {**settings.units, **({profile.counter: settings.unit} if settings.unit else {})}


def conversion_of(profile: ProfileBase, value: Value, *, ct: float | None, pt: float | None, unit: str) -> Conversion:
    """How a value's raw number becomes the unit of measure in which it is kept: the counter's is its carrier's.

    Args:
        profile: whose value.
        value: which one.
        ct: ratio of the current transformers.
        pt: ratio of the voltage transformers.
        unit: unit of measure as set in the meter's menu; empty for the profile's.

    Raises:
        RatioError: a ratio that the value takes is missing.
        UnitError: the units of measure do not convert into each other, or none is known.
    """
    return conversion(value, kept_unit(profile, value, unit), ct=ct, pt=pt, unit=unit)


def kept_unit(profile: ProfileBase, value: Value, unit: str) -> str:
    """The unit of measure in which a value is kept; `unit` is that which is set in the meter's menu, or empty.

    Raises:
        UnitError: none is known.
    """
    shown = unit or value.unit
    if shown == DISPLAY:
        where = "unit" if value.name == profile.counter else f"units.{value.name}"
        raise UnitError(f"{value.name}: the meter's menu decides the unit of measure: name it as {where}")
    carrier = carriers().get(profile.carrier)
    if value.name == profile.counter and carrier is not None:
        return carrier.unit
    return target_unit(profile.carrier, shown if value.unit == DISPLAY else value.unit)
