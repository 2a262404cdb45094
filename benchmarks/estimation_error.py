"""How wrong the hourly course of a gap is: like days against an even line, on real meters.

Gaps of 3 hours to 7 days are cut out of what was measured, each with at least eight weeks before it; the register says
how much flowed, so only the course is in question. `estimation_<shape>_<gap>`: mean absolute error of the hours of all
gaps by like days, as a ratio to that of the even line; beside it both in per cent of the mean hour.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.figures import Figure
from deploy.stack import Endpoints
from ingest.accounting.algebra.columns import Bools, Floats, Ints
from ingest.accounting.estimation.plan import plan
from ingest.accounting.estimation.rules import EstimationSettings
from ingest.accounting.estimation.shapes import of_like_days
from simulators.loads.catalogue import ShapeFile, shape_files

GAPS_H = {"3_hours": 3, "1_day": 24, "3_days": 72, "7_days": 168}
STEP_H = 41
"""From one gap to the next: all hours of the day and all days of the week get their turn."""
ZONE = "Europe/London"
_QUARTER_S = 900
_MICRO = 1_000_000


class _Meter(NamedTuple):
    """Number of the first quarter hour (from 1970 UTC), consumption in millionths, and where it was measured."""

    first: int
    quanta: Ints
    known: Bools


def measure(endpoints: Endpoints, directory: Path, rules: EstimationSettings | None = None) -> list[Figure]:
    """Every shape and length of gap; needs neither the stack nor the directory."""
    del endpoints, directory
    chosen = rules or EstimationSettings()
    return [
        _figure(f"estimation_{name.replace('-', '_')}_{label}", _quarters(file), hours, chosen)
        for name, file in shape_files().items()
        for label, hours in GAPS_H.items()
    ]


def _figure(name: str, meter: _Meter, hours: int, rules: EstimationSettings) -> Figure:
    errors = [
        (np.abs(like - true).mean(), np.abs(true.mean() - true).mean(), true.mean())
        for true, like in _gaps(meter, hours, rules)
    ]
    like, even, mean = np.array(errors).mean(axis=0)
    percent = {"like days %": round(float(100 * like / mean), 1), "even %": round(float(100 * even / mean), 1)}
    return Figure(name, float(like / even), "1", {"gaps": len(errors), **percent})


def _gaps(meter: _Meter, hours: int, rules: EstimationSettings) -> Iterator[tuple[Floats, Floats]]:
    """Per gap the hours as they were, and as like days have them."""
    first, quanta, known = meter
    for begin in range(4 * 24 * 7 * rules.weeks, len(quanta) - 4 * hours, 4 * STEP_H):
        gap = slice(begin, begin + 4 * hours)
        if not known[gap].all() or not quanta[gap].any():
            continue
        needed = plan(ZONE, first + begin, first + begin + 4 * hours, rules)
        window = slice(max(needed.first - first, 0), begin)
        seen = np.flatnonzero(known[window]) + window.start
        inside = seen[seen + first < needed.first + len(needed.window_day)]
        shape = of_like_days(inside + first, quanta[inside], needed, rules)
        if shape is not None and shape.amount.any():
            true = quanta[gap].reshape(hours, 4).sum(axis=1).astype(np.float64)
            like = shape.amount.reshape(hours, 4).sum(axis=1).astype(np.float64)
            yield true, like / like.sum() * true.sum()


def _quarters(file: ShapeFile) -> _Meter:
    """The file by quarter hours."""
    rows = {_seconds(row["start"]): float(row["value"]) for row in csv.DictReader(file.text().splitlines())}
    each = file.interval_s // _QUARTER_S
    starts = np.array(sorted(rows)) // _QUARTER_S
    values = np.rint(np.array([rows[at] for at in sorted(rows)]) * _MICRO / each).astype(np.int64)
    quanta = np.zeros(starts[-1] + each - starts[0], np.int64)
    known = np.zeros(len(quanta), np.bool_)
    for offset in range(each):
        quanta[starts - starts[0] + offset] = values
        known[starts - starts[0] + offset] = True
    return _Meter(int(starts[0]), quanta, known)


def _seconds(stamp: str) -> int:
    at = datetime.fromisoformat(stamp)
    return round((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp())
