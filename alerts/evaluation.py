"""One evaluation of all quotas: read, judge, advance each alert, keep what changed. It has no clock and no loop."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from alerts import store
from alerts.evidence import Evidence, observe
from alerts.states import Seen, advance
from alerts.store import Outcome, Watched
from energy.storage import Connection, translating


class Evaluated(msgspec.Struct, frozen=True):
    """What an evaluation found: every outcome, and which of them were written."""

    outcomes: tuple[Outcome, ...]
    written: tuple[Outcome, ...]


async def evaluate(connection: Connection, now: datetime, look_back_days: int) -> Evaluated:
    """Evaluate in one transaction; the same data at the same time again writes nothing.

    Raises:
        StorageError, SchemaError, …: as `energy.storage.translating` says.
    """
    with translating():
        async with connection.transaction():
            watched = await store.read_watched(connection, now, look_back_days)
            outcomes = look(watched, now)
            changed = [after for before, after in zip(watched, outcomes, strict=True) if _changed(before, after)]
            written = await store.with_factors(connection, changed)
            await store.keep(connection, written)
    return Evaluated(tuple(outcomes), tuple(written))


def look(watched: Sequence[Watched], now: datetime) -> list[Outcome]:
    """Judge and advance each quota; pure."""
    return [_outcome(one, now) for one in watched]


def _outcome(one: Watched, now: datetime) -> Outcome:
    evidence = observe(one.quota, one.uses, now, one.previous)
    standing, transition = advance(one.standing, _seen(evidence), one.quota.rule, now)
    return Outcome(one.quota_id, evidence, standing, transition)


def _seen(evidence: Evidence) -> Seen:
    end, ready = evidence.quota.end, evidence.ready
    return Seen(
        verdict=evidence.judgement.verdict,
        mark=evidence.judgement.mark,
        clear=evidence.judgement.clear,
        final=ready is not None and ready >= end,
        at=None if ready is None else min(ready, end),
        end=end,
    )


def _changed(before: Watched, after: Outcome) -> bool:
    """Whether the row is worth writing; a moved clock alone is not."""
    known = None if before.previous is None else (before.previous.used, before.previous.limit, before.ready)
    found = (after.evidence.used, after.evidence.quota.limit, after.evidence.ready)
    return before.standing != after.standing or known != found
