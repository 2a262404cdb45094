"""What a spool holds, as it stands after each commit."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from collector.spool.bounds import BORDER, REST, Drop, heads
from collector.spool.database import Database
from energy.queries import load_queries
from energy.wire import DroppedRange, DroppedTotal

_SQL = load_queries("collector.spool", "spool.sql")
_DROPS_REPORTED = 100


class SpoolState(msgspec.Struct, frozen=True):
    """What a spool holds.

    Attributes:
        stream: the stream's identity.
        last_seq: highest number ever given, 0 when none was.
        kept: unconfirmed envelopes.
        kept_border: those of them that are of the class border.
        kept_bytes: bytes of the file that are in use, which is what `max_bytes` bounds.
        kept_from: the lowest number among the unconfirmed, None when there is none.
        oldest_at: first data time in the lowest-numbered envelope of each class, the lower of the two, ms UTC.
        dropped: what was dropped, the newest hundred ranges, in order.
        dropped_total: all that was dropped since the stream began.
    """

    stream: str = ""
    last_seq: int = 0
    kept: int = 0
    kept_border: int = 0
    kept_bytes: int = 0
    kept_from: int | None = None
    oldest_at: int | None = None
    dropped: tuple[DroppedRange, ...] = ()
    dropped_total: DroppedTotal = DroppedTotal(0, 0)


@dataclass(slots=True)
class Change:
    """What a transaction changes; counted while it runs, and looked at just before its end.

    Attributes:
        last_seq: highest number given.
        kept: unconfirmed envelopes by class.
        drops: what it drops.
    """

    last_seq: int
    kept: dict[int, int]
    drops: list[Drop] = field(default_factory=list)

    @classmethod
    def of(cls, state: SpoolState) -> Change:
        """No change yet."""
        return cls(state.last_seq, {REST: state.kept - state.kept_border, BORDER: state.kept_border})

    def dropped(self, drops: list[Drop]) -> None:
        """Envelopes were dropped."""
        self.drops.extend(drops)
        for drop in drops:
            self.kept[drop.kind] -= 1


def first_state(database: Database) -> SpoolState:
    """The state of a file that was just opened."""
    ((stream,),) = database.execute(_SQL.stream)
    ((last_seq,),) = database.execute(_SQL.last_seq)
    kept = {REST: 0, BORDER: 0, **dict(database.execute(_SQL.kept))}
    return _told(database, next_state(database, SpoolState(stream), Change(last_seq, kept)))


def next_state(database: Database, before: SpoolState, change: Change) -> SpoolState:
    """The state as it will be when the open transaction is on the disk."""
    found = heads(database)
    after = msgspec.structs.replace(
        before,
        last_seq=change.last_seq,
        kept=change.kept[REST] + change.kept[BORDER],
        kept_border=change.kept[BORDER],
        kept_bytes=database.used_bytes(),
        kept_from=min((head.seq for head in found), default=None),
        oldest_at=min((head.first_at for head in found), default=None),
    )
    return _told(database, after) if change.drops else after


def _told(database: Database, state: SpoolState) -> SpoolState:
    rows = database.execute(_SQL.drops, (_DROPS_REPORTED,))
    dropped = tuple(DroppedRange(*row) for row in reversed(rows))
    total = DroppedTotal(*database.execute(_SQL.dropped_total)[0])
    return msgspec.structs.replace(state, dropped=dropped, dropped_total=total)
