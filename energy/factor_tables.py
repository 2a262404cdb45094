"""The shipped tables as dated values per base unit of a carrier, each row checked against physics before it counts.

Standard coal is 29 307.6 kJ per kgce (7 000 kcal; GB/T 2589). CO2 of fuels is NCV x carbon content x oxidation x
44/12 (industry CO2 accounting guides), of grid electricity a factor per year and region, of heat a factor per GJ.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction

from energy.carriers import Carrier, Co2Rule
from energy.data import Row, data_set, parse_table, table_text
from energy.errors import FactorError, UnitError
from energy.units import Dimension, UnitOfMeasure, ratio, unit_of_measure

_KJ_PER_KGCE = Fraction("29307.6")
# The tables are rounded to four digits: half a per cent holds for every true row, and no power of ten gets past it.
_TOLERANCE = Fraction(1, 200)
# Two tables take their calorific values from different samples of a fuel; they never differ by as much as this.
_FUEL_SPREAD = 2


@dataclass(frozen=True, slots=True)
class Dated:
    """One published figure per base unit of a carrier.

    `valid_from` is None where no date is established, `until` the first day for which the figure was not published.
    """

    amount: Fraction
    valid_from: date | None
    until: date | None
    source: str

    def published_for(self, day: date) -> bool:
        """Whether the figure was published for `day`, not merely carried to it."""
        return (self.valid_from is None or self.valid_from <= day) and (self.until is None or day < self.until)


@dataclass(frozen=True)
class Tables:
    """The texts of the four tables; each defaults to the shipped one, so that a deployment can replace any."""

    standard_coal: str = field(default_factory=lambda: table_text("standard_coal.csv"))
    co2_fuels: str = field(default_factory=lambda: table_text("co2_fuels.csv"))
    co2_grid: str = field(default_factory=lambda: table_text("co2_grid.csv"))
    co2_heat: str = field(default_factory=lambda: table_text("co2_heat.csv"))


class CoalTable:
    """standard_coal.csv: kgce per unit of measure.

    Args:
        text: the table.
        equal_value: keys of the rows by equal value, which owe nothing to a calorific value.

    Raises:
        FactorError: a row contradicts its calorific value or its unit of measure.
    """

    def __init__(self, text: str, *, equal_value: Iterable[str] = ()) -> None:
        equal = frozenset(equal_value)
        self._rows = tuple(parse_table("standard_coal.csv", text))
        for row in self._rows:
            if row.text("carrier") not in equal:
                _check_calorific_value(row)

    def dated(self, key: str, unit: str) -> tuple[Dated, ...]:
        """The figures of row `key` per `unit`, in kgce; raises FactorError where there are none."""
        annual = key in data_set().annual
        return tuple(
            Dated(
                Fraction(row.decimal("kgce_per_unit")) * _per(row, row.text("unit"), unit),
                valid_from := row.optional_date("valid_from"),
                date(valid_from.year + 1, 1, 1) if annual and valid_from else None,
                f"{row.text('edition')} {key}{_reservation(row)}",
            )
            for row in self._named(key)
        )

    def heat_content(self, key: str, unit: str) -> Iterator[tuple[Fraction, date | None]]:
        """GJ per `unit` of row `key`, with the day from which that holds."""
        for row in self._named(key):
            ncv = Fraction(row.decimal("ncv_kj_per_unit")) / 10**6
            yield ncv * _per(row, row.text("unit"), unit), row.optional_date("valid_from")

    def _named(self, key: str) -> list[Row]:
        return _only(self._rows, "standard_coal.csv", "carrier", key)


class Co2Tables:
    """The three tables of CO2 factors.

    Args:
        tables: their texts.
        coal: calorific values, for heat and to compare with.
        region: the `scope` of co2_grid.csv that applies.
    """

    def __init__(self, tables: Tables, coal: CoalTable, region: str) -> None:
        self._fuels = tuple(parse_table("co2_fuels.csv", tables.co2_fuels))
        self._grid = tuple(parse_table("co2_grid.csv", tables.co2_grid))
        self._heat = tuple(parse_table("co2_heat.csv", tables.co2_heat))
        self._coal = coal
        self._region = region
        for row in self._fuels:
            _check_fuel(row)

    def dated(self, carrier: Carrier) -> tuple[Dated, ...]:
        """The figures of `carrier`, in kgCO2 per its base unit; raises FactorError where there are none."""
        match carrier.co2_rule:
            case Co2Rule.FUEL:
                return (self._fuel(carrier),)
            case Co2Rule.GRID:
                return tuple(self._grid_year(carrier, row) for row in self._years())
            case Co2Rule.HEAT:
                return tuple(self._heated(carrier))

    def _fuel(self, carrier: Carrier) -> Dated:
        (row, *_) = _only(self._fuels, "co2_fuels.csv", "fuel", carrier.co2_key)
        per = _per(row, row.text("unit"), carrier.unit)
        ncv = Fraction(row.decimal("ncv_gj_per_unit")) * per
        for other, _ in self._coal.heat_content(carrier.coal, carrier.unit):
            if not other / _FUEL_SPREAD <= ncv <= other * _FUEL_SPREAD:
                given, known = float(ncv), float(other)
                raise row.error("ncv_gj_per_unit", f"{given:g} GJ/{carrier.unit}, standard_coal.csv has {known:g}")
        amount = Fraction(row.decimal("tco2_per_unit")) * 1000 * per
        return Dated(amount, None, None, f"{data_set().sources['co2_fuels.csv']}: {carrier.co2_key}")

    def _years(self) -> list[Row]:
        return _only(self._grid, "co2_grid.csv", "scope", self._region)

    def _grid_year(self, carrier: Carrier, row: Row) -> Dated:
        year = int(row.decimal("year"))
        amount = Fraction(row.decimal("kgco2_per_kwh")) * _per(row, "kWh", carrier.unit)
        source = f"{data_set().sources['co2_grid.csv']}: {self._region} {year}"
        return Dated(amount, date(year, 1, 1), date(year + 1, 1, 1), source)

    def _heated(self, carrier: Carrier) -> Iterator[Dated]:
        (row, *_) = _only(self._heat, "co2_heat.csv", "scope", carrier.co2_key)
        for content, valid_from in self._coal.heat_content(carrier.coal, carrier.unit):
            yield Dated(Fraction(row.decimal("kgco2_per_gj")) * content, valid_from, None, row.text("source"))


def _only(rows: Iterable[Row], table: str, field_name: str, key: str) -> list[Row]:
    found = [row for row in rows if row.text(field_name) == key]
    if not found:
        raise FactorError(f"{table}: {field_name}: no row {key!r}")
    return found


def _per(row: Row, given: str, wanted: str) -> Fraction:
    """By what a figure per `given` is multiplied to be one per `wanted`."""
    try:
        return ratio(wanted, given)
    except UnitError as error:
        raise row.error("unit", f"{error}") from None


def _reservation(row: Row) -> str:
    """What the reader of a result must know about the row: doubts and missing dates."""
    doubts = [] if row.text("confidence") == "high" else [f"{row.text('confidence')} confidence"]
    doubts += [] if row.optional_date("valid_from") else ["date of validity not established"]
    return f" ({', '.join(doubts)})" if doubts else ""


def _check_calorific_value(row: Row) -> None:
    unit, kgce = _unit(row), Fraction(row.decimal("kgce_per_unit"))
    given = row.optional_decimal("ncv_kj_per_unit")
    ncv = None if given is None else Fraction(given)
    if unit.dimension is Dimension.ENERGY:  # a unit of energy says itself how many kJ it is
        if ncv is not None and ncv != unit.size:
            raise row.error("ncv_kj_per_unit", f"{given} is not the {unit.size} kJ of one {unit.symbol}")
        ncv = unit.size
    if ncv is not None and not _close(kgce, ncv / _KJ_PER_KGCE):
        expected = float(ncv / _KJ_PER_KGCE)
        raise row.error(
            "kgce_per_unit", f"{float(kgce):g} per {unit.symbol} contradicts {float(ncv):g} kJ = {expected:.5g} kgce"
        )


def _check_fuel(row: Row) -> None:
    _unit(row)
    carbon = Fraction(row.decimal("carbon_tc_per_gj")) * Fraction(row.decimal("oxidation"))
    expected = Fraction(row.decimal("ncv_gj_per_unit")) * carbon * Fraction(44, 12)
    if not _close(Fraction(row.decimal("tco2_per_unit")), expected):
        raise row.error("tco2_per_unit", f"contradicts NCV x CC x OF x 44/12 = {float(expected):.4f}")


def _unit(row: Row) -> UnitOfMeasure:
    try:
        return unit_of_measure(row.text("unit"))
    except UnitError as error:
        raise row.error("unit", str(error)) from None


def _close(value: Fraction, expected: Fraction) -> bool:
    return abs(value - expected) <= expected * _TOLERANCE
