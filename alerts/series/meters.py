"""The series of meters: whether they run, whether they deliver, and whether they agree with those below them."""

from __future__ import annotations

from alerts.rules.model import Subject
from alerts.series.catalogue import Series
from alerts.series.frame import Frame, Scope
from energy.storage import Connection

_METER: Subject = "meter"


def _series(name: str, unit: str, zh: str, en: str) -> Series:
    return Series(name, _METER, unit, zh, en)


FINDINGS = (
    _series(
        "suspect",
        "",
        "近两日有数据校验未通过(1是,0否)",
        "1 where a check failed on one of its points, today or yesterday",
    ),
    _series(
        "stuck",
        "",
        "表计停走:校验发现,或单位在用能而整日读数不动(1是,0否)",
        "1 where a check found it stuck today or yesterday, or it stood still for a whole day while its unit worked",
    ),
)
STILL = (
    _series(
        "still_d",
        "d",
        "单位在用能而表计读数不动的连续完整日数",
        "whole days in a row, up to the last one, on which it stood still while its unit used the carrier",
    ),
)
CHANGES = (
    _series("replaced", "", "近七日有换表记录(1是,0否)", "1 where a replacement is on record within seven days"),
    _series(
        "reset",
        "",
        "近七日表计读数归零或无故回落,且无换表记录(1是,0否)",
        "1 where its register restarted or fell within seven days, and no replacement on record says why",
    ),
)
DATA = (
    _series("lag_h", "h", "最近读数落后于时钟的小时数", "hours by which its latest reading lags behind the clock"),
    _series("missing", "", "从未上传数据(1是,0否)", "1 where it has never delivered"),
    _series(
        "completeness_day",
        "1",
        "最近一个完整日的数据完整率",
        "share of the last whole day that lies between readings, over its points",
    ),
)
BALANCE = (
    _series(
        "balance_gap",
        "1",
        "最近一个完整日总表读数减去下级表之和,占总表读数的比例",
        "last whole day: what it measured less what the meters below it measured, over what it measured",
    ),
)
SERIES = (*FINDINGS, *STILL, *CHANGES, *DATA, *BALANCE)
LABELS = ("meter", "unit", "carrier", "level", "name_zh", "name_en", "district", "industry")


async def read(connection: Connection, scope: Scope, names: frozenset[str]) -> Frame:
    """The series `names` of every meter in `scope`, and all labels; groups of which none is asked are not read."""
    raise NotImplementedError
