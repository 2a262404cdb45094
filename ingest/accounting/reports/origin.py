"""Where the numbers of a unit's report come from. Conventions as in `model.py`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class FactorUsed:
    """A factor in force in the period, per `unit`.

    Attributes:
        valid_from, valid_to: first day, and first day on which it does not hold any more; None for no such day.
        kgco2: of what is burnt or bought.
        source: the editions that it rests on.
        data_set: version of the project's data; empty where the record of the unit alone says all.
        author, reason: who recorded what the unit measured itself; None for common factors.
    """

    carrier: str
    valid_from: date | None
    valid_to: date | None
    unit: str
    kgce: Decimal
    kgce_equal: Decimal
    kgco2: Decimal
    provisional: bool
    region: str
    source: str
    data_set: str
    author: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class PointUsed:
    """A point that counts in the balance, or meters a product.

    Attributes:
        amount: what it counted in the period, in `unit`; None when nothing is known.
        measured, estimated, substituted, suspect, missing: shares of the time of the period up to now.
        methods: share of that time by method of `energy.consumption.Method`, without what is missing.
    """

    point: str
    meter: str
    carrier: str
    level: int
    flow: str
    unit: str
    amount: Decimal | None
    measured: Decimal | None
    estimated: Decimal | None
    substituted: Decimal | None
    suspect: Decimal | None
    missing: Decimal | None
    methods: dict[str, Decimal]


@dataclass(frozen=True, slots=True)
class EntryUsed:
    """An entry in force that touches the period; of stocks also the takings right before and after it."""

    number: int
    kind: str
    subject: str
    first_day: date
    last_day: date
    amount: Decimal
    unit: str
    given: Decimal
    given_unit: str
    source: str
    document: str
    author: str
    reason: str
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class EditInForce:
    """An edit in force that touches the period, or a ratio that began before it; fields as in `board.edit`."""

    number: int
    point: str
    kind: str
    since: datetime
    until: datetime
    old_end: Decimal | None
    new_start: Decimal | None
    ratio: Decimal | None
    amount: Decimal | None
    unit: str | None
    author: str
    reason: str
    document: str
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Findings:
    """What one check found of one point: how often, on which days."""

    point: str
    check: str
    severity: str
    times: int
    first_day: date
    last_day: date
    hours: Decimal


@dataclass(frozen=True, slots=True)
class Origin:
    """All of it; `without_factor` are carriers that no table has a factor of."""

    factors: tuple[FactorUsed, ...]
    without_factor: tuple[str, ...]
    points: tuple[PointUsed, ...]
    entries: tuple[EntryUsed, ...]
    edits: tuple[EditInForce, ...]
    findings: tuple[Findings, ...]
