"""Evidence of what changes: read for the few rows that are written, never for those that are only looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import msgspec

from alerts.evaluation.figures import instant
from alerts.evaluation.looking import Change
from alerts.life import store, words
from alerts.life.evidence import CarrierPart, Evidence, FactorUse, Judged, QuotaUse, Said
from alerts.life.model import Condition, Reason
from alerts.life.store import Outcome
from alerts.rules import messages
from alerts.rules.model import Message
from alerts.series.frame import Frame
from alerts.series.quota_book import Labels
from alerts.series.quotas import QuotaFrame
from energy.storage import Connection, load_queries

_SQL = load_queries("alerts.evaluation", "evaluation.sql")
_EPOCH = date(1970, 1, 1)
_SHOWN = frozenset({"unit", "name_zh", "name_en", "district", "industry", "bands", "zone"})
"""Labels that evidence has fields of its own for, or no use for."""

_NO_FIGURES = frozenset({"quota_id", "period_start", "evaluated_at"})
"""What the query `last` says besides figures."""


async def outcomes(connection: Connection, changes: Sequence[Change], now: datetime) -> list[Outcome]:
    """The changes as the store takes them, each transition with its evidence.

    Raises as `energy.storage.translating` says, where the caller translates.
    """
    units = await _units(connection, changes)
    moved = [change for change in changes if change.transition is not None]
    unit_of = {id(change): unit for change, unit in zip(changes, units, strict=True)}
    said = await _said(connection, moved)
    parts = await _parts(connection, moved)
    factors = await _factors(connection, moved, [unit_of[id(change)] for change in moved], parts)
    electricity = await _electricity(connection, moved, [unit_of[id(change)] for change in moved])
    proofs = {
        id(change): _evidence(
            change,
            now,
            said.get(change.known.alert_id) if change.known else None,
            tuple(parts.get(number, ())),
            tuple(factors.get(number, ())),
            electricity.get(number),
        )
        for number, change in enumerate(moved)
    }
    return [
        Outcome(
            key=change.key,
            unit_id=unit,
            revision=change.known.revision if change.known else 0,
            standing=change.standing,
            transition=change.transition,
            evidence=proofs.get(id(change)),
        )
        for change, unit in zip(changes, units, strict=True)
    ]


async def _units(connection: Connection, changes: Sequence[Change]) -> list[int | None]:
    """The unit of each change; None for quotas of groups."""
    codes = {_code(change) for change in changes if change.judgement.frame.subject == "meter"}
    known = {row["code"]: row["unit_id"] for row in await connection.fetch(_SQL.units, sorted(codes))} if codes else {}

    def unit(change: Change) -> int | None:
        frame, row = change.judgement.frame, change.row
        if isinstance(frame, QuotaFrame):
            return int(frame.book.units[frame.due.rows[row]]) or None
        return known.get(_code(change)) if frame.subject == "meter" else int(frame.ids[row])

    return [unit(change) for change in changes]


def _code(change: Change) -> str:
    return str(change.judgement.frame.labels["unit"][change.row])


async def _said(connection: Connection, changes: Sequence[Change]) -> dict[int, Said]:
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
                said[change.known.alert_id] = _as_last_evaluated(change, before, row)
    return said


def _as_last_evaluated(change: Change, before: Said, row: dict[str, Any]) -> Said:
    figures: dict[str, float | None] = {name: value for name, value in row.items() if name not in _NO_FIGURES}
    labels = _labels(change.judgement.frame, change.row)
    same = change.judgement.judge.condition(figures, labels) is before.condition
    if not same or row["evaluated_at"] <= before.now:
        return before
    return msgspec.structs.replace(before, now=row["evaluated_at"], figures=figures)


async def _parts(connection: Connection, changes: Sequence[Change]) -> dict[int, list[CarrierPart]]:
    asked = [
        (number, int(frame.ids[change.row]), *_days(frame, change.row))
        for number, change in enumerate(changes)
        if isinstance(frame := change.judgement.frame, QuotaFrame)
    ]
    found: dict[int, list[CarrierPart]] = {}
    if asked:
        for row in await connection.fetch(_SQL.parts, *map(list, zip(*asked, strict=True))):
            found.setdefault(row["number"], []).append(msgspec.convert(_without(row, "number"), CarrierPart))
    return found


async def _factors(
    connection: Connection,
    changes: Sequence[Change],
    units: Sequence[int | None],
    parts: Mapping[int, Sequence[CarrierPart]],
) -> dict[int, list[FactorUse]]:
    """Of quotas of single units: the members of a group may each have factors of their own."""
    asked = [
        (number, unit, part.carrier, *_days(change.judgement.frame, change.row))
        for number, (change, unit) in enumerate(zip(changes, units, strict=True))
        if unit is not None
        for part in parts.get(number, ())
    ]
    found: dict[int, list[FactorUse]] = {}
    if asked:
        for row in await connection.fetch(_SQL.factors, *map(list, zip(*asked, strict=True))):
            found.setdefault(row["number"], []).append(msgspec.convert(_without(row, "number"), FactorUse))
    return found


async def _electricity(
    connection: Connection, changes: Sequence[Change], units: Sequence[int | None]
) -> dict[int, float | None]:
    """Of broken quotas of single units: prices are put on all electricity of the unit, whatever the quota limits."""
    asked = [
        (number, unit, *_days(change.judgement.frame, change.row))
        for number, (change, unit) in enumerate(zip(changes, units, strict=True))
        if unit is not None and _is_broken(change.judgement.frame, change.row)
    ]
    if not asked:
        return {}
    rows = await connection.fetch(_SQL.electricity, *map(list, zip(*asked, strict=True)))
    return {row["number"]: row["kwh"] for row in rows}


def _is_broken(frame: Frame, row: int) -> bool:
    return isinstance(frame, QuotaFrame) and bool(frame.columns["used"][row] > frame.columns["limit"][row])


def _days(frame: Frame, row: int) -> tuple[date, date]:
    """The first local day of the period of a quota, and the one after its last."""
    assert isinstance(frame, QuotaFrame)  # noqa: S101 - whoever asks has looked
    stretch = frame.due.stretches[frame.due.stretch[row]]
    return _EPOCH + timedelta(days=stretch.first), _EPOCH + timedelta(days=stretch.until)


def _without(row: Any, name: str) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != name}


def _evidence(  # noqa: PLR0913, PLR0917 - what was read of the change
    change: Change,
    now: datetime,
    previous: Said | None,
    parts: tuple[CarrierPart, ...],
    factors: tuple[FactorUse, ...],
    electricity_kwh: float | None,
) -> Evidence:
    frame, row, rule = change.judgement.frame, change.row, change.judgement.rule
    figures = {name: _figure(column[row]) for name, column in frame.columns.items()}
    labels = _labels(frame, row)
    quota = frame if isinstance(frame, QuotaFrame) else None
    found = Evidence(
        rule=rule,
        subject=_judged(frame, row, labels),
        now=now,
        at=instant(int(frame.at_us[row])),
        condition=change.judgement.condition(row),
        mark=change.standing.mark,
        figures=figures,
        period_start=change.key.period_start,
        start=instant(int(quota.start_us[row])) if quota else None,
        end=instant(int(frame.end_us[row])),
        final=bool(frame.final[row]),
        message=Message(
            zh=messages.render(rule.message.zh, "zh", figures, labels),
            en=messages.render(rule.message.en, "en", figures, labels),
        ),
        quota=_quota(quota, row, labels) if quota else None,
        parts=parts,
        electricity_kwh=electricity_kwh,
        factors=factors,
        method=labels.get("method", ""),
        previous=previous,
    )
    reason = change.transition.reason if change.transition else None
    if reason not in {Reason.CLEARED, Reason.CORRECTED} or found.condition is Condition.RAISED:
        return found
    message = Message(zh=words.over(found, reason, "zh"), en=words.over(found, reason, "en"))
    return msgspec.structs.replace(found, message=message)


def _labels(frame: Frame, row: int) -> dict[str, str]:
    found = (
        frame.labels.of_row(row)
        if isinstance(frame.labels, Labels)
        else {name: column[row] for name, column in frame.labels.items()}
    )
    return {name: str(text) for name, text in found.items() if name != "bands"}


def _judged(frame: Frame, row: int, labels: Mapping[str, str]) -> Judged:
    return Judged(
        kind=frame.subject,
        subject_id=int(frame.ids[row]),
        code=labels[frame.subject],
        name_zh=labels.get("name_zh", ""),
        name_en=labels.get("name_en", ""),
        unit=labels.get("unit", ""),
        district=labels.get("district", ""),
        industry=labels.get("industry", ""),
        labels={name: text for name, text in labels.items() if name not in _SHOWN and text},
    )


def _quota(frame: QuotaFrame, row: int, labels: Mapping[str, str]) -> QuotaUse:
    place = frame.due.rows[row]
    return QuotaUse(
        code=labels["quota"],
        version=int(frame.book.versions[place]),
        source=str(frame.book.sources[place]),
        measure=labels["measure"],
        unit_of_measure=labels["limit_unit"],
        period=labels["period"],
        kind=labels["kind"],
    )


def _figure(value: float) -> float | None:
    return None if value != value else float(value)  # noqa: PLR0124 - only NaN is not itself
