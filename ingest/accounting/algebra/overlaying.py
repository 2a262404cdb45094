"""What people said of consumption, laid over what was derived; the readings stay as they are.

- an amount replaces whole quarter hours, also where there was no row: SUBSTITUTED, `Method.EDIT`, spread evenly;
  borders are rounded, so that the quarter hours add up to the amount exactly. Of amounts that overlap the later counts.
  The flags of what was replaced go with it.
- an accepted span makes SUSPECT quarter hours that lie wholly in it MEASURED. `Flag.ACCEPTED` says so, of all known
  quarter hours in it: what a check finds of one that is MEASURED here is accepted too.

Source: facts 5, "never overwrite raw; store raw + validated + flag + rule + author".
"""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np

from energy.consumption import Flag, IntervalQuality, Method
from ingest.accounting.algebra.columns import INTERVAL_MS, Amounts, Bools, Consumption, Ints, Series, Spans


def overlay(consumption: Consumption, series: Series, amounts: Amounts, accepted: Spans) -> Consumption:
    """`consumption` with `amounts` in place of what was derived, and what is `accepted` no longer suspect."""
    return _accepted(_edited(consumption, series, amounts), accepted)


def _edited(consumption: Consumption, series: Series, amounts: Amounts) -> Consumption:
    if not len(amounts.series):
        return consumption
    parts = [_rows(amounts, number, series) for number in range(len(amounts.series))]
    owner, start, quanta = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    # Of several rows with one key the last counts: later amounts over earlier ones, any over what was derived.
    count, more = len(consumption), len(owner)
    order = np.lexsort(
        (np.arange(count + more), np.append(consumption.start, start), np.append(consumption.series, owner))
    )
    all_series, all_start = np.append(consumption.series, owner)[order], np.append(consumption.start, start)[order]
    last = np.ones(count + more, np.bool_)
    last[:-1] = (all_series[1:] != all_series[:-1]) | (all_start[1:] != all_start[:-1])
    kept = order[last]
    place = _found(consumption, owner, start)
    seen = place >= 0
    ended = start + INTERVAL_MS
    new = Consumption(
        series=owner,
        start=start,
        quanta=quanta,
        quality=np.full(more, int(IntervalQuality.SUBSTITUTED)),
        method=np.full(more, int(Method.EDIT)),
        flags=np.zeros(more, np.int64),  # what was noticed is of the amount that no longer stands
        covered_s=_taken(consumption.covered_s, place, seen),
        ready=np.maximum(_taken(consumption.ready, place, seen), ended),
    )
    return Consumption(
        *(np.append(getattr(consumption, f.name), getattr(new, f.name))[kept] for f in fields(Consumption))
    )


def _rows(amounts: Amounts, number: int, series: Series) -> tuple[Ints, Ints, Ints]:
    """(series, start, quanta) of the quarter hours of one amount that lie in its series' stretch."""
    owner, since, until = (int(column[number]) for column in (amounts.series, amounts.since, amounts.until))
    whole = (until - since) // INTERVAL_MS
    first = max(0, (int(series.since[owner]) - since) // INTERVAL_MS)
    beyond = min(whole, (int(series.until[owner]) - since) // INTERVAL_MS)
    border = np.arange(first, max(first, beyond) + 1)
    quanta = np.diff(np.rint(amounts.quanta[number] * (border / whole)).astype(np.int64))
    return np.full(len(quanta), owner, np.int64), since + border[:-1] * INTERVAL_MS, quanta


def _found(consumption: Consumption, owner: Ints, start: Ints) -> Ints:
    """The index of the row of each key; -1 where there is none."""
    place = np.full(len(owner), -1)
    for one in np.unique(owner).tolist():
        low, high = np.searchsorted(consumption.series, (one, one + 1))
        mine = np.flatnonzero(owner == one)
        index = low + np.searchsorted(consumption.start[low:high], start[mine])
        hit = index < high
        hit[hit] = consumption.start[index[hit]] == start[mine[hit]]
        place[mine[hit]] = index[hit]
    return place


def _taken(column: Ints, place: Ints, seen: Bools) -> Ints:
    taken = np.zeros(len(place), np.int64)
    taken[seen] = column[place[seen]]
    return taken


def _accepted(consumption: Consumption, accepted: Spans) -> Consumption:
    if not len(accepted.series):
        return consumption
    quality, flags = consumption.quality.copy(), consumption.flags.copy()
    for owner, since, until in zip(accepted.series, accepted.since, accepted.until, strict=True):
        low, high = np.searchsorted(consumption.series, (owner, owner + 1))
        first = low + np.searchsorted(consumption.start[low:high], since)
        beyond = low + np.searchsorted(consumption.start[low:high], until - INTERVAL_MS, "right")
        known = first + np.flatnonzero(quality[first:beyond] != IntervalQuality.MISSING)
        flags[known] |= Flag.ACCEPTED
        quality[known[quality[known] == IntervalQuality.SUSPECT]] = IntervalQuality.MEASURED
    return replace(consumption, quality=quality, flags=flags)
