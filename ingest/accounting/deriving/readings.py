"""The effective readings that stretches need: those in it, and enough usable ones on each side.

Raw readings are looked up point by point, so many before and after what is dirty; which of them are usable the algebra
says, and where these are not enough, more are looked up. Contradictions are settled here as the view
`readings_effective` settles them: by content, the best quality, then the smaller value, no value last.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from energy.storage import Connection, load_queries
from energy.storage.binary import EARLIEST_MS, LATEST_MS, Columns, Layout, copy_in, listed
from ingest.accounting.algebra.columns import INTERVAL_MS, Bools, Changes, Ints, Readings
from ingest.accounting.algebra.excursions import REACH
from ingest.accounting.algebra.quanta import quantised
from ingest.accounting.deriving.points import Points
from ingest.accounting.deriving.spans import Stretches, closed, joined, merged, opened
from ingest.accounting.edits.loading import edits_of

_SQL = load_queries("ingest.accounting.deriving", "readings.sql")
_ROW = Layout(series="int4", at="time", value="float8", quality="int2")
_SPANS = Layout(number="int4", point_id="int4", since="time", until="time")
_SPARE = 6
"""Readings looked up beyond those that are wanted: a few are usually unusable."""
_MORE = 4
_DAY_MS = 86_400_000
_NEAR_MS = 8 * _DAY_MS
"""Neighbours are first looked for so near: within a chunk or two of those that have all the table's time."""


@dataclass(frozen=True, slots=True)
class Around:
    """What was found around dirty stretches.

    Attributes:
        stretches: what is to be computed, on borders of quarter hours.
        place: per stretch the index of its point.
        readings: the effective ones that this needs; `series` is an index into `stretches`.
        newest: per stretch, whether its readings go on to the last one of the point.
        oldest: per dirty stretch a time before which the point has no reading; EARLIEST_MS where that is not known.
        first: per dirty stretch the first reading that was seen; LATEST_MS without one.
        following: per dirty stretch the first reading after it, at or before the end of what is computed for it;
            LATEST_MS where there is none.
    """

    stretches: Stretches
    place: Ints
    readings: Readings
    newest: Bools
    oldest: Ints
    first: Ints
    following: Ints


@dataclass(frozen=True, slots=True)
class Extent:
    """From when to when there is any chunk with readings or quarter hours, ms since 1970 UTC."""

    since: int
    until: int


async def extent_of(connection: Connection) -> Extent:
    """Where all of the time lies that derivation has to do with."""
    row = await connection.fetchrow(_SQL.extent)
    assert row is not None  # noqa: S101 - an aggregate has one row
    return Extent(row["since"] or 0, row["until"] or 0)


async def read_around(connection: Connection, points: Points, dirty: Stretches, extent: Extent, oldest: Ints) -> Around:
    """What `dirty` stretches of known points, sorted and apart, make dirty, and the readings to compute that.

    A row changes no farther than REACH usable readings from a reading that changed, and follows from REACH of them on
    each side of its stretch (`excursions.REACH`). `oldest`: for each, before when there is surely nothing to be found.
    """
    place, _ = points.places(dirty.point)
    per_quarter = -(-INTERVAL_MS // max(int(points.interval_ms[place].min(initial=INTERVAL_MS)), 1))
    count, reach = 2 * REACH + min(per_quarter, 64) + _SPARE, _NEAR_MS
    wanted, done = np.arange(len(dirty)), []
    while len(wanted):
        part = await _look(connection, points, (dirty.take(wanted), oldest[wanted]), extent, (count, reach))
        done.append(part.taken(wanted))
        wanted = wanted[~part.enough]
        count, reach = count * _MORE, reach * 8 if reach < 8 * _NEAR_MS else extent.until - extent.since
    return _arranged(points, dirty, done)


async def raw_within(connection: Connection, spans: Stretches) -> Readings:
    """The readings as stored of `spans`, both ends included, sorted by (series, at); `series` is an index into them."""
    bounds = moment(int(spans.since.min())), moment(int(spans.until.max()))
    await connection.execute(_SQL.prepare)
    numbered = _SPANS.encode((np.arange(len(spans)), spans.point, spans.since, spans.until))
    await copy_in(connection, "derivation_spans", _SPANS.columns, numbered)
    raw = await _ROW.copy(connection, _SQL.within_spans, *bounds)
    order = np.lexsort((raw["at"], raw["series"]))
    return Readings(raw["series"][order], raw["at"][order], raw["value"][order], raw["quality"][order])


async def contested(connection: Connection, spans: Stretches) -> Ints:
    """The points of those of `spans` in which a reading contradicts another one."""
    found = await _ROW.copy(connection, _SQL.conflicts, *listed([spans.point, spans.since, spans.until]))
    return spans.point[found["series"]]


def settled(*parts: Columns) -> Readings:
    """Readings and what contradicts them as effective ones, sorted by (series, at)."""
    series, at, value, quality = (np.concatenate([part[name] for part in parts]) for name in parts[0])
    order = np.lexsort((value, quality, at, series))  # numpy too puts NaN last
    series, at = series[order], at[order]
    first = np.ones(len(order), np.bool_)
    first[1:] = (series[1:] != series[:-1]) | (at[1:] != at[:-1])
    order = order[first]
    return Readings(series[first], at[first], value[order], quality[order])


@dataclass(frozen=True, slots=True)
class _Part:
    """What one look found, one element per dirty stretch."""

    since: Ints
    until: Ints
    oldest: Bools
    newest: Bools
    first: Ints
    following: Ints
    enough: Bools
    readings: Readings

    def taken(self, wanted: Ints) -> tuple[Ints, _Part]:
        """With what it is about, where it found enough."""
        kept = self.enough[self.readings.series]
        number = np.cumsum(self.enough) - 1
        chosen = Readings(
            number[self.readings.series[kept]],
            self.readings.at[kept],
            self.readings.value[kept],
            self.readings.quality[kept],
        )
        ok = self.enough
        return wanted[ok], _Part(
            since=self.since[ok],
            until=self.until[ok],
            oldest=self.oldest[ok],
            newest=self.newest[ok],
            first=self.first[ok],
            following=self.following[ok],
            enough=ok[ok],
            readings=chosen,
        )


async def _look(
    connection: Connection, points: Points, work: tuple[Stretches, Ints], extent: Extent, size: tuple[int, int]
) -> _Part:
    """Look up so many readings, so far away, on each side of each stretch."""
    (dirty, none_before), (count, reach) = work, size
    low, high = max(extent.since, int(dirty.since.min()) - reach), min(extent.until, int(dirty.until.max()) + reach)
    columns = listed([dirty.point, dirty.since, dirty.until])
    ends = (int(at) for at in (dirty.since.max(), dirty.since.min(), dirty.until.max(), dirty.until.min()))
    bounds = [moment(max(low, min(high, at))) for at in ends]
    raw = await _ROW.copy(connection, _SQL.around, *columns, moment(low), moment(high), count, *bounds)
    series, at = raw["series"], raw["at"]
    before, after = (
        np.bincount(series[side], minlength=len(dirty)) for side in (at < dirty.since[series], at > dirty.until[series])
    )
    # Where fewer came than were asked for, and nothing lies beyond where was looked, there are no more.
    oldest = (before < count) & (low <= np.maximum(none_before, extent.since))
    newest = (after < count) & (high >= extent.until)
    first, last = dirty.since.copy(), dirty.until.copy()
    np.minimum.at(first, series, at)
    np.maximum.at(last, series, at)
    first, last = np.where(oldest, extent.since, first), np.where(newest, extent.until, last)
    conflicts = await _ROW.copy(connection, _SQL.conflicts, *listed([dirty.point, first, last]))
    readings = settled(raw, conflicts)
    place, _ = points.places(dirty.point)
    edits = await edits_of(connection, dirty.point, first, last)
    known = points.series(place, dirty.since, dirty.until, 1.0)
    states, segments = quantised(readings, known, edits.changes, edits.excluded)
    usable = _Usable(segments.series[states.segment], states.at, len(dirty))
    since, until, near = usable.reached(dirty, oldest, newest)
    since, until = _to_states(edits.changes, (since, until), usable.lacking(dirty))
    enough = near & usable.surrounds(since, until, oldest, newest)
    seen, following = np.full(len(dirty), LATEST_MS), np.full(len(dirty), LATEST_MS)
    np.minimum.at(seen, series, at)
    later = at > dirty.until[series]
    np.minimum.at(following, series[later], at[later])
    return _Part(since, until, oldest, newest, seen, following, enough, readings)


def _to_states(changes: Changes, stretch: tuple[Ints, Ints], lacking: tuple[Bools, Bools]) -> tuple[Ints, Ints]:
    """The stretches, as far as states on record where readings end: what lies between follows from both."""
    since, until = (ends.copy() for ends in stretch)
    before, after = (side[changes.series] for side in lacking)
    np.minimum.at(since, changes.series[before], changes.since[before])
    np.maximum.at(until, changes.series[after], changes.until[after])
    return opened(since), closed(until)


@dataclass(frozen=True, slots=True)
class _Usable:
    """Usable readings, sorted by (series, at), of so many series."""

    series: Ints
    at: Ints
    count: int

    def reached(self, dirty: Stretches, oldest: Bools, newest: Bools) -> tuple[Ints, Ints, Bools]:
        """The stretch that each dirty one makes dirty, and whether there are enough readings to tell."""
        first, beyond = self._bounds()
        before, after = self._outside(dirty.since, dirty.until)
        start = np.maximum(first, first + before - REACH)
        end = np.minimum(beyond, beyond - after + REACH) - 1
        some = beyond > first
        at = np.append(self.at, 0)
        since = np.minimum(dirty.since, np.where(some, at[np.where(some, start, -1)], dirty.since))
        until = np.maximum(dirty.until, np.where(some, at[np.where(some, end, -1)], dirty.until))
        return opened(since), closed(until), ((before >= REACH) | oldest) & ((after >= REACH) | newest)

    def lacking(self, dirty: Stretches) -> tuple[Bools, Bools]:
        """Before and after which stretches there are too few."""
        before, after = self._outside(dirty.since, dirty.until)
        return before < REACH, after < REACH

    def surrounds(self, since: Ints, until: Ints, oldest: Bools, newest: Bools) -> Bools:
        """Whether enough of them lie on each side of these stretches, or all that there are."""
        before, after = self._outside(since, until)
        return ((before >= REACH) | oldest) & ((after >= REACH) | newest)

    def _bounds(self) -> tuple[Ints, Ints]:
        number = np.arange(self.count)
        return np.searchsorted(self.series, number), np.searchsorted(self.series, number, "right")

    def _outside(self, since: Ints, until: Ints) -> tuple[Ints, Ints]:
        earlier, later = self.at < since[self.series], self.at > until[self.series]
        before = np.bincount(self.series[earlier], minlength=self.count)
        return before, np.bincount(self.series[later], minlength=self.count)


def _arranged(points: Points, dirty: Stretches, done: list[tuple[Ints, _Part]]) -> Around:
    """All parts as one; stretches of a point that meet are one."""
    number = np.concatenate([which for which, _ in done])
    parts = [part for _, part in done]
    found = joined(*(Stretches(dirty.point[which], part.since, part.until) for which, part in done))
    stretches, became = merged(found, 0)
    offset = np.cumsum([0, *(len(which) for which, _ in done)])[:-1]
    readings = settled(
        *(
            {
                "series": became[part.readings.series + start],
                "at": part.readings.at,
                "value": part.readings.value,
                "quality": part.readings.quality,
            }
            for part, start in zip(parts, offset, strict=True)
        )
    )
    newest = np.zeros(len(stretches), np.bool_)
    newest[became[np.concatenate([part.newest for part in parts])]] = True
    place, _ = points.places(stretches.point)
    oldest, first, following = (np.full(len(dirty), time) for time in (EARLIEST_MS, LATEST_MS, LATEST_MS))
    first[number] = np.concatenate([part.first for part in parts])
    following[number] = np.concatenate([part.following for part in parts])
    oldest[number] = np.where(np.concatenate([part.oldest for part in parts]), first[number], EARLIEST_MS)
    return Around(stretches, place, readings, newest, oldest, first, following)


def moment(at: int) -> datetime:
    """A time in ms since 1970 UTC, as a query takes it."""
    return datetime.fromtimestamp(at / 1000, UTC)
