"""The tables as dated values per base unit of a carrier, each row checked against physics before it counts.

Standard coal is 29 307.6 kJ per kgce (7 000 kcal; GB/T 2589). CO2 of fuels is NCV x carbon content x oxidation x
44/12 (industry CO2 accounting guides), of grid electricity a factor per year and region, of heat a factor per GJ.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import TypeVar

from energy.carriers import Carrier, Co2Rule
from energy.data import DataFiles, data_set
from energy.data.checked import CheckedTable
from energy.data.rows import FaultList, Row
from energy.errors import UnitError
from energy.units import Dimension, UnitOfMeasure, ratio, unit_of_measure

_T = TypeVar("_T")

KJ_PER_KGCE = Fraction("29307.6")
"""Calorific value of standard coal (GB/T 2589: 7 000 kcal of 4.1868 kJ)."""
KGCO2_PER_TC = Fraction(44_000, 12)
"""kg of CO2 that a tonne of carbon burns to, by the molar masses."""
# The tables are rounded to four digits: half a per cent holds for every true row, and no power of ten gets past it.
_TOLERANCE = Fraction(1, 200)
# Two tables take their calorific values from different samples of a fuel; they never differ by as much as this.
_FUEL_SPREAD = 2
_NEVER = date.min


@dataclass(frozen=True, slots=True)
class Dated:
    """One published figure per base unit of a carrier.

    Attributes:
        amount: the figure.
        valid_from: None where no date is established.
        until: the first day for which the figure was not published.
        source: edition and row, with what is doubtful about them.
        per_gj: kgCO2 per GJ of calorific value, where that is what the figure was made of.
    """

    amount: Fraction
    valid_from: date | None
    until: date | None
    source: str
    per_gj: Fraction | None = None

    def published_for(self, day: date) -> bool:
        """Whether the figure was published for `day`, not merely carried to it."""
        return (self.valid_from is None or self.valid_from <= day) and (self.until is None or day < self.until)


class CoalTable:
    """standard_coal.csv: kgce per unit of measure.

    Args:
        files: the tables.
        faults: where rows go that contradict their calorific values or their units of measure.
        equal_value: keys of the rows by equal value, which owe nothing to a calorific value.
    """

    def __init__(self, files: DataFiles, faults: FaultList, *, equal_value: Iterable[str] = ()) -> None:
        equal = frozenset(equal_value)
        self._table = CheckedTable(
            files,
            "standard_coal.csv",
            key="carrier",
            and_by="valid_from",
            check=lambda row: _check_coal(row, equal_value=row.text("carrier") in equal),
            faults=faults,
        )

    def dated(self, key: str, carrier: Carrier) -> tuple[Dated, ...]:
        """The figures of row `key` in kgce per unit of `carrier`; raises FactorError for none, or implausible ones."""
        annual, found = key in data_set().annual, []
        for row in self._table.rows_of(key):
            amount = Fraction(row.decimal("kgce_per_unit")) * _per(row, row.text("unit"), carrier)
            least, most = carrier.kgce_band
            if not least <= amount <= most:
                raise row.error(
                    "kgce_per_unit",
                    f"{float(amount):g} kgce/{carrier.unit} is not plausible for {carrier.key}: {least} to {most}",
                )
            valid_from = row.optional_date("valid_from")
            until = date(valid_from.year + 1, 1, 1) if annual and valid_from else None
            found.append(Dated(amount, valid_from, until, f"{row.text('edition')} {key}{_reservation(row)}"))
        return tuple(found)

    def heat_content(self, carrier: Carrier) -> Iterator[tuple[Fraction, date | None]]:
        """GJ per unit of `carrier`, with the day from which that holds."""
        for row in self._table.rows_of(carrier.coal):
            given = row.optional_decimal("ncv_kj_per_unit")
            ncv = Fraction(row.decimal("kgce_per_unit")) * KJ_PER_KGCE if given is None else Fraction(given)
            yield ncv / 10**6 * _per(row, row.text("unit"), carrier), row.optional_date("valid_from")


class Co2Tables:
    """The three tables of CO2 factors.

    Args:
        files: the tables.
        faults: where rows go that contradict their own formula, or are implausible.
        coal: calorific values, for heat and to compare with.
    """

    def __init__(self, files: DataFiles, faults: FaultList, coal: CoalTable) -> None:
        self._coal = coal
        self._fuels, self._grid, self._heat = (
            CheckedTable(files, f"{table}.csv", key=key, and_by=and_by, check=check, faults=faults)
            for table, key, and_by, check in (
                ("co2_fuels", "fuel", "valid_from", _check_fuel),
                ("co2_grid", "scope", "year", _check_grid),
                ("co2_heat", "scope", "valid_from", _check_heat),
            )
        )

    def dated(self, carrier: Carrier, region: str) -> tuple[Dated, ...]:
        """The figures of `carrier`, in kgCO2 per its base unit; raises FactorError where there are none.

        `region` is whose grid counts, a `scope` of co2_grid.csv; it does not matter but for the rule `grid`.
        """
        match carrier.co2_rule:
            case Co2Rule.FUEL:
                return tuple(self._fuel(carrier))
            case Co2Rule.GRID:
                rows = self._grid.rows_of(region)
                return tuple(_grid_year(carrier, region, row) for row in rows)
            case Co2Rule.HEAT:
                return tuple(self._heated(carrier))
            case Co2Rule.NONE:
                return (Dated(Fraction(0), None, None, f"none: {carrier.co2_reason}", Fraction(0)),)
            case Co2Rule.UNPUBLISHED:
                return (Dated(Fraction(0), None, _NEVER, f"not counted: {carrier.co2_reason}"),)

    def _fuel(self, carrier: Carrier) -> Iterator[Dated]:
        for row in self._fuels.rows_of(carrier.co2_key):
            per = _per(row, row.text("unit"), carrier)
            ncv = Fraction(row.decimal("ncv_gj_per_unit")) * per
            for other, _ in self._coal.heat_content(carrier):
                if not other / _FUEL_SPREAD <= ncv <= other * _FUEL_SPREAD:
                    given, known = float(ncv), float(other)
                    raise row.error("ncv_gj_per_unit", f"{given:g} GJ/{carrier.unit}, standard_coal.csv has {known:g}")
            amount = Fraction(row.decimal("tco2_per_unit")) * 1000 * per
            source = f"{data_set().sources['co2_fuels.csv']}: {carrier.co2_key}"
            yield Dated(amount, row.optional_date("valid_from"), None, source, _carbon(row) * KGCO2_PER_TC)

    def _heated(self, carrier: Carrier) -> Iterator[Dated]:
        """The factor per GJ times the heat content, each from its day on."""
        rows = self._heat.rows_of(carrier.co2_key)
        contents = list(self._coal.heat_content(carrier))
        days = {row.optional_date("valid_from") for row in rows} | {since for _, since in contents}
        for day in days:
            row = _latest(((row, row.optional_date("valid_from")) for row in rows), day)
            per_gj, content = Fraction(row.decimal("kgco2_per_gj")), _latest(contents, day)
            yield Dated(per_gj * content, day, None, row.text("source"), per_gj)


def grid_regions(files: DataFiles, faults: FaultList) -> dict[str, str]:
    """The regional grid by the first two or four digits of a district; rows without sense go to `faults`."""
    scopes = {row.cells["scope"] for row in files.rows("co2_grid.csv")}

    def check(row: Row) -> None:
        if not (row.text("prefix").isdecimal() and len(row.text("prefix")) in {2, 4}):
            raise row.error("prefix", f"{row.text('prefix')!r} is not two or four digits of GB/T 2260")
        if row.text("region") not in scopes:
            raise row.error("region", f"co2_grid.csv has no scope {row.text('region')!r}")

    table = CheckedTable(files, "grid_regions.csv", key="prefix", and_by="prefix", check=check, faults=faults)
    found: dict[str, str] = {}
    for prefix in table.keys():  # noqa: SIM118 - a table is no mapping
        with faults:
            (row,) = table.rows_of(prefix)
            found[prefix] = row.text("region")
    return found


def _grid_year(carrier: Carrier, region: str, row: Row) -> Dated:
    year = _year(row)
    amount = Fraction(row.decimal("kgco2_per_kwh")) * _per(row, "kWh", carrier)
    source = f"{data_set().sources['co2_grid.csv']}: {region} {year}"
    return Dated(amount, date(year, 1, 1), date(year + 1, 1, 1), source)


def _year(row: Row) -> int:
    text = row.text("year")
    if not (text.isdecimal() and len(text) == len("2023") and text.startswith("2")):
        raise row.error("year", f"{text!r} is no year such as 2023")
    return int(text)


def _latest(dated: Iterable[tuple[_T, date | None]], day: date | None) -> _T:
    """Of values with their days the last one that had come by `day`; the first one where none had."""
    ordered = sorted(dated, key=lambda one: one[1] or date.min)
    begun = [value for value, since in ordered if (since or date.min) <= (day or date.min)]
    return begun[-1] if begun else ordered[0][0]


def _per(row: Row, given: str, carrier: Carrier) -> Fraction:
    """By what a figure per `given` is multiplied to be one per unit of `carrier`."""
    try:
        if carrier.t_per_m3 is not None and unit_of_measure(given).dimension is Dimension.MASS:
            return ratio("t", given) * carrier.t_per_m3 * ratio(carrier.unit, "m3")
        return ratio(carrier.unit, given)
    except UnitError as error:
        raise row.error("unit", f"{error}") from None


def _reservation(row: Row) -> str:
    """What the reader of a result must know about the row: doubts and missing dates."""
    doubts = [] if row.text("confidence") == "high" else [f"{row.text('confidence')} confidence"]
    doubts += [] if row.optional_date("valid_from") else ["date of validity not established"]
    return f" ({', '.join(doubts)})" if doubts else ""


def _check_coal(row: Row, *, equal_value: bool) -> None:
    unit, kgce = _unit(row), Fraction(row.decimal("kgce_per_unit"))
    row.text("edition")
    _reservation(row)
    given = row.optional_decimal("ncv_kj_per_unit")
    if equal_value:
        return
    ncv = None if given is None else Fraction(given)
    if unit.dimension is Dimension.ENERGY:  # a unit of energy says itself how many kJ it is
        if ncv is not None and ncv != unit.size:
            raise row.error("ncv_kj_per_unit", f"{given} is not the {unit.size} kJ of one {unit.symbol}")
        ncv = unit.size
    if ncv is not None and not _close(kgce, ncv / KJ_PER_KGCE):
        expected = float(ncv / KJ_PER_KGCE)
        raise row.error(
            "kgce_per_unit", f"{float(kgce):g} per {unit.symbol} contradicts {float(ncv):g} kJ = {expected:.5g} kgce"
        )


def _check_fuel(row: Row) -> None:
    _unit(row)
    row.optional_date("valid_from")
    expected = Fraction(row.decimal("ncv_gj_per_unit")) * _carbon(row) * KGCO2_PER_TC / 1000
    if not _close(Fraction(row.decimal("tco2_per_unit")), expected):
        raise row.error("tco2_per_unit", f"contradicts NCV x CC x OF x 44/12 = {float(expected):.4f}")
    for field in ("carbon_tc_per_gj", "oxidation"):
        _check_plausible(row, field)


def _check_grid(row: Row) -> None:
    _year(row)
    _check_plausible(row, "kgco2_per_kwh")


def _check_heat(row: Row) -> None:
    row.optional_date("valid_from")
    row.text("source")
    _check_plausible(row, "kgco2_per_gj")


def _check_plausible(row: Row, field: str) -> None:
    row.within(field, row.decimal(field), data_set().plausible[field])


def _carbon(row: Row) -> Fraction:
    """Tonnes of carbon that burn per GJ of calorific value."""
    return Fraction(row.decimal("carbon_tc_per_gj")) * Fraction(row.decimal("oxidation"))


def _unit(row: Row) -> UnitOfMeasure:
    try:
        return unit_of_measure(row.text("unit"))
    except UnitError as error:
        raise row.error("unit", str(error)) from None


def _close(value: Fraction, expected: Fraction) -> bool:
    return abs(value - expected) <= expected * _TOLERANCE
