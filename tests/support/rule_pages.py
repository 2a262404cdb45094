"""The pages on quotas and rules, and one quota in one period as the engine sees it."""

from __future__ import annotations

import ast
import math
import operator
import re
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
import pytest

from alerts.projecting.model import Courses
from alerts.quotas.bands import DEFAULT_BANDS
from alerts.quotas.model import MIN_ELAPSED, QuotaPeriod
from alerts.series.frame import NEVER, Scope
from alerts.series.quota_book import book_of
from alerts.series.quota_course import no_courses, projecting
from alerts.series.quota_periods import Due, due
from alerts.series.quota_use import Use
from alerts.series.quotas import QuotaFrame, frame
from tests.support.accounting_pages import code, tables_of

DOCS = Path(__file__).parents[2] / "docs"
ZONE = "Asia/Shanghai"
STALE_S = 6 * 3600.0
_MICRO = 1_000_000


def pages(name: str) -> dict[str, Path]:
    """Both languages of a page."""
    return {"en": DOCS / f"{name}.md", "zh": DOCS / f"{name}.zh.md"}


def both(name: str) -> pytest.MarkDecorator:
    """A test for each of them, given as `page`."""
    found = pages(name)
    return pytest.mark.parametrize("page", found.values(), ids=found)


def moment(text: str) -> datetime:
    """`2026-03-07 04:48` by the clock of Shanghai."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(ZONE)).astimezone(UTC)


def one_quota(  # noqa: PLR0913 - what a page says of a quota, by keyword
    used: float,
    limit: float,
    ready: datetime | None,
    now: datetime,
    *,
    first: date = date(2026, 3, 1),
    period: QuotaPeriod = "month",
    measure: str = "tce",
    unit: str = "tce",
    profile: Mapping[str, Any] | None = None,
    complete: bool = True,
    unmetered: int = 0,
    courses: Courses | None = None,
) -> QuotaFrame:
    """The frame of one quota in the period that begins on `first`, as `alerts.series.quotas` makes it."""
    row = dict.fromkeys(("product", "standard", "standard_level", "key", "district", "industry"), "") | {
        "quota_id": 1, "unit_id": 1, "limit_value": limit, "valid_from": date(2026, 1, 1), "valid_to": None,
        "min_elapsed": MIN_ELAPSED[period], "version": 1, "bands": msgspec.json.encode(DEFAULT_BANDS).decode(),
        "zone": ZONE, "period": period, "statistics_day": 1, "subject_kind": "unit", "kind": "quota",
        "profile": msgspec.json.encode(profile or {"kind": "even"}).decode(), "source": "", "unit": "example-001",
        "name_zh": "示例企业", "name_en": "Example Works", "quota": "q-1", "measure": measure, "limit_unit": unit,
    }  # fmt: skip
    book = book_of((1, 1), [row])
    wanted = due(book, Scope(now, None, 1, ((1, first),)))
    starts = [(date.fromordinal(day + date(1970, 1, 1).toordinal())) for day in wanted.column("first").tolist()]
    this = [starts.index(first)]
    rows = Due(wanted.rows[this], wanted.stretch[this], wanted.stretches)
    at = NEVER if ready is None else int(ready.timestamp()) * _MICRO
    one = np.ones(1)
    found = Use(one * used, np.array([at]), np.array([complete]), one * unmetered, one, one * 0, one * 0, one < 0)
    known = courses or no_courses()
    course = np.array([-1 if courses is None else 0])
    return frame(book, rows, found, now, stale_s=STALE_S, projecting=projecting(book, known, course))


def shown(figure: float) -> str:
    """A figure as the pages write it: at most nine decimals, – for what is not known."""
    return "–" if math.isnan(figure) else f"{figure:.9f}".rstrip("0").rstrip(".")


_OPERATORS: dict[type[ast.AST], Callable[..., float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.USub: operator.neg,
}
_FUNCTIONS: dict[str, Callable[..., float]] = {
    "exp": math.exp,
    "median": lambda *values: median(values),
    "max": max,
    "min": min,
}


def worked(formula: str) -> tuple[str, float, str]:
    """Of `name = arithmetic = result`, or `name = result`: the name, what the arithmetic comes to, the result.

    The result is with its sign, `=` (to nine decimals) or `≈` (as far as it is written).
    """
    name, arithmetic, *rest = re.split(" (?=[=≈] )", formula)
    result = rest[0] if rest else arithmetic
    return name, _value(ast.parse(arithmetic[2:], mode="eval").body), result


def agrees(figure: float, result: str) -> bool:
    """Whether a figure is a result with its sign, see `worked`."""
    sign, written = result.split()
    decimals = 9 if sign == "=" else len(written.partition(".")[2])
    return math.isclose(round(figure, decimals), float(written), rel_tol=0, abs_tol=10 ** -(decimals + 2))


def value_of(result: str) -> float:
    """A result without its sign."""
    return float(result.split()[1])


def numbers(text: str) -> Counter[str]:
    """The numbers in a text, and how often each stands there."""
    return Counter(re.findall(r"\d+(?:\.\d+)?", text))


def arithmetic_of(cell: str) -> str:
    """The arithmetic of all formulas of a cell, without their results."""
    return " ".join(re.split(" [=≈] ", formula)[1] for formula in code(cell))


def _value(part: ast.expr) -> float:
    match part:
        case ast.Constant(value=int() | float() as value):
            return float(value)
        case ast.UnaryOp(op, operand):
            return _OPERATORS[type(op)](_value(operand))
        case ast.BinOp(left, op, right):
            return _OPERATORS[type(op)](_value(left), _value(right))
        case ast.Call(ast.Name(name), arguments):
            return _FUNCTIONS[name](*map(_value, arguments))
    raise AssertionError(ast.dump(part))


def same_but_for_words(name: str) -> None:
    """Both languages of a page have the same tables; code, and cells of figures alone, are the same."""
    english, chinese = (tables_of(page) for page in pages(name).values())
    assert [len(one) for one in english] == [len(one) for one in chinese]
    for one, other in zip(english, chinese, strict=True):
        for row, same in zip(one, other, strict=True):
            assert [code(cell) for cell in row] == [code(cell) for cell in same]
            figures = [(cell, twin) for cell, twin in zip(row, same, strict=True) if not re.search(r"[A-Za-z`]", cell)]
            assert [cell for cell, _ in figures] == [twin for _, twin in figures]
