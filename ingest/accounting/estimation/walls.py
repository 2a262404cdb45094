"""Quarter hours as a wall clock shows them: which local day, and which of its 96 quarter hours.

Like is compared with like by the wall clock, so that 08:00 stands for 08:00 on either side of a change of the clock.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np

from ingest.accounting.algebra.columns import Ints

SLOTS = 96
"""Quarter hours of a day."""
_EPOCH = date(1970, 1, 1).toordinal()
_QUARTER = timedelta(minutes=15)


def walls(zone: str, first: int, beyond: int) -> tuple[Ints, Ints]:
    """Local day (as `date.toordinal`) and quarter hour within it (0 to 95) of the quarter hours `first` up to `beyond`.

    Quarter hours are numbered from 1970 UTC. An hour that the clock shows twice has its numbers twice; of one that it
    skips there are none.
    """
    days = range(first // SLOTS, -(-beyond // SLOTS))
    offset = np.concatenate([_offsets(zone, day) for day in days]) if days else np.empty(0, np.int64)
    start = first - days.start * SLOTS
    local = np.arange(first, beyond) + offset[start : start + beyond - first]
    return local // SLOTS + _EPOCH, local % SLOTS


@lru_cache(maxsize=4096)
def _offsets(zone: str, day: int) -> Ints:
    """By how many quarter hours local time is ahead, in each quarter hour of a UTC day (numbered from 1970)."""
    where, start = ZoneInfo(zone), datetime.fromordinal(day + _EPOCH).replace(tzinfo=UTC)
    ends = {_offset(start, where), _offset(start + timedelta(days=1), where)}
    if len(ends) == 1:  # no zone changes its clock twice within a day
        return np.full(SLOTS, ends.pop())
    return np.array([_offset(start + number * _QUARTER, where) for number in range(SLOTS)])


def _offset(at: datetime, where: ZoneInfo) -> int:
    return (at.astimezone(where).utcoffset() or timedelta()) // _QUARTER
