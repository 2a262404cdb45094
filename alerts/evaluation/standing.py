"""Where alerts stand, as columns: read again only where one was written, passed over where nothing can change."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from alerts.life.model import ACTIVE, AlertState, Condition, Standing
from alerts.life.store import AlertKey, Known
from alerts.rules.judging import CONDITIONS, NOT_ABOUT, Judgement
from alerts.series.frame import NEVER, Ids
from alerts.verdicts import Colour, Mark, Severity
from energy.storage import Connection, load_queries
from energy.storage.binary import Layout

_SQL = load_queries("alerts.evaluation", "evaluation.sql")
_REVISIONS = Layout(alert_id="int8", revision="int4")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_US = timedelta(microseconds=1)
_SECOND = 1_000_000
SHIFT = 2**32
"""An identity is the subject's id times this, and the day on which its period begins."""

_STATES = {state: number for number, state in enumerate(AlertState)}
_MARKS = {Mark(s, c): number for number, (s, c) in enumerate((s, c) for s in Severity for c in Colour)}
_UNSAID, _KEPT, _BROKEN = -1, 0, 1
_CODE = {condition: number for number, condition in enumerate(CONDITIONS)}


@dataclass(frozen=True)
class Alerts:
    """Alerts, in the order of their ids.

    Attributes:
        known: as they were read.
        alert_id, revision: which, and which writing.
        rule: by the hash of its code.
        identity: subject and period in one number.
        state, mark: numbers of the state, and of severity and colour.
        fired_us, called_us: since when, microseconds since 1970 UTC.
        clearing, escalated: the condition has cleared, and waits for keep-firing; it has escalated.
        said: what was said when the period closed.
    """

    known: NDArray[np.object_]
    alert_id: Ids
    revision: Ids
    rule: Ids
    identity: Ids
    state: Ids
    mark: Ids
    fired_us: Ids
    called_us: Ids
    clearing: NDArray[np.bool_]
    escalated: NDArray[np.bool_]
    said: Ids

    @classmethod
    def of(cls, known: Iterable[Known]) -> Alerts:
        """Columns of these."""
        listed = sorted(known, key=lambda one: one.alert_id)
        column = np.empty(len(listed), np.object_)
        column[:] = listed
        numbers = np.array([_numbers(one) for one in listed], np.int64).reshape(len(listed), len(fields(cls)) - 1).T
        columns: dict[str, NDArray[Any]] = dict(zip((field.name for field in fields(cls)[1:]), numbers, strict=True))
        for name in ("clearing", "escalated"):
            columns[name] = columns[name].astype(np.bool_)
        return cls(column, **columns)

    def take(self, rows: Ids | NDArray[np.bool_]) -> Alerts:
        """Some of them."""
        return Alerts(*(getattr(self, field.name)[rows] for field in fields(self)))

    def of_rule(self, code: str) -> Alerts:
        """Those of one rule."""
        return self.take(self.rule == hash(code))

    @property
    def open(self) -> NDArray[np.bool_]:
        """Which of them have not ended."""
        return np.isin(self.state, [_STATES[state] for state in (*ACTIVE, AlertState.PENDING)])

    def settled(self, judgement: Judgement, rows: Ids, now: datetime, *, watched: bool) -> NDArray[np.bool_]:
        """Which of them the state machine would leave as they are: it need not be asked.

        Only what is cheap to tell is told; `alerts.life.machine` says how it is.

        Args:
            judgement: of the rule whose alerts these are.
            rows: of the frame, one per alert.
            now: data time.
            watched: there are maintenance windows, which may take hold of whatever fires.
        """
        frame, timing = judgement.frame, judgement.rule.timing
        now_us = (now - _EPOCH) // _US
        codes = np.where(judgement.applies[rows], judgement.codes[rows], _CODE[NOT_ABOUT])
        raised, unknown = codes == _CODE[Condition.RAISED], codes == _CODE[Condition.UNKNOWN]
        end, final = frame.end_us[rows], frame.final[rows]
        keep = timing.keep_closed_s * _SECOND
        closes = (end != NEVER) & (now_us - keep >= end) & (now_us - keep > self.fired_us)
        firing = self.state == _STATES[AlertState.FIRING]
        escalates = (
            firing
            & ~self.escalated
            & (timing.escalate_s > 0)
            & (now_us - self.called_us >= timing.escalate_s * _SECOND)
        )
        as_was = unknown | (codes == _CODE[Condition.HELD]) & ~final
        goes_on = (firing | (self.state == _STATES[AlertState.ACKNOWLEDGED])) & ~closes & ~escalates
        as_shown = np.zeros(len(rows), np.bool_)
        candidates = np.flatnonzero(goes_on & raised & ~self.clearing)
        as_shown[candidates] = _marks(judgement, rows[candidates]) == self.mark[candidates]
        goes_on &= (as_was | as_shown) & (not watched)
        over = ~np.isin(self.state, [_STATES[state] for state in ACTIVE])
        corrects = judgement.rule.corrects
        decided = ~unknown & (final | raised & corrects)
        stands = over & (self.said != _UNSAID) & (~decided | (raised == (self.said == _BROKEN)))
        ended = over & (self.said == _UNSAID) & (self.state != _STATES[AlertState.PENDING])
        late = ~may_fire(judgement, rows, now)
        found: NDArray[np.bool_] = goes_on | stands | ended & (~raised | late)
        return found


def may_fire(judgement: Judgement, rows: Ids, now: datetime) -> NDArray[np.bool_]:
    """Of which rows something may still begin to fire: what needs time to last does not after its period."""
    frame, rule = judgement.frame, judgement.rule
    end, final = frame.end_us[rows], frame.final[rows]
    found: NDArray[np.bool_] = (end == NEVER) | ((now - _EPOCH) // _US < end) | rule.corrects
    found |= final & (rule.timing.for_s == 0)
    return found


class Standings:
    """Where alerts of quotas stand, as far as is remembered: to be forgotten when a transaction fails."""

    def __init__(self) -> None:
        self._alerts = Alerts.of(())

    def forget(self) -> None:
        """Nothing is known any more."""
        self._alerts = Alerts.of(())

    async def read(self, connection: Connection, starts: Sequence[date], ids: Sequence[int] | None) -> Alerts:
        """Alerts of quotas `ids` (None: all): open ones, and those of periods that begin on one of `starts`."""
        there = await _REVISIONS.copy(connection, _SQL.revisions, list(starts), ids)
        order = np.argsort(there["alert_id"])
        alert_id, revision = there["alert_id"][order], there["revision"][order]
        known = self._alerts
        place = np.searchsorted(known.alert_id, alert_id)
        place[place == len(known.alert_id)] = 0
        same = np.zeros(len(alert_id), np.bool_)
        if len(known.alert_id):
            same = (known.alert_id[place] == alert_id) & (known.revision[place] == revision)
        found = known.take(place[same])
        if not same.all():
            new = Alerts.of(await _read(connection, alert_id[~same].tolist()))
            found = _merged(found, new)
        self._alerts = found if ids is None else _merged(known.take(~np.isin(known.alert_id, alert_id)), found)
        return found


async def _read(connection: Connection, alert_ids: list[int]) -> list[Known]:
    return [
        Known(
            row["alert_id"],
            AlertKey(row["rule"], "quota", row["subject_id"], row["period_start"]),
            msgspec.json.decode(row["standing"], type=Standing),
            row["revision"],
        )
        for row in await connection.fetch(_SQL.standings, alert_ids)
    ]


def _merged(one: Alerts, other: Alerts) -> Alerts:
    both = Alerts(*(np.concatenate([getattr(one, f.name), getattr(other, f.name)]) for f in fields(Alerts)))
    return both.take(np.argsort(both.alert_id))


def identity(key: AlertKey) -> int:
    """One number for the subject and the period of an alert."""
    days = 0 if key.period_start is None else key.period_start.toordinal() - _EPOCH_DAY
    return key.subject_id * SHIFT + days


def _numbers(one: Known) -> tuple[int, ...]:
    was = one.standing
    fired, called = was.fired_at or was.since, was.called_from or was.since
    said = _UNSAID if was.said is None else _BROKEN if was.said else _KEPT
    return (
        *(one.alert_id, one.revision, hash(one.key.rule), identity(one.key), _STATES[was.state], _MARKS[was.mark]),
        *((fired - _EPOCH) // _US, (called - _EPOCH) // _US),
        *(was.clear_from is not None, was.escalated_at is not None, said),
    )


def _marks(judgement: Judgement, rows: Ids) -> Ids:
    if judgement.rule.severity != "band" and len(rows):
        return np.full(len(rows), _MARKS[judgement.mark(int(rows[0]))])
    return np.array([_MARKS[judgement.mark(row)] for row in rows.tolist()], np.int64)
