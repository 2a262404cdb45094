"""What leaves a full spool, in which order, and how it is written down."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from collector.spool.database import Database
from collector.spool.settings import SpoolSettings
from energy.queries import load_queries
from energy.wire import DropReason

REST, BORDER = 0, 1
"""The classes of envelopes, as the file has them."""

_SQL = load_queries("collector.spool", "spool.sql")
_DAY_MS = 86_400_000
_MOST_A_COMMIT = 1_000
"""Envelopes that one commit drops at most: after a bound was lowered no poll round waits for all of it."""
_CONFIRMED_AT_ONCE = 16
_MOST_RANGES = 10_000
"""Ranges that the file remembers; a hundred of them are told, and the totals count them all."""


class Head(msgspec.Struct, frozen=True):
    """The first unconfirmed envelope of a class; times are of its readings."""

    seq: int
    kind: int
    readings: int
    first_at: int
    last_at: int


class Drop(msgspec.Struct, frozen=True):
    """One envelope that was dropped, and its class."""

    seq: int
    kind: int
    readings: int
    reason: DropReason


def heads(database: Database) -> list[Head]:
    """The first unconfirmed envelope of each class that has one."""
    return [Head(*row) for row in database.execute(_SQL.heads)]


def hold(database: Database, settings: SpoolSettings, now_ms: int) -> list[Drop]:
    """Drop until both bounds hold, within the open transaction; returns what went, written down."""
    drops: list[Drop] = []
    while len(drops) < _MOST_A_COMMIT and (drop := _next(database, settings, now_ms)):
        database.execute(_SQL.forget, (drop.seq,))
        drops.append(drop)
    record(database, drops, now_ms)
    return drops


def record(database: Database, drops: Iterable[Drop], now_ms: int) -> None:
    """Write down what was dropped, as ranges that name nothing else, and count it."""
    for drop in drops:
        last, readings = drop.seq, drop.readings
        for taken in database.execute(_SQL.take_drop, (drop.seq + 1, drop.reason)):
            last, readings = taken[0], readings + taken[1]
        row = {"seq": drop.seq, "last": last, "readings": readings, "at": now_ms, "reason": drop.reason}
        if not database.execute(_SQL.extend_drop, row):
            database.execute(_SQL.drop_range, row)
            database.execute(_SQL.forget_drops, (_MOST_RANGES,))
        database.execute(_SQL.count_dropped, (1, drop.readings))


def _next(database: Database, settings: SpoolSettings, now_ms: int) -> Drop | None:
    """What has to go now, None when the bounds hold."""
    found = heads(database)
    oldest_allowed = now_ms - settings.max_age_days * _DAY_MS
    for head in found:
        if head.last_at < oldest_allowed:
            return Drop(head.seq, head.kind, head.readings, DropReason.AGE)
    while database.used_bytes() > settings.max_bytes:
        if database.execute(_SQL.forget_confirmed, (_CONFIRMED_AT_ONCE,)):
            continue
        return _over_size(found, settings)
    return None


def _over_size(found: list[Head], settings: SpoolSettings) -> Drop | None:
    rest = [head for head in found if head.kind == REST]
    if settings.policy == "thin" and rest:
        return Drop(rest[0].seq, REST, rest[0].readings, DropReason.THINNED)
    oldest = min(found, key=lambda head: head.seq, default=None)
    return Drop(oldest.seq, oldest.kind, oldest.readings, DropReason.SIZE) if oldest else None
