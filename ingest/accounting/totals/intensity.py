"""Where a unit stands against the quota standards of its products, per month, quarter or year."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from energy.errors import UnitError
from energy.product_quotas import Level, ProductQuota, quota_on
from energy.storage import Connection, load_queries, translating
from energy.units import Dimension, to_decimal, unit_of_measure

_SQL = load_queries("ingest.accounting.totals", "intensity.sql")


@dataclass(frozen=True, slots=True)
class ProductIntensity:
    """Energy per output of one product in one period.

    Attributes:
        product: its code.
        output: in `unit`.
        kgce, kgce_equal: of the whole unit for it, by calorific and by equal value; None without output, and where
            of one of the days that output covers no energy is known, or energy is below zero or made so by a stock.
        kwh: electricity likewise.
        quota: the edition of its quota standard in force on the period's first day; None for none.
        value: the intensity in the quota's own unit; None without output, energy or quota, or where a unit of measure
            does not lead there.
        level: where `value` stands; None likewise.
    """

    product: str
    output: Decimal
    unit: str
    kgce: Decimal | None
    kgce_equal: Decimal | None
    kwh: Decimal | None
    quota: ProductQuota | None
    value: Decimal | None
    level: Level | None


async def product_intensities(
    connection: Connection, unit: str, period: str, period_start: date
) -> list[ProductIntensity]:
    """The intensities of the products of the unit with code `unit`, each with its level.

    Quotas in standard coal are compared by calorific value (当量值), as GB/T 2589 counts a unit's own use; quotas in
    kWh with electricity.

    Args:
        connection: to the database.
        unit: code.
        period: month, quarter or year.
        period_start: its first day.

    Raises:
        FactorError: a product names a quota that there is not.
        StorageError and its like: as `energy.storage.translating` says.
    """
    with translating():
        rows = await connection.fetch(_SQL.product_intensities, unit, period, period_start)
    return [_judged(period_start, **row) for row in rows]


def _judged(  # noqa: PLR0913 - the columns of one row
    day: date,
    *,
    product: str,
    output: Decimal,
    unit: str,
    kgce: Decimal | None,
    kgce_equal: Decimal | None,
    kwh: Decimal | None,
    quota_key: str,
) -> ProductIntensity:
    quota = quota_on(quota_key, day) if quota_key else None
    value = None if quota is None else _value(quota, output, unit, kgce, kwh)
    level = None if quota is None or value is None else quota.level(value)
    return ProductIntensity(product, output, unit, kgce, kgce_equal, kwh, quota, value, level)


def _value(
    quota: ProductQuota, output: Decimal, unit: str, kgce: Decimal | None, kwh: Decimal | None
) -> Decimal | None:
    """Energy per output in the quota's unit; exact up to 34 digits."""
    by_coal = unit_of_measure(quota.unit.split("/")[0]).dimension is Dimension.STANDARD_COAL
    energy = kgce if by_coal else kwh
    if energy is None or not output:
        return None
    try:
        return quota.in_unit(to_decimal(Fraction(energy) / Fraction(output)), "kgce" if by_coal else "kWh", unit)
    except UnitError:
        return None
