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
_MOST_AGED_A_COMMIT = 64
"""Envelopes that one commit drops for their age: more than one brings, and few enough that a clock which is a year
ahead for a minute does not empty the spool. Until their turn comes they are sent, should a platform be there."""
_CONFIRMED_AT_ONCE = 16
_MOST_RANGES = 1_000
"""Ranges that the file remembers, 30 kB of it; a hundred of them are told, and the totals count them all."""


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
    aged = 0
    for _ in range(_MOST_A_COMMIT):
        found = heads(database)
        drop = _too_old(found, now_ms - settings.max_age_days * _DAY_MS) if aged < _MOST_AGED_A_COMMIT else None
        aged += drop is not None
        if drop is None:
            if database.used_bytes() <= settings.max_bytes:
                break
            if database.execute(_SQL.forget_confirmed, (_CONFIRMED_AT_ONCE,)):
                continue
            drop = _in_the_way(found, settings)
        if drop is None:
            break
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


def _too_old(found: list[Head], oldest_allowed: float) -> Drop | None:
    return next((_drop(head, DropReason.AGE) for head in found if head.last_at < oldest_allowed), None)


def _in_the_way(found: list[Head], settings: SpoolSettings) -> Drop | None:
    """What the policy lets go for its size; None when there is nothing."""
    rest = [head for head in found if head.kind == REST]
    if settings.policy == "thin" and rest:
        return _drop(rest[0], DropReason.THINNED)
    oldest = min(found, key=lambda head: head.seq, default=None)
    return _drop(oldest, DropReason.SIZE) if oldest else None


def _drop(head: Head, reason: DropReason) -> Drop:
    return Drop(head.seq, head.kind, head.readings, reason)
