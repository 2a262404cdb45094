"""Evidence of what changes: read for the few rows that are written, never for those that are only looked at.

They are few among all, but may be thousands at once: whatever is said of them is taken column by column.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import msgspec
import numpy as np

from alerts.evaluation.figures import instant
from alerts.evaluation.looking import Change
from alerts.evaluation.origins import Origin, origins
from alerts.life import store, words
from alerts.life.evidence import Evidence, Judged, QuotaUse, Said
from alerts.life.model import Condition, Reason
from alerts.life.store import Outcome
from alerts.rules import messages
from alerts.rules.model import Message
from alerts.series.frame import Floats, Frame, Ids
from alerts.series.quota_book import Labels
from alerts.series.quotas import QuotaFrame
from energy.storage import Connection, load_queries

_SQL = load_queries("alerts.evaluation", "evaluation.sql")
_SHOWN = frozenset({"unit", "name_zh", "name_en", "district", "industry", "bands", "zone"})
"""Labels that evidence has fields of its own for, or no use for."""

_NO_FIGURES = frozenset({"quota_id", "period_start", "evaluated_at"})
"""What the query `last` says besides figures."""

_T = TypeVar("_T")


@dataclass(frozen=True)
class _Seen:
    """What evidence says of one row, whichever rules moved: its fields are those of `Evidence`."""

    figures: dict[str, float | None]
    labels: dict[str, str]
    subject: Judged
    quota: QuotaUse | None
    origin: Origin
    at: datetime | None
    start: datetime | None
    end: datetime | None
    final: bool


async def outcomes(connection: Connection, changes: Sequence[Change], now: datetime) -> list[Outcome]:
    """The changes as the store takes them, each transition with its evidence.

    Args:
        connection: in the transaction of the evaluation.
        changes: of the rows of one frame.
        now: data time.

    Raises as `energy.storage.translating` says, where the caller translates.
    """
    if not changes:
        return []
    frame = changes[0].judgement.frame
    units = await _units(connection, frame, [change.row for change in changes])
    moved = [change for change in changes if change.transition is not None]
    seen = await _seen(connection, frame, {change.row: units[change.row] for change in moved})
    said = await _said(connection, moved, seen)
    return [
        Outcome(
            key=change.key,
            unit_id=units[change.row],
            revision=change.known.revision if change.known else 0,
            standing=change.standing,
            transition=change.transition,
            evidence=_evidence(change, seen[change.row], said.get(change.known.alert_id) if change.known else None, now)
            if change.transition
            else None,
        )
        for change in changes
    ]


async def _units(connection: Connection, frame: Frame, rows: Sequence[int]) -> dict[int, int | None]:
    """The unit of each row; None for quotas of groups."""
    if isinstance(frame, QuotaFrame):
        numbers = frame.book.units[frame.due.rows[rows]].tolist()
        return {row: number or None for row, number in zip(rows, numbers, strict=True)}
    if frame.subject == "unit":
        return dict(zip(rows, frame.ids[rows].tolist(), strict=True))
    codes = {row: str(frame.labels["unit"][row]) for row in rows}
    known = {row["code"]: row["unit_id"] for row in await connection.fetch(_SQL.units, sorted({*codes.values()}))}
    return {row: known.get(code) for row, code in codes.items()}


async def _seen(connection: Connection, frame: Frame, units: Mapping[int, int | None]) -> dict[int, _Seen]:
    """What is seen of the rows that have one of `units` each."""
    rows = np.array(list(units), np.int64)
    quota = frame if isinstance(frame, QuotaFrame) else None
    labels = _labels(frame, rows)
    columns = (
        _transposed({name: _known(column[rows]) for name, column in frame.columns.items()}, len(rows)),
        labels,
        _judged(frame, rows, labels),
        _quotas(quota, rows, labels) if quota else [None] * len(rows),
        await origins(connection, quota, rows, list(units.values())) if quota else [Origin()] * len(rows),
        map(instant, frame.at_us[rows].tolist()),
        map(instant, quota.start_us[rows].tolist()) if quota else [None] * len(rows),
        map(instant, frame.end_us[rows].tolist()),
        frame.final[rows].tolist(),
    )
    return {row: _Seen(*fields) for row, *fields in zip(units, *columns, strict=True)}


async def _said(connection: Connection, changes: Sequence[Change], seen: Mapping[int, _Seen]) -> dict[int, Said]:
    """What was said before of each alert; of one that is corrected as it was last evaluated, where it said the same.

    A breach has grown since it fired, and a correction has to stand beside what people have last read of it.
    """
    said = await store.read_said(connection, [change.known.alert_id for change in changes if change.known])
    corrected = [
        change
        for change in changes
        if change.transition and change.transition.reason is Reason.CORRECTED and change.key.period_start
    ]
    if corrected:
        asked = [change.key.subject_id for change in corrected], [change.key.period_start for change in corrected]
        rows = {(row["quota_id"], row["period_start"]): dict(row) for row in await connection.fetch(_SQL.last, *asked)}
        for change in corrected:
            row = rows.get((change.key.subject_id, change.key.period_start))
            if change.known and row and (before := said.get(change.known.alert_id)):
                said[change.known.alert_id] = _as_last_evaluated(change, seen[change.row].labels, before, row)
    return said


def _as_last_evaluated(change: Change, labels: Mapping[str, str], before: Said, row: dict[str, Any]) -> Said:
    figures: dict[str, float | None] = {name: value for name, value in row.items() if name not in _NO_FIGURES}
    same = change.judgement.judge.condition(figures, labels) is before.condition
    if not same or row["evaluated_at"] <= before.now:
        return before
    return msgspec.structs.replace(before, now=row["evaluated_at"], figures=figures)


def _evidence(change: Change, seen: _Seen, previous: Said | None, now: datetime) -> Evidence:
    rule = change.judgement.rule
    condition = change.judgement.condition(change.row)
    reason = change.transition.reason if change.transition else None
    found = Evidence(
        rule=rule,
        subject=seen.subject,
        now=now,
        at=seen.at,
        condition=condition,
        mark=change.standing.mark,
        figures=seen.figures,
        period_start=change.key.period_start,
        start=seen.start,
        end=seen.end,
        final=seen.final,
        message=Message(
            zh=messages.render(rule.message.zh, "zh", seen.figures, seen.labels),
            en=messages.render(rule.message.en, "en", seen.figures, seen.labels),
        ),
        quota=seen.quota,
        parts=seen.origin.parts,
        electricity_kwh=seen.origin.electricity_kwh,
        factors=seen.origin.factors,
        method=seen.labels.get("method", ""),
        previous=previous,
    )
    if reason not in {Reason.CLEARED, Reason.CORRECTED} or condition is Condition.RAISED:
        return found
    message = Message(zh=words.over(found, reason, "zh"), en=words.over(found, reason, "en"))
    return msgspec.structs.replace(found, message=message)


def _labels(frame: Frame, rows: Ids) -> list[dict[str, str]]:
    found = (
        frame.labels.of_rows(rows)
        if isinstance(frame.labels, Labels)
        else {name: column[rows] for name, column in frame.labels.items()}
    )
    texts = {name: list(map(str, column.tolist())) for name, column in found.items() if name != "bands"}
    return _transposed(texts, len(rows))


def _judged(frame: Frame, rows: Ids, labels: Sequence[Mapping[str, str]]) -> list[Judged]:
    return [
        Judged(
            kind=frame.subject,
            subject_id=subject_id,
            code=of[frame.subject],
            name_zh=of.get("name_zh", ""),
            name_en=of.get("name_en", ""),
            unit=of.get("unit", ""),
            district=of.get("district", ""),
            industry=of.get("industry", ""),
            labels={name: text for name, text in of.items() if text and name not in _SHOWN},
        )
        for subject_id, of in zip(frame.ids[rows].tolist(), labels, strict=True)
    ]


def _quotas(frame: QuotaFrame, rows: Ids, labels: Sequence[Mapping[str, str]]) -> list[QuotaUse]:
    places = frame.due.rows[rows]
    return [
        QuotaUse(
            code=of["quota"],
            version=version,
            source=str(source),
            measure=of["measure"],
            unit_of_measure=of["limit_unit"],
            period=of["period"],
            kind=of["kind"],
        )
        for of, version, source in zip(
            labels, frame.book.versions[places].tolist(), frame.book.sources[places].tolist(), strict=True
        )
    ]


def _known(column: Floats) -> list[float | None]:
    """A column's values; None is "not known"."""
    values: list[float | None] = column.astype(np.float64).tolist()
    for row in np.flatnonzero(np.isnan(column)).tolist():
        values[row] = None
    return values


def _transposed(columns: Mapping[str, Sequence[_T]], count: int) -> list[dict[str, _T]]:
    """Columns as `count` rows."""
    if not columns:
        return [{} for _ in range(count)]
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
