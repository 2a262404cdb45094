"""Between which days the factors of two versions differ: what must be totalled again, and nothing else. Pure."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Held:
    """Figures that hold from `since` until before `until`; any values that compare."""

    since: date
    until: date
    figures: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Change(Generic[K]):
    """Days from `since` until before `until` for which other figures hold now."""

    key: K
    since: date
    until: date


def changed(old: Mapping[K, Sequence[Held]], new: Mapping[K, Sequence[Held]]) -> list[Change[K]]:
    """Every stretch of days whose figures in `old` and `new` differ, as long as possible; none is in two.

    The stretches of one key must not overlap. What neither of the two has figures for is no change.
    """
    return [change for key in {**old, **new} for change in _changes(key, old.get(key, ()), new.get(key, ()))]


def _changes(key: K, old: Sequence[Held], new: Sequence[Held]) -> Iterator[Change[K]]:
    borders = sorted({day for one in (*old, *new) for day in (one.since, one.until)})
    began: date | None = None
    for day in borders:
        differs = _figures(old, day) != _figures(new, day)
        if differs and began is None:
            began = day
        elif not differs and began is not None:
            yield Change(key, began, day)
            began = None


def _figures(held: Sequence[Held], day: date) -> tuple[object, ...] | None:
    """At the last border nothing holds any more, so that a change always ends."""
    return next((one.figures for one in held if one.since <= day < one.until), None)
