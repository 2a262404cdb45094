"""The quotas in memory: read anew when they, their groups or the registry changed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from alerts.quotas.bands import Band
from alerts.quotas.measures import LEVELS, MONTHLY, TOTALS
from alerts.series.columns import texts
from alerts.series.frame import Floats, Ids
from energy.periods import DEFAULT_ZONE
from energy.storage import Connection, load_queries

_SQL = load_queries("alerts.series", "quotas.sql")
_EPOCH = date(1970, 1, 1).toordinal()
FOR_EVER = np.iinfo(np.int64).max
LABELS = (
    *("unit", "name_zh", "name_en", "quota", "measure", "limit_unit", "period", "kind", "subject_kind", "key"),
    *("district", "industry", "product", "standard", "standard_level", "zone"),
)


@dataclass(frozen=True)
class Bands:
    """Distinct bands of warning.

    Attributes:
        sets: each a tuple of bands, in rising order.
        shares: one row per set, infinite beyond its last band.
    """

    sets: tuple[tuple[Band, ...], ...]
    shares: Floats

    @cached_property
    def columns(self) -> NDArray[np.object_]:
        """The sets as an array."""
        made = np.empty(len(self.sets), np.object_)
        made[:] = self.sets
        return made

    def reached(self, of: Ids, used_share: Floats) -> Floats:
        """Which band each share has reached, from 1; 0 for none, NaN where the share is not known."""
        count = (used_share[:, None] >= self.shares[of]).sum(axis=1).astype(np.float64)
        return np.where(np.isnan(used_share), np.nan, count)


@dataclass(frozen=True)
class Book:
    """All quotas, as columns in the order of their ids.

    Attributes:
        version: changes with quotas, groups and registry.
        ids, units: quota ids; unit ids, 0 for quotas of groups.
        limits: in the measure's base unit.
        valid_from, valid_to: days since 1970; FOR_EVER without an end.
        min_elapsed: share of the period before which the pace is not judged.
        versions: of the quota's text.
        bands, band_set: distinct bands, and which of them each has.
        profiles: each quota's profile of its course, as JSON.
        calendar: which of `calendars` a quota has: zone, period, day on which statistics months begin.
        groups: which of `members` a quota counts; -1 for those of units.
        group_keys: subject and key of each group.
        labels: text columns.
        sources: of the quotas.
    """

    version: tuple[int, int]
    ids: Ids
    units: Ids
    limits: Floats
    valid_from: Ids
    valid_to: Ids
    min_elapsed: Floats
    versions: Ids
    bands: Bands
    band_set: Ids
    profiles: NDArray[np.object_]
    calendars: tuple[tuple[str, str, int], ...]
    calendar: Ids
    group_keys: tuple[tuple[str, str], ...]
    groups: Ids
    labels: Mapping[str, NDArray[np.object_]]
    sources: NDArray[np.object_]

    @property
    def carriers(self) -> tuple[str, ...]:
        """Carriers that a quota limits."""
        return tuple(sorted(set(self.labels["measure"]) - set(TOTALS) - LEVELS))

    @cached_property
    def _codes(self) -> dict[str, tuple[Ids, list[str]]]:
        return {}

    def codes(self, label: str) -> tuple[Ids, list[str]]:
        """Which of the distinct texts of a label each quota has, and those; found out once."""
        if label not in self._codes:
            self._codes[label] = _distinct(self.labels[label].tolist())
        return self._codes[label]

    def of_measures(self, measures: Collection[str]) -> NDArray[np.bool_]:
        """Which quotas limit one of these."""
        code, names = self.codes("measure")
        return np.array([name in measures for name in names], np.bool_)[code]


MONTHLY_MEASURES = tuple(sorted(MONTHLY))


async def version(connection: Connection) -> tuple[int, int]:
    """Two numbers that rise with quotas and groups, and with the registry."""
    row = await connection.fetchrow(_SQL.version)
    assert row is not None  # noqa: S101 - both tables have their one row
    return row["quotas"], row["registry"]


async def read_book(connection: Connection) -> Book:
    """Read all quotas; the version is read before them, so that what changes meanwhile is noticed."""
    at = await version(connection)
    return book_of(at, [dict(row) for row in await connection.fetch(_SQL.book, DEFAULT_ZONE)])


def book_of(at: tuple[int, int], rows: Sequence[Mapping[str, Any]]) -> Book:
    """The rows of the query `book`, which are in the order of ids, as columns."""
    band_set, band_sets = _distinct([row["bands"] for row in rows])
    sets = tuple(msgspec.json.decode(text, type=tuple[Band, ...]) for text in band_sets)
    shares = np.full((max(len(sets), 1), max((len(one) for one in sets), default=0) or 1), np.inf)
    for number, one in enumerate(sets):
        shares[number, : len(one)] = [band.share for band in one]
    calendar, calendars = _distinct([(row["zone"], row["period"], row["statistics_day"]) for row in rows])
    named = [(row["subject_kind"], row["key"]) if row["subject_kind"] != "unit" else None for row in rows]
    groups, group_keys = _distinct([one for one in named if one is not None])
    group = np.full(len(rows), -1, np.int64)
    group[[one is not None for one in named]] = groups
    return Book(
        version=at,
        ids=_integers(rows, "quota_id"),
        units=_integers(rows, "unit_id"),
        limits=np.array([float(row["limit_value"]) for row in rows], np.float64),
        valid_from=_days(rows, "valid_from"),
        valid_to=_days(rows, "valid_to"),
        min_elapsed=np.array([row["min_elapsed"] for row in rows], np.float64),
        versions=_integers(rows, "version"),
        bands=Bands(sets, shares),
        band_set=band_set,
        profiles=texts(rows, "profile"),
        calendars=tuple(calendars),
        calendar=calendar,
        group_keys=tuple(group_keys),
        groups=group,
        labels={name: texts(rows, name) for name in LABELS},
        sources=texts(rows, "source"),
    )


def _integers(rows: Sequence[Mapping[str, Any]], name: str) -> Ids:
    return np.array([row[name] for row in rows], np.int64)


def _days(rows: Sequence[Mapping[str, Any]], name: str) -> Ids:
    return np.array([FOR_EVER if row[name] is None else row[name].toordinal() - _EPOCH for row in rows], np.int64)


def _distinct(values: Sequence[Any]) -> tuple[Ids, list[Any]]:
    """Which of the distinct values, in the order of their first appearance, each is."""
    known: dict[Any, int] = {}
    numbers = np.array([known.setdefault(value, len(known)) for value in values], np.int64)
    return numbers, list(known)


class Labels(Mapping[str, NDArray[np.object_]]):
    """Text columns of a frame, picked from those of the book when they are asked for.

    Args:
        book: of all quotas.
        rows: which of them each row of the frame is about.
        more: what makes columns that are the frame's own, of the rows of the frame that it is given.
    """

    def __init__(self, book: Book, rows: Ids, more: Mapping[str, Callable[[Ids], NDArray[np.object_]]]) -> None:
        self._book, self._rows, self._more = book, rows, more
        self._made: dict[str, NDArray[np.object_]] = {}

    def __getitem__(self, name: str) -> NDArray[np.object_]:
        if name not in self._made:
            self._made[name] = self._of(name, np.arange(len(self._rows)))
        return self._made[name]

    def where(self, name: str, accepts: Callable[[str], bool]) -> NDArray[np.bool_]:
        """Rows whose label is accepted, each distinct text being asked for once."""
        if name not in LABELS:
            return np.fromiter(map(accepts, self[name]), np.bool_, len(self._rows))
        code, texts_ = self._book.codes(name)
        found: NDArray[np.bool_] = np.array([accepts(text) for text in texts_], np.bool_)[code[self._rows]]
        return found

    def of_rows(self, rows: Ids) -> dict[str, NDArray[np.object_]]:
        """All labels of some rows, without making whole columns."""
        return {name: self._of(name, rows) for name in self}

    def _of(self, name: str, rows: Ids) -> NDArray[np.object_]:
        if name in self._more:
            return self._more[name](rows)
        quotas = self._rows[rows]
        if name == "bands":
            return self._book.bands.columns[self._book.band_set[quotas]]
        return self._book.labels[name][quotas]

    def __iter__(self) -> Iterator[str]:
        yield from (*LABELS, "bands", *self._more)

    def __len__(self) -> int:
        return len(LABELS) + 1 + len(self._more)
