"""The points to judge, and how they hang together, out of the registry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from energy.balance import Flow
from energy.carriers import carriers
from energy.errors import UnitError
from energy.quantities import Derived
from energy.storage import Connection, load_queries
from energy.units import per_hour
from ingest.accounting.algebra.columns import Floats, Ints, Kind
from ingest.accounting.validation.day import Points
from ingest.accounting.validation.loading import Checks

_SQL = load_queries("ingest.accounting.validation", "reading.sql")

_KINDS = {
    Derived.REGISTER: Kind.REGISTER,
    Derived.NET_REGISTER: Kind.NET_REGISTER,
    Derived.INTERVAL: Kind.INTERVAL,
    Derived.RATE: Kind.RATE,
}
_BY_RANK = (Derived.REGISTER, Derived.NET_REGISTER, Derived.INTERVAL, Derived.RATE)
"""By which of a meter's points it is balanced, the first that there is."""

RATES = ("rate", "power_active", "power_heat", "flow", "flow_standard", "flow_working", "flow_mass")
POWER_FACTOR = "power_factor"
VOLTAGES = ("voltage_l1", "voltage_l2", "voltage_l3")
CURRENTS = ("current_l1", "current_l2", "current_l3")
SEEN = (*RATES, POWER_FACTOR, *VOLTAGES, *CURRENTS)
"""Quantities of sibling points, called as the collector's meter profiles call them."""


@dataclass(frozen=True, slots=True)
class Judged:
    """Points of one time zone, and what the registry says of them.

    Attributes:
        points: as the checks take them.
        zone: the IANA time zone of their units' days.
        meter, unit: ids, one element per point.
        carrier: keys, likewise.
        balanced: by id of the meter, the index of the point by which it is balanced.
    """

    points: Points
    zone: str
    meter: Ints
    unit: Ints
    carrier: Sequence[str]
    balanced: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Below:
    """Points of the meters below judged ones, by which those are balanced.

    Attributes:
        id: ids of the points.
        parent: index of the point of the meter above.
        quantum, step: sizes in the base unit.
        level: of their meters.
    """

    id: Ints
    parent: Ints
    quantum: Floats
    step: Floats
    level: Ints


@dataclass(frozen=True, slots=True)
class Sibling:
    """Another point of a judged point's meter: its id, quantity, and what its rate makes in an hour (1 for others)."""

    id: int
    meter: int
    quantity: str
    scale: float


async def judged_points(connection: Connection, points: Sequence[int], checks: Checks) -> list[Judged]:
    """The counted points among `points`, all others of their meters and of the meters above, by zone."""
    rows = [dict(row) for row in await connection.fetch(_SQL.points, points)]
    zones = sorted({row["time_zone"] for row in rows})
    return [_judged([row for row in rows if row["time_zone"] == zone], zone, checks) for zone in zones]


async def points_below(connection: Connection, judged: Judged) -> Below:
    """The points of the meters below; of each meter the one by which it is balanced."""
    rows = [dict(row) for row in await connection.fetch(_SQL.children, sorted(judged.balanced))]
    chosen = [rows[at] for at in _balanced(rows).values()]
    return Below(
        id=np.array([row["point_id"] for row in chosen], np.int64),
        parent=np.array([judged.balanced[row["parent_id"]] for row in chosen], np.int64),
        quantum=np.array([row["quantum"] for row in chosen], np.float64),
        step=np.array([max(row["quantum"], row["resolution"]) for row in chosen], np.float64),
        level=np.array([row["level"] for row in chosen], np.int64),
    )


async def siblings_of(connection: Connection, judged: Judged) -> list[Sibling]:
    """Points of the same meters that show something by which registers are judged; one per meter and quantity."""
    rows = await connection.fetch(_SQL.siblings, sorted(set(judged.meter.tolist())), SEEN)
    carrier = dict(zip(judged.meter.tolist(), judged.carrier, strict=True))
    found: dict[tuple[int, str], Sibling] = {}
    for row in rows:
        scale = _scale(row["unit"], carrier[row["meter_id"]]) if row["quantity"] in RATES else 1.0
        if np.isfinite(scale):
            key = (row["meter_id"], row["quantity"])
            found.setdefault(key, Sibling(row["point_id"], row["meter_id"], row["quantity"], scale))
    return list(found.values())


def _judged(rows: Sequence[Mapping[str, Any]], zone: str, checks: Checks) -> Judged:
    def column(name: str, kind: type) -> NDArray[Any]:
        return np.array([np.nan if row[name] is None else row[name] for row in rows], kind)

    names = [(row["class"], row["carrier"]) for row in rows]
    quantity = [Derived(row["quantity"]) for row in rows]
    low = column("low", np.float64)
    may_fall = np.array([one in {Derived.INTERVAL, Derived.RATE} for one in quantity]) & (low < 0)
    points = Points(
        id=column("point_id", np.int64),
        rules=[checks.of(*name) for name in names],
        kind=np.array([_KINDS[one] for one in quantity], np.int64),
        quantum=column("quantum", np.float64),
        resolution=column("resolution", np.float64),
        float32=column("float32", np.bool_),
        interval_ms=column("interval_s", np.int64) * 1000,
        most_per_hour=np.array([_most(row) for row in rows], np.float64),
        may_fall=may_fall | np.array([one is Derived.NET_REGISTER for one in quantity]),
        backward=np.array([row["flow"] == Flow.SOLD for row in rows], np.bool_),
    )
    return Judged(
        points,
        zone,
        meter=column("meter_id", np.int64),
        unit=column("unit_id", np.int64),
        carrier=[carrier for _, carrier in names],
        balanced=_balanced(rows),
    )


def _balanced(rows: Sequence[Mapping[str, Any]]) -> dict[int, int]:
    """By meter the index of the row by which it is balanced: what is passed on is not what it uses."""
    found: dict[int, int] = {}
    for at, row in enumerate(rows):
        if row["flow"] == Flow.SOLD:
            continue
        meter = row["meter_id"]
        if meter not in found or _rank(row) < _rank(rows[found[meter]]):
            found[meter] = at
    return found


def _rank(row: Mapping[str, Any]) -> int:
    return _BY_RANK.index(Derived(row["quantity"]))


def _most(row: Mapping[str, Any]) -> float:
    """The greatest plausible consumption per hour; NaN where the registry bounds none."""
    match row["quantity"]:
        case Derived.RATE:
            bound = row["high"]
            factor = _scale(row["unit"], row["carrier"])
        case Derived.INTERVAL:
            bound = row["high"]
            factor = 3600 / row["interval_s"]
        case _:
            bound, factor = row["max_rate"], 1.0
    return float("nan") if bound is None else float(bound) * factor


@cache
def _scale(unit: str, carrier: str) -> float:
    """What one `unit` makes of the carrier in an hour, in its base unit; NaN where it makes none of it."""
    known = carriers().get(carrier)
    try:
        return float("nan") if known is None else float(per_hour(unit, known.unit))
    except UnitError:
        return float("nan")
