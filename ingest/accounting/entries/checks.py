"""Whether an entry makes sense, by itself and beside those in force. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import TypeVar

from energy.carriers import carrier
from energy.errors import Fault, UnitError
from energy.records import RecordError, exact, wrong_text
from energy.words import carrier_of, day_of, unit_symbol
from ingest.accounting.entries.model import Entry, EntryUnit, Given, Key, Kind, Standing
from ingest.accounting.entries.words import CERTIFICATE_UNIT, VALUE_UNIT, in_base, kind_of

T = TypeVar("T")

FIRST_DAY = date(2000, 1, 1)
"""What is said of earlier days is a slip of the pen."""
_AHEAD = {Kind.CERTIFICATE, Kind.CERTIFICATE_BASE}
"""Kinds that may speak of days to come: they are allotted for a year."""


def entry_from(given: Given, unit: EntryUnit, today: date) -> Entry:
    """What `given` says of `unit`.

    Args:
        given: as a person gives it.
        unit: of the code that it names.
        today: the day that it is in the unit's zone; of later ones nobody knows yet.

    Raises:
        RecordError: with everything that is wrong with it.
    """
    reading = _Reading(given)
    kind = reading.field("kind", kind_of, Kind.PURCHASE)
    first = reading.field("first_day", day_of, FIRST_DAY)
    last = reading.field("last_day", day_of, first) if "last_day" in given.said else first
    if not reading.faults:
        end = "last_day" if "last_day" in given.said else "first_day"
        reading.add(_day_faults(kind, first, (end, last), today))
        entry = _of_kind(reading, unit, kind, first, last)
        if entry is not None and not reading.faults:
            return entry
    raise RecordError(reading.faults)


def contradictions(entry: Entry, standing: Iterable[Standing]) -> Iterator[tuple[str, str]]:
    """The fields and reasons for which `entry` cannot stand beside the entries of its kind and subject in force.

    Overlapping days would count twice. The very same days are no fault: they are replaced, unless within one file.
    """
    for one in standing:
        if (one.key.unit_id, one.key.kind, one.key.subject) != (entry.key.unit_id, entry.key.kind, entry.key.subject):
            continue
        if entry.key.last_day < one.key.first_day or one.key.last_day < entry.key.first_day:
            continue
        if entry.key != one.key:
            days = f"{one.key.first_day} to {one.key.last_day}"
            yield "first_day", f"overlaps {one.name}, for {days}: it would count twice; undo that one, or give its days"
        elif one.entry_id is None:
            yield "first_day", f"{one.name} has the same days: give the sum of both"


@dataclass(slots=True)
class _Reading:
    """Fields of an entry out of text; what cannot be read is a fault."""

    given: Given
    faults: list[Fault] = field(default_factory=list)

    def add(self, faults: Iterable[tuple[str, str]]) -> None:
        self.faults += [Fault(self.given.source, self.given.line, *one) for one in faults]

    def field(self, name: str, read: Callable[[str], T], otherwise: T) -> T:
        if name not in self.given.said:
            self.add([(name, "must not be empty")])
            return otherwise
        try:
            return read(self.given.said[name])
        except ValueError as error:
            self.add([(name, str(error))])
            return otherwise


def _day_faults(kind: Kind, first: date, end: tuple[str, date], today: date) -> Iterator[tuple[str, str]]:
    """What is wrong with days; the last one comes with the field that says it."""
    name, last = end
    if last < first:
        yield "last_day", "lies before first_day"
    if first < FIRST_DAY:
        yield "first_day", f"lies before {FIRST_DAY}"
    if kind not in _AHEAD and last > today:
        yield name, "lies in the future"
    elif kind is Kind.STOCK and last == today:
        yield name, "a stock is that at the end of the day, and this one is not over"
    if kind is Kind.STOCK and first != last:
        yield "last_day", "a stock is that at the end of one day: leave last_day out"


def _of_kind(reading: _Reading, unit: EntryUnit, kind: Kind, first: date, last: date) -> Entry | None:
    said = reading.given.said
    subject, base = _subject(reading, unit, kind)
    given = reading.field("amount", exact, Decimal(0))
    if given < 0:
        reading.add([("amount", f"{given:f}: must not be below 0")])
    symbol = unit_symbol(reading.field("unit_of_measure", str, base))
    for name, text in (
        ("author", reading.given.author),
        *((name, said.get(name, "")) for name in ("document", "reason")),
    ):
        if wrong := wrong_text(text) or ("must not be empty" if name == "author" and not text.strip() else ""):
            reading.add([(name, wrong)])
    if not base:
        return None
    try:
        amount = in_base(given, symbol, base)
    except UnitError as error:
        reading.add([("unit_of_measure", str(error))])
        return None
    other = symbol != base
    return Entry(
        Key(unit.unit_id, kind, subject, first, last),
        amount,
        base,
        given if other else None,
        symbol if other else None,
        said.get("document", ""),
        said.get("reason", ""),
        reading.given.author,
    )


def _subject(reading: _Reading, unit: EntryUnit, kind: Kind) -> tuple[str, str]:
    """What the entry is about, and its base unit; empty where that is a fault."""
    if kind.of_carrier:
        key = reading.field("subject", carrier_of, "")
        return key, carrier(key).unit if key else ""
    if kind is Kind.OUTPUT:
        code = reading.field("subject", str, "")
        product = unit.products.get(code)
        if code and product is None:
            known = ", ".join(unit.products) or "none"
            reading.add([("subject", f"{code!r} is no product of {unit.code}; registered: {known}")])
        elif product is not None and product.point:
            reading.add([("subject", f"{code} is metered by {product.point}: its output is not filled in")])
        return code, product.unit if product else ""
    if "subject" in reading.given.said:
        reading.add([("subject", f"{kind} has none: leave it empty")])
    return "", VALUE_UNIT if kind is Kind.OUTPUT_VALUE else CERTIFICATE_UNIT
