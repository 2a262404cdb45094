"""Series of every kind with whatever can happen to them, for properties of the counter algebra."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from hypothesis import strategies as st

from ingest.accounting.algebra.columns import INTERVAL_MS, Changes, Consumption, Courses, Kind, Readings, Series, Spans
from ingest.accounting.algebra.pairing import pairs
from ingest.accounting.algebra.spreading import spread
from tests.support.algebra import Change, changes_of, one_series, readings_of, spans_of

T0 = 1_772_294_400_000  # 2026-03-01T00:00+08:00
QUANTUM = 0.001


@dataclass(frozen=True)
class Meter:
    """Anything that a series can be: readings, changes, exclusions, what is known of it."""

    shown: list[tuple[int, float, int]]
    changes: list[Change]
    excluded: list[tuple[int, int]]
    series: Series

    def compute(
        self, since: int, until: int, shown: list[tuple[int, float, int]] | None = None
    ) -> list[tuple[int, ...]]:
        """Rows from `since` to `until` out of `shown`, every column."""
        series = replace(self.series, since=np.array([since]), until=np.array([until]))
        readings = readings_of(self.shown if shown is None else shown)
        return columns(derived(readings, series, changes_of(self.changes), spans_of(self.excluded)))

    def usable(self) -> list[int]:
        """Times of the readings that can be used."""
        return [
            at
            for at, value, _ in self.shown
            if not math.isnan(value)
            and not any(since <= at < until for since, until in self.excluded)
            and not any(one.since < at < one.until for one in self.changes)
        ]


def derived(readings: Readings, series: Series, changes: Changes, excluded: Spans) -> Consumption:
    """Readings to rows."""
    return spread(pairs(readings, series, changes, excluded), series, Courses.none())


def columns(found: Consumption) -> list[tuple[int, ...]]:
    """Rows with every column."""
    return list(zip(*(getattr(found, name).tolist() for name in Consumption.__slots__), strict=True))


@st.composite
def meters(draw: st.DrawFn) -> Meter:
    """Readings of every kind of series with whatever can happen to them."""
    at, level = T0 + draw(st.integers(0, INTERVAL_MS)), draw(st.integers(0, 200_000))
    recent, shown = [level], []
    for _ in range(draw(st.integers(0, 28))):
        at += draw(st.sampled_from([1, 60_000, 60_000, 300_000, 900_000, 2_700_000, 8_000_000]))
        way = draw(st.integers(0, 9))
        value = level + draw(st.sampled_from([0, 1, 500, 20_000]))
        if way >= 7:
            value = draw(st.sampled_from([0, 0, level - 5, level // 2, level * 3 + 9, recent[0], recent[-1]]))
        if way == 8 and draw(st.booleans()):  # a meter that reboots, and mostly comes back
            for _ in range(draw(st.integers(1, 7))):
                shown.append((at, 0.0, 0))
                at += 60_000
            value = level + draw(st.sampled_from([0, 500]))
        recent = [*recent[-3:], value]
        level = value
        quality = draw(st.sampled_from([0, 0, 0, 0, 0, 0, 1, 2]))
        shown.append((at, math.nan if way == 6 else value * QUANTUM, quality))
    moments = st.integers(T0 // 300_000, at // 300_000 + 1).map(lambda number: number * 300_000)
    told = sorted(set(draw(st.lists(moments, max_size=3))))
    changes: list[Change] = []
    for since, beyond in pairwise([*told, at + 10**7]):
        state = st.sampled_from([math.nan, 0.0, 17.0, 150.0])
        if draw(st.booleans()):
            changes.append(Change(since, since, continues=True, ratio=draw(st.sampled_from([1.0, 2.5, 80.0]))))
        else:
            until = min(beyond, since + draw(st.sampled_from([0, 60_000, 3_600_000])))
            changes.append(Change(since, until, draw(state), draw(state), ratio=draw(st.sampled_from([1.0, 3.0]))))
    struck = sorted(draw(st.lists(moments, max_size=4, unique=True)))
    excluded = [(struck[i], struck[i + 1]) for i in range(0, len(struck) - 1, 2)]
    series = one_series(
        draw(st.sampled_from([Kind.REGISTER, Kind.REGISTER, Kind.NET_REGISTER, Kind.RATE, Kind.INTERVAL])),
        wrap=draw(st.sampled_from([math.nan, 200.0])),
        max_rate=draw(st.sampled_from([math.nan, 40.0])),
        resolution=draw(st.sampled_from([0.0, 0.01])),
        float32=draw(st.booleans()),
        interval_ms=300_000,
        gap_ms=600_000,
    )
    return Meter(shown, changes, excluded, series)
