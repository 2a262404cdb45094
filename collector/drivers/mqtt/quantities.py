"""From what a message shows to a value in the carrier's base unit. Pure."""

from __future__ import annotations

import math
import re
from fractions import Fraction
from typing import Any

from collector.errors import MappingError, RegisterError
from collector.profiles.conversion import Conversion
from energy.carriers import carrier as carrier_of
from energy.errors import MessageError
from energy.units import ratio

_INTEGER = re.compile(r"[+-]?[0-9]{1,40}", re.ASCII)
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,4})?", re.ASCII)
_NO_NUMBER = re.compile(r"[+-]?(nan|inf|infinity)", re.ASCII | re.IGNORECASE)
_SHOWN = 60


def conversion_of(unit: str, carrier: str, scale: float) -> Conversion:
    """How a number becomes the carrier's base unit.

    Args:
        unit: unit of measure of the number times `scale`.
        carrier: what it measures; where it and `unit` are empty, the number is only scaled.
        scale: its shortest decimal notation is meant.

    Raises:
        MappingError: one of unit and carrier without the other.
        RejectedError: the unit or the carrier is not known, or they do not fit together.
    """
    if bool(unit) is not bool(carrier):
        raise MappingError("unit and carrier belong together: give both, or neither for a number that is sent as it is")
    factor = Fraction(str(scale)) * (ratio(unit, carrier_of(carrier).unit) if carrier else 1)
    return Conversion(factor.numerator, factor.denominator)


def number_of(shown: Any) -> float | None:
    """The number that a message shows, as a number or as text; None for NaN and infinity.

    Raises:
        MessageError: it is no number.
    """
    if isinstance(shown, str):
        return _number_in(shown.strip())
    # A boolean is an int to Python.
    if isinstance(shown, bool) or not isinstance(shown, int | float):
        raise MessageError("type", f"{str(shown)[:_SHOWN]!r} is no number")
    try:
        return shown if math.isfinite(shown) else None
    except OverflowError as error:
        raise MessageError("range", "an integer beyond all numbers") from error


def convert(number: float, conversion: Conversion) -> float:
    """The value in the base unit; raises MessageError where no float is as large."""
    try:
        return conversion.apply(number)
    except RegisterError as error:
        raise MessageError("range", f"{number:g} is beyond all numbers in the base unit") from error


def _number_in(text: str) -> float | None:
    if _INTEGER.fullmatch(text):
        return int(text)
    if _NUMBER.fullmatch(text):
        number = float(text)
        if math.isinf(number):
            raise MessageError("range", f"{text[:_SHOWN]} is beyond all numbers")
        return number
    if _NO_NUMBER.fullmatch(text):
        return None
    raise MessageError("number", f"{text[:_SHOWN]!r} is no number")
