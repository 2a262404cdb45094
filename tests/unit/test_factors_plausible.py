"""No figure of any table gets in with its point elsewhere or with the unit of measure of another one."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from decimal import Decimal

import pytest

from energy.carriers import carriers
from energy.data import COLUMNS, DataFiles, data_set, shipped
from energy.errors import FactorError
from energy.factors import load_factors
from energy.units import UNITS

FIGURES = [
    ("standard_coal.csv", "kgce_per_unit"),
    ("standard_coal.csv", "ncv_kj_per_unit"),
    ("standard_coal.csv", "kgce_per_unit ncv_kj_per_unit"),
    ("co2_fuels.csv", "ncv_gj_per_unit"),
    ("co2_fuels.csv", "carbon_tc_per_gj"),
    ("co2_fuels.csv", "oxidation"),
    ("co2_fuels.csv", "tco2_per_unit"),
    ("co2_fuels.csv", "ncv_gj_per_unit tco2_per_unit"),
    ("co2_fuels.csv", "carbon_tc_per_gj tco2_per_unit"),
    ("co2_fuels.csv", "oxidation tco2_per_unit"),
    ("co2_grid.csv", "kgco2_per_kwh"),
    ("co2_heat.csv", "kgco2_per_gj"),
]
"""Figures, alone and with those that they then agree with: a row per kg instead of per t contradicts nothing."""

Cells = dict[str, str]


def rows(table: str) -> list[Cells]:
    """The rows of a shipped table."""
    return list(csv.DictReader(shipped().texts[table].splitlines()))


def with_rows(table: str, change: Callable[[Cells], Cells]) -> DataFiles:
    """The shipped tables, every row of one of them changed."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS[table].split(), lineterminator="\n")
    writer.writeheader()
    writer.writerows(change(dict(row)) for row in rows(table))
    return shipped().replaced({table: text.getvalue()})


def refused(table: str, files: DataFiles) -> set[int]:
    """Which rows of `table` do not load, from 0; all faults come at once."""
    try:
        load_factors(files)
    except FactorError as error:
        return {fault.line - 2 for fault in error.faults if fault.source == table}
    return set()


def test_no_band_spans_a_factor_of_ten() -> None:
    """So that of a plausible figure no power of ten is plausible: what holds for every figure that is ever put in."""
    bands = [one.kgce_band for one in carriers().values()]
    bands += [(Decimal(str(least)), Decimal(str(most))) for least, most in data_set().plausible.values()]
    assert all(0 < least < most < 10 * least for least, most in bands)


@pytest.mark.parametrize("power", [-3, -2, -1, 1, 2, 3])
@pytest.mark.parametrize(("table", "fields"), FIGURES)
def test_a_figure_with_its_point_elsewhere_does_not_load(table: str, fields: str, power: int) -> None:
    """Each row is refused in which it is: ten, a hundred, a thousand times as much or as little."""

    def scaled(row: Cells) -> Cells:
        return row | {name: f"{Decimal(row[name]).scaleb(power):f}" for name in fields.split() if row[name]}

    given = {number for number, row in enumerate(rows(table)) if any(row[name] for name in fields.split())}
    assert refused(table, with_rows(table, scaled)) >= given


@pytest.mark.parametrize(("table", "key"), [("standard_coal.csv", "carrier"), ("co2_fuels.csv", "fuel")])
def test_a_figure_with_another_unit_of_measure_does_not_load(table: str, key: str) -> None:
    """But for m3 at 0 °C instead of at 20 °C, seven per cent, which no check can tell; and water, 1 t of a m3."""
    passed = set()
    for unit in UNITS:

        def swapped(row: Cells, unit: str = unit) -> Cells:
            return row | {"unit": unit}

        out = refused(table, with_rows(table, swapped))
        passed |= {(row[key], row["unit"], unit) for number, row in enumerate(rows(table)) if number not in out}
    others = {(key, given, unit) for key, given, unit in passed if given != unit}
    water = {"fresh_water", "softened_water"}
    assert {(key, unit) for key, _, unit in others if key in water} <= {
        (key, m3) for key in water for m3 in ("m3", "Nm3")
    }
    gases = {(given, unit) for key, given, unit in others if key not in water}
    assert gases <= {("m3", "Nm3"), ("Nm3", "m3"), ("10^4 Nm3", "10^4 m3")}
    assert len(passed) - len(others) == len(rows(table))


def test_heat_in_the_wrong_unit_does_not_load() -> None:
    """0.0341 kgce per GJ, as seen in live systems, is 0.03412 per MJ: wrong by 1 000."""

    def wrong(row: Cells) -> Cells:
        return (
            row | {"unit": "GJ", "kgce_per_unit": "0.0341", "ncv_kj_per_unit": ""} if row["carrier"] == "heat" else row
        )

    with pytest.raises(FactorError) as caught:
        load_factors(with_rows("standard_coal.csv", wrong))
    assert str(caught.value) == "standard_coal.csv:28: kgce_per_unit: 0.0341 per GJ contradicts 1e+06 kJ = 34.121 kgce"
