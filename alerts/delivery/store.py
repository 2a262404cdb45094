"""Reads what is to be told, and writes down what is, who has it, and since when."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
import structlog

from alerts.delivery.book import Book
from alerts.delivery.model import Acceptance, Change, Notice, Silence
from alerts.life.evidence import Evidence
from alerts.life.model import AlertState, Reason, Standing
from alerts.life.windows import Place, Window, covering
from energy.queries import load_queries
from energy.storage import Connection, translating

CORRECTIONS_SINCE = timedelta(days=3)
"""Of data time: older corrections were made before delivery was switched on, and would tell nobody anything."""

KEPT = timedelta(days=31)
"""For how long a notice can be looked up after its end."""

MOST_CHANGES = 1_000
"""In one transaction."""

_SQL = load_queries("alerts.delivery", "delivery.sql")
_log = structlog.get_logger("alerts.delivery")


async def lead(connection: Connection) -> bool:
    """Try to become the one instance that delivers, for as long as `connection` lasts."""
    with translating():
        return bool(await connection.fetchval(_SQL.lead))


async def read_book(connection: Connection, book: Book) -> None:
    """Fill an empty book with what is not done."""
    with translating():
        for row in await connection.fetch(_SQL.notices):
            book.write([_notice(dict(row))])
        for row in await connection.fetch(_SQL.acceptances):
            taken = Acceptance(row["active_at"], row["ended_at"])
            book.restore(row["notice_id"], row["alertmanager"], taken)


async def read_changes(connection: Connection, now: datetime) -> list[Change]:
    """Alerts that are not told as they stand, at most `MOST_CHANGES`; `now` is data time."""
    with translating():
        rows = await connection.fetch(_SQL.changed, now - CORRECTIONS_SINCE, MOST_CHANGES)
    changes = [_change(dict(row)) for row in rows]
    if not any(change.state is AlertState.SILENCED for change in changes):
        return changes
    with translating():
        windows = [Window(**dict(row)) for row in await connection.fetch(_SQL.windows, now)]
    return [_with_window(change, windows, now) for change in changes]


async def write(connection: Connection, notices: Iterable[Notice]) -> list[Notice]:
    """Write notices down in one transaction; each comes back with its number."""
    going_on = [one for one in notices if one.notice_id]
    beginning = [one for one in notices if not one.notice_id]
    with translating():
        async with connection.transaction():  # ends first: only one notice of an alert may last
            await connection.execute(_SQL.go_on, _rows(going_on))
            rows = await connection.fetch(_SQL.begin, _rows(beginning))
    numbers = {row["position"]: row["notice_id"] for row in rows}
    return going_on + [
        msgspec.structs.replace(one, notice_id=numbers[position]) for position, one in enumerate(beginning)
    ]


async def write_acceptances(connection: Connection, acceptances: Mapping[tuple[int, str], Acceptance]) -> None:
    """Write down who has taken what, and since when."""
    with translating():
        await connection.execute(
            _SQL.took,
            [number for number, _ in acceptances],
            [url for _, url in acceptances],
            [one.active_at for one in acceptances.values()],
            [one.ended_at for one in acceptances.values()],
        )


async def finish(connection: Connection, numbers: Sequence[int]) -> None:
    """Nothing is sent of these notices any more."""
    with translating():
        await connection.execute(_SQL.finish, numbers)


async def prune(connection: Connection, now: datetime) -> None:
    """Delete notices that have been done for longer than they are of use; the history is in the transitions."""
    with translating():
        await connection.execute(_SQL.prune, now - KEPT)


def _rows(notices: Sequence[Notice]) -> str:
    rows = [
        msgspec.structs.asdict(one)
        | {
            "position": position,
            "silence_author": one.silence.author if one.silence else None,
            "silence_reason": one.silence.reason if one.silence else None,
        }
        for position, one in enumerate(notices)
    ]
    return msgspec.json.encode(rows).decode()


def _notice(row: dict[str, Any]) -> Notice:
    author, reason = row.pop("silence_author"), row.pop("silence_reason")
    decoded = {name: msgspec.json.decode(row[name]) for name in ("labels", "annotations")}
    return Notice(**{**row, **decoded}, silence=None if author is None else Silence(author, reason))


def _change(row: Mapping[str, Any]) -> Change:
    return Change(
        alert_id=row["alert_id"],
        rule=row["rule"],
        subject=row["subject"],
        revision=row["revision"],
        standing=msgspec.json.decode(row["standing"], type=Standing),
        transition_id=row["transition_id"],
        reason=Reason(row["reason"]),
        note=row["note"],
        evidence=_evidence(row),
    )


def _evidence(row: Mapping[str, Any]) -> Evidence | None:
    """None where another version wrote it: people are told of the alert all the same."""
    try:
        return msgspec.json.decode(row["evidence"], type=Evidence)
    except msgspec.DecodeError as error:
        _log.warning("evidence_unreadable", alert_id=row["alert_id"], reason=str(error))
        return None


def _with_window(change: Change, windows: Sequence[Window], now: datetime) -> Change:
    if change.state is not AlertState.SILENCED or change.evidence is None:
        return change
    subject = change.evidence.subject
    found = covering(windows, Place(change.rule, subject.unit, subject.district, subject.industry), now)
    if not found:
        return change
    longest = max(found, key=lambda window: window.end)
    reason = f"maintenance until {longest.end.isoformat(timespec='minutes')}: {longest.reason}"
    return msgspec.structs.replace(change, window=Silence(longest.author, reason))
