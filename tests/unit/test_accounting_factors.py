"""Factors of the shipped tables, computed once more by hand, and tables that must not load."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest

from energy.carriers import Co2Rule, carriers
from energy.data import DataFiles, shipped
from energy.errors import FactorError
from energy.factors import EVER, Factor, load_factors, shipped_factors

DEMO = date(2026, 3, 1)
BAOJI = "610302"


def _on(carrier: str, day: date = DEMO) -> Factor:
    return shipped_factors().on(carrier, day, BAOJI)


def _with(**texts: str) -> DataFiles:
    """The shipped tables with these in place of theirs."""
    return shipped().replaced({f"{table}.csv": text for table, text in texts.items()})


@pytest.mark.parametrize(
    ("carrier", "unit", "kgce", "kgce_equal", "kgco2"),
    [
        ("electricity", "kWh", "0.1229", "0.3066", "0.5543"),
        # 21.6219 t per 10^4 Nm3, and 1 m3 at 20 degC is 1/1.0732 Nm3
        ("natural_gas", "m3", "1.2143", "1.2143", "2.014713008"),
        ("heat", "GJ", "34.12", "34.12", "110"),
        # 3763 kJ/kg = 3.763 GJ/t at 110 kg/GJ
        ("low_pressure_steam", "t", "128.6", "128.6", "413.93"),
        ("raw_coal", "t", "714.3", "714.3", "2071.5"),
        ("diesel", "t", "1457.1", "1457.1", "3145.1"),
        # the table has no calorific value: 1.0918 kgce/kg stands for it when the CO2 table's is compared
        ("petroleum_coke", "t", "1091.8", "1091.8", "3063.3"),
        # 0.3794 kgce/Nm3 and 15.9470 t per 10^4 Nm3, over 1.0732
        ("carbide_furnace_gas", "m3", "0.353522177", "0.353522177", "1.485929929"),
        # per t, metered in m3 of 1 t each
        ("fresh_water", "m3", "0.2571", "0.2571", "0"),
        ("acetylene", "m3", "8.3143", "8.3143", "0"),
    ],
)
def test_factors_per_base_unit(carrier: str, unit: str, kgce: str, kgce_equal: str, kgco2: str) -> None:
    """Each figure reaches the carrier's base unit through its own unit of measure, to the last digit."""
    found = _on(carrier)
    assert (found.unit, found.kgce, found.kgce_equal, found.kgco2) == (
        unit,
        Decimal(kgce),
        Decimal(kgce_equal),
        Decimal(kgco2),
    )


@pytest.mark.parametrize("key", carriers())
def test_a_co2_that_no_table_has_is_not_passed_off_as_none(key: str) -> None:
    """It counts nothing like one that is rightly none, but what it is in is provisional on every day, and says why."""
    rule, found = carriers()[key].co2_rule, _on(key)
    assert (not found.kgco2) == (rule in {Co2Rule.NONE, Co2Rule.UNPUBLISHED})
    assert found.provisional == (rule in {Co2Rule.UNPUBLISHED, Co2Rule.GRID})
    if not found.kgco2:
        assert carriers()[key].co2_reason in found.source


def test_every_carrier_has_a_factor_for_every_day() -> None:
    """A series starts before any reading, so that no total is left out for want of a row."""
    for key in carriers():
        assert _on(key, EVER).carrier == key


def test_the_grid_factor_is_that_of_the_year_and_the_last_one_serves_provisionally() -> None:
    """2022 and 2023 are published for the northwest; 2026 is served by 2023's."""
    assert _on("electricity", date(2022, 12, 31)).kgco2 == Decimal("0.5857")
    assert _on("electricity", date(2023, 1, 1)).kgco2 == Decimal("0.5543")
    assert _on("electricity", date(2026, 3, 1)).kgco2 == Decimal("0.5543")
    assert _on("electricity").provisional
    assert "northwest 2023" in _on("electricity").source


def test_an_edition_before_its_first_day_is_provisional() -> None:
    """GB/T 2589-2020 holds from 2021-04-01; before that it only stands in."""
    assert _on("raw_coal", date(2021, 3, 31)).provisional
    assert not _on("raw_coal", date(2021, 4, 1)).provisional


def test_a_value_that_holds_for_one_year_is_provisional_after_it() -> None:
    """The equal value of electricity is published anew every year."""
    grid = shipped().texts["co2_grid.csv"] + "2015,northwest,0.6,\n2016,northwest,0.6,\n"
    coal = shipped().texts["standard_coal.csv"].replace("kWh,0.1229,3600,2021-04-01", "kWh,0.1229,3600,2000-01-01")
    factors = load_factors(_with(co2_grid=grid, standard_coal=coal))
    assert not factors.on("electricity", date(2015, 6, 1), BAOJI).provisional
    assert factors.on("electricity", date(2016, 6, 1), BAOJI).provisional


def test_a_source_names_edition_doubts_and_data_set() -> None:
    """A result can say on which figures it rests, and how firm they are."""
    assert "GB/T 2589-2020 raw_coal" in _on("raw_coal").source
    assert "date of validity not established" in _on("natural_gas").source
    assert "medium confidence" in _on("electricity").source
    assert _on("heat").source.endswith("data set 2026.2")


@pytest.mark.parametrize(
    ("district", "kgco2"),
    [
        ("610302", "0.5543"),  # Baoji: northwest
        ("510100", "0.2472"),  # Chengdu: southwest
        ("150102", "0.6361"),  # Hohhot: western Inner Mongolia hangs on the north's grid
        ("150402", "0.5122"),  # Chifeng: eastern Inner Mongolia on the northeast's
        ("152201", "0.5122"),  # Hinggan likewise
        ("710000", "0.5306"),  # no regional grid of the tables: the nation's mean
    ],
)
def test_a_district_decides_whose_grid_factor_counts(district: str, kgco2: str) -> None:
    """By its province, or by its city where a province is divided."""
    assert shipped_factors().on("electricity", DEMO, district).kgco2 == Decimal(kgco2)


def test_the_district_does_not_matter_but_for_electricity() -> None:
    """Coal burns alike everywhere."""
    for key, one in carriers().items():
        if key != "electricity":
            assert shipped_factors().on(key, DEMO, "610302") == shipped_factors().on(key, DEMO, "440100")
            assert one.co2_rule is not Co2Rule.GRID


def test_no_factor_for_an_unknown_carrier() -> None:
    """What is not known is an error, not a zero."""
    with pytest.raises(FactorError, match="no factor of charcoal"):
        shipped_factors().on("charcoal", DEMO)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("heat (calorific value),MJ,0.03412,1000", "heat,GJ,0.03412,1000", r":28: ncv_kj_per_unit: 1000 is not"),
        ("heat (calorific value),MJ,0.03412,1000", "heat,GJ,0.0341,", r":28: kgce_per_unit: 0.0341 per GJ contradicts"),
        ("heat (calorific value),MJ,0.03412,1000", "heat,GJ,0.0341,1000000", "kgce_per_unit"),
        ("natural gas,m3,1.2143", "natural gas,m3,0.0013", r":16: kgce_per_unit: 0.0013 per m3 contradicts 35588 kJ"),
        (
            "raw coal,kg,0.7143",
            "raw coal,t,0.7143",
            r":2: kgce_per_unit: 0.7143 kgce/t is not plausible for raw_coal: 250 to 1100",
        ),
        ("raw coal,kg,0.7143", "raw coal,stone,0.7143", r":2: unit: unknown unit of measure 'stone'"),
        ("raw coal,kg,0.7143", "raw coal,m3,0.7143", r":2: unit: t is mass, m3 is gas volume"),
        ("raw coal,kg,0.7143", "raw coal,kg,much", r":2: kgce_per_unit: 'much' is not a number"),
        ("raw coal,kg,0.7143", "raw coal,kg,NaN", r":2: kgce_per_unit: NaN is not a finite number"),
        ("raw coal,kg,0.7143", "raw coal,kg,-1", r":2: kgce_per_unit: -1 is not"),
        (
            "20934,2021-04-01,GB/T 2589-2020,high,",
            "20934,soon,GB/T 2589-2020,high,",
            r":2: valid_from: 'soon' is not a",
        ),
        ("20934,2021-04-01,GB/T 2589-2020,high,", "20934,2021-04-01,,high,", r":2: edition: must not be empty"),
        ("20934,2021-04-01,GB/T 2589-2020,high,", "20934", r":2: row: has not the 10 cells of the header"),
        ("raw_coal,", "brown_coal,", r"standard_coal.csv: carrier: no row 'raw_coal'"),
    ],
)
def test_a_standard_coal_row_that_contradicts_itself_does_not_load(old: str, new: str, message: str) -> None:
    """The message names file, line and field."""
    text = shipped().texts["standard_coal.csv"]
    assert old in text
    with pytest.raises(FactorError, match=message):
        load_factors(_with(standard_coal=text.replace(old, new, 1)))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("0.93,2.0715", "0.93,20.715", r"co2_fuels.csv:3: tco2_per_unit: contradicts NCV x CC x OF x 44/12 = 2.0715"),
        (
            "天然气,10^4 Nm3",
            "天然气,Nm3",
            r"co2_fuels.csv:\d+: ncv_gj_per_unit: 362.756 GJ/m3, standard_coal.csv has 0.035",
        ),
        ("天然气,10^4 Nm3", "天然气,t", r"co2_fuels.csv:\d+: unit: m3 is gas volume, t is mass"),
        (",烟煤,t", ",烟煤,lb", r"co2_fuels.csv:3: unit: unknown unit of measure 'lb'"),
    ],
)
def test_a_co2_row_that_contradicts_itself_or_standard_coal_does_not_load(old: str, new: str, message: str) -> None:
    """A wrong power of ten in one table shows against the other."""
    text = shipped().texts["co2_fuels.csv"]
    assert old in text
    with pytest.raises(FactorError, match=message):
        load_factors(_with(co2_fuels=text.replace(old, new, 1)))


def test_every_fuel_s_published_co2_is_its_formula_s() -> None:
    """tCO2 = NCV x CC x OF x 44/12, to the four digits that the table gives."""
    for row in shipped().rows("co2_fuels.csv"):
        ncv, carbon, oxidation = (
            Fraction(row.decimal(name)) for name in ("ncv_gj_per_unit", "carbon_tc_per_gj", "oxidation")
        )
        assert abs(ncv * carbon * oxidation * 44 / 12 - Fraction(row.decimal("tco2_per_unit"))) < Fraction("0.0001")
