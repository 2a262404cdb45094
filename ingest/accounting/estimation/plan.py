"""What a gap needs of the days before it: which quarter hours of which like days. Pure; no reading is looked at."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import lru_cache

import numpy as np

from energy.working_days import DayKind, day_kind
from ingest.accounting.algebra.columns import Bools, Ints
from ingest.accounting.estimation.like_days import tiers, type_of
from ingest.accounting.estimation.rules import EstimationSettings
from ingest.accounting.estimation.walls import SLOTS, walls

_EPOCH = date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True, eq=False)
class Need:
    """Days of a gap that need the same: the same type of day, the same quarter hours of it.

    Attributes:
        slots: which quarter hours of the wall clock, ascending.
        tiers: days before the gap that stand in for them, as numbers from the first day of the window; each tier with
            the nearest first, and no day in two of them.
    """

    slots: Ints
    tiers: tuple[Ints, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """A gap of whole quarter hours, numbered from 1970 UTC, and the window of days before its first day.

    Attributes:
        need: per quarter hour of the gap the number of its element of `needs`.
        slot: per quarter hour of the gap its quarter hour of the wall clock.
        needs: so few that a gap of months costs no more than one of some weeks.
        days: days of the window.
        first: where the quarter hours of the window begin; `window_day` and `window_slot` have one element for each:
            the day's number (-1: outside the window, or an hour that the clock showed already) and the wall clock's.
        runs: quarter hours to be read, as (first, beyond).
        unknown_years: years of the gap or its window whose working calendar is not known.
    """

    need: Ints
    slot: Ints
    needs: tuple[Need, ...]
    days: int
    first: int
    window_day: Ints
    window_slot: Ints
    runs: tuple[tuple[int, int], ...]
    unknown_years: frozenset[int]


@lru_cache(maxsize=128)
def plan(zone: str, first: int, beyond: int, rules: EstimationSettings) -> Plan:
    """The plan for a gap that touches the quarter hours `first` up to `beyond`; kept: gaps come in hundreds alike."""
    day, slot = walls(zone, first, beyond)
    opening = int(day.min())
    days = 7 * rules.weeks
    before = {ordinal: day_kind(date.fromordinal(ordinal), zone) for ordinal in range(opening - days, opening)}
    within = {ordinal: day_kind(date.fromordinal(ordinal), zone) for ordinal in np.unique(day).tolist()}
    need, needs = _needs(day, slot, within, before)
    start = (opening - days - 1 - _EPOCH) * SLOTS
    window_day, window_slot = walls(zone, start, (opening + 1 - _EPOCH) * SLOTS)
    window_day = _once(window_day - (opening - days), window_slot, days)
    wanted = _wanted(needs, days)[window_day, window_slot] & (window_day >= 0)
    unknown = {date.fromordinal(at).year for at, kind in (before | within).items() if not kind.announced}
    return Plan(need, slot, needs, days, start, window_day, window_slot, _runs(wanted, start), frozenset(unknown))


def _needs(
    day: Ints, slot: Ints, within: dict[int, DayKind], before: dict[int, DayKind]
) -> tuple[Ints, tuple[Need, ...]]:
    """Per quarter hour which need it has, and the needs."""
    found: dict[tuple[object, bytes], int] = {}
    needs: list[Need] = []
    need = np.empty(len(day), np.int64)
    for ordinal, kind in within.items():
        mine = day == ordinal
        slots = np.unique(slot[mine])
        key = (type_of(kind), slots.tobytes())
        if key not in found:
            found[key] = len(needs)
            needs.append(Need(slots, _tiers(kind, before)))
        need[mine] = found[key]
    return need, tuple(needs)


def _tiers(kind: DayKind, before: dict[int, DayKind]) -> tuple[Ints, ...]:
    """Numbers of the days of the window that stand in for a day of `kind`, tier by tier, the nearest first."""
    left = list(enumerate(before.values()))[::-1]
    chosen = []
    for types in tiers(type_of(kind)):
        chosen.append(np.array([number for number, other in left if type_of(other) in types], np.int64))
        left = [(number, other) for number, other in left if type_of(other) not in types]
    return tuple(chosen)


def _once(day: Ints, slot: Ints, days: int) -> Ints:
    """`day` with -1 outside the window, and where the clock shows again what it showed already."""
    number = day * SLOTS + slot
    first = np.zeros(len(day), np.bool_)
    first[np.unique(number, return_index=True)[1]] = True
    return np.where(first & (day >= 0) & (day < days), day, -1)


def _wanted(needs: tuple[Need, ...], days: int) -> Bools:
    """Per day of the window and quarter hour of the wall clock, whether some need may use it."""
    wanted = np.zeros((days, SLOTS), np.bool_)
    for one in needs:
        for tier in one.tiers:
            wanted[np.ix_(tier, one.slots)] = True
    return wanted


def _runs(wanted: Bools, start: int) -> tuple[tuple[int, int], ...]:
    """The runs of true elements, numbered from `start`."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], wanted, [False])).astype(np.int8))) + start
    return tuple(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))
