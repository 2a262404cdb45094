"""Limits that a standard of energy per product says: found by key, level and day while a file is read. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from alerts.quotas.model import Problem
from energy.errors import FactorError, UnitError
from energy.product_quotas import ProductQuota, quota_on
from energy.units import convert

_LEVELS = {"advanced": (0, "先进值"), "access": (1, "准入值"), "limit": (2, "限定值")}
_FILLED = ("limit", "limit_unit")


def filled(raw: Mapping[str, Any], standards: tuple[ProductQuota, ...]) -> tuple[dict[str, Any], list[Problem]]:
    """A quota's table with the limit that its `standard` and `level` say, and what stands in the way.

    The edition in force on the quota's first day decides; the quota must end with it, since the next one has other
    figures. A limit that is given too must be the edition's. Without a `source` of its own the edition is the source.

    Args:
        raw: the table as it was read; fields of the wrong type are left to whoever decodes it.
        standards: the product quota standards.
    """
    standard, level, since = (raw.get(name) for name in ("standard", "level", "valid_from"))
    # A time stamp is a date to Python.
    if not (isinstance(standard, str) and isinstance(level, str) and level in _LEVELS and type(since) is date):
        return dict(raw), []
    index, name = _LEVELS[level]
    try:
        edition = quota_on(standard, since, standards)
    except FactorError as error:
        return _as_if_given(raw), [("standard", f"{error}; {error.advice}")]
    if edition is None:
        return _as_if_given(raw), [("valid_from", f"no edition of {standard} is known to be in force on {since}")]
    problems = list(_problems(raw, edition, index, name))
    figure = edition.levels[index]
    if problems or figure is None:
        return _as_if_given(raw), problems
    source = f"{edition.standard} {edition.product}, {edition.indicator}, {name}"
    return {"limit": str(figure), "limit_unit": edition.unit, "source": source} | dict(raw), []


def _problems(raw: Mapping[str, Any], edition: ProductQuota, index: int, name: str) -> Iterator[Problem]:
    figure, until = edition.levels[index], raw.get("valid_to")
    if figure is None:
        yield "level", f"{edition.standard} has no {raw['level']} value ({name}) of {edition.product}"
        return
    if figure <= 0:
        yield "level", f"{figure} {edition.unit} is not above 0: of what recovers energy no share is used up"
    if edition.valid_to is not None and not (type(until) is date and until <= edition.valid_to):
        yield (
            "valid_to",
            f"{edition.standard} holds until {edition.valid_to}: end it by then, and set another by the next edition",
        )
    given = [name for name in _FILLED if name in raw]
    if len(given) == 1:
        yield given[0], "limit and limit_unit are given together, or both left to the standard"
    elif given and not _same(raw, figure, edition.unit):
        yield (
            "limit",
            f"{raw['limit']} {raw['limit_unit']} is not what {edition.standard} says: {figure} {edition.unit}",
        )


def _same(raw: Mapping[str, Any], figure: Decimal, unit: str) -> bool:
    """Whether the limit given is the standard's; one that no number is, is left to whoever decodes it."""
    try:
        limit = Decimal(str(raw["limit"]))
        (energy, _, product), (own_energy, _, own_product) = (
            one.partition("/") for one in (str(raw["limit_unit"]), unit)
        )
        return convert(limit, energy, own_energy) == figure * convert(1, product, own_product)
    except (ArithmeticError, ValueError, UnitError):
        return True


def _as_if_given(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The table with a limit in place of the one that was not found, so that only the cause of that is reported."""
    return {
        "limit": 1,
        "limit_unit": "kWh/t" if raw.get("measure") == "kwh_per_output" else "kgce/t",
        "source": "-",
    } | dict(raw)
