"""A file of calorific values that units measured: what it comes to per base unit, and what is refused."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from energy.carriers import carriers
from energy.factors import FOREVER
from energy.records import RecordError
from ingest.accounting.factors.measured import Measured, read_measured

HEADER = "unit,carrier,valid_from,valid_to,ncv,ncv_unit,carbon_tc_per_gj,oxidation,source"


def read(*lines: str, header: str = HEADER) -> list[Measured]:
    """What a file of these lines says."""
    return read_measured("\n".join([header, *lines]).encode(), "ncv.csv", carriers())


def test_a_record_per_base_unit_of_its_carrier() -> None:
    """22 500 kJ/kg are 22.5 GJ/t; by hand: kgce over 29 307.6 kJ, and 22.5 x 0.0262 x 0.95 x 44/12 t of CO2."""
    (one,) = read("U-1,raw_coal,2026-03-01,2026-04-01,22500,kJ/kg,0.0262,0.95,report 7")
    assert (one.unit, one.carrier, one.base, one.source) == ("U-1", "raw_coal", "t", "report 7")
    assert (one.valid_from, one.valid_to) == (date(2026, 3, 1), date(2026, 4, 1))
    assert (one.ncv_gj, one.kgce, one.kgco2) == (Decimal("22.5"), Decimal("767.718953446"), Decimal("2053.425"))


def test_other_units_of_measure_say_the_same() -> None:
    """Per t, per kg, in MJ: one figure; of a gas per m3 at 20 °C or at 0 °C."""
    figures = {
        read(f"U-1,raw_coal,2026-03-01,,{value},,,r".replace(",,,r", ",,r"))[0].ncv_gj
        for value in ("22.5,GJ/t,", "22500,MJ/t,", "22.5,MJ/kg,", "22500000,kJ/t,")
    }
    assert figures == {Decimal("22.5")}
    (gas,) = read("U-1,natural_gas,2026-03-01,,36000,kJ/Nm3,,,chromatograph")
    assert (gas.ncv_gj, gas.kgco2, gas.valid_to) == (Decimal("0.033544540"), None, FOREVER)


def test_headers_and_carriers_may_be_chinese() -> None:
    """As a unit's laboratory writes them."""
    (one,) = read(
        "U-1,原煤,2026-03-01,22.5,GJ/t,化验报告7",
        header="用能单位,能源品种,起始日期,低位发热量,热值单位,依据",
    )
    assert (one.carrier, one.kgce) == ("raw_coal", Decimal("767.718953446"))


@pytest.mark.parametrize(
    ("line", "field", "message"),
    [
        ("U-1,raw_coal,2026-03-01,,22.5,MJ/t,,,r", "ncv", "0.767719 kgce/t, not plausible for raw_coal: 250 to 1100"),
        ("U-1,raw_coal,2026-03-01,,22500,GJ/t,,,r", "ncv", "not plausible"),
        ("U-1,raw_coal,2026-03-01,,5373,kcal/kg,,,r", "ncv_unit", "unknown unit of measure 'kcal'"),
        ("U-1,raw_coal,2026-03-01,,22.5,GJ/m3,,,r", "ncv_unit", "t is mass, m3 is gas volume"),
        ("U-1,raw_coal,2026-03-01,,22.5,t/GJ,,,r", "ncv_unit", "such as kJ/kg or GJ/t expected"),
        ("U-1,raw_coal,2026-03-01,,22.5,GJ,,,r", "ncv_unit", "such as kJ/kg or GJ/t expected"),
        ("U-1,raw_coal,2026-03-01,,-22.5,GJ/t,,,r", "ncv", "not plausible"),
        ("U-1,raw_coal,2026-03-01,,0,GJ/t,,,r", "ncv", "not plausible"),
        ("U-1,raw_coal,2026-03-01,,22·5,GJ/t,,,r", "ncv", "a number with a decimal point"),
        ("U-1,raw_coal,2026-03-01,,22.5,GJ/t,26.2,0.95,r", "carbon_tc_per_gj", "26.2 is not plausible"),
        ("U-1,raw_coal,2026-03-01,,22.5,GJ/t,0.0262,95,r", "oxidation", "95 is not plausible: outside of 0.5 to 1"),
        ("U-1,raw_coal,2026-03-01,,22.5,GJ/t,0.0262,,r", "carbon_tc_per_gj", "together, or neither"),
        ("U-1,raw_coal,2026-03-01,,22.5,GJ/t,,0.95,r", "oxidation", "together, or neither"),
        ("U-1,raw_coal,2026-03-01,2026-03-01,22.5,GJ/t,,,r", "valid_to", "2026-03-01 is not after 2026-03-01"),
        ("U-1,raw_coal,1026-03-01,,22.5,GJ/t,,,r", "valid_from", "too early"),
        ("U-1,raw_coal,1.3.2026,,22.5,GJ/t,,,r", "valid_from", "'1.3.2026' is not a date"),
        ("U-1,raw_coal,,,22.5,GJ/t,,,r", "valid_from", "must not be empty"),
        ("U-1,raw_coal,2026-03-01,,22.5,GJ/t,,,", "source", "must not be empty"),
        ("U-1,charcoal,2026-03-01,,22.5,GJ/t,,,r", "carrier", "unknown carrier 'charcoal'"),
        ("U-1,electricity,2026-03-01,,3600,kJ/kWh,,,r", "carrier", "no calorific value of its own"),
        ("U-1,heat,2026-03-01,,1,GJ/GJ,,,r", "carrier", "no calorific value of its own"),
        ("U-1,fresh_water,2026-03-01,,7.54,MJ/m3,,,r", "carrier", "no calorific value of its own"),
        ("U-1,biogas,2026-03-01,,21,MJ/m3,0.03,0.99,r", "carbon_tc_per_gj", "is not found by carbon content"),
        ("U-1,low_pressure_steam,2026-03-01,,2.8,GJ/t,0.03,0.99,r", "carbon_tc_per_gj", "is not found by carbon"),
    ],
)
def test_a_record_that_cannot_be_is_refused(line: str, field: str, message: str) -> None:
    """The fault names line and field, and what was expected."""
    with pytest.raises(RecordError) as caught:
        read(line)
    found = [fault for fault in caught.value.faults if fault.path == field]
    assert [fault.line for fault in found] == [2]
    assert message in found[0].message


def test_all_faults_of_a_file_come_at_once() -> None:
    """Two lines with two faults each, and one that stands twice."""
    good = "U-1,coke,2026-03-01,,28.4,GJ/t,,,r"
    with pytest.raises(RecordError) as caught:
        read("U-1,coal,soon,,1,GJ/t,,,r", "U-1,raw_coal,2026-03-01,,1,GJ/t,1,1,r", good, good)
    assert [(fault.line, fault.path) for fault in caught.value.faults] == [
        (2, "carrier"),
        (2, "valid_from"),
        (3, "ncv"),
        (3, "carbon_tc_per_gj"),
        (5, "valid_from"),
    ]


@pytest.mark.parametrize("key", [key for key, one in carriers().items() if one.unit in {"t", "m3"}])
@pytest.mark.parametrize("power", [-3, -2, -1, 1, 2, 3])
def test_a_figure_with_its_point_elsewhere_is_refused_for_every_carrier(key: str, power: int) -> None:
    """The common calorific value loads; ten, a hundred, a thousand times as much or as little does not."""
    one = carriers()[key]
    if one.working_medium:
        return
    middle = (one.kgce_band[0] * one.kgce_band[1]).sqrt() * Decimal("0.0293076")
    assert read(f"U-1,{key},2026-03-01,,{middle:.9f},GJ/{one.unit},,,r")
    with pytest.raises(RecordError, match="not plausible"):
        read(f"U-1,{key},2026-03-01,,{middle * Decimal(10) ** power:.12f},GJ/{one.unit},,,r")
