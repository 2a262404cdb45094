"""What quotas have used: sums over carriers, over units of groups, and how far they can be trusted. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alerts.quotas.measures import LEVELS, TOTALS
from alerts.series.frame import NEVER, Floats, Ids
from alerts.series.quota_book import Book
from alerts.series.quota_periods import Due, Stretch
from alerts.series.quota_sums import Carriers, Sums

_COLUMN = {
    "tce": "kgce",
    "assessed_tce": "kgce",
    "tce_equal": "kgce_equal",
    "assessed_tce_equal": "kgce_equal",
    "tco2": "kgco2",
}
_KG_PER_T = 1000.0
_DIGITS = 14
"""Amounts are exact to as many digits: sums of decimals come back to the decimal that they are."""
_FEW = 32
"""Of so many terms a plain sum is right to 14 digits."""
_DAY_S = 86_400
_DAY_US = 86_400_000_000
_LAST = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Members:
    """Which units belong to the groups of a book: parallel columns, in the order of the groups."""

    group: Ids
    unit: Ids


@dataclass(frozen=True)
class Use:
    """What each row of a `Due` has used, and what is known of it.

    Attributes:
        used: in the measure's base unit, at least so much; NaN where nothing is known.
        ready_us: up to when everything that counts is complete, of a group what does not lag behind; NEVER when a
            carrier has never delivered.
        complete: of every carrier every day up to there is known from the one on which its metering began.
        unmetered_days: how many days of the period came before that and were not filled in by hand: of the carrier with
            most of them.
        completeness: share of the time up to there that lies between readings; NaN without meters.
        quality: the worst; NaN without data.
        provisional: 1 where a factor is, else 0.
        lagging: part of a group lags behind: its figures are incomplete, and not final when the period is over.
    """

    used: Floats
    ready_us: Ids
    complete: NDArray[np.bool_]
    unmetered_days: Floats
    completeness: Floats
    quality: Floats
    provisional: Floats
    lagging: NDArray[np.bool_]


def measure_column(measure: str) -> str:
    """The column of sums that a measure is read from; of levels that which says how far their energy is known."""
    return _COLUMN.get(measure, "kgce" if measure in LEVELS else "amount")


def use(  # noqa: PLR0913, PLR0917 - what is known, of whom, and since when it is old
    book: Book, members: Members, due: Due, carriers: Carriers, sums: Mapping[tuple[str, int], Sums], fresh_us: int
) -> Use:
    """Sum up, for every row of `due`.

    One member that is silent, or never delivered, does not blind a whole district: what was not heard of since
    `fresh_us`, nor to the end of the period, counts in a group with what it has, and makes the group incomplete. How
    far the others are complete is how far the group is judged. What is missing can only add, so that its pace and
    projection are at least what they say: they may raise an alert, and end none.

    Args:
        book: the quotas.
        members: units of its groups.
        due: quotas and periods.
        carriers: of all units concerned.
        sums: by kind and key (ordinal) of the periods of `due`.
        fresh_us: before it data is stale, microseconds since 1970 UTC.
    """
    count = len(due.rows)
    found = Use(
        used=np.full(count, np.nan),
        ready_us=np.full(count, NEVER),
        complete=np.zeros(count, np.bool_),
        unmetered_days=np.zeros(count),
        completeness=np.full(count, np.nan),
        quality=np.full(count, np.nan),
        provisional=np.zeros(count),
        lagging=np.zeros(count, np.bool_),
    )
    code, names = book.codes("measure")
    measure = code[due.rows]
    for number, stretch in enumerate(due.stretches):
        part = _part(carriers, sums[stretch.kind, stretch.key.toordinal()], stretch)
        here = np.flatnonzero(due.stretch == number)
        for one in np.flatnonzero(np.bincount(measure[here])).tolist():
            rows, name = here[measure[here] == one], names[one]
            of = book.groups[due.rows[rows]]
            single, grouped = rows[of < 0], rows[of >= 0]
            _fill(found, part, _of_units(book.units[due.rows[single]], single, name, carriers), name, NEVER)
            in_groups = _of_groups(of[of >= 0], grouped, name, carriers, members)
            _fill(found, part, in_groups, name, min(fresh_us, stretch.end_us))
    return found


@dataclass(frozen=True)
class _Part:
    """The carriers in one period: columns beside `Carriers`.

    Attributes:
        missing: days that a meter should have a part in, and has not; unmetered: days before one had.
    """

    carriers: Carriers
    sums: Sums
    missing: Ids
    unmetered: Ids
    share_s: Floats

    @property
    def counts(self) -> NDArray[np.bool_]:
        """Metered carriers, and others that have days in the period."""
        return self.carriers.metered | self.sums.present


def _part(carriers: Carriers, sums: Sums, stretch: Stretch) -> _Part:
    known = carriers.metered & (carriers.ready_us != NEVER)
    last = np.minimum(carriers.through, stretch.until - 1)
    begun = np.clip(carriers.since, stretch.first, np.maximum(last + 1, stretch.first))
    key, day, metered = carriers.tails
    inside = (day >= stretch.first) & (day < stretch.until)
    tails = np.zeros((2, len(carriers.key)), np.int64)
    np.add.at(tails, (metered[inside], np.searchsorted(carriers.key, key[inside])), 1)
    missing = np.where(known, np.maximum(last - begun + 1, 0) - (sums.metered_days - tails[1]), 0)
    # Where a meter is silent what is filled in does not stand for it; before there was one it is all that there is.
    filled = sums.days - sums.metered_days - tails[0]
    unmetered = np.where(known, np.maximum(begun - stretch.first - filled, 0), 0)
    # Seconds that should lie between readings by now: a day's, for as long as the period has run up to `ready`.
    ready = np.clip(carriers.ready_us, stretch.start_us, stretch.end_us)
    passed_days = np.where(carriers.ready_us == NEVER, 0.0, (ready - stretch.start_us) / _DAY_US)
    a_day = np.divide(sums.due_s, sums.days, out=np.zeros(len(ready)), where=sums.days > 0)
    return _Part(carriers, sums, missing, unmetered, a_day * passed_days)


@dataclass(frozen=True)
class _Segments:
    """Which carriers each row counts: `order[begins[i]:begins[i + 1]]`; rows without any are left out of `rows`."""

    rows: Ids
    order: Ids
    begins: Ids


def _of_units(unit: Ids, rows: Ids, measure: str, carriers: Carriers) -> _Segments:
    if not _all_carriers(measure):
        place = carriers.places(unit, np.full(len(unit), _number(carriers, measure)))
        return _Segments(rows[place >= 0], place[place >= 0], np.arange(np.count_nonzero(place >= 0)))
    units, begins = carriers.by_unit
    if not len(units):
        return _Segments(rows[:0], rows[:0], rows[:0])
    at = np.minimum(np.searchsorted(units, unit), len(units) - 1)
    there = units[at] == unit
    at = at[there]
    first, after = begins[at], np.append(begins, len(carriers.unit))[at + 1]
    return _Segments(rows[there], *_ranges(first, after))


def _of_groups(groups: Ids, rows: Ids, measure: str, carriers: Carriers, members: Members) -> _Segments:
    kept, orders, begins, length = [], [], [], 0
    wanted = None if _all_carriers(measure) else _number(carriers, measure)
    for row, group in zip(rows.tolist(), groups.tolist(), strict=True):
        low, high = np.searchsorted(members.group, [group, group + 1])
        of = np.isin(carriers.unit, members.unit[low:high])
        if wanted is not None:
            of &= carriers.carrier == wanted
        order = np.flatnonzero(of)
        if len(order):
            kept.append(row)
            orders.append(order)
            begins.append(length)
            length += len(order)
    nothing = np.zeros(0, np.int64)
    return _Segments(
        np.array(kept, np.int64), np.concatenate(orders) if orders else nothing, np.array(begins, np.int64)
    )


def _fill(found: Use, part: _Part, segments: _Segments, measure: str, since_us: int) -> None:
    """Put what the segments sum up to into the rows that have any; what ends before `since_us` is not waited for."""
    rows, order, begins = segments.rows, segments.order, segments.begins
    if not len(rows):
        return
    sums, carriers = part.sums, part.carriers
    counts, present = part.counts[order], sums.present[order]
    amounts = np.where(present, sums.amounts[measure_column(measure)][order], 0.0)
    some = np.logical_or.reduceat(present, begins)
    scale = _KG_PER_T if measure in TOTALS else 1.0
    found.used[rows] = np.where(some, rounded(_sums(amounts, begins) / scale), np.nan)
    metered = carriers.metered[order]
    ready = carriers.ready_us[order]
    fresh = metered & (ready >= since_us)
    lagging = np.logical_or.reduceat(metered & ~fresh, begins)
    # Where all of it lags behind, it is complete up to where all that was ever delivered is.
    some_fresh = np.repeat(np.logical_or.reduceat(fresh, begins), np.diff(np.append(begins, len(order))))
    waited = np.where(some_fresh, fresh, metered & (ready != NEVER))
    slowest = np.minimum.reduceat(np.where(waited, ready, _LAST), begins)
    slowest = np.where(slowest == _LAST, NEVER, slowest)
    any_meter = np.logical_or.reduceat(metered, begins)
    latest = np.maximum.reduceat(np.where(counts, ready, NEVER), begins)
    found.ready_us[rows] = np.where(any_meter, slowest, latest)
    gaps = np.logical_or.reduceat(metered & ((part.missing[order] > 0) | (ready == NEVER)), begins)
    found.complete[rows] = np.logical_or.reduceat(counts, begins) & ~gaps & ~lagging
    found.unmetered_days[rows] = np.maximum.reduceat(part.unmetered[order], begins)
    found.lagging[rows] = lagging
    share_s = np.add.reduceat(part.share_s[order], begins)
    covered = np.add.reduceat(np.where(metered, sums.covered_s[order], 0), begins)
    found.completeness[rows] = np.round(
        np.minimum(np.divide(covered, share_s, out=np.full(len(rows), np.nan), where=share_s > 0), 1.0), 9
    )
    quality = np.maximum.reduceat(np.where(present, sums.quality[order], -1), begins)
    found.quality[rows] = np.where(quality < 0, np.nan, quality)
    found.provisional[rows] = np.logical_or.reduceat(present & sums.provisional[order], begins)


def _sums(amounts: Floats, begins: Ids) -> Floats:
    found: Floats = np.add.reduceat(amounts, begins)
    ends = np.append(begins[1:], len(amounts))
    for row in np.flatnonzero(ends - begins > _FEW):
        found[row] = math.fsum(amounts[begins[row] : ends[row]])
    return found


def rounded(amounts: Floats) -> Floats:
    """Amounts to 14 significant digits, so that a sum of decimals is compared as the decimal that it is."""
    finite = np.isfinite(amounts) & (amounts != 0)
    size = np.floor(np.log10(np.abs(amounts, where=finite, out=np.ones(len(amounts)))))
    power = 10.0 ** np.clip(_DIGITS - 1 - size, -300, 300)
    found: Floats = np.where(finite, np.rint(amounts * power) / power, amounts)
    return found


def _ranges(first: Ids, after: Ids) -> tuple[Ids, Ids]:
    """Runs of neighbouring places, none of them empty, one after the other; and where each begins."""
    length = after - first
    begins = np.concatenate([[0], np.cumsum(length)[:-1]]).astype(np.int64)
    order = np.repeat(first - begins, length) + np.arange(length.sum())
    return order, begins


def _all_carriers(measure: str) -> bool:
    return measure in TOTALS or measure in LEVELS


def _number(carriers: Carriers, measure: str) -> int:
    """The place of a carrier among the names, counted from 1."""
    return carriers.names.index(measure) + 1
