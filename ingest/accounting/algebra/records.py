"""Changes on record (换表, 变比变更): the states that a person wrote down stand between the readings of both sides.

- replacement with its end states (`Flag.REPLACED`): (last state of the old register - last reading) + (first reading
  - first state of the new one) is what was counted; while neither meter was in place nothing is known.
- replacement without an end state: what flowed since the last reading, or until the first one, is not known.
- change of ratio (`Flag.RATIO`): the register itself goes on. Its state at the change is interpolated between the
  readings around it in terms of the register, and each side counts it by its own ratio; where the register fell
  between them, and not over its top, that state is not known.

A state on record takes the place of a reading at the same time. A change with nothing known before or after it says
nothing of that side. Source: facts 5, "if a change record exists use (r before removal - r0) + (r1 - r new start)";
4.1 traps (4) and (6); 1.2 (a replacement is recorded within three days).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple, TypeAlias

import numpy as np

from energy.consumption import Flag
from ingest.accounting.algebra.columns import Bools, Changes, Ints, Kind
from ingest.accounting.algebra.excursions import wrapped
from ingest.accounting.algebra.quanta import Segments, States, quanta_of

_Anchor: TypeAlias = tuple[int, float] | None
"""A known state of the register: its time, and quanta under a ratio of 1."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """States of readings and of records together, sorted by (segment, at).

    Attributes:
        flag: REPLACED or RATIO for a state on record, 0 for a reading; empty where no change is on record.
        unknown: a state on record whose value nobody wrote down; empty likewise.
    """

    states: States
    flag: Ints
    unknown: Bools


class _State(NamedTuple):
    """A state on record; quanta are None where not known."""

    segment: int
    at: int
    quanta: int | None
    flag: int


def with_records(states: States, segments: Segments, changes: Changes) -> Recorded:
    """`states` of readings, and what `changes` say of registers at their ends."""
    if not len(changes.series):
        return Recorded(states, np.empty(0, np.int64), np.empty(0, np.bool_))
    found: list[_State] = []
    for number in range(len(changes.series)):
        if segments.kind[changes.series[number] + number] <= Kind.NET_REGISTER:
            found += _ends(states, segments, changes, number)
    return _inserted(states, _useful(found, states, segments))


def _ends(states: States, segments: Segments, changes: Changes, number: int) -> list[_State]:
    """The state of the register before a change, and of the one after it."""
    old = int(changes.series[number]) + number
    since, until = int(changes.since[number]), int(changes.until[number])
    if changes.continues[number]:
        raw = _interpolated(states, segments, changes, number)
        before, after, flag = raw[0], raw[1], int(Flag.RATIO)
    else:
        quantum = float(segments.quantum[old])
        before, after = changes.old_end[number] / quantum, changes.new_start[number] / quantum
        flag = int(Flag.REPLACED)
    ratio = segments.ratio[old : old + 2]
    return [
        _State(old, since, quanta_of(float(before), float(ratio[0])), flag),
        _State(old + 1, until, quanta_of(float(after), float(ratio[1])), flag),
    ]


def _interpolated(states: States, segments: Segments, changes: Changes, number: int) -> tuple[float, float]:
    """State of a register at both ends of a change that it goes on through, under a ratio of 1; NaN if not known."""
    before, after = _before(states, segments, changes, number), _after(states, segments, changes, number)
    if before is None or after is None:
        return np.nan, np.nan
    old = int(changes.series[number]) + number
    (began, low), (ended, high) = before, after
    top = segments.wrap[old] / segments.ratio[old]
    passed = 0.0
    if high < low and segments.kind[old] == Kind.REGISTER:
        if not wrapped(np.array([low]), np.array([high]), np.array([top]))[0]:
            return np.nan, np.nan
        passed, top = top, top if high >= 0 else top / 2
    share = (np.array([changes.since[number], changes.until[number]]) - began) / (ended - began)
    first, last = (low + (high + passed - low) * share).tolist()
    return first, last - passed if passed and last >= top else last


def _before(states: States, segments: Segments, changes: Changes, number: int) -> _Anchor:
    """The last known state of the register before a change."""
    for one in range(number, -1, -1):
        if changes.series[one] != changes.series[number]:
            return None
        old = int(changes.series[one]) + one
        if one != number and not changes.continues[one]:
            start = changes.new_start[one] / segments.quantum[old]
            return None if np.isnan(start) else (int(changes.until[one]), float(start))
        low, high = np.searchsorted(states.segment, (old, old + 1))
        if low < high:
            return int(states.at[high - 1]), float(states.quanta[high - 1] / segments.ratio[old])
    return None


def _after(states: States, segments: Segments, changes: Changes, number: int) -> _Anchor:
    """The first known state of the register after a change."""
    for one in range(number, len(changes.series)):
        if changes.series[one] != changes.series[number]:
            return None
        new = int(changes.series[one]) + one + 1
        if one != number and not changes.continues[one]:
            end = changes.old_end[one] / segments.quantum[new]
            return None if np.isnan(end) else (int(changes.since[one]), float(end))
        low, high = np.searchsorted(states.segment, (new, new + 1))
        if low < high:
            return int(states.at[low]), float(states.quanta[low] / segments.ratio[new])
    return None


def _useful(found: list[_State], states: States, segments: Segments) -> list[_State]:
    """States on record less the unknown ones that have nothing known before or after them in their series."""
    useful: list[_State] = []
    for owner in sorted({int(segments.series[one.segment]) for one in found}):
        own = [one for one in found if segments.series[one.segment] == owner]
        low, high = np.searchsorted(segments.series, (owner, owner + 1))
        first, beyond = np.searchsorted(states.segment, (low, high))
        known = [(one.segment, one.at) for one in own if one.quanta is not None]
        if first < beyond:
            known += [(int(states.segment[i]), int(states.at[i])) for i in (first, beyond - 1)]
        useful += [
            one
            for one in own
            if one.quanta is not None or (known and min(known) <= (one.segment, one.at) <= max(known))
        ]
    return useful


def _inserted(states: States, found: list[_State]) -> Recorded:
    """`states` with those on record at their places."""
    quanta, flag = states.quanta.copy(), np.zeros(len(states), np.int64)
    places: list[int] = []
    added: list[_State] = []
    for one in found:
        low, high = np.searchsorted(states.segment, (one.segment, one.segment + 1))
        place = int(low + np.searchsorted(states.at[low:high], one.at))
        if place < high and states.at[place] == one.at:
            flag[place] |= one.flag
            if one.quanta is not None and one.flag == Flag.REPLACED:
                quanta[place] = one.quanta
        else:
            places.append(place)
            added.append(one)
    columns = np.array([(s.segment, s.at, s.quanta or 0, s.flag, s.quanta is None) for s in added], np.int64)
    columns = columns.reshape(-1, 5)
    nothing = np.zeros(len(added), np.int64)
    merged = replace(
        states,
        segment=np.insert(states.segment, places, columns[:, 0]),
        at=np.insert(states.at, places, columns[:, 1]),
        quanta=np.insert(quanta, places, columns[:, 2]),
        rate=np.empty(0),
        value=np.empty(0),
        quality=np.insert(states.quality, places, nothing),
        noted=np.insert(states.noted, places, nothing) if len(states.noted) else states.noted,
    )
    unknown = np.insert(np.zeros(len(states), np.bool_), places, columns[:, 4] > 0)
    return Recorded(merged, np.insert(flag, places, columns[:, 3]), unknown)
