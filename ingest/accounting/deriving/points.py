"""What is known of the points that consumption is derived from, in memory, of one version of the registry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np

from energy.carriers import carrier
from energy.quantities import Derived
from energy.storage import Connection, load_queries
from energy.storage.binary import Layout
from energy.units import per_hour
from ingest.accounting.algebra.columns import Bools, Floats, Ints, Kind, Series

_SQL = load_queries("ingest.accounting.deriving", "points.sql")
_KINDS = {
    Derived.REGISTER: Kind.REGISTER,
    Derived.NET_REGISTER: Kind.NET_REGISTER,
    Derived.INTERVAL: Kind.INTERVAL,
    Derived.RATE: Kind.RATE,
}
_ROW = Layout(
    point="int4",
    unit="int4",
    kind="int2",
    quantum="float8",
    scale="float8",
    wrap="float8",
    max_rate="float8",
    resolution="float8",
    float32="bool",
    interval_s="int4",
    balanced="bool",
    checks="bool",
)


@dataclass(frozen=True, slots=True)
class Points:
    """Points by column, sorted by id. Some 80 bytes each: 200 MB for a nation.

    Attributes:
        version: of the registry.
        point, unit: ids of the points, and of the units that they belong to.
        kind, quantum, scale, wrap, max_rate, resolution, float32: as in `algebra.columns.Series`.
        interval_ms: how far apart readings are meant to lie.
        balanced: counts in a balance.
        checks: is of a check meter of another meter.
    """

    version: int
    point: Ints
    unit: Ints
    kind: Ints
    quantum: Floats
    scale: Floats
    wrap: Floats
    max_rate: Floats
    resolution: Floats
    float32: Bools
    interval_ms: Ints
    balanced: Bools
    checks: Bools

    def places(self, points: Ints) -> tuple[Ints, Bools]:
        """The index of each of `points`, and whether it is known: any index where not."""
        if not len(self.point):
            return np.zeros(len(points), np.int64), np.zeros(len(points), np.bool_)
        place = np.minimum(np.searchsorted(self.point, points), len(self.point) - 1)
        return place, self.point[place] == points

    def series(self, place: Ints, since: Ints, until: Ints, gap_intervals: float) -> Series:
        """The points at `place` as series of stretches; readings beyond `gap_intervals` intervals leave a gap."""
        interval = self.interval_ms[place]
        return Series(
            kind=self.kind[place],
            quantum=self.quantum[place],
            scale=self.scale[place],
            wrap=self.wrap[place],
            max_rate=self.max_rate[place],
            resolution=self.resolution[place],
            float32=self.float32[place],
            interval_ms=interval,
            gap_ms=np.rint(gap_intervals * interval).astype(np.int64),
            since=since,
            until=until,
        )


async def registry_version(connection: Connection) -> int:
    """The version of the registry as this transaction sees it."""
    return cast("int", await connection.fetchval(_SQL.version))


async def load_points(connection: Connection, only: Ints | None = None) -> Points:
    """All points that consumption is derived from, or `only` some; raises UnitError where a rate makes nothing."""
    version = await registry_version(connection)
    rates = await connection.fetch(_SQL.rates)
    units, keys = [row["unit"] for row in rates], [row["carrier"] for row in rates]
    scales = [float(per_hour(unit, carrier(key).unit)) for unit, key in zip(units, keys, strict=True)]
    chosen = None if only is None else np.unique(only).tolist()
    numbers = [int(kind) for kind in _KINDS.values()]
    columns = await _ROW.copy(connection, _SQL.load, units, keys, scales, list(_KINDS), numbers, chosen)
    interval = columns.pop("interval_s")
    return Points(version=version, interval_ms=interval * 1000, **columns)
