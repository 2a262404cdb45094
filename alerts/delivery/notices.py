"""What is to be said of alerts that changed: which notices begin, go on or end. Pure.

A notice's labels are those with which it began, so that they are stable over the life of an alert. Only severity and
escalation may change, by which Alertmanager routes: then the notice ends, saying what became of it, and another begins,
both told in one request.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from msgspec.structs import replace

from alerts.delivery.model import Acceptance, Change, Notice, Silence
from alerts.delivery.texts import (
    CORRECTION_SEVERITY,
    annotations_of,
    became,
    correction_annotations_of,
    end_annotations_of,
    labels_of,
    loudness,
)
from alerts.life.model import ACTIVE, AlertState, Reason

UNKNOWN_AUTHOR = "unknown"
UNHEARD = timedelta(days=3)
"""For so long a correction waits for an Alertmanager that takes it."""


def notices_of(
    change: Change, open_one: Notice | None, extra: Mapping[str, str], began: datetime, now: datetime
) -> list[Notice]:
    """The notices to write down; those with a number replace what was written.

    Args:
        change: an alert as it stands.
        open_one: its notice that lasts, if there is one.
        extra: labels of the settings.
        began: real time at which it fired.
        now: real time.
    """
    if change.state in ACTIVE:
        return _lasting(change, open_one, extra, min(began, now), now)
    if open_one is not None:
        return [_ended(open_one, change, end_annotations_of(change), now)]
    if change.state is AlertState.CORRECTED and change.reason is Reason.CORRECTED:
        return [_correction(change, extra, now)]
    return []


def _lasting(
    change: Change, open_one: Notice | None, extra: Mapping[str, str], began: datetime, now: datetime
) -> list[Notice]:
    silence = silence_of(change, open_one.silence if open_one else None)
    notice = Notice(
        alert_id=change.alert_id,
        kind="alert",
        revision=change.revision,
        labels=labels_of(change, extra) if open_one is None else _with(open_one.labels, loudness(change)),
        annotations=annotations_of(change),
        starts_at=began,
        silence=silence,
    )
    if open_one is None:
        return [] if change.state is AlertState.SILENCED else [notice]
    if notice.labels == open_one.labels:
        return [replace(notice, starts_at=open_one.starts_at, notice_id=open_one.notice_id)]
    told = became(change.standing.mark.severity, escalated=change.standing.escalated_at is not None)
    return [_ended(open_one, change, told, now), replace(notice, starts_at=now)]


def _ended(notice: Notice, change: Change, told: dict[str, str], now: datetime) -> Notice:
    """It keeps what it said: the message of a rule filled with the figures of its end would say what is not so."""
    return replace(
        notice,
        revision=change.revision,
        annotations={**notice.annotations, **told},
        ends_at=max(now, notice.starts_at),
        silence=None,
    )


def _correction(change: Change, extra: Mapping[str, str], now: datetime) -> Notice:
    labels = labels_of(change, extra) | {"severity": CORRECTION_SEVERITY, "correction": str(change.transition_id)}
    labels.pop("escalated", None)
    return Notice(
        alert_id=change.alert_id,
        kind="correction",
        revision=change.revision,
        labels=labels,
        annotations=correction_annotations_of(change),
        starts_at=now,
    )


def silence_of(change: Change, before: Silence | None) -> Silence | None:
    """Why nobody is to be called for an alert that lasts; `before` is what was said of that."""
    if change.state is AlertState.ACKNOWLEDGED:
        author = change.standing.acknowledged_by or UNKNOWN_AUTHOR
        if before is not None and before.author == author and change.reason is not Reason.ACKNOWLEDGED:
            return before
        return Silence(author, f"acknowledged: {change.note}" if change.note else "acknowledged")
    if change.state is AlertState.SILENCED:
        return change.window or Silence(UNKNOWN_AUTHOR, "maintenance window")
    return None


def expired(notice: Notice, acceptances: Mapping[str, Acceptance], correction_s: float, now: datetime) -> Notice | None:
    """A correction that has been told for long enough, ended; None otherwise, and of anything else.

    One Alertmanager's word is enough: those of a cluster tell each other, and one that never comes must not keep it.
    Nor is it kept for ever where none comes.
    """
    if notice.kind != "correction" or notice.ends_at is not None:
        return None
    taken = [one.active_at for one in acceptances.values() if one.active_at is not None]
    if now < (min(taken) + timedelta(seconds=correction_s) if taken else notice.starts_at + UNHEARD):
        return None
    return replace(notice, ends_at=max(now, notice.starts_at))


def _with(labels: Mapping[str, str], changed: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in {**labels, **changed}.items() if value}
