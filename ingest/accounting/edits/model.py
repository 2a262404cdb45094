"""What a person may say about readings. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from energy.errors import Fault

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)


class Kind(StrEnum):
    """What an edit does."""

    REPLACEMENT = "replacement"
    """换表: the old register ended at `since`, the new one began at `until`."""
    RATIO = "ratio"
    """变比变更: readings from `since` on are multiplied by a ratio."""
    EXCLUDE = "exclude"
    """Readings in [since, until) are not used."""
    AMOUNT = "amount"
    """Consumption of [since, until) is what the edit says."""
    ACCEPT = "accept"
    """What is suspect in [since, until) is accepted."""

    @property
    def changes(self) -> bool:
        """Whether it is a change of the meter, of which no two may overlap."""
        return self in {Kind.REPLACEMENT, Kind.RATIO}


@dataclass(frozen=True, slots=True)
class Given:
    """An edit as a person gives it.

    Attributes:
        point: its code.
        said: what it says of the fields `since`, `until`, `old_end`, `new_start`, `ratio`, `amount`, `unit`, as text.
        author, reason, document: who says it, why, and by which paper; the last may be empty.
        source, line: where it stands, for faults; 0 for no line.
        faults: what is wrong with the form in which it stands there.
    """

    kind: Kind
    point: str
    said: Mapping[str, str]
    author: str
    reason: str
    document: str = ""
    source: str = ""
    line: int = 0
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True, slots=True)
class EditedPoint:
    """What must be known of a point to edit it.

    Attributes:
        quantity: as in `energy.registry.model.Point`.
        quantum: size of one quantum, in `unit`.
        unit: unit of measure of its consumption: the base unit of the carrier.
        time_zone: of its unit.
    """

    point_id: int
    code: str
    quantity: str
    quantum: Decimal
    unit: str
    time_zone: str


@dataclass(frozen=True, slots=True)
class Edit:
    """An edit that makes sense by itself; times are ms since 1970 UTC.

    Attributes:
        old_end, new_start: states of registers as readings show them, not multiplied by a ratio; None: not known.
        ratio: what readings from `until` on are multiplied by; None leaves it as it is.
        amount: in the point's `unit`.
    """

    kind: Kind
    point: EditedPoint
    since: int
    until: int
    old_end: float | None = None
    new_start: float | None = None
    ratio: Decimal | None = None
    amount: Decimal | None = None

    def same_as(self, other: Standing) -> bool:
        """Whether the other says the very same."""
        mine = (self.kind, self.since, self.until, self.old_end, self.new_start, self.ratio, self.amount)
        theirs = (other.kind, other.since, other.until, other.old_end, other.new_start, other.ratio, other.amount)
        return mine == theirs


@dataclass(frozen=True, slots=True)
class Standing:
    """An edit of the same point that is in force; fields as in `Edit`.

    Attributes:
        name: what to call it in faults.
        edit_id: its number; None while it is being written itself.
    """

    name: str
    edit_id: int | None
    kind: Kind
    since: int
    until: int
    old_end: float | None
    new_start: float | None
    ratio: Decimal | None
    amount: Decimal | None


def touched(edit: Edit | Standing, others: Iterable[Standing]) -> tuple[int, int | None]:
    """From when to when consumption may be another one with `edit` than without it; None for no end.

    A ratio holds until another change gives another: to its time, and no further, readings count differently. Readings
    themselves tell how far beyond its ends a change reaches; whoever derives looks for them.
    """
    if edit.ratio is None:
        return edit.since, edit.until
    later = [one.since for one in others if one.kind.changes and one.ratio is not None and one.since > edit.until]
    return edit.since, min(later, default=None)


def milliseconds(moment: datetime) -> int:
    """Whole milliseconds since 1970 UTC."""
    return (moment - _EPOCH) // _MS


def moment(ms: int) -> datetime:
    """The instant, in UTC."""
    return _EPOCH + ms * _MS
