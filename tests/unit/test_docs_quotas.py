"""The page on quotas in both languages: its words are the code's, and its verdicts the engine's."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import get_args
from zoneinfo import ZoneInfo

import msgspec
import numpy as np

from alerts.evaluation.verdicts import COLOURS, VERDICTS, marks, verdicts
from alerts.quotas.bands import DEFAULT_BANDS
from alerts.quotas.files import read_quotas
from alerts.quotas.measures import LEVELS, base_unit, measures
from alerts.quotas.model import MIN_ELAPSED, QuotaFields, QuotaSubject
from alerts.quotas.profile import Even, LastYear, Plan, Shifts, WorkingDays
from alerts.series.frame import NEVER
from alerts.series.quota_sums import Carriers, Sums
from alerts.series.quota_use import Members, use
from alerts.series.quotas import QuotaFrame
from alerts.verdicts import EXCEEDED, ON_COURSE, UNKNOWN, Verdict
from energy.carriers import carriers
from tests.support.accounting_pages import Cells, code, table
from tests.support.quota_world import ZONE
from tests.support.rule_pages import agrees, both, moment, numbers, one_quota, same_but_for_words, shown, worked

BOTH = both("quotas")
LIMIT = 310.0
NONE = np.zeros(0, np.int64)
FIGURES = ("elapsed_share", "used_share", "pace", "projected")


def test_both_pages_have_the_same_tables_and_figures() -> None:
    """What differs are words."""
    same_but_for_words("quotas")


def first(page: Path, mark: str) -> list[str]:
    """All code in the first column of a table."""
    return [one for row in table(page, mark) for one in code(row[0])]


@BOTH
def test_the_words_of_quotas_are_those_of_the_code(page: Path) -> None:
    """Each field, subject, measure, period, profile and verdict, and no other."""
    assert sorted(first(page, "fields")) == sorted(QuotaFields.__struct_fields__)
    assert first(page, "subjects") == list(get_args(QuotaSubject))
    shapes = [Even, LastYear, WorkingDays, Shifts, Plan]
    assert first(page, "profiles") == [msgspec.inspect.type_info(shape).tag for shape in shapes]  # type: ignore[attr-defined] # a structure's info has it
    weights = [[str(WorkingDays().rest), str(WorkingDays().holiday)], [str(msgspec.structs.fields(Shifts)[1].default)]]
    assert [sorted(set(numbers(row[1])) - {"1"}, reverse=True) for row in table(page, "profiles")[2:4]] == weights
    assert {row[0]: row[1] for row in table(page, "periods")} == {
        f"`{period}`": f"{share:g}" for period, share in MIN_ELAPSED.items()
    }
    assert sorted(first(page, "verdicts")) == sorted(Verdict)


@BOTH
def test_measures_are_those_of_the_code(page: Path) -> None:
    """With their units, and whether they add up."""
    seen = set()
    for row in table(page, "measures"):
        for measure in code(row[0]):
            seen.add(measure)
            assert (row[3] in {"no", "否"}) == (measure in LEVELS), measure
            unit = base_unit(measure, "t")
            assert unit in row[1] or measure in carriers() or unit.partition("/")[0] in row[1], measure
    assert set(measures()) - set(carriers()) < seen


@BOTH
def test_bands_and_marks_are_those_of_the_code(page: Path) -> None:
    """What stands where a quota says nothing."""
    bands = [(float(row[0]), code(row[1])[0], code(row[2])[0]) for row in table(page, "bands")]
    assert bands == [(band.share, band.severity, band.colour) for band in DEFAULT_BANDS]
    said = {code(row[0])[0]: code(row[2]) for row in table(page, "verdicts")}
    for verdict, mark in (("exceeded", EXCEEDED), ("stale", UNKNOWN), ("on_course", ON_COURSE)):
        assert said[verdict] == [mark.severity, mark.colour]


@BOTH
def test_verdicts_are_as_by_hand(page: Path) -> None:
    """Each figure of each row, by the code that the service runs."""
    for row in table(page, "by hand"):
        assert [*_figures(row), *_verdict(row)] == row[2:6] + [code(cell)[0] for cell in row[6:8]], row


@BOTH
def test_days_before_a_meter_came_are_as_by_hand(page: Path) -> None:
    """What is missing, what was before, and the verdict, by the code that sums up what was used."""
    at, first = moment("2026-03-21 00:00"), date(2026, 3, 1)
    for since, metered, filled, *says in table(page, "metering"):
        seen = one_quota(62, LIMIT, at, at)
        known = None if since == "–" else date.fromisoformat(since)
        sums = {("month", first.toordinal()): _sums(int(metered), int(filled))}
        found = use(seen.book, Members(NONE, NONE), seen.due, _gas(at, known), sums, 0)
        ready = at if known else None
        complete, unmetered = bool(found.complete[0]), int(found.unmetered_days[0])
        verdict = verdicts(one_quota(62, LIMIT, ready, at, complete=complete, unmetered=unmetered))
        assert [str(int(not complete)), str(unmetered), VERDICTS[verdict[0]]] == [*says[:2], *code(says[2])], since


def _gas(at: datetime, since: date | None) -> Carriers:
    """The gas of one unit, metered since that day, or never yet; complete up to a local midnight."""
    epoch = date(1970, 1, 1)
    one, ready = np.ones(1, np.int64), np.array([int(at.timestamp()) * 1_000_000 if since else NEVER])
    through = one * ((at.astimezone(ZoneInfo(ZONE)).date() - epoch).days - 1 if since else NEVER)
    begun = one * ((since - epoch).days if since else NEVER)
    return Carriers(("natural_gas",), one * 4097, one, one, one > 0, ready, through, begun, (NONE, NONE, NONE))


def _sums(metered: int, filled: int) -> Sums:
    one = np.ones(1, np.int64)
    return Sums({"kgce": np.ones(1)}, one * 0, one < 0, one * (metered + filled), one * metered, one, one)


@BOTH
def test_a_profile_says_what_is_due(page: Path) -> None:
    """The formulas are right, and the engine's figures are theirs."""
    for used, ready, by_hand in table(page, "by profile"):
        at = moment(ready)
        frame = one_quota(float(used), LIMIT, at, at, profile={"kind": "working_days"})
        for name, value, result in map(worked, code(by_hand)):
            assert agrees(value, result), name
            assert agrees(frame.columns[name][0], result), name


@BOTH
def test_quotas_of_the_page_can_be_set(page: Path) -> None:
    """The whole one, and the profile beside it."""
    whole, profile = re.findall(r"```toml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    for text in (whole, re.sub(r"^profile = .*$", profile.strip(), whole, flags=re.MULTILINE)):
        given = read_quotas(text.encode(), "page.toml", None)
        assert (len(given.quotas), list(given.faults)) == (1, [])


def _frame(row: Cells) -> QuotaFrame:
    """Seen when the data was complete, or so many minutes later; without data whenever."""
    used, *rest = row[0].split()
    ready, _, later = row[1].partition(" + ")
    at = None if ready == "–" else moment(ready)
    now = (at or moment("2026-03-07 05:00")) + timedelta(minutes=float(later or 0))
    unmetered = int(rest[1]) if len(rest) > 1 else 0
    return one_quota(float(used), LIMIT, at, now, complete=not rest or unmetered > 0, unmetered=unmetered)


def _figures(row: Cells) -> list[str]:
    """Ratios to nine decimals, amounts to six."""
    columns = _frame(row).columns
    *ratios, projected = (float(columns[name][0]) for name in FIGURES)
    return [*map(shown, ratios), shown(round(projected, 6))]


def _verdict(row: Cells) -> list[str]:
    frame = _frame(row)
    verdict = verdicts(frame)
    return [VERDICTS[verdict[0]], COLOURS[marks(frame, verdict)[1][0]]]
