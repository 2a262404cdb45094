"""What units used per carrier and period, read for all units at once."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alerts.series.frame import Floats, Ids
from energy.storage import Connection, load_queries
from energy.storage.binary import Columns, Layout

_SQL = load_queries("alerts.series", "quotas.sql")
_CARRIERS = Layout(unit_id="int4", carrier="int4", metered="bool", ready="time_us", through="date", since="date")
_TAILS = Layout(unit_id="int4", carrier="int4", day="date", metered_days="int2")
MEASURES = ("amount", "kgce", "kgce_equal", "kgco2")
_QUERIES = {"day": _SQL.days, "quarter": _SQL.periods, "year": _SQL.periods}
_COUNT = 2**10
"""Days are packed into so many: no period is as long."""


@dataclass(frozen=True)
class Carriers:
    """Carriers of units that count, in the order of unit and carrier.

    Attributes:
        names: of the carriers, whose places `carrier` counts from 1.
        key: unit and carrier in one number, ascending.
        unit, carrier: ids; places in `names`.
        metered: a gate meter measures it.
        ready_us: up to when all its gate meters are derived, microseconds since 1970 UTC; NEVER when one never
            delivered.
        through: the last local day that began before; days since 1970.
        since: the first local day in which a meter has a part, likewise; long ago where none ever had.
        tails: unit-and-carrier numbers and days of what came after it, and whether a meter has a part in them.
    """

    names: tuple[str, ...]
    key: Ids
    unit: Ids
    carrier: Ids
    metered: NDArray[np.bool_]
    ready_us: Ids
    through: Ids
    since: Ids
    tails: tuple[Ids, Ids, Ids]

    @cached_property
    def by_unit(self) -> tuple[Ids, Ids]:
        """The units, ascending, and where the carriers of each begin."""
        units, begins = np.unique(self.unit, return_index=True)
        return units, begins

    def places(self, unit: Ids, carrier: Ids) -> Ids:
        """Where they stand; -1 for what is not there."""
        return _places(self.key, _key(unit, carrier))


@dataclass(frozen=True)
class Sums:
    """What the carriers of a `Carriers` have in one period: NaN, and quality -1, where there is nothing.

    Attributes:
        amounts: by measure, one of MEASURES: base units of the carrier, kg.
        quality: the worst, as accounting numbers them.
        provisional: a factor in it is not final.
        days: days with data; metered_days: those in which a meter has a part.
        covered_s, due_s: seconds between readings, and those of the days, of all gate points.
    """

    amounts: dict[str, Floats]
    quality: Ids
    provisional: NDArray[np.bool_]
    days: Ids
    metered_days: Ids
    covered_s: Ids
    due_s: Ids

    @property
    def present(self) -> NDArray[np.bool_]:
        """Carriers with data."""
        found: NDArray[np.bool_] = self.days > 0
        return found


async def read_carriers(connection: Connection, names: Sequence[str], units: Sequence[int] | None) -> Carriers:
    """The carriers of `units`, or of all; `names` are all carriers that there can be."""
    rows = await _CARRIERS.copy(connection, _SQL.carriers, names, units)
    key = _key(rows["unit_id"], rows["carrier"])
    order = np.argsort(key, kind="stable")
    tails = await _TAILS.copy(connection, _SQL.tails, names, units)
    return Carriers(
        names=tuple(names),
        key=key[order],
        unit=rows["unit_id"][order],
        carrier=rows["carrier"][order],
        metered=rows["metered"][order],
        ready_us=rows["ready"][order],
        through=rows["through"][order],
        since=rows["since"][order],
        tails=(_key(tails["unit_id"], tails["carrier"]), tails["day"], tails["metered_days"]),
    )


async def read_sums(
    connection: Connection,
    carriers: Carriers,
    period: tuple[str, date],
    measures: AbstractSet[str],
    units: Sequence[int] | None,
) -> Sums:
    """What all carriers of `units`, or of all, have in a period.

    Only what is asked for is read, and small numbers are packed into one: what PostgreSQL takes to send a nation's rows
    is mostly per column.

    Args:
        connection: in the transaction of the evaluation.
        carriers: of these units.
        period: its kind, and the day by which totals name it.
        measures: which of MEASURES are wanted; the others are NaN.
        units: whose.
    """
    kind, key = period
    some = [name for name in MEASURES if name in measures]
    query = _QUERIES.get(kind, _SQL.months).format(measures="".join(f"{name}::float8, " for name in some))
    layout = Layout(
        unit_id="int4", carrier="int4", **dict.fromkeys(some, "float8"), packed="int4", covered_s="int8", due_s="int8"
    )
    of_kind = [] if kind == "day" else [kind]
    return _laid_out(carriers, await layout.copy(connection, query, list(carriers.names), units, key, *of_kind))


def _laid_out(carriers: Carriers, rows: Columns) -> Sums:
    place = carriers.places(rows["unit_id"], rows["carrier"])
    known = place >= 0
    every = bool(known.all())
    place = place if every else place[known]

    def laid_out(values: NDArray[Any], nothing: float) -> NDArray[Any]:
        column = np.full(len(carriers.key), nothing, values.dtype)
        column[place] = values if every else values[known]
        return column

    packed, days = np.divmod(rows["packed"], _COUNT)
    packed, metered_days = np.divmod(packed, _COUNT)
    return Sums(
        amounts={
            name: laid_out(rows[name], np.nan) if name in rows else np.full(len(carriers.key), np.nan)
            for name in MEASURES
        },
        quality=laid_out(packed >> 1, -1),
        provisional=laid_out((packed & 1).astype(np.bool_), 0),
        days=laid_out(days, 0),
        metered_days=laid_out(metered_days, 0),
        covered_s=laid_out(rows["covered_s"], 0),
        due_s=laid_out(rows["due_s"], 0),
    )


def _key(unit: Ids, carrier: Ids) -> Ids:
    return unit * 4096 + carrier


def _places(keys: Ids, wanted: Ids) -> Ids:
    if not len(keys):
        return np.full(len(wanted), -1, np.int64)
    place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[place] == wanted, place, -1)
