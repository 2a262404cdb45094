"""Stores what was refused, now that its cause is mended: by the checks and the transaction of all other readings.

A piece of rejects is stored and marked as replayed in one transaction, so that none is lost, done half, or done twice,
whenever it is cut off and however many do it at once.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from energy.clocks import DataClock
from energy.errors import StorageRejectedError
from energy.registry.store import find_points
from energy.storage import Connection, translating
from ingest.checking.batch import Batch, Reject, assemble
from ingest.checking.points import PointTable
from ingest.checking.settings import CheckSettings
from ingest.checking.verdicts import Bounds
from ingest.rejects.candidates import Candidate, Taken, candidate
from ingest.rejects.find import SQL, Chosen
from ingest.writing.search import refusal_of, without_refused
from ingest.writing.store import Outcome, Store, reserve_numbers

PIECE = 1_000
"""Most rejects of one transaction."""
PIECE_BYTES = 4 * 1_048_576
"""About so many bytes of payload in one transaction."""


@dataclass(slots=True)
class Replayed:
    """What became of the rejects that were tried.

    Attributes:
        rejects: how many are replayed: stored, or there already.
        stored, duplicates, conflicts: what became of their readings.
        rejected: readings of messages refused whole before, that are refused one by one now, and kept anew.
        refused: rejects that are refused still, by today's code, with a detail of each.
        hopeless: rejects that cannot be tried again, by why.
        busy: rejects that another replay had at the same time.
        batches: the batches that stored them.
    """

    rejects: int = 0
    stored: int = 0
    duplicates: int = 0
    conflicts: int = 0
    rejected: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    details: dict[str, str] = field(default_factory=dict)
    hopeless: Counter[str] = field(default_factory=Counter)
    busy: int = 0
    batches: list[int] = field(default_factory=list)

    @property
    def tried(self) -> int:
        """How many rejects were looked at."""
        return self.rejects + self.refused.total() + self.hopeless.total() + self.busy

    def note_refused(self, reject: Reject) -> None:
        """One is refused still."""
        self.refused[reject.refusal.code] += 1
        self.details[reject.refusal.code] = reject.refusal.detail

    def note_stored(self, rejects: int, number: int, outcome: Outcome) -> None:
        """So many are replayed, as batch `number`."""
        self.rejects += rejects
        self.stored += outcome.stored
        self.duplicates += outcome.duplicates
        self.conflicts += outcome.conflicts
        self.rejected += outcome.rejected
        self.batches.append(number)


class _OnlyTriedError(Exception):
    """Undoes a transaction that was only tried."""


@dataclass(frozen=True, slots=True)
class Replay:
    """Replays rejects.

    Attributes:
        store: makes a batch permanent, in the name of who replays.
        bounds: the times that are accepted at present.
        received_ms: data time, of the batches' records.
        dry: undo every piece after it was tried.
    """

    store: Store
    bounds: Bounds
    received_ms: int
    dry: bool = False

    @classmethod
    def at(cls, clock: DataClock, checks: CheckSettings, worker: str, *, dry: bool = False) -> Replay:
        """A replay by the rules of `checks` at data time, in the name of `worker`; `dry` only tries it."""
        now_ms = clock.now_ms()
        age_ms, future_ms = round(checks.age_days * 86_400_000), round(checks.future_s * 1000)
        return cls(Store(worker, clock.now), Bounds.around(now_ms, age_ms=age_ms, future_ms=future_ms), now_ms, dry)

    async def run(self, connection: Connection, chosen: Chosen) -> Replayed:
        """Replay what is `chosen`, open and there by now, oldest first.

        Raises:
            StorageError and its like: as `energy.storage.translating` says; what was done by then is done for good,
                and the rest is as if it had not been touched.
        """
        sums = Replayed()
        with translating():
            newest: int = await connection.fetchval(SQL.newest)
        last = 0
        while rejects := await _next(connection, chosen, last, newest):
            await self._piece(connection, rejects, sums)
            last = rejects[-1]
        return sums

    async def _piece(self, connection: Connection, rejects: Sequence[int], sums: Replayed) -> None:
        (number,) = await reserve_numbers(connection, 1)
        async with self._transaction(connection):
            with translating():
                rows = [Taken(*row) for row in await connection.fetch(SQL.take, rejects)]
            sums.busy += len(rejects) - len(rows)
            if candidates := _candidates(rows, sums):
                points = await _registered(connection, candidates)
                await self._commit(connection, candidates, points, number, sums)

    async def _commit(
        self, connection: Connection, candidates: Sequence[Candidate], points: PointTable, number: int, sums: Replayed
    ) -> None:
        """Store what passes, and mark it; what is refused still keeps the row that it has."""
        batch = self._assembled(candidates, points)
        while candidates:
            passed = _passed(candidates, batch, sums)
            if len(passed) < len(candidates):
                candidates, batch = passed, self._assembled(passed, points)
                continue
            try:
                outcome = await self.store.commit(connection, batch, number)
            except StorageRejectedError as error:
                batch = await without_refused(lambda part: refusal_of(connection, part), batch, error)
                continue
            with translating():
                await connection.execute(SQL.mark_replayed, [one.reject_id for one in candidates], number)
            sums.note_stored(len(candidates), number, outcome)
            return

    def _assembled(self, candidates: Sequence[Candidate], points: PointTable) -> Batch:
        return assemble([one.delivery for one in candidates], points, self.bounds, self.received_ms)

    @asynccontextmanager
    async def _transaction(self, connection: Connection) -> AsyncIterator[None]:
        with translating(), suppress(_OnlyTriedError):
            async with connection.transaction():
                yield
                if self.dry:
                    raise _OnlyTriedError


async def _registered(connection: Connection, candidates: Iterable[Candidate]) -> PointTable:
    """The points that are named, as they are registered now."""
    named = {reading.point for one in candidates for reading in one.delivery.readings}
    return PointTable.of(()).having(await find_points(connection, named))


async def _next(connection: Connection, chosen: Chosen, last: int, newest: int) -> list[int]:
    still_open = dataclasses.replace(chosen, open=True)
    with translating():
        rows = await connection.fetch(SQL.next_open, *still_open.parameters(), last, newest, PIECE, PIECE_BYTES)
    return [row[0] for row in rows]


def _candidates(rows: Iterable[Taken], sums: Replayed) -> list[Candidate]:
    found = []
    for row in rows:
        one = candidate(row)
        if isinstance(one, str):
            sums.hopeless[one] += 1
        else:
            found.append(one)
    return found


def _passed(candidates: Sequence[Candidate], batch: Batch, sums: Replayed) -> list[Candidate]:
    """Those that `batch` does not refuse; of a message that can be read now, single readings may be refused."""
    refused = {}
    for reject in batch.rejects:
        if reject.refusal.index is None or not candidates[reject.delivery].whole:
            refused[reject.delivery] = reject
    for reject in refused.values():
        sums.note_refused(reject)
    return [one for number, one in enumerate(candidates) if number not in refused]
