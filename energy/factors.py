"""Dated factors from energy to standard coal and CO2, per base unit of each carrier.

A factor holds from its day until the next one's. What is carried into a time for which it was not published (the
grid factor of a year to come, an edition before its first day) serves all the same and is marked provisional.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import cache

from energy.carriers import Carrier, carriers
from energy.data import data_set
from energy.errors import FactorError
from energy.factor_tables import Co2Tables, CoalTable, Dated, Tables
from energy.units import to_decimal

EVER = date(1900, 1, 1)
"""The day on which each series starts, long before any reading."""
DEFAULT_REGION = "northwest"
"""The regional grid of Shaanxi."""
_PLACES = Decimal("1e-9")


@dataclass(frozen=True, slots=True)
class Factor:
    """What one base unit of a carrier is worth from `valid_from` until the next factor's day.

    Attributes:
        unit: the carrier's base unit of measure.
        kgce: standard coal by calorific value (当量值).
        kgce_equal: standard coal by equal value (等价值).
        kgco2: CO2; like the two before it exact, but rounded half even to nine decimals where it would not end.
        provisional: some figure was not published for this time.
        source: the editions that the figures rest on, and the version of the data set.
    """

    carrier: str
    unit: str
    kgce: Decimal
    kgce_equal: Decimal
    kgco2: Decimal
    valid_from: date
    provisional: bool
    source: str


def load_factors(
    tables: Tables | None = None, known: Mapping[str, Carrier] | None = None, *, region: str = DEFAULT_REGION
) -> tuple[Factor, ...]:
    """The factors of every carrier in `known` (default: all), each carrier's in the order of their days.

    Args:
        tables: replacements of shipped tables.
        known: the carriers, by key.
        region: whose grid factor applies, a `scope` of co2_grid.csv.

    Raises:
        FactorError: a row is missing, carries the wrong unit or contradicts another; names file, line and field.
    """
    tables, known = tables or Tables(), carriers() if known is None else known
    equal_value = {one.coal_equal for one in known.values()} - {one.coal for one in known.values()}
    coal = CoalTable(tables.standard_coal, equal_value=equal_value)
    co2 = Co2Tables(tables, coal, region)
    return tuple(factor for one in known.values() for factor in _series(one, coal, co2))


@cache
def shipped_factors(region: str = DEFAULT_REGION) -> tuple[Factor, ...]:
    """The factors that the project ships, loaded once per region."""
    return load_factors(region=region)


def factor_on(factors: Sequence[Factor], carrier: str, day: date) -> Factor:
    """The factor of `carrier` that holds on `day`; raises FactorError where there is none."""
    candidates = (factor for factor in factors if factor.carrier == carrier and factor.valid_from <= day)
    found = max(candidates, key=lambda factor: factor.valid_from, default=None)
    if found is None:
        raise FactorError(f"no factor of {carrier} on {day}")
    return found


def _series(carrier: Carrier, coal: CoalTable, co2: Co2Tables) -> Iterator[Factor]:
    """One factor per day on which something changes: a figure, its source, or whether it was published."""
    parts = (coal.dated(carrier.coal, carrier.unit), coal.dated(carrier.coal_equal, carrier.unit), co2.dated(carrier))
    days = {day for part in parts for one in part for day in (one.valid_from, one.until) if day is not None}
    last = None
    for day in sorted({EVER, *days}):
        factor = _factor(carrier, day, [_on(part, day) for part in parts])
        if last is None or replace(factor, valid_from=last.valid_from) != last:
            yield factor
            last = factor


def _factor(carrier: Carrier, day: date, values: list[Dated]) -> Factor:
    kgce, kgce_equal, kgco2 = values
    source = f"kgce: {kgce.source}; equal value: {kgce_equal.source}; CO2: {kgco2.source}"
    return Factor(
        carrier=carrier.key,
        unit=carrier.unit,
        kgce=_rounded(kgce.amount),
        kgce_equal=_rounded(kgce_equal.amount),
        kgco2=_rounded(kgco2.amount),
        valid_from=day,
        provisional=not all(value.published_for(day) for value in values),
        source=f"{source}; data set {data_set().version}",
    )


def _on(values: Sequence[Dated], day: date) -> Dated:
    """The latest figure whose day has come; the first one where none has."""
    ordered = sorted(values, key=lambda value: value.valid_from or EVER)
    begun = [value for value in ordered if (value.valid_from or EVER) <= day]
    return begun[-1] if begun else ordered[0]


def _rounded(amount: Fraction) -> Decimal:
    """`amount` with at most nine decimals and no trailing zeros: a dated factor is a figure that a person can check."""
    value = to_decimal(amount).quantize(_PLACES).normalize()
    return value.quantize(Decimal(1)) if value == value.to_integral_value() else value
