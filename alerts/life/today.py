"""What is known today of what an alert is about, beside what its evidence says."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np

from alerts.life.people import Listed
from alerts.series import meters, units
from alerts.series.frame import NEVER, Scope
from energy.storage import Connection, load_queries, translating

_SQL = load_queries("alerts.life", "people.sql")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Today(msgspec.Struct, frozen=True):
    """Figures by series, up to when their data speaks, and when they were found: of quotas at the last evaluation."""

    figures: dict[str, float | None]
    ready: datetime | None
    found_at: datetime


async def today(connection: Connection, alert: Listed, names: Iterable[str], now: datetime) -> Today | None:
    """What is known of an alert's subject; None of what is gone, and of a quota that no evaluation has judged since.

    Args:
        connection: where to look.
        alert: which.
        names: the series that are wanted; of a quota those that are kept.
        now: data time.

    Raises as `energy.storage.translating` says.
    """
    with translating():
        if alert.subject == "quota":
            return await _of_quota(connection, alert)
        if alert.unit_id is None:
            return None
        read = units.read if alert.subject == "unit" else meters.read
        frame = await read(connection, Scope(now, (alert.unit_id,)), frozenset(names))
    rows = np.flatnonzero(frame.ids == alert.subject_id)
    if not len(rows):
        return None
    row, ready = int(rows[0]), int(frame.at_us[rows[0]])
    figures = {name: None if np.isnan(column[row]) else float(column[row]) for name, column in frame.columns.items()}
    return Today(figures, None if ready == NEVER else _EPOCH + timedelta(microseconds=ready), now)


async def _of_quota(connection: Connection, alert: Listed) -> Today | None:
    row = await connection.fetchrow(_SQL.figures, alert.subject_id, alert.period_start)
    if row is None:
        return None
    figures = dict(row)
    return Today(ready=figures.pop("ready"), found_at=figures.pop("evaluated_at"), figures=figures)
