"""Dated data files: carriers and factors, with their source, validity and confidence. See README.md beside them.

Every coefficient of the project stands in one of these files, none in code. A deployment may replace any of them. The
set as a whole has a version (`dataset.toml`), so that a result can name the figures that it rests on.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

import msgspec

from energy.data.rows import FaultList, Row
from energy.errors import FactorError, Fault

COLUMNS = {
    "carriers.csv": "key number name_zh name_en unit quantum coal coal_equal co2_rule co2_key co2_reason kgce_low "
    "kgce_high working_medium t_per_m3 note",
    "standard_coal.csv": "carrier name_zh name_en unit kgce_per_unit ncv_kj_per_unit valid_from edition confidence "
    "note",
    "co2_fuels.csv": "fuel name_zh unit ncv_gj_per_unit carbon_tc_per_gj oxidation tco2_per_unit valid_from",
    "co2_grid.csv": "year scope kgco2_per_kwh note",
    "co2_heat.csv": "scope kgco2_per_gj valid_from source",
    "grid_regions.csv": "prefix region name_zh",
    "product_quotas.csv": "key standard product indicator unit level_1_advanced level_2_access level_3_limit "
    "valid_from valid_to confidence note",
}
"""The tables, each with the columns that its header must have, in their order."""


class DataSet(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`dataset.toml`: what the set as a whole says about its files.

    Attributes:
        version: of the whole set; changes with every change of a figure.
        sources: the source of each table that does not name one per row.
        annual: rows of standard_coal.csv that hold for one year only: later years have them provisionally.
        plausible: least and greatest figure of a column that are plausible, as decimal text or whole numbers.
    """

    version: str
    sources: dict[str, str]
    annual: tuple[str, ...]
    plausible: dict[str, tuple[float, float]]


@dataclass(frozen=True)
class DataFiles:
    """The texts of the tables by file name: the shipped ones, or those of a deployment in place of some.

    Attributes:
        texts: every table of COLUMNS.
        places: the path of those that a deployment replaced, for error messages.
        version: of the set that they make; names every replaced figure by a digest of its file.
    """

    texts: Mapping[str, str]
    places: Mapping[str, str]
    version: str

    def rows(self, table: str) -> list[Row]:
        """The rows of `table`; raises FactorError with every ragged one, or for a header that is another."""
        place, expected = self.places.get(table, table), COLUMNS[table].split()
        reader = csv.DictReader(self.texts[table].splitlines())
        if list(reader.fieldnames or ()) != expected:
            raise _error(Fault(place, 1, "header", f"expected {','.join(expected)}"))
        faults, found = FaultList(), []
        for cells in reader:
            row = Row(place, reader.line_num, cells)
            with faults:
                if None in cells or None in cells.values():
                    raise row.error("row", f"has not the {len(expected)} cells of the header")
                found.append(row)
        faults.raise_any()
        return found

    def replaced(self, texts: Mapping[str, str], places: Mapping[str, str] | None = None) -> DataFiles:
        """These files with `texts` in place of some; `places` says where those came from."""
        digest = hashlib.sha256()
        for table in sorted(texts):
            digest.update(f"{table}\0{texts[table]}\0".encode())
        version = f"{self.version}+{digest.hexdigest()[:8]}" if texts else self.version
        return DataFiles({**self.texts, **texts}, {**self.places, **(places or {})}, version)


@cache
def shipped() -> DataFiles:
    """The tables as the project ships them."""
    texts = {table: files(__name__).joinpath(table).read_text(encoding="utf-8") for table in COLUMNS}
    return DataFiles(texts, {}, data_set().version)


def data_files(directory: Path | None) -> DataFiles:
    """The shipped tables, those that stand in `directory` in place of theirs.

    Raises:
        FactorError: the directory cannot be read, or has a table that nobody knows: a misspelt one would do nothing.
    """
    if directory is None:
        return shipped()
    try:
        paths = {path.name: path for path in sorted(directory.iterdir()) if path.suffix == ".csv"}
        if unknown := [path for name, path in paths.items() if name not in COLUMNS]:
            known = f"is no table of factors; known: {', '.join(COLUMNS)}"
            raise _error(*(Fault(str(path), 0, "", known) for path in unknown))
        texts = {name: _text(path) for name, path in paths.items()}
    except OSError as error:
        raise FactorError(f"{error.filename or directory}: cannot be read: {error.strerror}") from error
    return shipped().replaced(texts, {name: str(path) for name, path in paths.items()})


@cache
def data_set() -> DataSet:
    """What `dataset.toml` says."""
    text = files(__name__).joinpath("dataset.toml").read_text(encoding="utf-8")
    return msgspec.toml.decode(text, type=DataSet)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise _error(Fault(str(path), 0, "", f"is not UTF-8: {error}")) from error


def _error(*faults: Fault) -> FactorError:
    return FactorError("\n".join(map(str, faults)), faults=faults)
