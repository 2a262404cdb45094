"""The table `[[faults]]`: what goes wrong, where, when and how often."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any

import msgspec

from energy.config import NotNegative
from simulators.faults.kinds import MOMENTS, OF_VALUES, PARAMETERS, SPANS, FaultKind

_DEFAULTS: dict[str, Any] = {
    "delay_s": 5.0,
    "bytes": 3,
    "code": 4,
    "ranges": (),
    "registers": (),
    "start": 0.0,
    "by": 0.1,
    "seconds": 3600.0,
}
"""The parameters of kinds, and what they are when they are left out."""

RequestNumber = Annotated[int, msgspec.Meta(ge=1)]
Code = Annotated[int, msgspec.Meta(ge=1, le=255)]
Word = Annotated[int, msgspec.Meta(ge=0, le=0xFFFF)]


class FaultSettings(msgspec.Struct, frozen=True, kw_only=True):
    """One fault, or a chance of it.

    Attributes:
        kind: what happens.
        line: name of the line; empty for all.
        unit_id: unit; all when absent.
        since: data time from which it holds; key `from`.
        until: data time at which it is over.
        from_s, until_s: likewise in real seconds since serving began.
        from_request, until_request: likewise in requests to the unit, which count from 1.
        probability: of answers: the chance that it strikes a request.
        lasts_requests: of answers: how many requests a stroke of chance lasts.
        per_day: of values: how often it happens at random, on average in a day of data time.
        lasts_s: of values that pass: how long each of these lasts, seconds of data time.
        delay_s: of `delay`: real seconds.
        bytes: of `truncated` and `garbage`: how many.
        code: of `exception`: its number.
        ranges: of `forbidden`: first and last address of each.
        registers: of `not-available`: names in the profile; the counter alone when empty.
        start: of `replacement`: what the new meter shows at first, in the carrier's base unit, primary side.
        by: of `dip`: how much is missing, in the carrier's base unit, primary side.
        seconds: of `clock-drift`: how old the values are, data time.
    """

    kind: FaultKind
    line: str = ""
    unit_id: Annotated[int, msgspec.Meta(ge=0, le=255)] | None = None
    since: datetime | None = msgspec.field(default=None, name="from")
    until: datetime | None = None
    from_s: NotNegative | None = None
    until_s: NotNegative | None = None
    from_request: RequestNumber | None = None
    until_request: RequestNumber | None = None
    probability: Annotated[float, msgspec.Meta(gt=0, le=1)] = 1.0
    lasts_requests: RequestNumber = 1
    per_day: Annotated[float, msgspec.Meta(gt=0)] | None = None
    lasts_s: Annotated[float, msgspec.Meta(gt=0)] = 600.0
    delay_s: NotNegative = _DEFAULTS["delay_s"]
    bytes: Annotated[int, msgspec.Meta(ge=1, le=256)] = _DEFAULTS["bytes"]
    code: Code = _DEFAULTS["code"]
    ranges: tuple[tuple[Word, Word], ...] = _DEFAULTS["ranges"]
    registers: tuple[str, ...] = _DEFAULTS["registers"]
    start: NotNegative = _DEFAULTS["start"]
    by: Annotated[float, msgspec.Meta(gt=0)] = _DEFAULTS["by"]
    seconds: NotNegative = _DEFAULTS["seconds"]

    def __post_init__(self) -> None:
        if faults := list(_faults(self)):
            raise ValueError(f"{self.kind}: {'; '.join(faults)}")

    def holds_for(self, line: str, unit: int) -> bool:
        """Whether it concerns that unit of that line."""
        return self.line in ("", line) and self.unit_id in (None, unit)


def _faults(fault: FaultSettings) -> Iterator[str]:
    """What contradicts what in a table."""
    strange = [key for key in _DEFAULTS if key != PARAMETERS.get(fault.kind) and getattr(fault, key) != _DEFAULTS[key]]
    if strange:
        fitting = PARAMETERS.get(fault.kind, "no parameter")
        yield f"{', '.join(strange)} does not belong to it ({fitting} does)"
    if fault.kind is FaultKind.FORBIDDEN and not fault.ranges:
        yield "needs ranges, e.g. [[0, 9]]"
    yield from _window_faults(fault)
    if fault.kind in OF_VALUES and (fault.probability, fault.lasts_requests) != (1.0, 1):
        yield "happens to values, not to requests: give per_day, or from and until"
    if fault.kind not in OF_VALUES and fault.per_day is not None:
        yield "happens to requests: give probability instead of per_day"
    if fault.kind in MOMENTS and any(end is not None for end in (fault.until, fault.until_s, fault.until_request)):
        yield "happens at a moment and stays: it has no until"
    if fault.kind is FaultKind.WRAP and (fault.since is None or fault.per_day is not None):
        yield "needs the moment: from, in data time"
    if fault.kind in MOMENTS and fault.per_day is None and _begins(fault) == 0:
        yield "needs a moment (from, from_s or from_request) or per_day"
    if fault.kind not in SPANS and fault.lasts_s != _LASTS_S:
        yield "has no lasts_s"


def _begins(fault: FaultSettings) -> int:
    return sum(begin is not None for begin in (fault.since, fault.from_s, fault.from_request))


def _window_faults(fault: FaultSettings) -> Iterator[str]:
    windows: tuple[tuple[str, Any, Any], ...] = (
        ("until", fault.since, fault.until),
        ("until_s", fault.from_s, fault.until_s),
        ("until_request", fault.from_request, fault.until_request),
    )
    given = [window for window in windows if window[1:] != (None, None)]
    if len(given) > 1:
        yield "give its window in data time, in real seconds or in requests, not in several"
    if fault.per_day is not None and any(name != "until" for name, *_ in given):
        yield "per_day goes with a window in data time"
    for moment in (fault.since, fault.until):
        if moment is not None and moment.tzinfo is None:
            yield "from and until need a zone, e.g. 2026-03-01T00:00:00+08:00"
            return
    for name, begin, end in given:
        if begin is not None and end is not None and end <= begin:
            yield f"{name} must be later than where it begins"


_LASTS_S = 600.0
