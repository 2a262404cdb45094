"""A table whose rows were checked one by one: what is wrong is told, and does not stop the others."""

from __future__ import annotations

from collections.abc import Callable

from energy.data import DataFiles
from energy.data.rows import FaultList, Row
from energy.errors import FactorError, Fault


class CheckedTable:
    """The rows of a table; one with a fault is refused again whenever it is asked for.

    Args:
        files: the tables.
        table: the file's name.
        key: the column by which rows are asked for.
        and_by: the column that tells rows of one key apart, such as their day.
        check: raises FactorError for a row that makes no sense.
        faults: where those go.

    Raises:
        FactorError: the file as a whole cannot be read.
    """

    def __init__(  # noqa: PLR0913 - what a table is
        self, files: DataFiles, table: str, *, key: str, and_by: str, check: Callable[[Row], None], faults: FaultList
    ) -> None:
        self._table, self._key = files.places.get(table, table), key
        self._refused: dict[int, FactorError] = {}
        self._by_key: dict[str, list[Row]] = {}
        seen: set[tuple[str, str]] = set()
        for row in files.rows(table):
            try:
                name = row.text(key)
                self._by_key.setdefault(name, []).append(row)
                if (name, row.cells[and_by]) in seen:
                    # Else it would depend on the order of the rows which of them counts.
                    raise row.error(key, f"{' '.join(filter(None, (name, row.cells[and_by])))} stands twice")
                seen.add((name, row.cells[and_by]))
                check(row)
            except FactorError as error:
                self._refused[row.line] = error
                with faults:
                    raise

    def rows_of(self, key: str) -> list[Row]:
        """The rows of `key`; raises FactorError where there are none, or one of them was refused."""
        rows = self._by_key.get(key, [])
        if not rows:
            fault = Fault(self._table, 0, self._key, f"no row {key!r}")
            raise FactorError(str(fault), faults=(fault,))
        for row in rows:
            if row.line in self._refused:
                raise self._refused[row.line]
        return rows

    def keys(self) -> list[str]:
        """Every key that has a row, in the order of the file."""
        return list(self._by_key)
