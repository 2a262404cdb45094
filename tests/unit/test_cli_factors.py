"""`quotawatt factors list`, `show` and `check`, as an operator calls them."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from deploy.cli import root
from energy.carriers import carriers
from energy.data import shipped
from energy.errors import FactorError, RejectedError


def call(*arguments: str) -> str:
    """What the command says."""
    result = CliRunner().invoke(root, ["factors", *arguments], catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


def test_the_list_has_every_carrier_with_the_factors_of_the_day_and_district() -> None:
    """In the order of the data, with what is provisional marked."""
    said, heading, *lines = call("list", "--day", "2022-12-31", "--district", "510100").splitlines()
    assert said == f"Data set {shipped().version}, 2022-12-31, grid of southwest."
    assert heading.split()[:6] == ["CARRIER", "NO", "UNIT", "KGCE", "KGCE", "EQUAL"]
    assert [line.split()[0] for line in lines] == list(carriers())
    assert lines[0].split() == ["electricity", "33", "kWh", "0.1229", "0.3066", "0.2268", "P", "grid", "电力"]
    assert lines[-1].split()[-4:] == ["unpublished,", "working", "medium", "乙炔"]


def test_a_day_that_is_none_is_refused() -> None:
    """With an example."""
    result = CliRunner().invoke(root, ["factors", "list", "--day", "1.3.2026"])
    assert (result.exit_code, "is no day such as 2026-03-01" in result.output) == (2, True)


def test_a_carrier_is_shown_with_all_dates_and_sources() -> None:
    """And the reason why it counts no CO2."""
    lines = call("show", "biogas").splitlines()
    assert lines[0] == f"biogas (沼气), per m3. Data set {shipped().version}."
    assert [line.split()[0] for line in lines[1:]] == ["FROM", "1900-01-01", "2021-04-01"]
    assert "CO2: none: made of biomass" in lines[2]
    with pytest.raises(RejectedError, match="unknown carrier 'charcoal'"):
        call("show", "charcoal")


def test_a_directory_that_loads_says_what_it_replaces(tmp_path: Path) -> None:
    """With the version that results will name."""
    assert call("check", str(tmp_path)).startswith("no table is replaced")
    (path := tmp_path / "co2_heat.csv").write_text(shipped().texts["co2_heat.csv"].replace(",110,", ",100,"))
    first, second = call("check", str(tmp_path)).splitlines()
    assert first == f"{path}: loads"
    assert second.startswith(f"data set {shipped().version}+")
    assert " 100 " in call("show", "heat", "--directory", str(tmp_path))


def test_a_directory_that_does_not_load_names_every_fault(tmp_path: Path) -> None:
    """Of factors; and of product quotas, which nothing else loads here."""
    heat, quotas = tmp_path / "co2_heat.csv", tmp_path / "product_quotas.csv"
    heat.write_text(shipped().texts["co2_heat.csv"].replace(",110,", ",1.1,"))
    with pytest.raises(FactorError, match=r"co2_heat\.csv:2: kgco2_per_gj: 1\.1 is not plausible"):
        call("check", str(tmp_path))
    heat.unlink()
    quotas.write_text(shipped().texts["product_quotas.csv"].replace(",117,", ",17,"))
    with pytest.raises(FactorError, match=r"product_quotas\.csv:2: level_3_limit: 17 is below"):
        call("check", str(tmp_path))
