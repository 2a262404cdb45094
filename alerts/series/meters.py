"""The series of meters: whether they run, whether they deliver, and whether they agree with those below them."""

from __future__ import annotations

from datetime import datetime

import numpy as np

from alerts.rules.model import Subject
from alerts.series.catalogue import Series
from alerts.series.columns import group, instants, texts
from alerts.series.frame import NEVER, Floats, Frame, Ids, Scope
from energy.storage import Connection, load_queries

_METER: Subject = "meter"


def _series(name: str, unit: str, zh: str, en: str) -> Series:
    return Series(name, _METER, unit, zh, en)


FINDINGS = (
    _series(
        "suspect",
        "",
        "近两日有数据校验未通过,缺数除外(1是,0否)",
        "1 where a check other than of missing data failed on one of its points, today or yesterday",
    ),
    _series(
        "stuck",
        "",
        "表计停走:近两日校验发现,或昨日整日不动而下级表在动(1是,0否)",
        "1 where a check found it stuck today or yesterday, or it stood still yesterday while meters below it moved",
    ),
)
"""What checks of derived consumption found, today and yesterday. A register that stood still while its power said 5 kW:
stuck. Consumption above the greatest rate: suspect. Whether nothing was found is known where there was data within two
days. A float32 that shows no small steps is not stuck. every = "15m" and more.
"""
STILL = (
    _series(
        "still_d",
        "d",
        "本单位其他表计在动而该表读数不动的连续完整日数",
        "whole days in a row, up to the last one, on which it stood still while other meters of its unit moved",
    ),
)
"""A main meter shows 0 kWh on Tuesday, the meters below it 40 and 35: still_d is 1, and it is stuck. A machine's meter
shows 0 for three days while others of the unit move: still_d is 3, and it may be idle. every = "1h" and more.
"""
CHANGES = (
    _series("replaced", "", "近七日有换表记录(1是,0否)", "1 where a replacement is on record within seven days"),
    _series(
        "reset",
        "",
        "近七日表计读数归零或无故回落,且无换表记录(1是,0否)",
        "1 where its register restarted or fell within seven days, and no replacement on record says why",
    ),
)
"""Registers that are others than before. Replaced on record on the 3rd: replaced until the 10th. A register that falls
from 5 000 to 0 with no record of a replacement: reset, for seven days. every = "15m" and more.
"""
DELIVERY = (
    _series("lag_h", "h", "最近读数落后于时钟的小时数", "hours by which its latest reading lags behind the clock"),
    _series("missing", "", "从未上传数据(1是,0否)", "1 where it has never delivered"),
)
"""Likewise of the meter. Last reading 06:30, it is 10:00: lag_h is 3.5. Rules on it must have `for` 0; of missing it
runs by the clock. every = "15m"."""
COMPLETENESS = (
    _series(
        "completeness_day",
        "1",
        "最近一个完整日的数据完整率",
        "share of the last whole day that lies between readings, over its points",
    ),
)
"""Read from 00:00 to 18:00 of yesterday: 0.75. Not known while the day is still being rolled up. every = "1h"."""
BALANCE = (
    _series(
        "balance_gap",
        "1",
        "最近一个完整日总表读数减去下级表之和,占总表读数的比例",
        "last whole day: what it measured less what the meters below it measured, over what it measured",
    ),
)
"""100 kWh at the main meter, 40 and 40 at those below it: 0.2; 60 and 60: -0.2. Not known where any of them is not.
2 to 5 % are usual for electricity, 5 to 10 % for water, 10 % for steam [VEE]. every = "1h" and more.
"""
SERIES = (*FINDINGS, *STILL, *CHANGES, *DELIVERY, *COMPLETENESS, *BALANCE)
LABELS = ("meter", "unit", "unit_zh", "unit_en", "carrier", "level", "name_zh", "name_en", "district", "industry")
"""`name_zh` and `name_en` are the meter's, and may be empty; `unit_zh` and `unit_en` are its unit's."""

_SQL = load_queries("alerts.series", "meters.sql")
_BELOW = _series("below", "", "下级表在动", "1 where it stood still while meters below it moved")
_GROUPS = (
    (FINDINGS, FINDINGS, _SQL.findings),
    ((*FINDINGS, *STILL), (*STILL, _BELOW), _SQL.still),
    (CHANGES, CHANGES, _SQL.changes),
    (COMPLETENESS, COMPLETENESS, _SQL.completeness),
    (BALANCE, BALANCE, _SQL.balance),
)
"""Which series need which query, and what it gives."""
_HOUR_US = 3_600_000_000
_JUDGED_H = 48
"""Nothing was found of a meter only where there was something to judge, yesterday or today."""


async def read(connection: Connection, scope: Scope, names: frozenset[str]) -> Frame:
    """The series `names` of every meter in `scope`, and all labels; groups of which none is asked are not read.

    Meters from which no consumption is derived are left out. `at_us` is up to when the meter has delivered; of rules on
    lag_h `for` must be 0, since it stands still while that grows. What has never delivered has none: `for` of rules on
    missing runs by the clock.

    Raises as `energy.storage.translating` says, where the caller translates.
    """
    units = None if scope.units is None else list(scope.units)
    rows = [dict(row) for row in await connection.fetch(_SQL.meters, scope.now, units)]
    ids = np.array([row["meter_id"] for row in rows], np.int64)
    at = instants([row["at"] for row in rows])
    columns = _delivery(at, scope.now)
    for needed_by, series, query in _GROUPS:
        if names & {one.name for one in needed_by}:
            columns |= await group(connection, query, "meter_id", ids, series, scope.now, units)
    _complete(columns)
    return Frame(
        subject=_METER,
        ids=ids,
        periods=np.zeros(len(ids), np.int64),
        at_us=at,
        end_us=np.full(len(ids), NEVER),
        final=np.zeros(len(ids), np.bool_),
        columns={name: column for name, column in columns.items() if name in names},
        labels={name: texts(rows, "code" if name == "meter" else name) for name in LABELS},
    )


def _delivery(at: Ids, now: datetime) -> dict[str, Floats]:
    """Lag and missing out of up to when each meter has delivered."""
    never = at == NEVER
    lag = np.where(never, np.nan, (instants([now]) - np.where(never, 0, at)) / _HOUR_US)
    return {"lag_h": lag, "missing": never.astype(np.float64)}


def _complete(columns: dict[str, Floats]) -> None:
    """Say that nothing was found where something was judged, and what standing still adds to what checks found."""
    judged = columns["lag_h"] <= _JUDGED_H
    for one in FINDINGS:
        if one.name in columns:
            columns[one.name] = np.where(judged & np.isnan(columns[one.name]), 0.0, columns[one.name])
    if "stuck" in columns:
        columns["stuck"] = np.fmax(columns["stuck"], columns["below"])
