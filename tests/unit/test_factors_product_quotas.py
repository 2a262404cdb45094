"""Levels of the product quota standards: at their borders, by edition, and rows that must not load."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from energy.data import shipped
from energy.errors import FactorError, UnitError
from energy.product_quotas import Level, parse_product_quotas, product_quotas, quota_on

DAY = date(2026, 3, 1)


@pytest.mark.parametrize(
    ("key", "value", "level"),
    [
        ("cement_clinker_energy", "100", Level.ADVANCED),
        ("cement_clinker_energy", "100.0001", Level.ACCESS),
        ("cement_clinker_energy", "107", Level.ACCESS),
        ("cement_clinker_energy", "107.0001", Level.LIMIT),
        ("cement_clinker_energy", "117", Level.LIMIT),
        ("cement_clinker_energy", "117.0001", Level.OVER),
        # below zero: the more a converter recovers, the better
        ("converter_energy", "-31", Level.ADVANCED),
        ("converter_energy", "-30", Level.ADVANCED),
        ("converter_energy", "-29.9", Level.ACCESS),
        ("converter_energy", "-25", Level.ACCESS),
        ("converter_energy", "-10", Level.LIMIT),
        ("converter_energy", "-9.99", Level.OVER),
        ("converter_energy", "0", Level.OVER),
        # no level 2: what is above the benchmark is of level 3
        ("aluminium_liquid_electricity", "13000", Level.ADVANCED),
        ("aluminium_liquid_electricity", "13000.1", Level.LIMIT),
        ("aluminium_liquid_electricity", "13350", Level.LIMIT),
        ("aluminium_liquid_electricity", "13350.1", Level.OVER),
        ("underground_coal_energy", "11.8", Level.LIMIT),
    ],
)
def test_a_value_is_of_the_best_level_that_it_does_not_exceed(key: str, value: str, level: Level) -> None:
    """A figure that is met exactly counts as met."""
    quota = quota_on(key, DAY)
    assert quota is not None
    assert quota.level(Decimal(value)) is level


def test_without_level_1_nothing_is_advanced() -> None:
    """The edition of 2008 for ferrosilicon has access and limit only."""
    quota = quota_on("ferrosilicon_75_energy", date(2015, 1, 1))
    assert quota is not None
    assert [quota.level(Decimal(value)) for value in (1, 1910, 1911, 1980, 1981)] == [
        Level.ACCESS,
        Level.ACCESS,
        Level.LIMIT,
        Level.LIMIT,
        Level.OVER,
    ]


@pytest.mark.parametrize(
    ("day", "standard"),
    [
        (date(2013, 9, 30), "GB 16780-2007"),
        (date(2013, 10, 1), None),  # the edition of 2012 is not in the table: no quota is better than a wrong one
        (date(2022, 10, 31), None),
        (date(2022, 11, 1), "GB 16780-2021"),
        (DAY, "GB 16780-2021"),
    ],
)
def test_the_edition_is_that_of_the_day(day: date, standard: str | None) -> None:
    """A clinker plant is judged by the standard in force then."""
    quota = quota_on("cement_clinker_energy", day)
    assert (quota.standard if quota else None) == standard


def test_a_value_is_brought_into_the_quota_s_unit() -> None:
    """0.107 tce per t, or 0.107 kgce per kg, is level 2's 107 kgce/t; kWh are no kgce without a factor."""
    quota = quota_on("cement_clinker_energy", DAY)
    assert quota is not None
    assert quota.in_unit(Decimal("0.107"), "tce", "t") == 107
    assert quota.in_unit(Decimal("0.107"), "kgce", "kg") == 107
    with pytest.raises(UnitError):
        quota.in_unit(Decimal(1), "kWh", "t")


def test_an_unknown_quota_names_those_that_are_known() -> None:
    """The advice lists each key once."""
    with pytest.raises(FactorError, match="'bread'") as caught:
        quota_on("bread", DAY)
    assert caught.value.advice.count("cement_clinker_energy") == 1


def test_the_shipped_figures() -> None:
    """Eleven rows, to the digit."""
    levels = {(one.standard, one.key): one.levels for one in product_quotas()}
    assert len(levels) == len(product_quotas()) == 11
    assert levels["GB 21256-2013", "pelletizing_energy"] == tuple(map(Decimal, (15, 24, 36)))
    assert levels["GB 29444-2012", "underground_coal_energy"] == (Decimal(3), Decimal(7), Decimal("11.8"))
    assert levels["GB 21341-2008", "ferrosilicon_75_energy"] == (None, Decimal(1910), Decimal(1980))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("kgce/t,100,107,117", "kgce/t,100,99,117", r":2: level_2_access: 99 is below the level before it, 100"),
        ("kgce/t,100,107,117", "kgce/t,100,,99", r":2: level_3_limit: 99 is below the level before it, 100"),
        ("kgce/t,100,107,117", "kgce/t,100,107,", r":2: level_3_limit: must not be empty"),
        ("kgce/t,100,107,117", "kgce,100,107,117", r":2: unit: 'kgce' is not a unit of energy per unit"),
        ("kgce/t,100,107,117", "kgce/lb,100,107,117", r":2: unit: unknown unit of measure 'lb'"),
        ("kgce/t,100,107,117", "BTU/t,100,107,117", r":2: unit: unknown unit of measure 'BTU'"),
        ("117,2022-11-01,,high", "117,2022-11-01,2022-11-01,high", r":2: valid_to: 2022-11-01 is not after"),
        (
            "128,,2013-10-01",
            "128,,2022-11-02",
            r":4: valid_from: cement_clinker_energy is in force already by GB 16780-2",
        ),
        ("117,2022-11-01", "117,soon", r":2: valid_from: 'soon' is not a date"),
    ],
)
def test_a_row_that_contradicts_itself_does_not_load(old: str, new: str, message: str) -> None:
    """The message names file, line and field."""
    text = shipped().texts["product_quotas.csv"]
    assert old in text
    with pytest.raises(FactorError, match=rf"product_quotas\.csv{message}"):
        parse_product_quotas(shipped().replaced({"product_quotas.csv": text.replace(old, new, 1)}))
