"""Whether an edit makes sense, by itself and beside those in force. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal
from zoneinfo import ZoneInfo

from energy.errors import Fault, UnitError
from energy.instants import instant_ms
from energy.quantities import Derived
from energy.records import RecordError, exact, wrong_text
from energy.units import convert
from ingest.accounting.algebra.columns import INTERVAL_MS, MOST_QUANTA
from ingest.accounting.edits.model import Edit, EditedPoint, Given, Kind, Standing, moment

MOST_RATIO = Decimal(1_000_000)
"""A ratio beyond this, or below its reciprocal, is a slip of the pen."""
FIRST_MS = 946_684_800_000
"""2000-01-01: what is said of earlier times is a slip too."""

_FIELDS = {
    Kind.REPLACEMENT: ({"since"}, {"until", "old_end", "new_start", "ratio"}),
    Kind.RATIO: ({"since", "ratio"}, set[str]()),
    Kind.EXCLUDE: ({"since", "until"}, set[str]()),
    Kind.AMOUNT: ({"since", "until", "amount"}, {"unit"}),
    Kind.ACCEPT: ({"since", "until"}, set[str]()),
}
"""What each kind needs, and what else it may say."""
_REGISTERS = {Derived.REGISTER, Derived.NET_REGISTER}


def edit_from(given: Given, point: EditedPoint, now_ms: int) -> Edit:
    """What `given` says of `point`.

    Args:
        given: as a person gives it.
        point: of the code that it names.
        now_ms: data time; an edit speaks of what has been.

    Raises:
        RecordError: with everything that is wrong with it.
    """
    reading = _Reading(given, point)
    since = reading.time("since")
    has_end = "until" in given.said or "until" in _FIELDS[given.kind][0]
    until = reading.time("until") if has_end and given.kind is not Kind.RATIO else since
    timed = not reading.faults
    edit = Edit(
        given.kind,
        point,
        since=since,
        until=until,
        old_end=reading.state("old_end"),
        new_start=reading.state("new_start"),
        ratio=reading.ratio(),
        amount=reading.amount(),
    )
    reading.faults += [reading.fault(*one) for one in _faults(given, edit)]
    if timed:
        reading.faults += [reading.fault(*one) for one in _time_faults(edit, now_ms)]
    if reading.faults:
        raise RecordError(reading.faults)
    return edit


def contradictions(edit: Edit, standing: Iterable[Standing]) -> Iterator[tuple[str, str]]:
    """The fields and reasons for which `edit` cannot stand beside the edits of its point that are in force."""
    for one in standing:
        if edit.kind.changes and one.kind.changes and edit.since <= one.until and one.since <= edit.until:
            what = "lies within" if edit.kind is Kind.RATIO else "overlaps"
            yield "since", f"{what} {one.name}, a {one.kind} at {_spelled(one, edit.point)}: undo that one first"
        if edit.kind is one.kind is Kind.AMOUNT and edit.since < one.until and one.since < edit.until:
            yield "since", f"overlaps {one.name}, an amount for {_spelled(one, edit.point)}: undo that one first"


@dataclass(slots=True)
class _Reading:
    """Fields of an edit out of text; what cannot be read is a fault, and something harmless stands in its place."""

    given: Given
    point: EditedPoint
    faults: list[Fault] = field(default_factory=list)

    def fault(self, name: str, message: str) -> Fault:
        return Fault(self.given.source or self.point.code, self.given.line, name, message)

    def time(self, name: str) -> int:
        if name not in self.given.said:
            self.faults.append(self.fault(name, "must not be empty"))
            return FIRST_MS
        try:
            return instant_ms(self.given.said[name], ZoneInfo(self.point.time_zone))
        except ValueError as error:
            self.faults.append(self.fault(name, str(error)))
            return FIRST_MS

    def number(self, name: str) -> Decimal | None:
        if name not in self.given.said:
            return None
        try:
            return exact(self.given.said[name])
        except ValueError as error:
            self.faults.append(self.fault(name, str(error)))
            return None

    def state(self, name: str) -> float | None:
        value = self.number(name)
        if value is not None and value < 0 and self.point.quantity != Derived.NET_REGISTER:
            self.faults.append(self.fault(name, f"{value:f}: a register that only rises is never below 0"))
        return None if value is None else float(value)

    def ratio(self) -> Decimal | None:
        value = self.number("ratio")
        if value is not None and not 1 / MOST_RATIO <= value <= MOST_RATIO:
            self.faults.append(
                self.fault("ratio", f"{value:f}: above 0, and from 1/{MOST_RATIO} to {MOST_RATIO} expected")
            )
        return value

    def amount(self) -> Decimal | None:
        value = self.number("amount")
        if value is None:
            return None
        try:
            value = convert(value, self.given.said.get("unit", self.point.unit), self.point.unit)
        except UnitError as error:
            self.faults.append(self.fault("unit", f"{error}: a unit of measure that makes {self.point.unit} expected"))
            return None
        quanta = (value / self.point.quantum).to_integral_value(ROUND_HALF_EVEN)
        if quanta * self.point.quantum != value:
            nearest = f"{(quanta * self.point.quantum).normalize():f} {self.point.unit}"
            told = f"no multiple of the quantum, {self.point.quantum:f} {self.point.unit}; the nearest one is {nearest}"
            self.faults.append(self.fault("amount", f"{value:f} {self.point.unit} is {told}"))
        if abs(quanta) > MOST_QUANTA:
            self.faults.append(self.fault("amount", f"{value:f} {self.point.unit} is more than can be counted"))
        if value < 0 and self.point.quantity != Derived.NET_REGISTER:
            self.faults.append(self.fault("amount", f"{value:f}: must not be below 0"))
        return value


def _faults(given: Given, edit: Edit) -> Iterator[tuple[str, str]]:
    kind, quantity = edit.kind, edit.point.quantity
    required, optional = _FIELDS[kind]
    for name in sorted(required - given.said.keys() - {"since", "until"}):  # times complain for themselves
        yield name, "must not be empty"
    for name in sorted(given.said.keys() - required - optional):
        yield name, f"does not belong to {kind}"
    for name in ("author", "reason", "document"):
        text: str = getattr(given, name)
        if wrong := wrong_text(text) or ("must not be empty" if name != "document" and not text.strip() else ""):
            yield name, wrong
    if quantity not in tuple(Derived):
        yield "point", f"no consumption is derived from its quantity, {quantity}, so that there is nothing to edit"
    elif quantity not in _REGISTERS and kind is Kind.REPLACEMENT:
        yield "point", f"its quantity, {quantity}, has no register to replace: give a ratio, or exclude readings"


def _time_faults(edit: Edit, now_ms: int) -> Iterator[tuple[str, str]]:
    if edit.since < FIRST_MS:
        yield "since", "lies before 2000"
    if max(edit.since, edit.until) > now_ms:
        yield "since" if edit.since > now_ms else "until", "lies in the future"
    if edit.until < edit.since:
        yield "until", "lies before since"
    if edit.until == edit.since and not edit.kind.changes:
        yield "until", "must lie after since"
    if edit.kind is Kind.AMOUNT:
        for name in ("since", "until"):
            if getattr(edit, name) % INTERVAL_MS:
                yield name, "an amount is for whole quarter hours: :00, :15, :30 or :45 expected"


def _spelled(one: Standing, point: EditedPoint) -> str:
    ends = (
        moment(ms).astimezone(ZoneInfo(point.time_zone)).isoformat(timespec="minutes") for ms in (one.since, one.until)
    )
    return " to ".join(dict.fromkeys(ends))
