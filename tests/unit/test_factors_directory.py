"""A deployment's own data files: which replace which, what the set is called then, and every fault with its place."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from energy.carriers import carriers
from energy.data import COLUMNS, data_files, shipped
from energy.errors import FactorError
from energy.factors import load_factors, shipped_factors
from energy.product_quotas import parse_product_quotas

DAY = date(2026, 3, 1)


def put(directory: Path, table: str, *changes: tuple[str, str]) -> Path:
    """A copy of a shipped table in `directory`, with changes."""
    text = shipped().texts[table]
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    path = directory / table
    path.write_text(text, encoding="utf-8")
    return path


def test_without_a_directory_the_shipped_files_serve() -> None:
    """The very same, and their own version."""
    assert data_files(None) is shipped()
    assert shipped_factors().version == shipped().version


def test_a_file_replaces_the_shipped_one_of_its_name(tmp_path: Path) -> None:
    """The other tables stay; the set's version, which every result names, tells that it is another."""
    put(tmp_path, "co2_grid.csv", ("2023,northwest,0.5543", "2023,northwest,0.6558"))
    factors = load_factors(data_files(tmp_path))
    new, old = (one.on("electricity", DAY, "610302") for one in (factors, shipped_factors()))
    assert (new.kgco2, old.kgco2) == (Decimal("0.6558"), Decimal("0.5543"))
    assert factors.on("raw_coal", DAY).kgce == shipped_factors().on("raw_coal", DAY).kgce
    assert factors.version.startswith(f"{shipped().version}+")
    assert new.source.endswith(f"data set {factors.version}")


def test_the_version_follows_from_what_the_files_say(tmp_path: Path) -> None:
    """The same files elsewhere are the same set; another figure is another one."""
    versions = []
    for name, figure in (("a", "0.6"), ("b", "0.6"), ("c", "0.7")):
        (directory := tmp_path / name).mkdir()
        put(directory, "co2_grid.csv", ("2023,northwest,0.5543", f"2023,northwest,{figure}"))
        versions.append(data_files(directory).version)
    assert versions[0] == versions[1] != versions[2]


def test_every_table_may_be_replaced(tmp_path: Path) -> None:
    """Copies of all of them, as a spreadsheet saves them with a byte order mark, say what the shipped ones say."""
    for table in COLUMNS:
        put(tmp_path, table)
    (tmp_path / "carriers.csv").write_text(shipped().texts["carriers.csv"], encoding="utf-8-sig")
    (tmp_path / "README.md").write_text("Our own figures.")
    files = data_files(tmp_path)
    assert [one.kgce for one in load_factors(files).factors] == [one.kgce for one in shipped_factors().factors]
    assert load_factors(files).carriers == carriers()
    assert len(parse_product_quotas(files)) == 11


def test_a_deployment_may_say_as_which_fuel_a_carrier_burns(tmp_path: Path) -> None:
    """Raw coal of another province is anthracite."""
    put(tmp_path, "carriers.csv", ("raw_coal,raw_coal,fuel,bituminous_coal", "raw_coal,raw_coal,fuel,anthracite"))
    assert load_factors(data_files(tmp_path)).on("raw_coal", DAY).kgco2 == Decimal("2322.8")


def test_every_fault_of_every_file_is_named_with_its_place(tmp_path: Path) -> None:
    """By path, line and field, in that order; one that follows from another is not told beside it."""
    grid = put(
        tmp_path,
        "co2_grid.csv",
        ("2021,national,0.5568", "2021,national,5.568"),
        ("2022,national,0.5366", "soon,national,0.5366"),
        ("2023,north,0.6361", "2022,north,0.6361"),
    )
    coal = put(
        tmp_path,
        "standard_coal.csv",
        ("raw coal,kg,0.7143", "raw coal,kg,7.143"),
        ("coke (dry),kg,0.9714", "coke (dry),kWh,0.9714"),
        ("2021-04-01,GB/T 2589-2020 annex B,high,working medium: counted", "2021,,high,working medium: counted"),
    )
    regions = put(tmp_path, "grid_regions.csv", ("61,northwest", "61,nowhere"), ("62,", "6,"))
    with pytest.raises(FactorError) as caught:
        load_factors(data_files(tmp_path))
    assert [(fault.source, fault.line, fault.path) for fault in caught.value.faults] == [
        (str(grid), 2, "kgco2_per_kwh"),
        (str(grid), 3, "year"),
        (str(grid), 14, "scope"),
        (str(regions), 32, "region"),
        (str(regions), 33, "prefix"),
        (str(coal), 2, "kgce_per_unit"),
        (str(coal), 6, "ncv_kj_per_unit"),
        (str(coal), 32, "edition"),
    ]
    assert str(caught.value).startswith(f"{grid}:2: kgco2_per_kwh: 5.568 is not plausible: outside of 0.12 to 1.15\n")


@pytest.mark.parametrize(
    ("table", "old", "new", "message"),
    [
        ("co2_grid.csv", "kgco2_per_kwh", "kgco2_per_mwh", r":1: header: expected year,scope,kgco2_per_kwh,note"),
        ("carriers.csv", "coke,09,", "charcoal,09,", r"carriers\.csv:\d+: key: charcoal is no carrier of the project"),
        ("carriers.csv", "coke,t,0.001", "coke,kg,0.001", r"carriers\.csv:\d+: unit: kg, but it is stored in t"),
        (
            "carriers.csv",
            "coke,t,0.001",
            "coke,t,0.01",
            r"carriers\.csv:\d+: quantum: 0\.01, but it is stored in 0\.001",
        ),
        ("carriers.csv", "coke,coke,fuel,coke,", "coke,coke,fuel,cola,", r"fuel: no row 'cola'"),
        ("carriers.csv", "acetylene,,", "#", r"carriers\.csv: key: no row for acetylene: every carrier"),
    ],
)
def test_a_file_that_does_not_fit_is_refused(tmp_path: Path, table: str, old: str, new: str, message: str) -> None:
    """Another header, carriers that are not the project's or are not all there, other units than what is stored."""
    put(tmp_path, table, (old, new))
    if new == "#":
        path = tmp_path / table
        path.write_text("".join(line for line in path.read_text("utf-8").splitlines(keepends=True) if line[0] != "#"))
    with pytest.raises(FactorError, match=message):
        load_factors(data_files(tmp_path))


def test_a_misspelt_file_is_refused(tmp_path: Path) -> None:
    """It would replace nothing, and nobody would notice."""
    put(tmp_path, "co2_grid.csv").rename(tmp_path / "co2-grid.csv")
    with pytest.raises(FactorError, match=r"co2-grid\.csv: is no table of factors; known: carriers\.csv, "):
        data_files(tmp_path)


def test_a_directory_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """Missing, a file, or bytes that are not UTF-8."""
    with pytest.raises(FactorError, match=r"none: cannot be read: No such file or directory"):
        data_files(tmp_path / "none")
    with pytest.raises(FactorError, match=r"cannot be read: Not a directory"):
        data_files(put(tmp_path, "co2_grid.csv"))
    (tmp_path / "co2_grid.csv").write_bytes("华北".encode("gb18030"))
    with pytest.raises(FactorError, match=r"co2_grid\.csv: is not UTF-8"):
        data_files(tmp_path)
