"""What if a unit used less from a day on: how its quotas would end, beside how they are expected to end. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

import msgspec
import numpy as np

from alerts.projecting.calendars import day_number, day_of
from alerts.projecting.methods import by_day, deviation
from alerts.projecting.project import DIGITS, Foresight
from alerts.series.frame import Floats


class Change(msgspec.Struct, frozen=True):
    """What changes.

    Attributes:
        since: from the beginning of this local day on; from now on where it has begun.
        cut: by which share use falls, 0 to 1.
        less: or by how much a day, in the base unit of the carrier, or of the quota where no carrier is named; never
            below 0.
        carrier: whose; empty for all use.
    """

    since: date
    cut: float = 0.0
    less: float = 0.0
    carrier: str = ""


class Part(msgspec.Struct, frozen=True):
    """What the changed carrier is of a quota's measure, by the last four weeks.

    Attributes:
        share: of the measure.
        per_unit: of the measure, per base unit of the carrier.
    """

    share: float = 1.0
    per_unit: float = 1.0


class End(msgspec.Struct, frozen=True):
    """How a period ends, in the quota's unit of measure.

    Attributes:
        projected, low, high: expected value and its 80 % interval; None where it is not known.
        share: of the limit.
        exhausted_on: local day on which the limit is reached; None where it is not within the period, or already was.
    """

    projected: float | None
    low: float | None
    high: float | None
    share: float | None
    exhausted_on: date | None


class Outcome(msgspec.Struct, frozen=True):
    """One quota in its present period.

    Attributes:
        quota, measure, limit_unit, period: whose.
        starts, ends: first and last local day.
        used, limit: in limit_unit; used is None where nothing is known of the period yet.
        method: of the projection; empty where nothing can be said.
        before, after: without and with the change.
        needed_cut: which share of the changed use must go from that day on to end just within the limit: 0 where it
            does so anyway, above 1 where not even stopping would do, None where nothing can be said, or where none of
            the use that is still to come would change.
    """

    quota: str
    measure: str
    limit_unit: str
    period: str
    starts: date
    ends: date
    used: float | None
    limit: float
    method: str
    before: End
    after: End
    needed_cut: float | None


class Names(msgspec.Struct, frozen=True):
    """What a quota is called."""

    quota: str
    measure: str
    limit_unit: str
    period: str


def part_of(carriers: Mapping[str, Mapping[str, float]], measure: str, change: Change) -> Part:
    """What the changed carrier is of a measure.

    Args:
        carriers: per carrier its `amount`, and `tce`, `tce_equal`, `tco2` of it, over the same days.
        measure: of the quota.
        change: names the carrier, or none.
    """
    if not change.carrier or measure == change.carrier:
        return Part()
    name = measure.removeprefix("assessed_")
    one = carriers[change.carrier]
    if name not in one:
        return Part(0.0, 0.0)  # another carrier's quota
    total = sum(each[name] for each in carriers.values())
    return Part(_over(one[name], total), _over(one[name], one["amount"]))


def outcome(seen: Foresight, row: int, names: Names, part: Part, change: Change) -> Outcome:
    """What the change makes of one quota: day by day through what is left of its period."""
    watched = seen.basis.watched
    used, limit = float(watched.used[row]), float(watched.limit[row])
    first, until = int(watched.first_day[row]), int(watched.until_day[row])
    days = by_day(seen.basis, seen.ahead, row) if seen.says[row] else np.full(1, np.nan)
    begun = int(seen.basis.left.day[row])
    fractions = np.ones(len(days))
    fractions[0] = seen.basis.left.rest[row]
    changed = np.arange(begun, begun + len(days)) >= day_number(change.since)
    mine = np.where(changed, np.maximum(days, 0.0) * part.share, 0.0)
    saved = mine * change.cut + np.minimum(mine * (1 - change.cut), change.less * part.per_unit * fractions * changed)
    off = float(deviation(seen.basis, seen.ahead)[row])
    over = used + days.sum() - limit
    return Outcome(
        quota=names.quota,
        measure=names.measure,
        limit_unit=names.limit_unit,
        period=names.period,
        starts=day_of(first),
        ends=day_of(until - 1),
        used=_known(used),
        limit=limit,
        method=str(seen.method[row]),
        before=_end(used, limit, days, off, begun),
        after=_end(used, limit, days - saved, off * _over(float((days - saved).sum()), float(days.sum())), begun),
        needed_cut=_needed(float(over), float(mine.sum())),
    )


def _end(used: float, limit: float, days: Floats, off: float, begun: int) -> End:
    projected = used + float(days.sum())
    reached = np.flatnonzero(np.round((used + days.cumsum()) / limit, DIGITS) > 1)
    within = used <= limit and len(reached) > 0
    return End(
        projected=_known(projected),
        low=_known(max(used, projected - off)),
        high=_known(projected + off),
        share=_known(projected / limit),
        exhausted_on=day_of(begun) + timedelta(days=int(reached[0])) if within else None,
    )


def _needed(over: float, mine: float) -> float | None:
    if np.isnan(over):
        return None
    if over <= 0:
        return 0.0
    return over / mine if mine > 0 else None


def _over(above: float, below: float) -> float:
    return above / below if below > 0 else 0.0


def _known(value: float) -> float | None:
    return None if np.isnan(value) else value
