"""Energy carriers: what is metered, in which unit of measure, and which factors apply to it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from functools import cache
from types import MappingProxyType

from energy.data import Row, parse_table, table_text
from energy.errors import RejectedError, UnitError
from energy.units import unit_of_measure


class Co2Rule(StrEnum):
    """How the CO2 of a carrier is found."""

    FUEL = "fuel"
    """Burnt on site: net calorific value x carbon content x oxidation, by fuel."""
    GRID = "grid"
    """Bought electricity: the grid's factor of the year and region."""
    HEAT = "heat"
    """Bought heat: a factor per GJ; steam through its heat content."""


@dataclass(frozen=True, slots=True)
class Carrier:
    """One energy carrier (能源品种).

    Attributes:
        key: the name in configuration, database and wire: lower case with underscores.
        unit: base unit of measure of readings and totals.
        quantum: size of one quantum of consumption, in `unit`.
        coal: row of standard_coal.csv by calorific value (当量值).
        coal_equal: row of standard_coal.csv by equal value (等价值); the same where there is none of its own.
        co2_key: row of the table that `co2_rule` names; empty for the grid, where year and region decide.
    """

    key: str
    name_zh: str
    name_en: str
    unit: str
    quantum: Decimal
    coal: str
    coal_equal: str
    co2_rule: Co2Rule
    co2_key: str
    note: str


def parse_carriers(text: str, table: str = "carriers.csv") -> dict[str, Carrier]:
    """The carriers of a CSV `text`, by key; raises FactorError naming file, line and field."""
    found: dict[str, Carrier] = {}
    for row in parse_table(table, text):
        one = _carrier(row)
        if one.key in found:
            raise row.error("key", f"{one.key} stands twice")
        found[one.key] = one
    return found


def _carrier(row: Row) -> Carrier:
    unit, rule = row.text("unit"), row.text("co2_rule")
    try:
        unit_of_measure(unit)
    except UnitError as error:
        raise row.error("unit", str(error)) from None
    if rule not in tuple(Co2Rule):
        raise row.error("co2_rule", f"{rule!r} is none of {', '.join(Co2Rule)}")
    if not (quantum := row.decimal("quantum")):
        raise row.error("quantum", "must be above 0")
    names = {field: row.text(field) for field in ("key", "name_zh", "name_en", "coal", "coal_equal")}
    co2_key = row.cells["co2_key"] if rule == Co2Rule.GRID else row.text("co2_key")
    return Carrier(**names, unit=unit, quantum=quantum, co2_rule=Co2Rule(rule), co2_key=co2_key, note=row.cells["note"])


@cache
def carriers() -> MappingProxyType[str, Carrier]:
    """The carriers that the project ships, by key."""
    return MappingProxyType(parse_carriers(table_text("carriers.csv")))


def carrier(key: str) -> Carrier:
    """The carrier called `key`; raises RejectedError for one that is not known."""
    try:
        return carriers()[key]
    except KeyError:
        raise RejectedError(f"unknown carrier {key!r}", advice=f"known carriers: {', '.join(carriers())}") from None
