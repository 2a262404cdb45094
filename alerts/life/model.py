"""What the state machine takes and gives: looks at a condition, what is remembered of an alert, transitions."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

from alerts.verdicts import Mark


class AlertState(StrEnum):
    """Where an alert stands."""

    INACTIVE = "inactive"
    """Nothing to say; only alerts that were something else once are remembered as inactive."""
    PENDING = "pending"
    """The condition holds, not yet for long enough."""
    FIRING = "firing"
    """Somebody has to know."""
    ACKNOWLEDGED = "acknowledged"
    """It fires, and somebody has taken it on: nobody else is called, and nothing escalates."""
    SILENCED = "silenced"
    """It fires within a maintenance window: nobody is called until the window ends."""
    RESOLVED = "resolved"
    """It has fired, and is over: the condition cleared, or the period closed."""
    CORRECTED = "corrected"
    """Late data or a corrected factor changed what had been said: shown with both figures, never as a new alarm."""


class Condition(StrEnum):
    """What one look at a rule's expressions says of a subject."""

    RAISED = "raised"
    HELD = "held"
    """Neither raised nor cleared: between the two thresholds."""
    CLEAR = "clear"
    UNKNOWN = "unknown"
    """Absence of data: it neither fires, nor clears, nor confirms."""


class Reason(StrEnum):
    """Why a transition happened."""

    RAISED = "raised"
    LASTED = "lasted"
    """The condition held for as long as the rule asks for."""
    CLEARED = "cleared"
    PERIOD_CLOSED = "period_closed"
    CORRECTED = "corrected"
    SEVERITY = "severity"
    ESCALATED = "escalated"
    ACKNOWLEDGED = "acknowledged"
    UNACKNOWLEDGED = "unacknowledged"
    WINDOW = "window"
    WINDOW_ENDED = "window_ended"
    WITHDRAWN = "withdrawn"
    """The rule or its subject is gone."""


ACTIVE = frozenset({AlertState.FIRING, AlertState.ACKNOWLEDGED, AlertState.SILENCED})
"""The states of an alert that fires, whoever knows of it."""


class Look(msgspec.Struct, frozen=True):
    """One look.

    Attributes:
        condition: what the expressions say.
        mark: severity and colour if it fires.
        at: up to when the data speaks; the time of evaluation for what the clock itself drives, such as a lag; None
            counts as that too.
        end: of the period; None where the subject has none.
        final: the period is over and all of its data is in.
        corrects: the rule's: the condition cannot end by itself, so that an end is a correction.
    """

    condition: Condition
    mark: Mark
    at: datetime | None
    end: datetime | None = None
    final: bool = False
    corrects: bool = False


class Standing(msgspec.Struct, frozen=True):
    """All that is remembered of one alert, so that a restart changes nothing.

    Attributes:
        state: where it stands.
        since: data time of the last transition.
        mark: severity and colour that are shown.
        seen_from: while pending: the data time from which the data has been raised.
        clear_from: while firing after the condition cleared: the data time from which it is clear (keep-firing).
        fired_at: data time at which it fired (the last time), None before.
        said: what was said when its period closed: true for raised; None while the period is open.
        acknowledged_at, acknowledged_by: while acknowledged.
        called_from: since when people are called and nobody has taken it on; None unless firing.
        escalated_at: when it escalated; severity and colour stay as they are, which the figures decide.
        firings: how often it has fired.
    """

    state: AlertState
    since: datetime
    mark: Mark
    seen_from: datetime | None = None
    clear_from: datetime | None = None
    fired_at: datetime | None = None
    said: bool | None = None
    acknowledged_at: datetime | None = None
    acknowledged_by: str = ""
    called_from: datetime | None = None
    escalated_at: datetime | None = None
    firings: int = 0


class Transition(msgspec.Struct, frozen=True):
    """A change worth keeping for ever; firing to firing is a change of severity, or an escalation.

    Attributes:
        reason: why.
    """

    from_state: AlertState
    to_state: AlertState
    at: datetime
    mark: Mark
    reason: Reason
