"""Counter algebra for tests: columns from plain values, rows as named tuples."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from energy.consumption import Flag, IntervalQuality, Method
from ingest.accounting.algebra.columns import (
    INTERVAL_MS,
    Amounts,
    Changes,
    Consumption,
    Courses,
    Kind,
    Readings,
    Series,
    Spans,
)
from ingest.accounting.algebra.pairing import pairs
from ingest.accounting.algebra.spreading import spread

MINUTE = 60_000
FAR = 2**50 // INTERVAL_MS * INTERVAL_MS


class Row(NamedTuple):
    """One quarter hour, by its number."""

    quarter: int
    quanta: int
    quality: IntervalQuality = IntervalQuality.MEASURED
    method: Method = Method.REGISTER
    flags: Flag = Flag(0)
    covered_s: int = 900


class Change(NamedTuple):
    """A change on record; times in ms."""

    since: int
    until: int
    old_end: float = math.nan
    new_start: float = math.nan
    continues: bool = False
    ratio: float = 1.0


def one_series(  # noqa: PLR0913 - what is known of a series has as many parts
    kind: Kind = Kind.REGISTER,
    *,
    quantum: float = 0.001,
    scale: float = 1.0,
    wrap: float = math.nan,
    max_rate: float = math.nan,
    resolution: float = 0.0,
    float32: bool = False,
    interval_ms: int = INTERVAL_MS,
    gap_ms: int = 2 * INTERVAL_MS,
    since: int = 0,
    until: int = FAR,
    count: int = 1,
) -> Series:
    """`count` series of which the same is known."""
    return Series(
        kind=np.full(count, int(kind)),
        quantum=np.full(count, quantum),
        scale=np.full(count, scale),
        wrap=np.full(count, wrap),
        max_rate=np.full(count, max_rate),
        resolution=np.full(count, resolution),
        float32=np.full(count, float32),
        interval_ms=np.full(count, interval_ms),
        gap_ms=np.full(count, gap_ms),
        since=np.full(count, since),
        until=np.full(count, until),
    )


def readings_of(shown: Sequence[tuple[int, float] | tuple[int, float, int]], series: int = 0) -> Readings:
    """Readings of one series from (ms, value) or (ms, value, quality), in order."""
    return Readings(
        series=np.full(len(shown), series),
        at=np.array([one[0] for one in shown], np.int64),
        value=np.array([one[1] for one in shown], np.float64),
        quality=np.array([one[2] if len(one) > 2 else 0 for one in shown], np.int64),
    )


def changes_of(changes: Iterable[Change], series: int = 0) -> Changes:
    """Changes of one series."""
    own = list(changes)
    return Changes(
        series=np.full(len(own), series),
        since=np.array([one.since for one in own], np.int64),
        until=np.array([one.until for one in own], np.int64),
        old_end=np.array([one.old_end for one in own], np.float64),
        new_start=np.array([one.new_start for one in own], np.float64),
        continues=np.array([one.continues for one in own], np.bool_),
        ratio=np.array([one.ratio for one in own], np.float64),
    )


def spans_of(spans: Iterable[tuple[int, int]], series: int = 0) -> Spans:
    """Spans of one series, in ms."""
    own = np.array(list(spans), np.int64).reshape(-1, 2)
    return Spans(np.full(len(own), series), own[:, 0].copy(), own[:, 1].copy())


def amounts_of(amounts: Iterable[tuple[int, int, int]], series: int = 0) -> Amounts:
    """Amounts of one series: (since, until, quanta)."""
    own = np.array(list(amounts), np.int64).reshape(-1, 3)
    return Amounts(np.full(len(own), series), own[:, 0].copy(), own[:, 1].copy(), own[:, 2].copy())


def rows_of(found: Consumption) -> list[Row]:
    """Rows of one series, or of several one after the other."""
    return [
        Row(start // INTERVAL_MS, quanta, IntervalQuality(quality), Method(method), Flag(flags), covered)
        for start, quanta, quality, method, flags, covered in zip(
            found.start.tolist(),
            found.quanta.tolist(),
            found.quality.tolist(),
            found.method.tolist(),
            found.flags.tolist(),
            found.covered_s.tolist(),
            strict=True,
        )
    ]


def derive(
    *shown: tuple[float, float] | tuple[float, float, int],
    series: Series | None = None,
    changes: Iterable[Change] = (),
    excluded: Iterable[tuple[int, int]] = (),
) -> list[Row]:
    """The rows of one series from readings as (minute, value) or (minute, value, quality)."""
    of = one_series() if series is None else series
    readings = readings_of([(round(one[0] * MINUTE), *one[1:]) for one in shown])
    return rows_of(spread(pairs(readings, of, changes_of(changes), spans_of(excluded)), of, Courses.none()))
