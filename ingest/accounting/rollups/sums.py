"""Sums of consumption over periods, in columns; pure.

A rule each: amounts add up, and are known as soon as one of them is; the worst quality counts; seconds covered add up;
all flags stand; the latest reading used is that of all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np

from energy.storage.binary import NULL
from ingest.accounting.algebra.columns import Bools, Ints

MOST = 2.0**62
"""A sum of so many quanta or more is nonsense that an int8 may not hold: it is not known."""
_MISSING = 4
_POINT = 40
_BIAS = 1 << (_POINT - 1)


@dataclass(frozen=True, slots=True)
class Sums:
    """Consumption of points in periods, sorted by (point, at), each once.

    Attributes:
        point: ids.
        at: what names the period: seconds since 1970 for hours and quarter hours, days since 1970 for days and months.
        quanta: `NULL` where none is known.
        quality, covered_s, flags: as in the tables.
        ready: time of the latest reading used, µs since 2000.
    """

    point: Ints
    at: Ints
    quanta: Ints
    quality: Ints
    covered_s: Ints
    flags: Ints
    ready: Ints

    def __len__(self) -> int:
        """The number of rows."""
        return len(self.at)

    def chosen(self, which: Bools | Ints) -> Sums:
        """Some of the rows, in their order."""
        return Sums(*(column[which] for column in self.columns()))

    def columns(self) -> tuple[Ints, ...]:
        """All of them, in order."""
        return tuple(getattr(self, name) for name in self.__dataclass_fields__)

    def keys(self) -> Ints:
        """One number for each row, of the order of (point, at)."""
        return keys(self.point, self.at)


@overload
def keys(point: int, at: int) -> int: ...
@overload
def keys(point: Ints, at: Ints) -> Ints: ...
def keys(point: Ints | int, at: Ints | int) -> Ints | int:
    """One number for each (point, at), of the same order; points below 2^23, times within 8 000 years of 1970."""
    return (point << _POINT) + at + _BIAS


def ordered(sums: Sums) -> Sums:
    """The same rows, sorted."""
    key = sums.keys()
    return sums if (key[1:] > key[:-1]).all() else sums.chosen(np.argsort(key, kind="stable"))


def summed(parts: Sums, period: Ints) -> Sums:
    """The sums of `parts` per point and period, of which `period` names the one of each part."""
    key = keys(parts.point, period)
    order = np.argsort(key, kind="stable")
    key, parts = key[order], parts.chosen(order)
    new = np.ones(len(key), np.bool_)
    new[1:] = key[1:] != key[:-1]
    first = np.flatnonzero(new)
    if not len(first):
        return parts
    known = parts.quanta != NULL
    quanta = np.where(known, parts.quanta, 0)
    sound = np.add.reduceat(np.abs(quanta.astype(np.float64)), first) < MOST
    unknown = ~np.logical_or.reduceat(known, first) | ~sound
    return Sums(
        point=parts.point[first],
        at=period[order][first],
        quanta=np.where(unknown, NULL, np.add.reduceat(quanta, first)),
        quality=np.where(sound, np.maximum.reduceat(parts.quality, first), _MISSING),
        covered_s=np.add.reduceat(parts.covered_s, first),
        flags=np.bitwise_or.reduceat(parts.flags, first),
        ready=np.maximum.reduceat(parts.ready, first),
    )


def joined(parts: Sequence[Sums]) -> Sums:
    """Several that have no key in common, as one."""
    return ordered(Sums(*map(np.concatenate, zip(*(part.columns() for part in parts), strict=True))))


@dataclass(frozen=True, slots=True)
class Difference:
    """What makes one set of rows another: rows to add, rows to change (as they shall be), rows to take away."""

    added: Sums
    changed: Sums
    gone: Sums

    def __len__(self) -> int:
        """The number of rows that differ."""
        return len(self.added) + len(self.changed) + len(self.gone)


def difference(before: Sums, after: Sums) -> Difference:
    """What makes `before` `after`."""
    old, new = before.keys(), after.keys()
    place = np.minimum(np.searchsorted(old, new), max(len(old) - 1, 0))
    known = old[place] == new if len(old) else np.zeros(len(new), np.bool_)
    other = np.zeros(len(new), np.bool_)
    for one, two in zip(before.columns()[2:], after.columns()[2:], strict=True):
        other[known] |= one[place[known]] != two[known]
    stays = np.zeros(len(old), np.bool_)
    stays[place[known]] = True
    return Difference(after.chosen(~known), after.chosen(other), before.chosen(~stays))
