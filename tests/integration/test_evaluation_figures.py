"""Figures as boards read them: every column of every row is what the evaluation found."""

from __future__ import annotations

import math
from datetime import date, datetime, timedelta
from typing import Any

from alerts.evaluation.figures import Figures, instant
from alerts.evaluation.step import Engine, Wanted
from alerts.evaluation.verdicts import COLOURS, SEVERITIES, VERDICTS
from alerts.projecting.methods import METHODS
from alerts.quotas.store import apply_quotas
from alerts.series.known import catalogue
from energy.storage import Connection
from tests.support.quota_world import FIRST_DAY, add_units, at, day_quota, quota, use

QUOTAS = [
    ("busy", day_quota("day", "24")),
    ("busy", quota("month", limit="1000")),
    ("idle", quota("idle-month", limit="1000")),
    ("silent", day_quota("silent-day", "24")),
]
_TEXTS = {"verdict": VERDICTS, "severity": SEVERITIES, "colour": COLOURS, "method": ("", *METHODS)}
_TIMES, _NAMES = {"exhausted_at", "ready"}, {"limit": "limit_value"}


async def test_every_column_of_figures_stands_as_it_was_found(undone: Connection) -> None:
    """Of rows that are new, that changed, and of which nothing is known; what stays as it was is not written again."""
    await add_units(undone, ["busy", "idle", "silent"])
    await apply_quotas(undone, QUOTAS)
    await use(undone, "idle", "1", at(12))
    for before in (FIRST_DAY - timedelta(days=number) for number in range(1, 29)):
        await use(undone, "busy", f"{20 + before.day % 5}", at(24, before), day=before)
    engine = Engine((), catalogue(), stale_s=6 * 3600)
    written, known = set[tuple[str, datetime]](), set[str]()
    for day, hours in ((0, 8.0), (0, 12.0), (1, 24.0), (2, 24.0)):
        then = at(hours, FIRST_DAY + timedelta(days=day))
        await use(undone, "busy", f"{10 + 8 * day + hours}", then, day=FIRST_DAY + timedelta(days=day))
        found = (await engine.evaluate(undone, then, Wanted(3))).quotas
        rows = await undone.fetch("select f.*, code from quota_figure f join quota using (quota_id) order by 1, 2")
        assert [{name: row[_NAMES.get(name, name)] for name in found.columns} for row in rows] == _rows(found)
        known |= {name for row in _rows(found) for name, value in row.items() if value not in {None, ""}}
        written |= {(row["code"], row["evaluated_at"]) for row in rows if row["period_start"] == FIRST_DAY}
    times = [code for code, _ in written]
    assert known >= {"projected_low", "projected_high", "exhausted_at", "pace", "quality", "method"}
    assert (times.count("month"), times.count("silent-day")) == (4, 1)


def _rows(found: Figures) -> list[dict[str, Any]]:
    columns = {name: [_value(name, value) for value in column.tolist()] for name, column in found.columns.items()}
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _value(name: str, value: Any) -> Any:
    if name in _TEXTS:
        return _TEXTS[name][value]
    if name in _TIMES:
        return instant(value)
    if name == "period_start":
        return date(1970, 1, 1) + timedelta(days=value)
    return None if isinstance(value, float) and math.isnan(value) else value
