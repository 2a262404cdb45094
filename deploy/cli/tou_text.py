"""Time-of-use tables as text for a terminal. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from deploy.cli.columns import columns
from deploy.cli.terminal import saying
from energy.periods import DEFAULT_ZONE

if TYPE_CHECKING:
    from alerts.rules.messages import Language
    from alerts.time_of_use.model import Table
    from alerts.time_of_use.store import Kept

_TABLES: Mapping[Language, tuple[str, ...]] = {
    "en": ("REGION", "VOLTAGE", "FROM", "ROWS", "SOURCE"),
    "zh": ("地区", "电压等级", "起始日期", "行数", "依据"),
}
_KEPT: Mapping[Language, tuple[str, ...]] = {
    "en": ("REGION", "VOLTAGE", "FROM", "ROWS", "AUTHOR", "REPLACED", "SOURCE"),
    "zh": ("地区", "电压等级", "起始日期", "行数", "登记人", "替换时间", "依据"),
}


def table_lines(tables: Sequence[Table], language: Language, width: int | None) -> Iterator[str]:
    """A line for each table of a file, below headings; `width` is the terminal's, None for no terminal."""
    rows = [_TABLES[language]]
    for one in tables:
        voltage = _voltage(one.voltage, language)
        rows.append((one.region, voltage, f"{one.valid_from}", str(len(one.periods)), one.source))
    return columns(rows, {3}, width)


def kept_lines(kept: Sequence[Kept], language: Language, width: int | None) -> Iterator[str]:
    """A line for each table of the database, likewise; times are of Shanghai."""
    rows = [_KEPT[language]]
    for one in kept:
        voltage, count = _voltage(one.voltage, language), str(len(one.periods))
        replaced = f"{one.replaced_at.astimezone(ZoneInfo(DEFAULT_ZONE)):%Y-%m-%d %H:%M}" if one.replaced_at else "-"
        rows.append((one.region, voltage, f"{one.valid_from}", count, one.author, replaced, one.source))
    return columns(rows, {3}, width)


def _voltage(voltage: str, language: Language) -> str:
    """That of units whose voltage nobody has recorded is named none."""
    return voltage or saying(language)("任意", "any")
