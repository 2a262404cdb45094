"""Stock takings that cannot be, as far as is known: more is there than was there and came since."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from energy.storage import Connection, load_queries, translating

_SQL = load_queries("ingest.accounting.entries", "takings.sql")


@dataclass(frozen=True, slots=True)
class NegativeUse:
    """Between two takings of one stock, one following the other, less than nothing would have been used.

    Attributes:
        unit, carrier: whose stock, and of what.
        before, before_id, before_day: what was there, by which entry, at the end of which day.
        stock, stock_id, stock_day: likewise of the later taking.
        used: what this makes of consumption between them, by what is entered and metered so far; below zero.
        unit_of_measure: of all amounts.
    """

    unit: str
    carrier: str
    before: Decimal
    before_id: int
    before_day: date
    stock: Decimal
    stock_id: int
    stock_day: date
    used: Decimal
    unit_of_measure: str


async def negative_uses(connection: Connection, entries: Sequence[int]) -> list[NegativeUse]:
    """Where the takings among `entries` (by number, those in force), or the takings next to them, cannot be.

    It is no fault yet: a purchase, or the right figure, may follow.

    Raises as `energy.storage.translating` says.
    """
    with translating():
        rows = await connection.fetch(_SQL.negative_uses, list(entries))
    return [NegativeUse(**dict(row)) for row in rows]
