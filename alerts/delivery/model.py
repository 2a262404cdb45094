"""An alert as delivery sees it, and what is said of it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, TypeAlias

import msgspec

from alerts.life.evidence import Evidence
from alerts.life.model import AlertState, Reason, Standing

NoticeKind: TypeAlias = Literal["alert", "correction"]


class Change(msgspec.Struct, frozen=True):
    """An alert that Alertmanager has not been told of as it stands now.

    Attributes:
        alert_id, rule, subject: which one.
        revision: of its row.
        standing: where it stands.
        transition_id: its last transition, and
        reason: why that was.
        note: what the person said who made it; empty where none did.
        evidence: of that transition; None where it is of a version that cannot be read any more.
        window: whose maintenance window silences it, and why; None while none does.
    """

    alert_id: int
    rule: str
    subject: str
    revision: int
    standing: Standing
    transition_id: int
    reason: Reason
    note: str = ""
    evidence: Evidence | None = None
    window: Silence | None = None

    @property
    def state(self) -> AlertState:
        """Where it stands."""
        return self.standing.state


class Silence(msgspec.Struct, frozen=True):
    """Nobody is to be called for an alert that goes on: who decided that, and why."""

    author: str
    reason: str


class Notice(msgspec.Struct, frozen=True):
    """What is said of one firing of an alert under one set of labels, or of one correction. Times are real.

    Attributes:
        alert_id: of which alert.
        kind: what it is.
        revision: of the alert that it tells of.
        labels: its identity in Alertmanager.
        annotations: what people read.
        starts_at: when it began.
        ends_at: when it ended; None while it lasts.
        silence: None while people are to be called.
        notice_id: its number; 0 while it has none.
    """

    alert_id: int
    kind: NoticeKind
    revision: int
    labels: dict[str, str]
    annotations: dict[str, str]
    starts_at: datetime
    ends_at: datetime | None = None
    silence: Silence | None = None
    notice_id: int = 0

    @property
    def identity(self) -> tuple[tuple[str, str], ...]:
        """Its labels, to compare."""
        return tuple(sorted(self.labels.items()))


class Acceptance(msgspec.Struct, frozen=True):
    """When an Alertmanager first took a notice while it was active, and when its end; None for not yet. Real time."""

    active_at: datetime | None = None
    ended_at: datetime | None = None
