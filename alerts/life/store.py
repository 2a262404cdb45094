"""What the evaluation reads and keeps of alerts; all SQL stands in `sql/life.sql`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import msgspec

from alerts.life.evidence import Evidence, Said
from alerts.life.model import ACTIVE, AlertState, Condition, Standing, Transition
from alerts.rules.model import Subject
from energy.storage import Connection, load_queries, translating

SQL = load_queries("alerts.life", "life.sql")


_ENCODER = msgspec.json.Encoder()
_FIGURES = msgspec.json.Decoder(dict[str, float | None])


class AlertKey(msgspec.Struct, frozen=True):
    """What an alert is known by; `period_start` is None where there is no period."""

    rule: str
    subject: Subject
    subject_id: int
    period_start: date | None = None


class Known(msgspec.Struct, frozen=True):
    """An alert as it was read; `revision` says which writing of it."""

    alert_id: int
    key: AlertKey
    standing: Standing
    revision: int


class Outcome(msgspec.Struct, frozen=True):
    """What one look came to, where something changed.

    Attributes:
        key, unit_id: which alert, and of which unit; None for quotas of groups.
        revision: of the alert that was read; 0 where there was none.
        standing, transition: from the state machine.
        evidence: of the transition; None without one. As it is stored where it stays what it was, whatever version
            wrote it.
    """

    key: AlertKey
    unit_id: int | None
    revision: int
    standing: Standing
    transition: Transition | None = None
    evidence: Evidence | msgspec.Raw | None = None

    def __post_init__(self) -> None:
        if (self.transition is None) != (self.evidence is None):
            raise ValueError("a transition has evidence, and nothing else has")


async def read_standings(
    connection: Connection, subject: Subject, *, since: date, ids: Sequence[int] | None = None
) -> list[Known]:
    """Alerts that the next look concerns: open ones, those of periods from `since` on, and those without a period.

    Args:
        connection: in the transaction of the evaluation, or before it.
        subject: kind of their subjects.
        since: first day of the earliest period that is looked at.
        ids: of these subjects only.
    """
    with translating():
        rows = await connection.fetch(SQL.standings, subject, since, None if ids is None else list(ids))
    return [
        Known(
            row["alert_id"],
            AlertKey(row["rule"], subject, row["subject_id"], row["period_start"]),
            msgspec.json.decode(row["standing"], type=Standing),
            row["revision"],
        )
        for row in rows
    ]


async def read_said(connection: Connection, alert_ids: Sequence[int]) -> dict[int, Said]:
    """What was said at the last transition of each alert: what the next evidence calls `previous`."""
    if not alert_ids:
        return {}
    with translating():
        rows = await connection.fetch(SQL.said, list(alert_ids))
    return {
        row["alert_id"]: Said(
            state=AlertState(row["state"]),
            condition=Condition(row["condition"]),
            now=row["now"],
            figures=_FIGURES.decode(row["figures"]),
            rule_version=row["rule_version"],
            quota_version=row["quota_version"],
        )
        for row in rows
    }


async def keep(connection: Connection, outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Write what changed, alerts and transitions, in one transaction, and wake delivery when it must know.

    The same ones again change nothing. It belongs into the transaction of the evaluation.

    Returns:
        Outcomes that were not written, because a person (or another instance) has written the alert since it was read:
        their subjects have to be looked at again.
    """
    if not outcomes:
        return []
    with translating():
        async with connection.transaction():
            # In one order, lest two that write the same alerts wait for each other.
            ordered = sorted(outcomes, key=lambda one: _place(one.key))
            rows = await connection.fetch(SQL.keep, *map(list, zip(*map(_row, ordered), strict=True)))
            number = {AlertKey(*key): alert_id for alert_id, *key in rows}
            moves = [
                (number[one.key], one.transition.from_state, one.transition.reason, one.transition.at)
                for one in ordered
                if one.transition is not None and one.key in number
            ]
            if moves:
                await connection.execute(SQL.keep_moves, *map(list, zip(*moves, strict=True)))
            if any(_concerns_delivery(one) for one in outcomes if one.key in number):
                await connection.execute(SQL.tell)
    return [one for one in outcomes if one.key not in number]


def _place(key: AlertKey) -> tuple[str, str, int, date]:
    return key.rule, key.subject, key.subject_id, key.period_start or date.min


def _concerns_delivery(one: Outcome) -> bool:
    move = one.transition
    return move is not None and not ACTIVE.isdisjoint({move.from_state, move.to_state})


def _row(one: Outcome) -> tuple[Any, ...]:
    """What the query `keep` takes of each, in its order."""
    key, standing = one.key, one.standing
    return (
        *(key.rule, key.subject, key.subject_id, key.period_start, one.unit_id, one.revision),
        *(standing.state, standing.since, standing.mark.severity, standing.mark.colour),
        _ENCODER.encode(standing).decode(),
        None if one.evidence is None else _ENCODER.encode(one.evidence),
    )
