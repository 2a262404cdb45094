"""What units used per carrier and period, read for all units at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from alerts.series.frame import Floats, Ids
from energy.storage import Connection, load_queries
from energy.storage.binary import Columns, Layout

_SQL = load_queries("alerts.series", "quotas.sql")
_CARRIERS = Layout(unit_id="int4", carrier="int4", metered="bool", ready="time_us", through="date", day="date")
_SUMS = Layout(
    unit_id="int4",
    carrier="int4",
    amount="float8",
    kgce="float8",
    kgce_equal="float8",
    kgco2="float8",
    quality="int2",
    provisional="bool",
    days="int2",
    metered_days="int2",
    covered_s="int8",
    due_s="int8",
    key="date",
)
_TAILS = Layout(unit_id="int4", carrier="int4", day="date", metered_days="int2")
MEASURES = ("amount", "kgce", "kgce_equal", "kgco2")
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_QUERIES = {"day": _SQL.days, "quarter": _SQL.periods, "year": _SQL.periods}


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
        tails: unit-and-carrier numbers and days of what came after it, and whether a meter has a part in them.
    """

    names: tuple[str, ...]
    key: Ids
    unit: Ids
    carrier: Ids
    metered: NDArray[np.bool_]
    ready_us: Ids
    through: Ids
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
        tails=(_key(tails["unit_id"], tails["carrier"]), tails["day"], tails["metered_days"]),
    )


async def read_sums(
    connection: Connection,
    carriers: Carriers,
    kind: str,
    wanted: Mapping[date, Iterable[str]],
    units: Sequence[int] | None,
) -> dict[date, Sums]:
    """What all carriers of `units`, or of all, have in periods of `kind`.

    Args:
        connection: in the transaction of the evaluation.
        carriers: of these units.
        kind: of the periods.
        wanted: the days by which totals name the periods, each with the MEASURES that are to be read.
        units: whose.
    """
    measures = {measure for of in wanted.values() for measure in of}
    flags = [name in measures for name in MEASURES]
    arguments = [list(carriers.names), units, sorted(wanted), *flags]
    rows = await _SUMS.copy(connection, _QUERIES.get(kind, _SQL.months), *arguments, *([] if kind == "day" else [kind]))
    found = {}
    for key in wanted:
        some = rows["key"] == key.toordinal() - _EPOCH_DAY
        found[key] = _laid_out(carriers, {name: column[some] for name, column in rows.items()})
    return found


def _laid_out(carriers: Carriers, rows: Columns) -> Sums:
    place = carriers.places(rows["unit_id"], rows["carrier"])
    known = place >= 0
    place = place[known]
    count = len(carriers.key)

    def integers(name: str, nothing: int = 0) -> Ids:
        column = np.full(count, nothing, np.int64)
        column[place] = rows[name][known]
        return column

    amounts = {}
    for name in MEASURES:
        amounts[name] = np.full(count, np.nan)
        amounts[name][place] = rows[name][known]
    return Sums(
        amounts=amounts,
        quality=integers("quality", -1),
        provisional=integers("provisional").astype(np.bool_),
        days=integers("days"),
        metered_days=integers("metered_days"),
        covered_s=integers("covered_s"),
        due_s=integers("due_s"),
    )


def _key(unit: Ids, carrier: Ids) -> Ids:
    return unit * 4096 + carrier


def _places(keys: Ids, wanted: Ids) -> Ids:
    if not len(keys):
        return np.full(len(wanted), -1, np.int64)
    place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[place] == wanted, place, -1)
