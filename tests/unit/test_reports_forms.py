"""Reports as CSV and as pictures: nothing that a spreadsheet would run, bars that stand where they belong."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from ingest.accounting.quality.evaluation import Criterion, Fault, Verdict
from ingest.accounting.reports.chart import HEIGHT, WIDTH, chart
from ingest.accounting.reports.forms import COLUMNS, as_csv, as_json
from ingest.accounting.reports.model import DayUse, JudgedCriterion, NamedCulprit
from ingest.accounting.reports.page import css_string, culprit, figure, moment
from ingest.accounting.reports.words import Language, Words

FIRST = date(2026, 10, 1)
USE = st.none() | st.decimals(min_value=-(10**6), max_value=10**6, places=3, allow_nan=False, allow_infinity=False)


@dataclass(frozen=True)
class Row:
    """A row of a report, as forms see it."""

    carrier: str
    unit: str
    consumed: Decimal | None
    tce: Decimal | None
    names: tuple[str, ...]
    partial: bool


@dataclass(frozen=True)
class Report:
    """A report with a section and a list."""

    made_at: datetime
    title: str
    carriers: tuple[Row, ...]


def rows_of(report: Any) -> list[list[str]]:
    """The lines of its CSV."""
    return list(csv.reader(io.StringIO(as_csv(report))))


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx", '=HYPERLINK("x")'])
def test_no_text_is_a_formula(text: str) -> None:
    """Whoever may name a unit must not run anything in a bureau's spreadsheet."""
    report = Report(datetime(2026, 11, 1, tzinfo=UTC), text, ())
    assert ["report", "", "title", f"'{text}", ""] in rows_of(report)


def test_a_table_has_a_line_per_figure_with_its_unit() -> None:
    """Negative numbers are numbers; what is not known is empty; lists and marks are words."""
    row = Row("steam", "t", Decimal("-560.500"), None, ("a", "b"), partial=True)
    found = rows_of(Report(datetime(2026, 11, 1, tzinfo=UTC), "October", (row,)))
    assert found == [
        list(COLUMNS),
        ["report", "", "made_at", "2026-11-01T00:00:00+00:00", ""],
        ["report", "", "title", "October", ""],
        ["carriers", "steam", "carrier", "steam", ""],
        ["carriers", "steam", "unit", "t", ""],
        ["carriers", "steam", "consumed", "-560.5", "t"],
        ["carriers", "steam", "tce", "", "tce"],
        ["carriers", "steam", "names", "a; b", ""],
        ["carriers", "steam", "partial", "yes", ""],
    ]


def test_json_has_decimals_as_plain_strings() -> None:
    """No exponent, no float."""
    row = Row("coal", "t", Decimal("1E+3"), Decimal("0.1000"), (), partial=False)
    text = as_json(Report(datetime(2026, 11, 1, tzinfo=UTC), "October", (row,)))  # type: ignore[arg-type] # any dataclass
    assert '"consumed": "1000"' in text
    assert '"tce": "0.1"' in text


def days(values: list[Decimal | None]) -> list[DayUse]:
    """Days from the first on."""
    return [
        DayUse(FIRST + timedelta(days=n), value, None, None, None if value is None else "measured", 1, partial=False)
        for n, value in enumerate(values)
    ]


@given(st.lists(USE, min_size=1, max_size=31))
def test_bars_stand_within_the_picture_and_in_proportion(values: list[Decimal | None]) -> None:
    """Side by side, from zero, as high as they are great; no bar for what is not known."""
    drawn = chart(days(values), 31)
    if all(value is None for value in values):
        assert drawn is None
        return
    assert drawn is not None
    top, bottom = drawn.lines[0].value, drawn.lines[-1].value
    for bar, value in zip(drawn.bars, values, strict=True):
        assert bar.x >= 0
        assert bar.x + bar.width <= WIDTH + 0.01
        assert bar.y >= -0.01
        assert bar.y + bar.height <= HEIGHT + 0.02
        assert (bar.kind == "none") == (value is None)
        if value is not None:
            assert bar.height == pytest.approx(abs(float(value / (top - bottom))) * HEIGHT, abs=0.02)
            assert (bar.y + bar.height if value >= 0 else bar.y) == pytest.approx(drawn.zero, abs=0.02)
    for one, other in zip(drawn.bars, drawn.bars[1:], strict=False):
        assert one.x + one.width < other.x


def test_suspect_and_missing_days_look_otherwise() -> None:
    """Estimated ones do not: coal between stock takings always is."""
    kinds = {}
    for quality in ("measured", "estimated", "substituted", "suspect", "missing"):
        drawn = chart([DayUse(FIRST, Decimal(1), None, None, quality, 1, partial=False)], 31)
        assert drawn is not None
        kinds[quality] = drawn.bars[0].kind
    assert {quality for quality, kind in kinds.items() if kind == "doubtful"} == {"suspect", "missing"}


def test_a_style_sheet_s_string_cannot_be_ended() -> None:
    """Whatever stands in it."""
    assert css_string('a"</style>') == Markup('"\\61 \\22 \\3c \\2f \\73 \\74 \\79 \\6c \\65 \\3e "')


def test_instants_are_told_by_the_clock_of_the_unit() -> None:
    """With the offset where the clock has changed since, so that no hour is told twice."""
    seen = datetime(2026, 11, 5, tzinfo=UTC)
    assert moment(datetime(2026, 10, 14, 2, tzinfo=UTC), "Asia/Shanghai", seen) == "2026-10-14 10:00"
    assert moment(datetime(2026, 7, 1, 2, tzinfo=UTC), "Europe/Berlin", seen) == "2026-07-01 04:00 UTC+02:00"
    assert moment(None, "Asia/Shanghai", seen) == "—"


def test_criteria_are_told_in_the_unit_that_they_are_spoken_of_in() -> None:
    """Shares as per cent, borders in hours, repair in working days; culprits likewise, in either language."""
    en, zh = Words(Language.EN), Words(Language.ZH)

    def of(criterion: Criterion) -> JudgedCriterion:
        return JudgedCriterion(criterion, Verdict.FAILED, None, Decimal(0), ())

    assert figure(of(Criterion.TRUST), Decimal("0.885"), en) == "88.5 %"
    assert figure(of(Criterion.MONTH_BORDER), Decimal(86_400), en) == "24 h"
    assert figure(of(Criterion.REPAIR), Decimal(4), zh) == "4 个工作日"
    assert culprit(NamedCulprit("E1", Fault.SILENT, Decimal(4)), en) == "E1 silent for 4 working days"
    assert culprit(NamedCulprit("E1", Fault.RECORDED_LATE, Decimal(5)), zh) == "E1 换表后逾期登记 5 个工作日"
    assert culprit(NamedCulprit("electricity", Fault.SHARE, Decimal("0.06")), zh) == "电力 6.0 %"
    assert culprit(NamedCulprit("E1", Fault.AWAY, Decimal(90_000)), en) == "E1 25 h"


def test_a_day_of_which_something_is_not_known_looks_like_it() -> None:
    """Electricity alone after the last taking of the coal's stock is no small day."""
    drawn = chart([DayUse(FIRST, Decimal(1), None, None, "measured", 1, partial=True)], 31)
    assert drawn is not None
    assert [bar.kind for bar in drawn.bars] == ["partial"]
