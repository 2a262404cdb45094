"""Alerts whose rule or subject is gone: nobody looks at them any more, so they must not fire for ever."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime
from typing import TypeAlias

import msgspec
import numpy as np

from alerts.evaluation.looking import identities, identity
from alerts.life import store
from alerts.life.commands import withdraw
from alerts.life.evidence import Evidence
from alerts.life.store import Known, Outcome
from alerts.rules.model import Subject
from alerts.series.frame import Frame
from energy.storage import Connection, load_queries

_SQL = load_queries("alerts.evaluation", "evaluation.sql")
RuleOf: TypeAlias = tuple[Subject, str]
"""A kind of subject, and the code of a rule about it."""
_SUBJECTS: tuple[Subject, ...] = ("quota", "unit", "meter")


async def withdrawn(
    connection: Connection, rules: Collection[RuleOf], frames: Iterable[Frame], now: datetime
) -> list[Outcome]:
    """What becomes of open alerts that nobody looks at any more.

    Args:
        connection: in the transaction in which the frames were read.
        rules: all that there are.
        frames: all subjects of some kinds, quotas in each period that has an open alert: what is not there is gone,
            such as a period that its quota does not govern any more, or a meter that is no longer counted.
        now: data time.
    """
    looked_at = {frame.subject: frame for frame in frames}
    gone = [
        one
        for subject in _SUBJECTS
        for one in _not_in(
            looked_at.get(subject), rules, await store.read_standings(connection, subject, since=date.max)
        )
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


def _not_in(frame: Frame | None, rules: Collection[RuleOf], known: Sequence[Known]) -> list[Known]:
    if frame is None:
        there = np.ones(len(known), np.bool_)
    else:
        there = np.isin(np.array([identity(one.key) for one in known], np.int64), identities(frame))
    return [
        one
        for one, is_there in zip(known, there.tolist(), strict=True)
        if not is_there or (one.key.subject, one.key.rule) not in rules
    ]


def _outcome(known: Known, evidence: str, unit_id: int | None, now: datetime) -> Outcome | None:
    """The evidence stays that of the last look: there is no other any more."""
    standing, transition = withdraw(known.standing, now)
    if transition is None:
        return None
    proof = msgspec.json.decode(evidence, type=Evidence)
    return Outcome(known.key, unit_id, known.revision, standing, transition, proof)
