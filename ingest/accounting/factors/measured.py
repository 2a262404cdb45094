"""Calorific values and carbon contents that units measured themselves (实测低位发热量): a file of them, checked. Pure.

A record says what one base unit of a carrier holds at one unit, from a day on. It goes before the common factor:
kgce is NCV over 29 307.6 kJ, CO2 is NCV x carbon content x oxidation x 44/12, with the common figures for what was
not measured.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from energy.carriers import Carrier, Co2Rule
from energy.data import data_set
from energy.errors import Fault, UnitError
from energy.factor_tables import KGCO2_PER_TC, KJ_PER_KGCE
from energy.factors import EVER, FOREVER, rounded
from energy.records import Column, RecordError, Row, exact, read_rows
from energy.units import Dimension, ratio, unit_of_measure

COLUMNS = (
    Column(("unit", "用能单位"), required=True),
    Column(("carrier", "能源品种"), required=True),
    Column(("valid_from", "起始日期"), required=True),
    Column(("valid_to", "截止日期")),
    Column(("ncv", "低位发热量"), required=True),
    Column(("ncv_unit", "热值单位"), required=True),
    Column(("carbon_tc_per_gj", "单位热值含碳量")),
    Column(("oxidation", "碳氧化率")),
    Column(("source", "依据"), required=True),
)
"""The file's columns; `carrier` by key or by Chinese name, `valid_to` the first day for which it does not hold."""
_FIRST = date(2000, 1, 1)
_KJ_PER_GJ = 10**6


@dataclass(frozen=True, slots=True)
class Measured:
    """What one unit measured of one carrier.

    Attributes:
        unit: the unit's code.
        carrier: the carrier's key.
        valid_from, valid_to: from when until before when.
        base: the carrier's base unit of measure, per which all figures are.
        ncv_gj: net calorific value, GJ.
        carbon_tc_per_gj, oxidation: carbon content, tC per GJ, and the share that burns; None for the common ones.
        kgce: standard coal.
        kgco2: CO2; None where the carbon content was not measured.
        source: report, laboratory, method.
        line: where it stands in its file.
    """

    unit: str
    carrier: str
    valid_from: date
    valid_to: date
    base: str
    ncv_gj: Decimal
    carbon_tc_per_gj: Decimal | None
    oxidation: Decimal | None
    kgce: Decimal
    kgco2: Decimal | None
    source: str
    line: int


@dataclass(frozen=True, slots=True)
class Stretch:
    """Days from `since` until before `until`, and the record that holds then; None for the common factor."""

    since: date
    until: date
    record: int | None


def read_measured(content: bytes, source: str, carriers: Mapping[str, Carrier]) -> list[Measured]:
    """The records of a file.

    Args:
        content: CSV, as `read_rows` says.
        source: its name in faults.
        carriers: by key, with their bands of plausible figures.

    Raises:
        RecordError: with everything that is wrong with them.
    """
    faults: list[Fault] = []
    found: list[Measured] = []
    seen: dict[tuple[str, str, date], int] = {}
    for row in read_rows(content, source, COLUMNS):
        faults += row.faults
        if row.faults:
            continue
        reading = _Reading(row, source, carriers)
        if one := reading.measured():
            first = seen.setdefault((one.unit, one.carrier, one.valid_from), row.line)
            if first == row.line:
                found.append(one)
            else:
                reading.fault("valid_from", f"{one.unit} {one.carrier} {one.valid_from} stands in line {first} already")
        faults += reading.faults
    if faults:
        raise RecordError(faults)
    return found


def timeline(records: Iterable[tuple[int, date, date]]) -> Iterator[Stretch]:
    """All days, divided by which of the records holds; nothing for no record.

    Args:
        records: of one unit and carrier as (number, valid_from, valid_to), no two of one day. A later one ends an
            earlier one, for good.
    """
    ordered = sorted(records, key=lambda one: one[1])
    reached = EVER
    for index, (number, since, until) in enumerate(ordered):
        begins = ordered[index + 1][1] if index + 1 < len(ordered) else FOREVER
        if reached < since:
            yield Stretch(reached, since, None)
        yield Stretch(since, reached := min(until, begins), number)
    if ordered and reached < FOREVER:
        yield Stretch(reached, FOREVER, None)


class _Reading:
    """One row out of text; everything that is wrong with it is gathered."""

    def __init__(self, row: Row, source: str, carriers: Mapping[str, Carrier]) -> None:
        self._row, self._source, self._carriers = row, source, carriers
        self.faults: list[Fault] = []

    def fault(self, name: str, message: str) -> None:
        self.faults.append(Fault(self._source, self._row.line, name, message))

    def measured(self) -> Measured | None:
        """The record; None where something is wrong."""
        cells, carrier = self._row.cells, self._carrier()
        valid_from, valid_to = self._days()
        ncv = self._calorific_value(carrier) if carrier else None
        carbon, oxidation = self._carbon(carrier)
        if self.faults or carrier is None or ncv is None:
            return None
        kgco2 = None if carbon is None or oxidation is None else ncv * Fraction(carbon) * Fraction(oxidation)
        return Measured(
            unit=cells["unit"],
            carrier=carrier.key,
            valid_from=valid_from,
            valid_to=valid_to,
            base=carrier.unit,
            ncv_gj=rounded(ncv),
            carbon_tc_per_gj=carbon,
            oxidation=oxidation,
            kgce=rounded(ncv * _KJ_PER_GJ / KJ_PER_KGCE),
            kgco2=None if kgco2 is None else rounded(kgco2 * KGCO2_PER_TC),
            source=cells["source"],
            line=self._row.line,
        )

    def _carrier(self) -> Carrier | None:
        name = self._row.cells["carrier"]
        found = next((one for one in self._carriers.values() if name in {one.key, one.name_zh}), None)
        if found is None:
            self.fault("carrier", f"unknown carrier {name!r}")
        elif found.working_medium or unit_of_measure(found.unit).dimension is Dimension.ENERGY:
            self.fault("carrier", f"{found.key} is not burnt: it has no calorific value of its own")
            return None
        return found

    def _days(self) -> tuple[date, date]:
        since, until = self._day("valid_from", EVER), self._day("valid_to", FOREVER)
        if not self.faults and not _FIRST <= since < until:
            name, what = (
                ("valid_to", f"{until} is not after {since}") if since >= _FIRST else ("valid_from", "too early")
            )
            self.fault(name, what)
        return since, until

    def _day(self, name: str, otherwise: date) -> date:
        if name not in self._row.cells:
            return otherwise
        try:
            return date.fromisoformat(self._row.cells[name])
        except ValueError:
            self.fault(name, f"{self._row.cells[name]!r} is not a date (YYYY-MM-DD)")
            return otherwise

    def _number(self, name: str) -> Decimal | None:
        if name not in self._row.cells:
            return None
        try:
            return exact(self._row.cells[name])
        except ValueError as error:
            self.fault(name, str(error))
            return None

    def _calorific_value(self, carrier: Carrier) -> Fraction | None:
        """GJ per base unit."""
        given, unit = self._number("ncv"), self._row.cells["ncv_unit"]
        energy, _, amount = unit.partition("/")
        try:
            per = ratio(energy, "GJ") * ratio(carrier.unit, amount)
        except UnitError as error:
            self.fault(
                "ncv_unit", f"{unit!r}: {error}; such as kJ/kg or GJ/t expected, for {carrier.key} per {carrier.unit}"
            )
            return None
        if given is None:
            return None
        value = Fraction(given) * per
        kgce, (least, most) = value * _KJ_PER_GJ / KJ_PER_KGCE, carrier.kgce_band
        if not least <= kgce <= most:
            self.fault(
                "ncv",
                f"{given} {unit} is {float(kgce):g} kgce/{carrier.unit}, "
                f"not plausible for {carrier.key}: {least} to {most}",
            )
        return value

    def _carbon(self, carrier: Carrier | None) -> tuple[Decimal | None, Decimal | None]:
        """Carbon content and oxidation: both, or neither."""
        carbon, oxidation = self._number("carbon_tc_per_gj"), self._number("oxidation")
        given = [name for name in ("carbon_tc_per_gj", "oxidation") if name in self._row.cells]
        if len(given) == 1:
            self.fault(given[0], "carbon content and oxidation are measured together, or neither")
        if given and carrier and carrier.co2_rule not in {Co2Rule.FUEL, Co2Rule.UNPUBLISHED}:
            self.fault(given[0], f"the CO2 of {carrier.key} is not found by carbon content")
        for name, value in (("carbon_tc_per_gj", carbon), ("oxidation", oxidation)):
            least, most = (Decimal(str(end)) for end in data_set().plausible[name])
            if value is not None and not least <= value <= most:
                self.fault(name, f"{value} is not plausible: outside of {least} to {most}")
        return carbon, oxidation
