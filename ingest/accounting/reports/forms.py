"""Reports for programs: JSON with every digit, and one long CSV table. Pure.

Numbers are exact: in JSON decimals are strings, in CSV plain decimals; what is not known is null, or an empty cell.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import msgspec

from ingest.accounting.reports.district import DistrictReport
from ingest.accounting.reports.figures import plain
from ingest.accounting.reports.unit import UnitReport

COLUMNS = ("section", "item", "figure", "value", "unit")
"""Of the CSV table."""
_NAMED_BY = ("carrier", "product", "quota", "criterion", "number", "key", "day")
_UNITS = {
    **dict.fromkeys(
        ("purchased", "renewable", "produced", "sold", "stock_decrease", "consumed", "feedstock", "amount", "output"),
        "{unit}",
    ),
    **dict.fromkeys(("limit", "used", "projected"), "{limit_unit}"),
    "kgce_per_output": "kgce/{unit}",
    "kgce_equal_per_output": "kgce/{unit}",
    "kwh_per_output": "kWh/{unit}",
    "tce_per_value": "tce/10^4 yuan",
    "tce_equal_per_value": "tce/10^4 yuan",
    "output_value": "10^4 yuan",
    "certificate_mwh": "MWh",
    "kgce": "kgce",
    "kgce_equal": "kgce",
    "kwh": "kWh",
    "hours": "h",
    "tco2": "tCO2",
}
"""Units of measure of figures; names in braces are columns of the same row."""
_OF_SECTION = {
    "factors": {"kgce": "kgce/{unit}", "kgce_equal": "kgce/{unit}", "kgco2": "kgCO2/{unit}"},
    "products": {"levels": "{quota_unit}", "value": "{quota_unit}"},
}
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_NAMES = {
    "points": ("point",),
    "units": ("unit",),
    "findings": ("point", "check"),
    "factors": ("carrier", "valid_from"),
}
"""What tells the rows of a section apart; of others the first of `_NAMED_BY` that they have."""


def as_json(report: UnitReport | DistrictReport) -> str:
    """The whole report, indented; fields as the classes name them."""
    return msgspec.json.format(msgspec.json.encode(_built(report)), indent=2).decode()


def as_csv(report: UnitReport | DistrictReport) -> str:
    """Each figure in a line of its own: section, which item of it, name of the figure, value, unit of measure."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(_lines("report", msgspec.to_builtins(report, builtin_types=(Decimal, date, datetime))))
    return out.getvalue()


def _built(report: object) -> Any:
    return _plain(msgspec.to_builtins(report, builtin_types=(Decimal,)))


def _plain(value: Any) -> Any:
    match value:
        case Decimal():
            return plain(value)
        case dict():
            return {name: _plain(one) for name, one in value.items()}
        case list() | tuple():
            return [_plain(one) for one in value]
        case _:
            return value


def _lines(section: str, report: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """Of a mapping first what stands in it itself, then its sections, whatever their depth."""
    for name, value in report.items():
        if not _nested(value):
            yield (section, "", name, _cell(value), _unit_of(section, name, report))
    for name, value in report.items():
        if isinstance(value, Mapping):
            yield from _lines(name, value)
        elif _nested(value):
            for row in value:
                item = _item(name, row)
                for figure, one in row.items():
                    yield (name, item, figure, _cell(one), _unit_of(name, figure, row))


def _nested(value: Any) -> bool:
    return isinstance(value, Mapping) or (
        isinstance(value, Sequence) and not isinstance(value, str) and any(isinstance(one, Mapping) for one in value)
    )


def _item(section: str, row: Mapping[str, Any]) -> str:
    names = _NAMES.get(section) or next(((name,) for name in _NAMED_BY if name in row), ())
    return " ".join(_cell(row[name]) for name in names).strip()


def _cell(value: Any) -> str:
    """A value as a spreadsheet takes it for what it is: no text is a formula."""
    match value:
        case None:
            text = ""
        case bool():
            text = "yes" if value else "no"
        case Decimal():
            text = plain(value)
        case date():
            text = value.isoformat()
        case Mapping():
            text = "; ".join(f"{name} {_cell(one)}" for name, one in value.items())
        case list() | tuple():
            text = "; ".join(_cell(one) for one in value)
        case _:
            text = f"'{value}" if str(value).startswith(_FORMULA) else str(value)
    return text


def _unit_of(section: str, figure: str, row: Mapping[str, Any]) -> str:
    """Unit of measure of a figure, where it has one."""
    found = _OF_SECTION.get(section, {}).get(figure) or _UNITS.get(figure)
    if found is None:
        found = "tce" if "tce" in figure.split("_") else ""
    return found.format_map({name: one or "" for name, one in row.items()}) if "{" in found else found
