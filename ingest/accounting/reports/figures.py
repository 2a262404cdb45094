"""Figures as people and programs read them. Pure; decimals stay decimals."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from typing import TypeVar

T = TypeVar("T", bound=Decimal | None)

UNKNOWN = "—"
_MINUS = "−"
_ZERO = Decimal(0)
_SIGNS = {"m3": "m³", "Nm3": "Nm³", "tCO2": "tCO₂", "kgCO2": "kgCO₂"}


def plain(value: Decimal) -> str:
    """Every digit of `value` and no more: no exponent, no trailing zeros, for programs."""
    text = f"{value:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in {"-0", ""} else text


def rounded(value: Decimal | None, places: int) -> str:
    """At most `places` decimals, thousands apart by commas; ties to even, as GB/T 8170 rounds. None is a dash."""
    if value is None:
        return UNKNOWN
    text = plain(value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN) if _places(value) > places else value)
    whole, point, rest = text.removeprefix("-").partition(".")
    return (_MINUS if text.startswith("-") else "") + f"{int(whole):,}{point}{rest}"


def fixed(value: Decimal | None, places: int) -> str:
    """Likewise with exactly so many decimals, for columns."""
    if value is None:
        return UNKNOWN
    shown = value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN)
    return (_MINUS if shown < 0 else "") + f"{abs(shown):,f}"


def percent(share: Decimal | None, places: int = 1) -> str:
    """A share from 0 as per cent."""
    return UNKNOWN if share is None else f"{fixed(share * 100, places)} %"


def share_of(part: int, whole: int) -> Decimal | None:
    """A share with four decimals; None of nothing."""
    return None if not whole else Decimal(round(Fraction(part, whole) * 10_000)).scaleb(-4)


def total(values: list[Decimal | None]) -> Decimal | None:
    """The sum of what is known; None where nothing is."""
    known = [value for value in values if value is not None]
    return sum(known, _ZERO) if known else None


def from_float(value: float | None) -> Decimal | None:
    """The shortest decimal that is this float, without its noise."""
    return None if value is None else Decimal(repr(value))


def unit_sign(symbol: str, *, chinese: bool = False) -> str:
    """A unit of measure as it is printed: m³, 10⁴ kWh or 万 kWh."""
    many = "万" if chinese else "10⁴ "
    parts = [part.removeprefix("10^4 ") for part in symbol.split("/")]
    signs = [_SIGNS.get(part, part) for part in parts]
    if chinese:
        signs = ["元" if sign == "yuan" else sign for sign in signs]
    marked = zip(symbol.split("/"), parts, signs, strict=True)
    return "/".join(sign if whole == part else many + sign for whole, part, sign in marked)


def _places(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    return -exponent if isinstance(exponent, int) else 0
