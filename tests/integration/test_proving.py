"""Evidence of many alerts that change at once: each is of its own row, whoever else changes."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

import pytest

from alerts.evaluation import proving
from alerts.evaluation.looking import Change, changes
from alerts.evaluation.memory import Memory
from alerts.evaluation.standing import Standings
from alerts.evaluation.step import Engine, Wanted
from alerts.life.evidence import Evidence, rejudge
from alerts.quotas.given import given_by_hand
from alerts.quotas.model import Group
from alerts.quotas.store import take
from alerts.rules.files import load_rules
from alerts.rules.judging import Judge
from alerts.series import quotas
from alerts.series.frame import Scope
from alerts.series.known import catalogue
from energy.storage import Connection
from tests.support.quota_world import FIRST_DAY, add_units, at, day_quota, quota, use

RULES = [rule for rule in load_rules([], catalogue()) if rule.subject == "quota"]
STALE_S = 6 * 3600
QUOTAS = [
    day_quota("d1", "10").of_unit("u1"),
    day_quota("d2", "9", source="another document").of_unit("u2"),
    day_quota("e1", "60000", "electricity", "kWh").of_unit("u1"),
    day_quota("u3-silent", "5").of_unit("u3"),
    quota("m2", limit="12").of_unit("u2"),
    day_quota("both", "20", subject="group", key="both"),
]


@pytest.fixture
async def moved(undone: Connection) -> Connection:
    """Two units and their group, of which at 9 o'clock some quotas break, at 10 others, and one is corrected."""
    await add_units(undone, ["u1", "u2", "u3"], ["electricity", "natural_gas"])
    await take(undone, given_by_hand(QUOTAS, [Group("both", ("u1", "u2"))]), author="Li", now=at(0))
    await _use(undone, {"u1": ("9", "3"), "u2": ("4", "1")}, at(9))
    await Engine(RULES, catalogue(), stale_s=STALE_S).evaluate(undone, at(9), Wanted(2))
    await _use(undone, {"u1": ("5", "2"), "u2": ("9", "4.5")}, at(10))
    return undone


async def _use(connection: Connection, tce: dict[str, tuple[str, str]], ready: datetime) -> None:
    for unit, amounts in tce.items():
        for carrier, amount in zip(("electricity", "natural_gas"), amounts, strict=True):
            await use(connection, unit, amount, ready, carrier=carrier)


async def _changes(connection: Connection, now: datetime) -> list[Change]:
    known, _ = await Memory().renew(connection, now, {})
    frame = await quotas.read(
        connection, known.book, known.members, Scope(now), stale_s=STALE_S, projecting=known.projecting
    )
    starts = [FIRST_DAY, FIRST_DAY - timedelta(days=1)]
    standing = await Standings().read(connection, starts, None)
    return list(changes([Judge(rule, catalogue()) for rule in RULES], frame, standing, (), now))


async def test_evidence_of_all_at_once_is_that_of_each_alone(moved: Connection) -> None:
    """Figures, labels, parts, factors, electricity and what was said before are nobody else's."""
    found = await _changes(moved, at(10))
    together = await proving.outcomes(moved, found, at(10))
    alone = [(await proving.outcomes(moved, [one], at(10)))[0] for one in found]
    assert together == alone
    backwards = await proving.outcomes(moved, found[::-1], at(10))
    assert backwards == alone[::-1]
    proofs = [one.evidence for one in together if isinstance(one.evidence, Evidence)]
    assert {proof.subject.code for proof in proofs} >= {"d1", "d2", "e1", "m2", "both"}
    assert max(Counter(proof.subject.code for proof in proofs).values()) > 1
    assert {proof.condition for proof in proofs} >= {"raised", "clear"}
    assert [proof for proof in proofs if rejudge(proof) is not proof.condition] == []


async def test_evidence_names_what_is_its_quotas_own(moved: Connection) -> None:
    """By hand: the breach of one unit, of its month, and of the group, and a correction of another unit."""
    found = await proving.outcomes(moved, await _changes(moved, at(10)), at(10))
    breaches = {
        one.evidence.subject.code: one.evidence
        for one in found
        if isinstance(one.evidence, Evidence) and one.evidence.rule.code == "breach"
    }
    assert {
        code: (proof.figures["used"], [part.value for part in proof.parts]) for code, proof in breaches.items()
    } == {
        "d1": (7, [5, 2]),
        "e1": (pytest.approx(5000 / 0.1229), [pytest.approx(5000 / 0.1229)]),
        "d2": (13.5, [9, 4.5]),
        "m2": (13.5, [9, 4.5]),
        "both": (20.5, [14, 6.5]),
    }
    kept = breaches["d1"]
    assert kept.previous is not None
    assert (kept.previous.figures["used"], kept.electricity_kwh) == (12, None)
    assert breaches["d2"].electricity_kwh == pytest.approx(9000 / 0.1229)
    assert breaches["both"].electricity_kwh is None
    assert breaches["both"].factors == ()
    assert [proof.quota.source for proof in breaches.values() if proof.quota].count("another document") == 1
    assert {code: proof.subject.unit for code, proof in breaches.items()} == {
        "d1": "u1", "e1": "u1", "d2": "u2", "m2": "u2", "both": "",
    }  # fmt: skip


async def test_nothing_that_changed_needs_no_evidence(undone: Connection) -> None:
    """Nor a question to the database."""
    assert await proving.outcomes(undone, [], at(0)) == []
