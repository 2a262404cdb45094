"""Findings into the database: what stands becomes what was found, and nothing is written that is there already."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import msgspec

from energy.storage import Connection, load_queries
from ingest.accounting.validation.day import Finding, Points
from ingest.accounting.validation.parameters import Severity

_SQL = load_queries("ingest.accounting.validation", "writing.sql")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)

_Key = tuple[int, str, datetime]
_Said = tuple[datetime, str, object]


@dataclass(frozen=True, slots=True)
class Written:
    """How many findings stand now, and how many of them came, went or changed."""

    standing: int = 0
    changed: int = 0


async def write(
    connection: Connection, points: Points, day: date, found: Iterable[Finding], *, of_month: bool = False
) -> Written:
    """Make the findings of `points` and `day` say `found`; units whose suspect spans change are stated anew.

    Those that compare months (`of_month`) belong to the month's first day, and are kept apart from that day's own.
    """
    ids = points.id.tolist()
    stands = {
        (row["point_id"], row["check_id"], row["since"]): (
            row["until"],
            row["severity"],
            msgspec.json.decode(row["detail"]),
        )
        for row in await connection.fetch(_SQL.standing, ids, day, of_month)
    }
    wanted: dict[_Key, _Said] = {
        (ids[one.point], one.check, _time(one.since)): (_time(one.until), str(one.severity), one.detail)
        for one in found
    }
    gone = [key for key, said in stands.items() if wanted.get(key) != said]
    come = [key for key, said in wanted.items() if stands.get(key) != said]
    if gone:
        await connection.execute(_SQL.forget, *_columns(gone), day)
    if come:
        said = [wanted[key] for key in come]
        detail = [msgspec.json.encode(one[2]).decode() for one in said]
        rest = ([one[0] for one in said], [one[1] for one in said], detail)
        await connection.execute(_SQL.write, *_columns(come), *rest, day)
    await _restate(connection, day, {key: stands[key] for key in gone}, {key: wanted[key] for key in come})
    return Written(len(wanted), len(set(gone) | set(come)))


async def _restate(connection: Connection, day: date, *changed: dict[_Key, _Said]) -> None:
    """Only where a failure came, went or has another span."""
    spans = [{(key[0], key[2], said[0]) for key, said in one.items() if said[1] == Severity.FAILURE} for one in changed]
    points = sorted({point for point, _, _ in spans[0] ^ spans[1]})
    if points:  # what began before midnight is of the day before too
        await connection.execute(_SQL.restate, points, day - timedelta(days=1), day)


def _columns(keys: Collection[_Key]) -> Sequence[list[object]]:
    return [list(column) for column in zip(*keys, strict=True)]


def _time(milliseconds: int) -> datetime:
    return _EPOCH + milliseconds * _MS
