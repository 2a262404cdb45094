"""Alerts whose rule or quota is gone: nobody looks at them any more, so they must not fire for ever."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

import msgspec

from alerts.life import store
from alerts.life.commands import withdraw
from alerts.life.evidence import Evidence
from alerts.life.store import Known, Outcome
from alerts.rules.model import Subject
from energy.storage import Connection, load_queries

_SQL = load_queries("alerts.evaluation", "evaluation.sql")
_SUBJECTS: tuple[Subject, ...] = ("quota", "unit", "meter")


async def withdrawn(
    connection: Connection, rules: Sequence[str], quotas: Sequence[int], now: datetime
) -> list[Outcome]:
    """What becomes of open alerts of rules and quotas that are not among these."""
    known_rules, known_quotas = set(rules), set(quotas)
    gone = [
        one
        for subject in _SUBJECTS
        for one in await store.read_standings(connection, subject, since=date.max)
        if one.key.rule not in known_rules or (subject == "quota" and one.key.subject_id not in known_quotas)
    ]
    if not gone:
        return []
    rows = await connection.fetch(_SQL.evidence, [one.alert_id for one in gone])
    proofs = {row["alert_id"]: row for row in rows if row["evidence"] != "{}"}
    found = (
        _outcome(one, proofs[one.alert_id]["evidence"], proofs[one.alert_id]["unit_id"], now)
        for one in gone
        if one.alert_id in proofs
    )
    return [one for one in found if one is not None]


def _outcome(known: Known, evidence: str, unit_id: int | None, now: datetime) -> Outcome | None:
    """The evidence stays that of the last look: there is no other any more."""
    standing, transition = withdraw(known.standing, now)
    if transition is None:
        return None
    proof = msgspec.json.decode(evidence, type=Evidence)
    return Outcome(known.key, unit_id, known.revision, standing, transition, proof)
