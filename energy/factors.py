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
from functools import cache, cached_property

from energy.carriers import Carrier, Co2Rule, carriers, parse_carriers
from energy.data import DataFiles, shipped
from energy.data.rows import FaultList
from energy.errors import FactorError, Fault
from energy.factor_tables import Co2Tables, CoalTable, Dated, grid_regions
from energy.units import to_decimal

EVER = date(1900, 1, 1)
"""The day on which each series starts, long before any reading."""
FOREVER = date.max
"""The end of what holds until further notice; `infinity` in the database."""
NATIONAL = "national"
"""The region of a district that belongs to no regional grid of the data files."""
VERSION_MARK = "; data set "
"""In `Factor.source`: between the editions and the version of the data set."""
_PLACES = Decimal("1e-9")


@dataclass(frozen=True, slots=True)
class Factor:
    """What one base unit of a carrier is worth from `valid_from` until before `valid_to`.

    Attributes:
        region: the regional grid, a `scope` of co2_grid.csv; empty for carriers of which it does not matter.
        unit: the carrier's base unit of measure.
        kgce: standard coal by calorific value (当量值).
        kgce_equal: standard coal by equal value (等价值).
        kgco2: CO2; like the two before it exact, but rounded half even to nine decimals where it would not end.
        kgco2_per_gj: CO2 per GJ of calorific value, for units that measure theirs; None where it does not decide.
        provisional: some figure was not published for this time.
        source: the editions that the figures rest on, and the version of the data set.
    """

    carrier: str
    region: str
    unit: str
    kgce: Decimal
    kgce_equal: Decimal
    kgco2: Decimal
    kgco2_per_gj: Decimal | None
    valid_from: date
    valid_to: date
    provisional: bool
    source: str


@dataclass(frozen=True)
class FactorSet:
    """All that the data files say about factors.

    Attributes:
        factors: of every carrier and region, in the order of their days.
        regions: the regional grid by the first two or four digits of a district (GB/T 2260).
        carriers: by key, with the rows that apply to them.
        version: of the data files.
    """

    factors: tuple[Factor, ...]
    regions: Mapping[str, str]
    carriers: Mapping[str, Carrier]
    version: str

    @cached_property
    def _by_carrier(self) -> Mapping[str, Sequence[Factor]]:
        found: dict[str, list[Factor]] = {}
        for factor in self.factors:
            found.setdefault(factor.carrier, []).append(factor)
        return found

    def region_of(self, district: str) -> str:
        """The regional grid of a six-digit district: its city's where the files divide the province, else its own."""
        return self.regions.get(district[:4]) or self.regions.get(district[:2], NATIONAL)

    def on(self, carrier: str, day: date, district: str = "") -> Factor:
        """The factor of `carrier` that holds on `day` in `district`; raises FactorError where there is none."""
        regions = {"", self.region_of(district)}
        for factor in self._by_carrier.get(carrier, ()):
            if factor.valid_from <= day < factor.valid_to and factor.region in regions:
                return factor
        raise FactorError(f"no factor of {carrier} on {day}")


def load_factors(files: DataFiles | None = None) -> FactorSet:
    """The factors of every carrier and region.

    Args:
        files: the tables; by default the shipped ones.

    Raises:
        FactorError: a row is missing, carries the wrong unit, contradicts another or is implausible; every fault is
            named by file, line and field.
    """
    files, faults = files or shipped(), FaultList()
    known: dict[str, Carrier] = {}
    with faults:
        known = parse_carriers(files)
    regions: dict[str, str] = {}
    with faults:
        regions = grid_regions(files, faults)
    factors: list[Factor] = []
    with faults:
        factors += _of_carriers(files, known, {NATIONAL, *regions.values()}, faults)
    with faults:
        _check_complete(files, known)
    faults.raise_any()
    return FactorSet(tuple(factors), regions, known, files.version)


@cache
def shipped_factors() -> FactorSet:
    """The factors that the project ships, loaded once."""
    return load_factors()


def _of_carriers(
    files: DataFiles, known: Mapping[str, Carrier], regions: set[str], faults: FaultList
) -> Iterator[Factor]:
    equal_value = {one.coal_equal for one in known.values()} - {one.coal for one in known.values()}
    coal = CoalTable(files, faults, equal_value=equal_value)
    co2 = Co2Tables(files, faults, coal)
    for one in known.values():
        by_value: list[tuple[Dated, ...]] = []
        for key in (one.coal, one.coal_equal):
            with faults:
                by_value.append(coal.dated(key, one))
        if len(by_value) < len(("calorific", "equal")):
            continue  # the CO2 would be compared with a figure that is wrong itself
        for region in sorted(regions) if one.co2_rule is Co2Rule.GRID else ("",):
            with faults:
                yield from _series(one, region, (*by_value, co2.dated(one, region)), files.version)


def _check_complete(files: DataFiles, known: Mapping[str, Carrier]) -> None:
    if files is not shipped() and (missing := [key for key in carriers() if key not in known]):
        place = files.places.get("carriers.csv", "carriers.csv")
        fault = Fault(place, 0, "key", f"no row for {', '.join(missing)}: every carrier of the project needs one")
        raise FactorError(str(fault), faults=(fault,))


def _series(carrier: Carrier, region: str, parts: tuple[tuple[Dated, ...], ...], version: str) -> Sequence[Factor]:
    """One factor per day on which something changes: a figure, its source, or whether it was published."""
    days = {day for part in parts for one in part for day in (one.valid_from, one.until) if day is not None}
    found: list[Factor] = []
    for day in sorted({EVER, *(day for day in days if day > EVER)}):
        factor = _factor(carrier, region, day, [_on(part, day) for part in parts], version)
        if not found or replace(factor, valid_from=found[-1].valid_from) != found[-1]:
            found.append(factor)
    ends = [one.valid_from for one in found[1:]] + [FOREVER]
    return [replace(one, valid_to=end) for one, end in zip(found, ends, strict=True)]


def _factor(carrier: Carrier, region: str, day: date, values: list[Dated], version: str) -> Factor:
    kgce, kgce_equal, kgco2 = values
    source = f"kgce: {kgce.source}; equal value: {kgce_equal.source}; CO2: {kgco2.source}"
    return Factor(
        carrier=carrier.key,
        region=region,
        unit=carrier.unit,
        kgce=rounded(kgce.amount),
        kgce_equal=rounded(kgce_equal.amount),
        kgco2=rounded(kgco2.amount),
        kgco2_per_gj=None if kgco2.per_gj is None else rounded(kgco2.per_gj),
        valid_from=day,
        valid_to=FOREVER,
        provisional=not all(value.published_for(day) for value in values),
        source=f"{source}{VERSION_MARK}{version}",
    )


def _on(values: Sequence[Dated], day: date) -> Dated:
    """The latest figure whose day has come; the first one where none has."""
    ordered = sorted(values, key=lambda value: value.valid_from or EVER)
    begun = [value for value in ordered if (value.valid_from or EVER) <= day]
    return begun[-1] if begun else ordered[0]


def rounded(amount: Fraction) -> Decimal:
    """`amount` with at most nine decimals and no trailing zeros: a dated factor is a figure that a person can check."""
    value = to_decimal(amount).quantize(_PLACES).normalize()
    return value.quantize(Decimal(1)) if value == value.to_integral_value() else value
