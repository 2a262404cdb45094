"""Dated data files: carriers and factors, with their source, validity and confidence. See README.md beside them.

Every coefficient of the project stands in one of these files, none in code. The set as a whole has a version
(`dataset.toml`), so that a result can name the figures that it rests on.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import cache
from importlib.resources import files

import msgspec

from energy.errors import FactorError


class DataSet(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`dataset.toml`: what the set as a whole says about its files.

    Attributes:
        version: of the whole set; changes with every change of a figure.
        sources: the source of each table that does not name one per row.
        annual: rows of standard_coal.csv that hold for one year only: later years have them provisionally.
    """

    version: str
    sources: dict[str, str]
    annual: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table; `line` counts from 1 with the header, as an editor does."""

    table: str
    line: int
    cells: dict[str, str]

    def text(self, field: str) -> str:
        """The cell `field`, which must not be empty; raises FactorError."""
        value = self.cells.get(field) or ""
        if not value:
            raise self.error(field, "must not be empty")
        return value

    def decimal(self, field: str) -> Decimal:
        """The cell `field` as an exact, finite number not below zero; raises FactorError."""
        try:
            value = Decimal(self.text(field))
        except InvalidOperation:
            raise self.error(field, f"{self.cells[field]!r} is not a number") from None
        if not value.is_finite() or value < 0:
            raise self.error(field, f"{value} is not a finite number of at least 0")
        return value

    def optional_decimal(self, field: str) -> Decimal | None:
        """The cell `field` as a number, None where it is empty; raises FactorError."""
        return self.decimal(field) if self.cells.get(field) else None

    def optional_date(self, field: str) -> date | None:
        """The cell `field` as a date (ISO 8601), None where it is empty; raises FactorError."""
        try:
            return date.fromisoformat(self.cells[field]) if self.cells.get(field) else None
        except ValueError:
            raise self.error(field, f"{self.cells[field]!r} is not a date (YYYY-MM-DD)") from None

    def error(self, field: str, message: str) -> FactorError:
        """The error that names file, line and field."""
        return FactorError(f"{self.table}:{self.line}: {field}: {message}")


def parse_table(table: str, text: str) -> Iterator[Row]:
    """The rows of a CSV `text`; `table` is its name in error messages. Raises FactorError on a ragged row."""
    reader = csv.DictReader(text.splitlines())
    for cells in reader:
        row = Row(table, reader.line_num, cells)
        if None in cells or None in cells.values():
            raise row.error("row", f"has not the {len(reader.fieldnames or ())} cells of the header")
        yield row


@cache
def table_text(table: str) -> str:
    """The text of a shipped table."""
    return files(__name__).joinpath(table).read_text(encoding="utf-8")


@cache
def data_set() -> DataSet:
    """What `dataset.toml` says."""
    return msgspec.toml.decode(table_text("dataset.toml"), type=DataSet)
