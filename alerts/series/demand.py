"""Maximum demand as a measure of quotas: of units, over any days, out of the shapes of days that `loads` keeps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np

from alerts.series.frame import NEVER, Floats, Ids
from alerts.series.loads import MAXIMA
from energy.storage import Connection
from energy.storage.binary import EARLIEST_MS, Layout

_ROW = Layout(n="int4", demand_kw="float8", demand_at="time", until="time", known_share="float8")
_US = 1000
_ZONES = timedelta(days=1)
"""Today's date in UTC and a unit's own are at most a day apart."""


@dataclass(frozen=True, slots=True)
class Maxima:
    """Maximum demand of n spans of days.

    Attributes:
        demand_kw: the greatest mean power of a quarter hour, over all gate meters of purchased electricity; NaN where
            no quarter hour of the span is known, never 0 instead.
        demand_at: when that quarter hour began (the first of equal ones), microseconds since 1970 UTC; NEVER for none.
        until: the end of the latest quarter hour that counts, likewise.
        known_share: share of the quarter hours from the first day to now, or to the end of the last day, which all of
            those meters know; NaN where the span has not begun.
    """

    demand_kw: Floats
    demand_at: Ids
    until: Ids
    known_share: Floats


async def maxima(
    connection: Connection, now: datetime, units: Sequence[int], first: Sequence[date], last: Sequence[date]
) -> Maxima:
    """Maximum demand of `units[i]` on its local days from `first[i]` to `last[i]`, both included, as known at `now`.

    One set-based look at a row per unit and day: `alerts.series.loads.refresh` must have kept them, beside evaluations.
    With late data a day's row changes, so that a maximum may fall as well as rise; who said something else corrects it.

    Raises as `energy.storage.translating` says, where the caller translates.
    """
    count = len(units)
    found = Maxima(np.full(count, np.nan), np.full(count, NEVER), np.full(count, NEVER), np.full(count, np.nan))
    if not count:
        return found
    span = (min(first), min(max(last), now.date() + _ZONES))
    asked = (list(units), list(first), list(last))
    rows = await _ROW.copy(connection, MAXIMA, now, sorted(set(units)), *span, *asked)
    place = rows["n"] - 1
    found.demand_kw[place] = rows["demand_kw"]
    found.known_share[place] = rows["known_share"]
    for column, name in ((found.demand_at, "demand_at"), (found.until, "until")):
        column[place] = np.where(rows[name] == EARLIEST_MS, NEVER, rows[name] * _US)
    return found
