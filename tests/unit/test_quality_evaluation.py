"""The data-quality evaluation at its borders: what passes, what fails, and what may not be passed unseen."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from ingest.accounting.quality.evaluation import (
    Criterion,
    Judged,
    PointFacts,
    Replacement,
    Statement,
    UnitMonth,
    Verdict,
    evaluate,
)
from ingest.accounting.quality.rules import QualityRules

GATE = PointFacts("E1", "electricity", True, 1000, 950, 950, 30, 30, 20.0, 0)
BILL = Statement("electricity", Decimal(100), Decimal(98), "kWh")
SOUND = UnitMonth("U", "2026-10", (GATE,), (BILL,), ())


def _of(facts: UnitMonth, criterion: Criterion, rules: QualityRules | None = None) -> Judged:
    (found,) = (one for one in evaluate(facts, rules or QualityRules()).judged if one.criterion is criterion)
    return found


def test_a_sound_month_passes_every_criterion() -> None:
    """Each criterion is judged once, and the whole passes only with all of them."""
    whole = evaluate(SOUND, QualityRules())
    assert [one.criterion for one in whole.judged] == list(Criterion)
    assert {one.verdict for one in whole.judged} == {Verdict.PASSED} == {whole.verdict}


@pytest.mark.parametrize(
    ("measured", "verdict"), [(900, Verdict.PASSED), (899, Verdict.FAILED), (0, Verdict.FAILED), (1000, Verdict.PASSED)]
)
def test_completeness_is_at_least_nine_tenths(measured: int, verdict: Verdict) -> None:
    """Exactly 90 % is enough, a thousandth less is not."""
    facts = replace(SOUND, points=(replace(GATE, measured_s=measured),))
    found = _of(facts, Criterion.COMPLETENESS)
    assert (found.verdict, found.value) == (verdict, measured / 1000)
    assert bool(found.culprits) == (verdict is Verdict.FAILED)


def test_a_silent_meter_is_named_although_the_others_carry_the_whole() -> None:
    """The share goes over all meters; who is below the bound alone is named, the worst first."""
    others = tuple(replace(GATE, point=f"E{n}", measured_s=1000) for n in range(2, 22))
    silent = (replace(GATE, measured_s=0), replace(GATE, point="E0", measured_s=500))
    found = _of(replace(SOUND, points=others + silent), Criterion.COMPLETENESS)
    assert found.verdict is Verdict.PASSED
    assert found.culprits == ("E1 0.0%", "E0 50.0%")


@pytest.mark.parametrize(
    ("days", "verdict"),
    [("105", Verdict.PASSED), ("95", Verdict.PASSED), ("105.001", Verdict.FAILED), ("94.999", Verdict.FAILED)],
)
def test_days_agree_with_the_month_within_five_per_cent_of_the_statement(days: str, verdict: Verdict) -> None:
    """Both bounds belong to it."""
    assert _of(replace(SOUND, statements=(replace(BILL, days=Decimal(days)),)), Criterion.AGREEMENT).verdict is verdict


def test_a_statement_without_days_fails_and_no_statement_is_not_judged() -> None:
    """Nothing measured for a month that was billed is the greatest difference there is; no bill is no agreement."""
    missing = _of(replace(SOUND, statements=(BILL, replace(BILL, carrier="coke", days=None))), Criterion.AGREEMENT)
    assert (missing.verdict, missing.culprits) == (Verdict.FAILED, ("coke 100.0%",))
    assert _of(replace(SOUND, statements=()), Criterion.AGREEMENT).verdict is Verdict.NOT_JUDGED
    nothing = replace(BILL, stated=Decimal(0), days=None)
    assert _of(replace(SOUND, statements=(nothing,)), Criterion.AGREEMENT).verdict is Verdict.PASSED
    used = replace(BILL, stated=Decimal(0), days=Decimal(1))
    assert _of(replace(SOUND, statements=(used,)), Criterion.AGREEMENT).verdict is Verdict.FAILED


def test_no_data_is_never_passed() -> None:
    """A unit of which nothing is known is not judged, whatever the criterion."""
    whole = evaluate(UnitMonth("U", "2026-10"), QualityRules())
    assert {one.verdict for one in whole.judged} == {Verdict.NOT_JUDGED} == {whole.verdict}


def test_a_failed_criterion_outweighs_one_that_is_not_judged() -> None:
    """The worst counts."""
    facts = replace(SOUND, points=(replace(GATE, measured_s=1),), statements=())
    assert evaluate(facts, QualityRules()).verdict is Verdict.FAILED


def test_borders_of_days_and_months_are_those_of_gate_meters() -> None:
    """A sub-meter that is read late does no harm; a gate meter that is, does, and is named."""
    inner = replace(GATE, point="X", gate=False, days_in_time=0, month_border_s=9e9)
    assert evaluate(replace(SOUND, points=(GATE, inner)), QualityRules()).verdict is Verdict.PASSED
    late = replace(GATE, days_in_time=26, month_border_s=86_401.0)
    facts = replace(SOUND, points=(late,))
    assert _of(facts, Criterion.DAY_BORDER).culprits == ("E1 86.7%",)
    assert _of(facts, Criterion.MONTH_BORDER).verdict is Verdict.FAILED
    assert _of(replace(SOUND, points=(replace(late, month_border_s=86_400.0),)), Criterion.MONTH_BORDER).verdict is (
        Verdict.PASSED
    )


def test_a_fault_may_last_three_working_days_and_so_may_a_record() -> None:
    """The fourth is too much, for a silence as for a replacement that nobody wrote down."""
    assert (
        _of(replace(SOUND, points=(replace(GATE, silent_working_days=3),)), Criterion.REPAIR).verdict is Verdict.PASSED
    )
    silent = replace(SOUND, points=(replace(GATE, silent_working_days=4),))
    assert _of(silent, Criterion.REPAIR).culprits == ("E1 silent for 4 working days",)
    late = replace(SOUND, replacements=(Replacement("E1", 3), Replacement("E2", 5)))
    assert _of(late, Criterion.REPAIR).culprits == ("E2 replaced, recorded 5 working days later",)


def test_what_is_suspect_is_not_trusted() -> None:
    """Complete, and yet not to be relied upon."""
    facts = replace(SOUND, points=(replace(GATE, trusted_s=899),))
    assert _of(facts, Criterion.COMPLETENESS).verdict is Verdict.PASSED
    assert _of(facts, Criterion.TRUST).verdict is Verdict.FAILED


def test_a_deployment_may_ask_for_more() -> None:
    """Local schemes ask for 95 %."""
    facts = replace(SOUND, points=(replace(GATE, measured_s=949),))
    assert _of(facts, Criterion.COMPLETENESS, QualityRules(complete=0.95)).verdict is Verdict.FAILED
    assert _of(facts, Criterion.COMPLETENESS).verdict is Verdict.PASSED
