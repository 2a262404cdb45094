"""Stored evidence judges itself as it was judged; maintenance windows cover what they say, and no more."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from alerts.life.evidence import Evidence, named, rejudge
from alerts.life.model import Condition, Reason
from alerts.life.windows import Place, Window, covering
from alerts.life.words import over
from tests.support.alert_rows import BREACH, as_said, at, evidence

FIGURES = st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=True))
PACE = replace(BREACH, when="elapsed >= 0.1 and pace > 1", clear="pace < 0.97")


def plainly(elapsed: float | None, pace: float | None) -> Condition:
    """The conditions of PACE in Python, by hand."""
    finite = [None if figure is None or figure - figure != 0 else figure for figure in (elapsed, pace)]
    started, fast = (None if figure is None else test for figure, test in zip(
        finite, (finite[0] is not None and finite[0] >= 0.1, finite[1] is not None and finite[1] > 1), strict=True
    ))  # fmt: skip
    if started is False or fast is False:
        return Condition.CLEAR if finite[1] is not None and finite[1] < 0.97 else Condition.HELD
    return Condition.UNKNOWN if started is None or fast is None else Condition.RAISED


@given(elapsed=FIGURES, pace=FIGURES)
def test_evidence_gives_its_condition_after_years_in_the_database(elapsed: float | None, pace: float | None) -> None:
    """Whatever the figures: as JSON and back, not known (which JSON has for NaN) or beyond all bounds."""
    stored = replace(evidence(1.0, at(1), plainly(elapsed, pace), PACE), figures={"elapsed": elapsed, "pace": pace})
    back = msgspec.json.decode(msgspec.json.encode(stored), type=Evidence)
    assert rejudge(stored) is rejudge(back) is stored.condition
    assert named(back) == {"elapsed", "pace"}


@pytest.mark.parametrize(
    ("where", "says"),
    [
        ({"unit": ("u-1",), "industry": ("3*",)}, Condition.RAISED),
        ({"quota": ("u-1.month",), "carrier": ("electricity",)}, Condition.RAISED),
        ({"district": ("6104*",)}, Condition.CLEAR),
        ({"product": ("steel",)}, Condition.CLEAR),
    ],
)
def test_evidence_of_what_a_rule_is_no_longer_about_says_clear(
    where: dict[str, tuple[str, ...]], says: Condition
) -> None:
    """As it was stored when the rule was narrowed and its alert ended, whatever the figures are."""
    stored = evidence(103.0, at(1), says, replace(BREACH, where=where))
    stored = replace(stored, subject=replace(stored.subject, labels={"carrier": "electricity"}))
    assert rejudge(stored) is stored.condition


def test_the_number_of_a_band_is_nothing_that_people_read() -> None:
    """Of a band that was taken back they read what is used; of a meter whatever the rule names."""
    share = replace(BREACH, when="band >= 1 and elapsed_share < 1", severity="band")
    before = evidence(85.0, at(1), Condition.RAISED, share)
    now = replace(evidence(79.0, at(2), Condition.CLEAR, share), previous=as_said(before))
    figures = {"used": 79.0, "limit": 100.0, "band": 0.0, "elapsed_share": 0.5}
    assert over(replace(now, figures=figures), Reason.CLEARED, "en") == (
        "Fictional Titanium, u-1.month (from 2026-03-01): The condition has cleared; said before: used 85 tce, "
        "limit 100 tce; now: used 79 tce, limit 100 tce"
    )
    meter = replace(now.subject, kind="meter", code="m-1", name_zh="主表")
    silent = replace(now, subject=meter, rule=replace(share, when="lag_h > 24"), figures={"lag_h": 1.5, "missing": 0.0})
    silent = replace(silent, quota=None, period_start=None, previous=None)
    assert over(silent, Reason.CLEARED, "zh") == "主表，m-1：情况已解除"


def test_of_a_forecast_people_read_what_is_expected_and_the_limit() -> None:
    """Not how much of the period had passed, nor a low end that nobody ever knew; great amounts to the unit."""
    course = replace(BREACH, when="elapsed_share >= min_elapsed and coalesce(projected_low, projected) > limit")
    said = {"limit": 1040000.0, "elapsed_share": 0.974492, "min_elapsed": 0.25, "projected": 1234567.4}
    before = replace(evidence(1.0, at(1), Condition.RAISED, course), figures={**said, "projected_low": None})
    figures = {**said, "projected": 999999.0, "projected_low": None}
    now = replace(evidence(1.0, at(2), Condition.CLEAR, course), figures=figures)
    now = replace(now, previous=as_said(before))
    assert over(now, Reason.CLEARED, "en").endswith(
        "; said before: projected 1234567 tce, limit 1040000 tce; now: projected 999999 tce, limit 1040000 tce"
    )
    assert over(now, Reason.CORRECTED, "zh").endswith(
        "并未发生；此前：预计 1234567 tce，限额 1040000 tce；现为：预计 999999 tce，限额 1040000 tce"
    )


@pytest.mark.parametrize(("when", "ends"), [
    ("lag_h > 6", "；此前：滞后小时 7.5；现为：滞后小时 1.5"), ("stuck", "情况已解除"),
])  # fmt: skip
def test_of_units_and_meters_people_read_words(when: str, ends: str) -> None:
    """And no flag that is 0 now."""
    rule = replace(BREACH, subject="meter", when=when)
    before = replace(evidence(1.0, at(1), Condition.RAISED, rule), figures={"lag_h": 7.5, "stuck": 1.0})
    now = replace(evidence(1.0, at(2), Condition.CLEAR, rule), figures={"lag_h": 1.5, "stuck": 0.0}, quota=None)
    assert over(replace(now, previous=as_said(before)), Reason.CLEARED, "zh").endswith(ends)


def test_said_before_is_the_evidence_of_before() -> None:
    """With the versions by which it was judged."""
    before = evidence(103.0, at(1), Condition.RAISED)
    stored = replace(evidence(99.0, at(2), Condition.CLEAR), previous=as_said(before))
    back = msgspec.json.decode(msgspec.json.encode(stored), type=Evidence)
    assert back.previous is not None
    told = back.previous
    assert (told.figures["used"], told.now, told.rule_version, told.quota_version) == (103.0, at(1), "1a2b3c", 2)


@pytest.mark.parametrize(
    ("window", "covers"),
    [
        (("all", None), True),
        (("unit", "u-1"), True),
        (("unit", "u-10"), False),
        (("unit", ""), False),
        (("district", "61"), True),
        (("district", "610303"), True),
        (("district", "6104"), False),
        (("industry", "32"), True),
        (("industry", "3"), True),
        (("industry", "31"), False),
    ],
)
def test_a_window_covers_a_unit_its_district_or_its_industry(window: tuple[str, str | None], *, covers: bool) -> None:
    """The first digits stand for all that begin so; a quota of a group has no unit that could be meant."""
    made = Window(*window, at(0), at(2), "Wu", "overhaul")  # type: ignore[arg-type]  # one of the words
    place = Place("quota_pace", "u-1", "610303", "32")
    assert bool(covering([made], place, at(1))) is covers
    assert not covering([made], replace(place, unit="", district="", industry=""), at(1)) or window[0] == "all"


def test_a_window_begins_ends_and_is_ended_and_may_be_of_one_rule() -> None:
    """Its end does not belong to it; ended before it began it never was."""
    window = Window("all", None, at(1), at(3), "Wu", "overhaul")
    place = Place("quota_pace")
    tick = timedelta(microseconds=1)
    moments = (at(1) - tick, at(1), at(3) - tick, at(3))
    assert [bool(covering([window], place, now)) for now in moments] == [False, True, True, False]
    ended = replace(window, ended_at=at(2))
    assert [bool(covering([ended], place, now)) for now in (at(2) - tick, at(2))] == [True, False]
    assert not covering([replace(window, ended_at=at(0))], place, at(1))
    assert replace(window, ended_at=at(9)).end == at(3)
    ruled = replace(window, rule="quota_breach")
    assert covering([ruled, window], place, at(1)) == (window,)
