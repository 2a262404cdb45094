"""Alerts whose rule or subject is gone: nobody looks at them any more, so they must not fire for ever."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any, TypeAlias

import msgspec
import numpy as np

from alerts.evaluation.standing import SHIFT
from alerts.life.commands import withdraw
from alerts.life.evidence import Evidence
from alerts.life.model import Standing
from alerts.life.store import AlertKey, Outcome
from alerts.rules.model import Rule, Subject
from alerts.series.columns import among
from alerts.series.frame import Ids
from energy.storage import Connection, load_queries
from energy.storage.binary import Layout

_SQL = load_queries("alerts.evaluation", "evaluation.sql")
_OPEN = Layout(alert_id="int8", subject_id="int4", period="date", known="bool")
RuleOf: TypeAlias = tuple[Subject, str]
"""A kind of subject, and the code of a rule about it."""


def rules_of(rules: Iterable[Rule]) -> frozenset[RuleOf]:
    """What `withdrawn` is told of the rules that there are."""
    return frozenset((rule.subject, rule.code) for rule in rules)


async def withdrawn(
    connection: Connection, rules: Collection[RuleOf], looked_at: Mapping[Subject, Ids | None], now: datetime
) -> list[Outcome]:
    """What becomes of open alerts that nobody looks at any more.

    Args:
        connection: in a transaction; where quotas were looked at, in the one in which they were read.
        rules: all that there are.
        looked_at: the kinds of subjects that are meant, each with the `identities` of all that there are, quotas in
            each period that has an open alert: what is not there is gone, such as a period that its quota does not
            govern any more, or a meter that is no longer counted. None: who is gone is not known now.
        now: data time.
    """
    gone: list[int] = []
    for subject, of in looked_at.items():
        codes = [code for kind, code in rules if kind == subject]
        rows = await _OPEN.copy(connection, _SQL.open, subject, codes)
        there = rows["known"]
        if of is not None:
            # Units are looked at some at a time, and their meters have whatever numbers.
            there &= among(rows["subject_id"] * SHIFT + rows["period"], np.sort(of, kind="stable"))
        gone += rows["alert_id"][~there].tolist()
    if not gone:
        return []
    found = (_outcome(row, now) for row in await connection.fetch(_SQL.evidence, gone))
    return [one for one in found if one is not None]


def _outcome(row: Any, now: datetime) -> Outcome | None:
    """The evidence stays that of the last look, whatever version wrote it: there is no other any more."""
    standing, transition = withdraw(msgspec.json.decode(row["standing"], type=Standing), now)
    if transition is None:
        return None
    key = AlertKey(row["rule"], row["subject"], row["subject_id"], row["period_start"])
    return Outcome(key, row["unit_id"], row["revision"], standing, transition, _proof(row["evidence"]))


def _proof(evidence: str) -> Evidence | msgspec.Raw:
    try:
        return msgspec.json.decode(evidence, type=Evidence)
    except msgspec.DecodeError:
        return msgspec.Raw(evidence.encode())
