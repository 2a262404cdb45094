"""Quotas as CSV: one row a quota, columns in either language, every fault with line and column. Pure."""

from __future__ import annotations

import csv
import io
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from alerts.quotas.bands import Band
from alerts.quotas.given import Given, Place
from alerts.quotas.model import Group, Quotas, QuotaSpec
from alerts.quotas.tables import Tables
from alerts.quotas.toml_files import inline, plain
from alerts.quotas.words import COLOURS, PROFILES, SEVERITIES, chinese_of, word_of
from energy.errors import Fault, RejectedError
from energy.product_quotas import ProductQuota
from energy.records import Bounds, Column, RecordError, exact, read_rows
from energy.words import day_of

_MOST = 1 << 16
COLUMNS = (
    Column(("code", "限额编号"), required=True),
    Column(("subject", "对象类别")),
    Column(("key", "对象", "用能单位"), required=True),
    Column(("units", "成员单位"), most_characters=_MOST),
    Column(("kind", "类型")),
    Column(("measure", "指标"), required=True),
    Column(("product", "产品")),
    Column(("period", "周期"), required=True),
    Column(("limit", "限额值")),
    Column(("limit_unit", "计量单位")),
    Column(("area_m2", "建筑面积")),
    Column(("standard", "限额标准")),
    Column(("level", "等级")),
    Column(("valid_from", "起始日期"), required=True),
    Column(("valid_to", "截止日期")),
    Column(("source", "依据")),
    Column(("bands", "预警档")),
    Column(("profile", "进度曲线"), most_characters=_MOST),
    Column(("min_elapsed", "起判比例")),
)
"""The file's columns: the fields of `QuotaSpec`, and `units`: the members of a group, in one row of it at least."""
BOUNDS = Bounds(bytes=64 << 20, rows=200_000)
"""Room for five quotas of every key unit of the nation, and their groups."""
NO_BANDS = "none"
_SEPARATORS = re.compile(r"[\s;；,，、]+")
_WORD = re.compile(r"\w+\Z")


def read_csv(content: bytes, source: str, standards: tuple[ProductQuota, ...]) -> Given:
    """The quotas of a CSV file; `source` names it in faults, `standards` say limits by level."""
    tables = Tables(standards)
    try:
        rows = read_rows(content, source, COLUMNS, BOUNDS)
    except RecordError as error:
        tables.add(error.faults)
        return tables.given()
    members: dict[str, tuple[list[str], Place]] = {}
    for row in rows:
        place = Place(source, row.line)
        tables.add(row.faults)
        if row.faults:
            continue
        raw, faults = _raw(row.cells, place)
        tables.add(faults)
        units = raw.pop("units", None)
        if units is not None and raw.get("subject") != "group":
            tables.add([place.fault("units", "only a group has members: leave it empty")])
        elif units is not None:
            first, where = members.setdefault(raw["key"], (units, place))
            if first != units:
                tables.add([place.fault("units", f"group {raw['key']!r} has other members at {where}")])
        if faults:
            tables.add(_further(raw, faults, place, standards))
        else:
            tables.quota(raw, place)
    for code, (units, place) in members.items():
        tables.group({"code": code, "units": units}, place)
    return tables.given()


def write_csv(quotas: Quotas, *, chinese: bool = False) -> str:
    """The quotas as CSV, with a byte order mark, by which spreadsheets know UTF-8.

    Args:
        quotas: what to write.
        chinese: head the columns, and say what has a word of its own, in Chinese.

    Raises:
        RejectedError: a group for which no quota is set has no row to stand in.
    """
    members = {group.code: group for group in quotas.group}
    named = [spec.key for spec in quotas.quota if spec.subject == "group"]
    if lost := [code for code in members if code not in named]:
        raise RejectedError(
            f"no quota is set for the groups {', '.join(lost)}, so that they have no row in a CSV file",
            advice="Write TOML.",
        )
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow([column.names[1 if chinese else 0] for column in COLUMNS])
    for spec in quotas.quota:
        cells = dict(_cells(spec, members, chinese_of if chinese else lambda _, text: text))
        writer.writerow([cells.get(column.names[0], "") for column in COLUMNS])
    return "\ufeff" + file.getvalue()


def _raw(cells: Mapping[str, str], place: Place) -> tuple[dict[str, Any], list[Fault]]:
    """The values that the cells write, and what is wrong with these."""
    raw: dict[str, Any] = {}
    faults = []
    for name, text in cells.items():
        try:
            raw[name] = _READ.get(name, word_of(name))(text)
        except ValueError as error:
            faults.append(place.fault(name, str(error)))
    return raw, faults


def _further(
    raw: Mapping[str, Any], faults: Sequence[Fault], place: Place, standards: tuple[ProductQuota, ...]
) -> list[Fault]:
    """What is wrong with the other cells of a row of which some could not be read."""
    rest = Tables(standards)
    rest.quota(raw, place)
    named = {fault.path for fault in faults}
    return [fault for fault in rest.faults if fault.path not in named]


def _number(text: str) -> float:
    try:
        return float(Decimal(text[:-1]) / 100) if text.endswith(("%", "％")) else float(text)
    except (ArithmeticError, ValueError):
        raise ValueError(f"{text!r}: a number such as 0.25, or 25%, expected") from None


def _bands(text: str) -> list[dict[str, Any]]:
    """Such as `80% notice blue; 90% attention yellow`, or none at all."""
    if text in {NO_BANDS, "无"}:
        return []
    bands = []
    for part in filter(None, (one.strip() for one in re.split("[;；]", text))):
        words = part.split()
        if len(words) != len(("share", "severity", "colour")):
            raise ValueError(
                f"{part!r}: share, severity and colour expected, such as 80% notice blue, with ; between bands"
            )
        share, severity, colour = words
        bands.append(
            {
                "share": _number(share),
                "severity": SEVERITIES.get(severity, severity),
                "colour": COLOURS.get(colour, colour),
            }
        )
    return bands


def _profile(text: str) -> dict[str, Any]:
    """The name of a profile, or a table as TOML writes it within a line."""
    if _WORD.match(text):
        return {"kind": PROFILES.get(text, text)}
    try:
        table = tomllib.loads(f"profile = {text}")
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ValueError(f'{{ kind = "working_days", rest = 0.3 }} or its like expected: {error}') from None
    profile = table["profile"]
    if len(table) != 1 or not isinstance(profile, dict):
        raise ValueError('the name of a profile, or a table such as { kind = "working_days", rest = 0.3 }, expected')
    return profile


_READ: dict[str, Callable[[str], Any]] = {
    "units": lambda text: [code for code in _SEPARATORS.split(text) if code],
    "limit": lambda text: str(exact(text)),
    "area_m2": lambda text: str(exact(text)),
    "valid_from": day_of,
    "valid_to": day_of,
    "bands": _bands,
    "profile": _profile,
    "min_elapsed": _number,
}


def _cells(spec: QuotaSpec, members: dict[str, Group], word: Callable[[str, str], str]) -> Iterator[tuple[str, str]]:
    for name, value in ({"subject": spec.subject, "kind": spec.kind} | plain(spec)).items():
        match name:
            case "limit" | "area_m2":
                yield name, format(value, "f")
            case "bands":
                yield name, "; ".join(_band_cell(band, word) for band in spec.bands) or NO_BANDS
            case "profile":
                yield name, inline(value) if len(value) > 1 else word(name, value["kind"])
            case "min_elapsed":
                yield name, repr(value)
            case _:
                yield name, word(name, str(value))
    if spec.subject == "group" and (group := members.pop(spec.key, None)) is not None:
        yield "units", " ".join(group.units)


def _band_cell(band: Band, word: Callable[[str, str], str]) -> str:
    return f"{band.share!r} {word('severity', band.severity)} {word('colour', band.colour)}"
