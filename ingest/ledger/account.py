"""Reads the account of what came: envelopes by gateway and day, readings by point and day."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from fractions import Fraction
from typing import Any, TypeVar

import msgspec

from energy.periods import DEFAULT_ZONE
from energy.queries import load_queries
from energy.storage import Connection, translating
from ingest.ledger.spans import spans

_SQL = load_queries("ingest.ledger", "ledger.sql")

NATIONAL_RULE = Fraction(9, 10)
"""Least share of the readings that are due which the national rule asks for."""


class Chosen(msgspec.Struct, frozen=True):
    """What is asked for: a gateway by its code, None for all; the days from `first` to `last`, both included."""

    gateway: str | None
    first: date
    last: date


class Line(msgspec.Struct, frozen=True):
    """The envelopes whose numbers were first heard of on a day.

    Attributes:
        expected: how many there are; the five that follow sum up to it.
        stored, refused, dropped, to_come, missing: what became of them.
        difference: `expected` less their sum, always 0.
        envelopes, readings, rejected: envelopes first committed on that day, their readings, how many of these were
            refused.
        dropped_numbers, to_come_numbers, missing_numbers: the lowest twenty ranges, such as `12-14 20`.
    """

    gateway: str
    unit: str | None
    day: date
    stream: str
    expected: int
    stored: int
    refused: int
    dropped: int
    to_come: int
    missing: int
    difference: int
    envelopes: int
    readings: int
    rejected: int
    dropped_numbers: str
    to_come_numbers: str
    missing_numbers: str


class Refused(msgspec.Struct, frozen=True):
    """How much was refused on a day with a code, as far as rejects keep it still."""

    gateway: str
    day: date
    code: str
    count: int


class PointDay(msgspec.Struct, frozen=True):
    """A point's readings of a day, by the times at which they were measured, whenever they came.

    Attributes:
        until: up to when the day is judged: its end, or now.
        expected: readings due at the point's interval.
        received: in how many of these intervals there is one with a value.
    """

    gateway: str
    unit: str
    meter: str
    point: str
    interval_s: int
    day: date
    until: datetime
    expected: int
    received: int

    @property
    def complete(self) -> bool:
        """Whether it is as complete as the national rule asks."""
        return self.received >= NATIONAL_RULE * self.expected


class Account(msgspec.Struct, frozen=True):
    """What was found.

    Attributes:
        behind: batches that are committed but not followed yet: what they brought still shows as to come.
        points: empty unless it was asked for.
    """

    behind: int
    lines: Sequence[Line]
    refused: Sequence[Refused]
    points: Sequence[PointDay]

    @property
    def sound(self) -> bool:
        """Whether nothing is missing, everything adds up, and every point is complete as far as it was counted."""
        return not any(line.missing or line.difference for line in self.lines) and all(p.complete for p in self.points)


async def read_account(connection: Connection, chosen: Chosen, now: datetime, *, points: bool) -> Account:
    """Everything of one moment.

    Args:
        connection: to the database.
        chosen: which gateway and days.
        now: data time, up to which the readings of a day that is not over are due.
        points: whether to count the readings of every point, which reads all of them.

    Raises as `energy.storage.translating` says.
    """
    with translating():
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            where = chosen.gateway, chosen.first, chosen.last
            return Account(
                behind=await connection.fetchval(_SQL.behind),
                lines=_structs(Line, await connection.fetch(_SQL.lines, *where)),
                refused=_structs(Refused, await connection.fetch(_SQL.refusals, *where, DEFAULT_ZONE)),
                points=await _points(connection, chosen, now) if points else (),
            )


async def _points(connection: Connection, chosen: Chosen, now: datetime) -> list[PointDay]:
    zones = [row["time_zone"] for row in await connection.fetch(_SQL.zones, chosen.gateway)]
    days = list(spans(zones, chosen.first, chosen.last, now))
    columns = ([getattr(span, name) for span in days] for name in ("zone", "day", "since", "until"))
    return _structs(PointDay, await connection.fetch(_SQL.completeness, chosen.gateway, *columns))


S = TypeVar("S", bound=msgspec.Struct)


def _structs(kind: type[S], rows: Iterable[Any]) -> list[S]:
    """Rows as structs; counts beyond int8 come as text, which is read exactly."""
    return [msgspec.convert(dict(row), kind, strict=False) for row in rows]
