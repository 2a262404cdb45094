"""What docs/projection.md says of the methods, on a sample of its back-test: which is better, not by how much."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from alerts.projecting.model import Courses
from alerts.projecting.project import project
from benchmarks.projection_data import meters
from benchmarks.projection_methods import ALL, AT, HEADINGS, KINDS, SURE, Score, figures, scores
from energy.periods import day_start, period_of
from tests.support.projecting import watch

PAGES = [Path(__file__).parents[2] / "docs" / name for name in ("projection.md", "projection.zh.md")]
FALSE_110 = HEADINGS.index("at 110 %")
INSIDE = HEADINGS.index("in 80 %")
FLAPS = HEADINGS.index("flaps")


@pytest.fixture(scope="module")
def found() -> dict[tuple[str, str], Score]:
    """Quarters of two of the meters."""
    some = [meter for meter in meters() if not meter.name.endswith("b")]
    return scores("quarter", some, ("even_pace", "last_year_pace", "like_days", "mixture", SURE))


def row(found: dict[tuple[str, str], Score], method: str) -> tuple[float, ...]:
    """The table's row: the mean of the meters."""
    rows = [figures(one) for (_, name), one in found.items() if name == method]
    return tuple(np.mean(rows, axis=0).tolist())


def test_the_mixture_is_nearer_than_paces_and_like_days_alone(found: dict[tuple[str, str], Score]) -> None:
    """On the mean of the looks after a quarter, half and three quarters."""
    errors = {
        name: sum(row(found, name)[: len(AT)]) for name in ("even_pace", "last_year_pace", "like_days", "mixture")
    }
    assert min(errors, key=errors.__getitem__) == "mixture"
    assert errors["mixture"] < 0.8 * errors["even_pace"]


def test_the_interval_holds_about_eight_in_ten(found: dict[tuple[str, str], Score]) -> None:
    """Not far fewer, which would be dishonest, and not all, which would say nothing."""
    assert 70 <= row(found, "mixture")[INSIDE] <= 95


def test_the_low_end_of_the_interval_makes_fewer_false_alarms(found: dict[tuple[str, str], Score]) -> None:
    """Of quotas that held at 110 %, with less coming and going, and still weeks before the breach."""
    sure, bare = row(found, SURE), row(found, "mixture")
    assert sure[FALSE_110] < bare[FALSE_110] / 2
    assert sure[FLAPS] < bare[FLAPS]
    assert sure[HEADINGS.index("missed")] == 0
    assert sure[HEADINGS.index("days of warning")] > 21


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pages_have_a_row_for_every_method_and_kind(page: Path) -> None:
    """With as many figures as there are headings."""
    lines = [line.split("|")[1:-1] for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    rows = [cells for cells in lines if len(cells) == 1 + len(HEADINGS)]
    assert sorted(cells[0].strip(" `") for cells in rows) == sorted(list(ALL) * len(KINDS))
    figures_of = [[float(cell) if cell.strip() else np.nan for cell in cells[1:]] for cells in rows]
    assert np.isfinite(np.array(figures_of)[:, :-1]).all()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_example_of_the_pages_is_what_the_code_says(page: Path) -> None:
    """460 of 900 tce at the middle of March, worked out by hand there."""
    march = period_of(day_start(date(2026, 3, 1)), "month")
    year = np.tile([28.0, 18.0, 0.0], 12)[None]
    level = (20 * 30 + 8 * 20) / 28
    courses = Courses(np.array([[30.0, 20.0, 0.0]]), np.array([level]), np.array([3.0]), year, np.array([1.08]))
    quota = watch(march, [day_start(date(2026, 3, 16))], [460.0], 900.0, course=0)
    text = page.read_text(encoding="utf-8")
    methods = {"mixture": "893.5", "last_year": "424.3", "like_days": "440", "pace": "950.7"}
    for method, shown in methods.items():
        end = project(quota, courses, (method,)).projected[0]
        rest = end - (460 if method in {"last_year", "like_days"} else 0)
        assert round(rest, 1) == float(shown)
        assert shown in text
    said = project(quota, courses)
    assert [round(float(one), 1) for one in (said.low[0], said.high[0])] == [858.2, 928.8]
    assert "858.2" in text
    assert "928.8" in text
