"""Quotas of energy per unit of product: levels 1, 2 and 3 of the national quota standards, and where a value stands.

Level 1 is the advanced value (先进值), level 2 the access value for new plants (准入值), level 3 the limit for
existing ones (限定值). A value is of the best level whose figure it does not exceed; above level 3 it is over.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import cache

from energy.data import DataFiles, shipped
from energy.data.rows import FaultList, Row
from energy.errors import FactorError, UnitError
from energy.units import convert, unit_of_measure

_LEVELS = ("level_1_advanced", "level_2_access", "level_3_limit")


class Level(StrEnum):
    """Where a value stands against a quota."""

    ADVANCED = "1"
    """先进: at most level 1."""
    ACCESS = "2"
    """准入: at most level 2."""
    LIMIT = "3"
    """限定: at most level 3."""
    OVER = "over"
    """超限额: above level 3."""


@dataclass(frozen=True, slots=True)
class ProductQuota:
    """One indicator of one product in one edition of a standard.

    Attributes:
        key: what a unit's product names; the same in all editions.
        unit: of the figures, such as kgce/t: of energy, per unit of the product.
        levels: figures of levels 1, 2 and 3; None for a level that the standard does not have. Below zero where the
            process recovers more than it uses.
        valid_from: first day; None where it is not established.
        valid_to: first day on which it does not hold any more; None until further notice.
        confidence: how firmly the figures are established; see energy/data/README.md.
    """

    key: str
    standard: str
    product: str
    indicator: str
    unit: str
    levels: tuple[Decimal | None, Decimal | None, Decimal]
    valid_from: date | None
    valid_to: date | None
    confidence: str
    note: str

    def holds_on(self, day: date) -> bool:
        """Whether the edition is in force on `day`, as far as its dates are established."""
        return (self.valid_from is None or self.valid_from <= day) and (self.valid_to is None or day < self.valid_to)

    def level(self, value: Decimal) -> Level:
        """Where `value`, in `unit`, stands; a figure that is met exactly counts as met."""
        for level, figure in zip(Level, self.levels, strict=False):
            if figure is not None and value <= figure:
                return level
        return Level.OVER

    def in_unit(self, value: Decimal, energy: str, product: str) -> Decimal:
        """`value` in `energy` per `product`, such as tce per kg, in the quota's own unit; raises UnitError."""
        own_energy, own_product = self.unit.split("/")
        return convert(value, energy, own_energy) / convert(1, product, own_product)


def parse_product_quotas(files: DataFiles) -> tuple[ProductQuota, ...]:
    """The rows of `product_quotas.csv`; raises FactorError naming every fault by file, line and field."""
    faults, found = FaultList(), list[ProductQuota]()
    for row in files.rows("product_quotas.csv"):
        with faults:
            quota = _quota(row)
            for other in found:
                if other.key == quota.key and _overlap(other, quota):
                    raise row.error("valid_from", f"{quota.key} is in force already by {other.standard}")
            found.append(quota)
    faults.raise_any()
    return tuple(found)


@cache
def product_quotas() -> tuple[ProductQuota, ...]:
    """The quotas that the project ships."""
    return parse_product_quotas(shipped())


def quota_on(key: str, day: date, quotas: tuple[ProductQuota, ...] | None = None) -> ProductQuota | None:
    """The edition of `key` in force on `day`, by default of the shipped ones; None where none is.

    Raises:
        FactorError: no edition has this key.
    """
    known = product_quotas() if quotas is None else quotas
    editions = [one for one in known if one.key == key]
    if not editions:
        raise FactorError(
            f"no product quota {key!r}", advice=f"known: {', '.join(dict.fromkeys(q.key for q in known))}"
        )
    return next((one for one in editions if one.holds_on(day)), None)


def _quota(row: Row) -> ProductQuota:
    first, second, third = (row.optional_decimal(field, negative=True) for field in _LEVELS)
    limit = row.decimal("level_3_limit", negative=True)
    given = [(field, value) for field, value in zip(_LEVELS, (first, second, third), strict=True) if value is not None]
    for (_, better), (field, value) in itertools.pairwise(given):
        if value < better:
            raise row.error(field, f"{value} is below the level before it, {better}")
    quota = ProductQuota(
        **{field: row.text(field) for field in ("key", "standard", "product", "indicator", "confidence")},
        unit=_unit(row),
        levels=(first, second, limit),
        valid_from=row.optional_date("valid_from"),
        valid_to=row.optional_date("valid_to"),
        note=row.cells["note"],
    )
    if quota.valid_from and quota.valid_to and quota.valid_to <= quota.valid_from:
        raise row.error("valid_to", f"{quota.valid_to} is not after {quota.valid_from}")
    return quota


def _unit(row: Row) -> str:
    """Two known units of measure with a slash between."""
    unit = row.text("unit")
    energy, slash, product = unit.partition("/")
    if not slash:
        raise row.error("unit", f"{unit!r} is not a unit of energy per unit of a product, such as kgce/t")
    try:
        unit_of_measure(energy)
        unit_of_measure(product)
    except UnitError as error:
        raise row.error("unit", str(error)) from None
    return unit


def _overlap(one: ProductQuota, other: ProductQuota) -> bool:
    """Whether two editions hold on the same day; where dates are not established they do."""
    return (one.valid_from or date.min) < (other.valid_to or date.max) and (other.valid_from or date.min) < (
        one.valid_to or date.max
    )
