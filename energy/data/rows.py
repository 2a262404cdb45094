"""Rows of the data files, and the faults that were found in them: all of them, not the first one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from types import TracebackType

from energy.errors import FactorError, Fault


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

    def decimal(self, field: str, *, negative: bool = False) -> Decimal:
        """The cell `field` as an exact, finite number, not below zero unless `negative`; raises FactorError."""
        try:
            value = Decimal(self.text(field))
        except InvalidOperation:
            raise self.error(field, f"{self.cells[field]!r} is not a number") from None
        if not value.is_finite() or (value < 0 and not negative):
            raise self.error(field, f"{value} is not a finite number{'' if negative else ' of at least 0'}")
        return value

    def optional_decimal(self, field: str, *, negative: bool = False) -> Decimal | None:
        """The cell `field` as a number, None where it is empty; raises FactorError."""
        return self.decimal(field, negative=negative) if self.cells.get(field) else None

    def optional_date(self, field: str) -> date | None:
        """The cell `field` as a date (ISO 8601), None where it is empty; raises FactorError."""
        try:
            return date.fromisoformat(self.cells[field]) if self.cells.get(field) else None
        except ValueError:
            raise self.error(field, f"{self.cells[field]!r} is not a date (YYYY-MM-DD)") from None

    def within(self, field: str, value: Decimal, band: tuple[float, float]) -> None:
        """Refuse a `value` of the cell `field` outside of `band`, both ends included; raises FactorError."""
        least, most = (Decimal(str(end)) for end in band)
        if not least <= value <= most:
            raise self.error(field, f"{value} is not plausible: outside of {least} to {most}")

    def error(self, field: str, message: str) -> FactorError:
        """The error that names file, line and field."""
        fault = Fault(self.table, self.line, field, message)
        return FactorError(str(fault), faults=(fault,))


class FaultList:
    """Gathers the FactorErrors of the blocks that it guards, so that one mistake does not hide the next one.

    with faults:
        check(row)
    faults.raise_any()
    """

    def __init__(self) -> None:
        self._faults: set[Fault] = set()

    def __enter__(self) -> None:
        """Guard a block."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if not isinstance(error, FactorError):
            return False
        self._faults |= set(error.faults or (Fault("", 0, "", str(error)),))
        return True

    def raise_any(self) -> None:
        """Raise one FactorError with every fault so far, in the order of files and lines; none where there are none."""
        if self._faults:
            faults = tuple(sorted(self._faults))
            raise FactorError("\n".join(map(str, faults)), faults=faults)
