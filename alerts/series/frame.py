"""Named series of many subjects at one moment, as columns: what readers give and rules are judged on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from alerts.rules.model import Subject

Floats: TypeAlias = NDArray[np.float64]
"""One value per subject; NaN is "not known", which is neither true nor false in any comparison."""
Ids: TypeAlias = NDArray[np.int64]
NEVER = np.iinfo(np.int64).min
"""In `at_us` and the bounds of periods: none."""


@runtime_checkable
class Coded(Protocol):
    """Labels that know their distinct texts: thousands of rows need not be asked one by one."""

    def where(self, name: str, accepts: Callable[[str], bool]) -> NDArray[np.bool_]:
        """Rows whose label `name` is accepted."""


@dataclass(frozen=True)
class Frame:
    """What is known of `n` subjects of one kind; every column has n entries.

    Attributes:
        subject: the kind.
        ids: quota_id, unit_id or meter_id.
        periods: days since 1970-01-01 of the period's first local day (of quotas; else 0): with `ids` the subject's
            identity.
        at_us: up to when the data speaks, microseconds since 1970 UTC, at most the end of the period; NEVER without
            data.
        end_us: end of the period; NEVER where there is none.
        final: the period is over and all of its data is in.
        columns: the series by name.
        labels: text columns by name (unit, district, industry, quota, measure, …), object arrays.
    """

    subject: Subject
    ids: Ids
    periods: Ids
    at_us: Ids
    end_us: Ids
    final: NDArray[np.bool_]
    columns: Mapping[str, Floats]
    labels: Mapping[str, NDArray[np.object_]] = field(default_factory=dict)


@dataclass(frozen=True)
class Scope:
    """What to read.

    Attributes:
        now: data time of the evaluation; nothing later may be looked at.
        units: unit ids whose subjects are wanted; None for all.
        recent_days: periods are wanted that touch these last days.
        also: (id, first day of the period) of subjects that are wanted whatever the days, because their alert has not
            ended.
    """

    now: datetime
    units: tuple[int, ...] | None = None
    recent_days: int = 2
    also: tuple[tuple[int, date], ...] = ()
