"""Which readings are refused, and why: every check looks at a whole batch at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from energy.readings import Quality
from energy.wire import RefusalCode
from ingest.checking.code_index import UNKNOWN
from ingest.checking.columns import Columns
from ingest.checking.points import PointTable

ACCEPTED = -1
"""Verdict on a reading that passed every check; any other is an index into `CODES`."""

CODES: tuple[RefusalCode, ...] = (
    RefusalCode.UNKNOWN_POINT,
    RefusalCode.NOT_OWNER,
    RefusalCode.UNKNOWN_QUALITY,
    RefusalCode.NOT_FINITE,
    RefusalCode.FUTURE,
    RefusalCode.TOO_OLD,
    RefusalCode.OUT_OF_RANGE,
)
"""In the order of precedence: a reading with several faults is refused for the first."""

_WORST_QUALITY = max(Quality)


@dataclass(frozen=True, slots=True)
class Bounds:
    """The times, ms UTC, between which a reading is accepted; both inclusive."""

    earliest: int
    latest: int

    @classmethod
    def around(cls, now_ms: int, *, age_ms: int, future_ms: int) -> Bounds:
        """Bounds at data time `now_ms`; nothing before 1970 is ever accepted."""
        return cls(max(0, now_ms - age_ms), now_ms + future_ms)


def judge(columns: Columns, senders: NDArray[np.int32], points: PointTable, bounds: Bounds) -> NDArray[np.int8]:
    """A verdict for each reading.

    Args:
        columns: the readings.
        senders: the gateway's number for each delivery, `UNKNOWN` for an unregistered one.
        points: the table that the columns' positions refer to.
        bounds: the accepted times.

    Returns:
        int8: `ACCEPTED` or an index into `CODES`.
    """
    known = columns.position != UNKNOWN
    faults = (
        ~known,
        ~_owned(columns, senders, points),
        (columns.quality < 0) | (columns.quality > _WORST_QUALITY),
        _contradicts(columns),
        columns.at > bounds.latest,
        columns.at < bounds.earliest,
        _out_of_range(columns, points),
    )
    verdict = np.full(len(columns), ACCEPTED, np.int8)
    for code in range(len(faults) - 1, -1, -1):  # the first fault is written last, and stays
        verdict[faults[code]] = code
    return verdict


def _owned(columns: Columns, senders: NDArray[np.int32], points: PointTable) -> NDArray[np.bool_]:
    if not len(points):
        return np.zeros(len(columns), np.bool_)
    # An unknown position looks up some other owner here, but is refused before that matters.
    owned: NDArray[np.bool_] = points.owners[columns.position] == senders[columns.delivery]
    return owned


def _contradicts(columns: Columns) -> NDArray[np.bool_]:
    """Where the quality says that there is a value and there is no finite one, or the other way round."""
    missing = np.isnan(columns.value)
    none_said = columns.quality == Quality.NOT_AVAILABLE
    contradicts: NDArray[np.bool_] = (missing != none_said) | np.isinf(columns.value)
    return contradicts


def _out_of_range(columns: Columns, points: PointTable) -> NDArray[np.bool_]:
    """Where there is a value outside the point's bounds, which belong to them."""
    bounds = points.bounds
    if not bounds.bounded:
        return np.zeros(len(columns), np.bool_)
    own = points.classes[columns.position]  # of an unknown position, some other's: refused before that matters
    outside: NDArray[np.bool_] = (columns.value < bounds.low[own]) | (columns.value > bounds.high[own])
    return outside
