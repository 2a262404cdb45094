"""What people read of alerts, and what they say of them: acknowledgements and maintenance windows.

Each word of a person locks the alert for a moment: an evaluation that has read it before does not overwrite it (see
`store.keep`), and one that has written it is waited for.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import msgspec

from alerts.life import commands
from alerts.life.evidence import Evidence
from alerts.life.model import AlertState, Reason, Standing, Transition
from alerts.life.store import SQL
from alerts.life.windows import Window
from alerts.rules.model import Message, Subject
from alerts.verdicts import Colour, Mark, Severity
from energy.errors import RejectedError
from energy.periods import DEFAULT_ZONE
from energy.records import wrong_text
from energy.registry.store import check_units
from energy.storage import Connection, load_queries, translating

OPEN = (AlertState.FIRING, AlertState.ACKNOWLEDGED, AlertState.SILENCED, AlertState.PENDING)
_SQL = load_queries("alerts.life", "people.sql")


class Chosen(msgspec.Struct, frozen=True):
    """Which alerts; None for any. District and industry may be the first digits only."""

    states: tuple[AlertState, ...] | None = OPEN
    unit: str | None = None
    rules: tuple[str, ...] | None = None
    severities: tuple[Severity, ...] | None = None
    district: str | None = None
    industry: str | None = None
    since: datetime | None = None
    alert_id: int | None = None


class Listed(msgspec.Struct, frozen=True):
    """An alert as people know it.

    Attributes:
        code: of the quota, unit or meter.
        unit: code of the unit; empty for quotas of groups.
        name_zh, name_en: of the unit or group.
        time_zone: of the unit.
        message: of its last transition.
    """

    alert_id: int
    rule: str
    subject: Subject
    subject_id: int
    code: str
    unit: str
    unit_id: int | None
    name_zh: str
    name_en: str
    district: str
    industry: str
    time_zone: str
    period_start: date | None
    standing: Standing
    message: Message


class Move(msgspec.Struct, frozen=True):
    """A transition of the history; what it rests on is in `older`, as it stands, where another version wrote it.

    Attributes:
        number: among those of its alert, from 1.
    """

    number: int
    transition_id: int
    transition: Transition
    author: str
    note: str
    evidence: Evidence | None
    older: msgspec.Raw | None = None


async def listed(connection: Connection, chosen: Chosen, most: int) -> list[Listed]:
    """Alerts that are open first, the gravest first, quotas before units and meters; at most so many."""
    asked = (
        chosen.alert_id,
        _listed_or_any(chosen.states),
        chosen.unit,
        _listed_or_any(chosen.rules),
        chosen.district,
        chosen.industry,
        chosen.since,
        most,
        DEFAULT_ZONE,
        _listed_or_any(chosen.severities),
    )
    with translating():
        rows = await connection.fetch(_SQL.alerts, *asked)
    return [_listed(dict(row)) for row in rows]


async def one(connection: Connection, alert_id: int) -> Listed:
    """One alert, open or not.

    Raises:
        RejectedError: there is none of that number.
    """
    found = await listed(connection, Chosen(states=None, alert_id=alert_id), 1)
    if not found:
        raise _no_alert(alert_id)
    return found[0]


async def history(connection: Connection, alert_id: int) -> list[Move]:
    """Every change of an alert, in their order."""
    with translating():
        rows = await connection.fetch(_SQL.moves, alert_id)
    return [
        Move(
            number,
            row["transition_id"],
            Transition(
                AlertState(row["from_state"]),
                AlertState(row["to_state"]),
                row["at"],
                Mark(Severity(row["severity"]), Colour(row["colour"])),
                Reason(row["reason"]),
            ),
            row["author"],
            row["note"],
            evidence := _evidence(row["evidence"]),
            msgspec.Raw(row["evidence"].encode()) if evidence is None else None,
        )
        for number, row in enumerate(rows, 1)
    ]


async def acknowledge(connection: Connection, alert_id: int, who: str, note: str, now: datetime) -> Transition | None:
    """Somebody takes an alert on; None where somebody had already.

    Raises:
        RejectedError: there is no such alert, it does not fire, or nobody says so.
    """
    return await _say(connection, alert_id, who, note, lambda standing: commands.acknowledge(standing, who, now))


async def unacknowledge(connection: Connection, alert_id: int, who: str, note: str, now: datetime) -> Transition | None:
    """An alert is given back, so that people are called again; None where nobody had taken it on.

    Raises:
        RejectedError: there is no such alert, it does not fire, or nobody says so.
    """
    return await _say(connection, alert_id, who, note, lambda standing: commands.unacknowledge(standing, now))


async def add_window(connection: Connection, window: Window) -> int:
    """Record a maintenance window, and return its number.

    Raises:
        RejectedError: it ends before it begins, covers nobody, or has no author or reason.
    """
    _check_words("an author", window.author)
    _check_words("a reason", window.reason)
    if window.until <= window.since:
        raise RejectedError("a window must end after it begins")
    if window.subject == "unit" and window.key:
        await check_units(connection, [window.key])
    async with connection.transaction():
        with translating():
            if not await connection.fetchval(_SQL.known_key, window.subject, window.key):
                raise RejectedError(f"no unit is registered in {window.subject} {window.key}")
            number: int = await connection.fetchval(
                _SQL.add_window,
                window.rule,
                window.subject,
                window.key,
                window.since,
                window.until,
                window.author,
                window.reason,
            )
            await connection.execute(SQL.tell)
    return number


async def has_spoken(connection: Connection, rule: str) -> bool:
    """Whether there has ever been an alert of a rule."""
    with translating():
        found: bool = await connection.fetchval(_SQL.has_spoken, rule)
    return found


async def windows(connection: Connection, most: int, *, open_at: datetime | None) -> list[Window]:
    """Maintenance windows that run at data time `open_at`, or are to come then; all for None."""
    with translating():
        rows = await connection.fetch(_SQL.windows, open_at, most)
    return [msgspec.convert(dict(row), Window) for row in rows]


async def end_window(connection: Connection, window_id: int, who: str, now: datetime) -> None:
    """End a maintenance window now; one that has not begun never does.

    Raises:
        RejectedError: there is none of that number, it has ended, or nobody says so.
    """
    _check_words("an author", who)
    async with connection.transaction():
        with translating():
            row = await connection.fetchrow(_SQL.window_ends, window_id)
            if row is None:
                raise RejectedError(f"there is no maintenance window {window_id}")
            if row["ended_at"] is not None or row["until"] <= now:
                raise RejectedError(f"maintenance window {window_id} has ended")
            await connection.execute(_SQL.end_window, window_id, now, who)
            await connection.execute(SQL.tell)


async def _say(
    connection: Connection,
    alert_id: int,
    who: str,
    note: str,
    command: Callable[[Standing], tuple[Standing, Transition | None]],
) -> Transition | None:
    _check_words("a name", who)
    _check_words("a note", note or "-")
    async with connection.transaction():
        with translating():
            standing = await connection.fetchval(_SQL.locked, alert_id)
            if standing is None:
                raise _no_alert(alert_id)
            after, move = command(msgspec.json.decode(standing, type=Standing))
            if move is None:
                return None
            said = msgspec.json.encode(after).decode()
            await connection.execute(
                SQL.say, alert_id, after.state, after.since, said, move.from_state, move.reason, who, note
            )
            await connection.execute(SQL.tell)
    return move


def _check_words(what: str, text: str) -> None:
    """What people leave on record must say something, and fit into a line."""
    if fault := wrong_text(text) or ("" if text.strip() else "nothing is there"):
        raise RejectedError(f"{what} is needed: {fault}")


def _listed_or_any(values: tuple[str, ...] | None) -> list[str] | None:
    return None if values is None else list(values)


def _listed(row: dict[str, Any]) -> Listed:
    standing = msgspec.json.decode(row.pop("standing"), type=Standing)
    message = Message(row.pop("message_zh"), row.pop("message_en"))
    return Listed(**row, standing=standing, message=message)


def _evidence(text: str) -> Evidence | None:
    try:
        return msgspec.json.decode(text, type=Evidence)
    except msgspec.ValidationError:
        return None


def _no_alert(alert_id: int) -> RejectedError:
    return RejectedError(f"there is no alert {alert_id}", advice="See `quotawatt alerts list`.")
