"""What people say of an alert, as pure functions over what is remembered of it."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from alerts.life.machine import moved
from alerts.life.model import ACTIVE, AlertState, Reason, Standing, Transition
from energy.errors import RejectedError


def acknowledge(standing: Standing, who: str, now: datetime) -> tuple[Standing, Transition | None]:
    """Somebody takes it on; the one who did first stays.

    Raises:
        RejectedError: it does not fire.
    """
    if standing.state is AlertState.ACKNOWLEDGED:
        return standing, None
    if standing.state not in ACTIVE:
        raise RejectedError(f"the alert is {standing.state}: only one that fires can be acknowledged")
    after = replace(standing, state=AlertState.ACKNOWLEDGED, acknowledged_at=now, acknowledged_by=who, called_from=None)
    return moved(standing, after, Reason.ACKNOWLEDGED, now)


def unacknowledge(standing: Standing, now: datetime) -> tuple[Standing, Transition | None]:
    """Nobody has it any more: people are called again, and it escalates as if it had just fired.

    A maintenance window silences it at the next look.

    Raises:
        RejectedError: it does not fire.
    """
    if standing.state not in ACTIVE:
        raise RejectedError(f"the alert is {standing.state}: only one that fires can be taken back")
    if standing.state is not AlertState.ACKNOWLEDGED:
        return standing, None
    after = replace(
        standing,
        state=AlertState.FIRING,
        acknowledged_at=None,
        acknowledged_by="",
        called_from=now,
        escalated_at=None,
    )
    return moved(standing, after, Reason.UNACKNOWLEDGED, now)


def withdraw(standing: Standing, now: datetime) -> tuple[Standing, Transition | None]:
    """The rule or its subject is gone: what fired is resolved, what was pending is inactive."""
    if standing.state in ACTIVE:
        state = AlertState.RESOLVED
    elif standing.state is AlertState.PENDING:
        state = AlertState.INACTIVE
    else:
        return standing, None
    after = replace(
        standing,
        state=state,
        seen_from=None,
        clear_from=None,
        acknowledged_at=None,
        acknowledged_by="",
        called_from=None,
    )
    return moved(standing, after, Reason.WITHDRAWN, now)
