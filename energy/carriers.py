"""Energy carriers: what is metered, in which unit of measure, and which factors apply to it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from functools import cache
from types import MappingProxyType

from energy.data import DataFiles, shipped
from energy.data.rows import FaultList, Row
from energy.errors import RejectedError, UnitError
from energy.units import unit_of_measure

_NUMBER = re.compile(r"(0[1-9]|[1-3][0-9])?\Z")
# A band as wide as this would let a figure pass whose point stands one digit off.
_WIDEST_BAND = 10


class Co2Rule(StrEnum):
    """How the CO2 of a carrier is found."""

    FUEL = "fuel"
    """Burnt on site: net calorific value x carbon content x oxidation, by fuel."""
    GRID = "grid"
    """Bought electricity: the grid's factor of the year and region."""
    HEAT = "heat"
    """Bought heat: a factor per GJ; steam through its heat content."""
    NONE = "none"
    """Counts no CO2, and rightly so: without carbon, of biomass, or a working medium."""
    UNPUBLISHED = "unpublished"
    """Emits CO2, but the tables have no factor: counts none, and every result with it is provisional."""


@dataclass(frozen=True, slots=True)
class Carrier:
    """One energy carrier (能源品种), or working medium (耗能工质).

    Attributes:
        key: the name in configuration, database and wire: lower case with underscores.
        number: its number in the national list of energies (NBS form 205-1), two digits; empty for working media.
        unit: base unit of measure of readings and totals.
        quantum: size of one quantum of consumption, in `unit`.
        coal: row of standard_coal.csv by calorific value (当量值).
        coal_equal: row of standard_coal.csv by equal value (等价值); the same where there is none of its own.
        co2_key: row of the table that `co2_rule` names; empty where the rule needs none.
        co2_reason: why no CO2 is counted, for the rules `none` and `unpublished`.
        kgce_band: least and greatest kgce per `unit` that are plausible, for the common factor and for measured ones.
        working_medium: counts only when it is bought in (GB/T 2589), never what the unit makes of counted energy.
        t_per_m3: tonnes in a m3, where factors are per tonne and meters show m3.
    """

    key: str
    number: str
    name_zh: str
    name_en: str
    unit: str
    quantum: Decimal
    coal: str
    coal_equal: str
    co2_rule: Co2Rule
    co2_key: str
    co2_reason: str
    kgce_band: tuple[Decimal, Decimal]
    working_medium: bool
    t_per_m3: Fraction | None
    note: str


def parse_carriers(files: DataFiles) -> dict[str, Carrier]:
    """The carriers of `carriers.csv`, by key; raises FactorError naming every fault by file, line and field."""
    found: dict[str, Carrier] = {}
    faults = FaultList()
    for row in files.rows("carriers.csv"):
        with faults:
            one = _carrier(row)
            if one.key in found:
                raise row.error("key", f"{one.key} stands twice")
            _check_replaced(files, row, one)
            found[one.key] = one
    faults.raise_any()
    return found


def _carrier(row: Row) -> Carrier:
    names = {field: row.text(field) for field in ("key", "name_zh", "name_en", "unit", "coal", "coal_equal")}
    try:
        unit_of_measure(names["unit"])
    except UnitError as error:
        raise row.error("unit", str(error)) from None
    if not _NUMBER.match(row.cells["number"]):
        raise row.error("number", f"{row.cells['number']!r} is no number of the national list, 01 to 39")
    if not (quantum := row.decimal("quantum")):
        raise row.error("quantum", "must be above 0")
    if row.cells["working_medium"] not in {"", "yes"}:
        raise row.error("working_medium", f"{row.cells['working_medium']!r} is neither yes nor empty")
    density = row.optional_decimal("t_per_m3")
    if density == 0:
        raise row.error("t_per_m3", "must be above 0")
    rule = _rule(row)
    return Carrier(
        **names,
        number=row.cells["number"],
        quantum=quantum,
        co2_rule=rule,
        co2_key=row.cells["co2_key"],
        co2_reason=row.cells["co2_reason"],
        kgce_band=_band(row),
        working_medium=row.cells["working_medium"] == "yes",
        t_per_m3=None if density is None else Fraction(density),
        note=row.cells["note"],
    )


def _rule(row: Row) -> Co2Rule:
    """The rule of CO2, with what it needs: a row of its table, or a reason."""
    rule = row.text("co2_rule")
    if rule not in tuple(Co2Rule):
        raise row.error("co2_rule", f"{rule!r} is none of {', '.join(Co2Rule)}")
    needed = {Co2Rule.FUEL: "co2_key", Co2Rule.HEAT: "co2_key", Co2Rule.NONE: "co2_reason"}
    needed[Co2Rule.UNPUBLISHED] = "co2_reason"
    for field in ("co2_key", "co2_reason"):
        if needed.get(Co2Rule(rule)) == field:
            row.text(field)
        elif row.cells[field]:
            raise row.error(field, f"the rule {rule} needs none")
    return Co2Rule(rule)


def _band(row: Row) -> tuple[Decimal, Decimal]:
    least, most = row.decimal("kgce_low"), row.decimal("kgce_high")
    if not 0 < least < most < _WIDEST_BAND * least:
        raise row.error("kgce_high", f"{most} must be above kgce_low, {least}, by less than ten times")
    return least, most


def _check_replaced(files: DataFiles, row: Row, one: Carrier) -> None:
    """A deployment may name other factors for a carrier, but what is stored of it stays what it is."""
    if files is shipped():
        return
    original = carriers().get(one.key)
    if original is None:
        raise row.error("key", f"{one.key} is no carrier of the project; known: {', '.join(carriers())}")
    for field in ("unit", "quantum"):
        if getattr(one, field) != getattr(original, field):
            raise row.error(field, f"{getattr(one, field)}, but it is stored in {getattr(original, field)}")


@cache
def carriers() -> MappingProxyType[str, Carrier]:
    """The carriers that the project ships, by key."""
    return MappingProxyType(parse_carriers(shipped()))


def carrier(key: str) -> Carrier:
    """The carrier called `key`; raises RejectedError for one that is not known."""
    try:
        return carriers()[key]
    except KeyError:
        raise RejectedError(f"unknown carrier {key!r}", advice=f"known carriers: {', '.join(carriers())}") from None
