"""One file on its way: checked and committed piece by piece, with a report as it goes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from dataclasses import dataclass

from energy.clocks import DataClock
from energy.errors import WireError
from energy.readings import Reading
from energy.storage import StorageSettings
from ingest.checking.cutter import Cutter
from ingest.database import KeptConnection
from ingest.metrics import database_failed
from ingest.receiving.batcher import Gathered
from ingest.receiving.csv import metrics
from ingest.receiving.csv.decoder import CsvDecoder, Record
from ingest.receiving.csv.outcomes import Stored, outcomes, would_be
from ingest.receiving.csv.pieces import MOST_LINES, MOST_REFUSED, CsvCarrier, Piece
from ingest.receiving.csv.report import Entry, Progress, Start, Totals, encode_entries
from ingest.receiving.csv.stored import stored_readings
from ingest.receiving.http.exchange import Asked, TurnedAwayError
from ingest.receiving.intake import Intake


@dataclass(frozen=True, slots=True)
class Way:
    """What every upload goes through.

    Attributes:
        database: is asked what is stored already.
        intake: where readings go.
        cutter: checks them, where that is all that is wanted.
        clock: data time.
        carrier: is told of their commit.
    """

    database: StorageSettings
    intake: Intake
    cutter: Cutter
    clock: DataClock
    carrier: CsvCarrier


class Upload:
    """The body of an answer: what is taken from it drives the upload, so that a slow reader slows it down.

    Args:
        way: what it goes through.
        asked: the request.
        decoder: has read the header.
        records: what came with that.
        pieces: the rest of the body.
        ended: is called once, at the end.
        dry_run: keep nothing.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - an upload is just begun
        self,
        way: Way,
        asked: Asked,
        decoder: CsvDecoder,
        records: Sequence[Record],
        pieces: AsyncIterator[bytes],
        ended: Callable[[], None],
        *,
        dry_run: bool,
    ) -> None:
        self._way = way
        self._asked = asked
        self._source = f"{asked.path} {asked.address.region}/{asked.address.gateway}"
        self._decoder = decoder
        self._begun = records
        self._pieces = pieces
        self._ended = ended
        self._dry_run = dry_run
        self._totals = Totals()
        self._problem = "cut off"
        self._connection = KeptConnection(way.database, database_failed)
        self._report = self._run()

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._report

    async def aclose(self) -> None:
        """End, also before the end."""
        try:
            await self._report.aclose()
            await self._connection.close()
        finally:  # cut off a second time in there, the gateway could never upload again
            summary = self._totals.summary(self._problem)
            metrics.upload_ended(self._asked.address.gateway, summary, dry_run=self._dry_run)
            self._ended()

    async def _run(self) -> AsyncGenerator[bytes, None]:
        layout = self._decoder.layout
        assert layout is not None  # noqa: S101 - the header was read
        yield encode_entries([Start(self._dry_run, layout.delimiter, layout.passed_over)])
        problem = ""
        try:
            async for records in self._cut():
                yield encode_entries(await self._settled(records))
        except (WireError, TurnedAwayError) as error:  # the answer has begun: its end tells
            problem = error.detail
        self._problem = problem
        yield encode_entries([self._totals.summary(problem)])

    async def _cut(self) -> AsyncIterator[list[Record]]:
        """The lines, so many at once as may be unsettled."""
        waiting: list[Record] = []
        refused = 0
        async for records in self._decoded():
            for record in records:
                waiting.append(record)
                refused += record.reading is None
                if len(waiting) == MOST_LINES or refused == MOST_REFUSED:
                    yield waiting
                    waiting, refused = [], 0
        if waiting:
            yield waiting

    async def _decoded(self) -> AsyncIterator[Sequence[Record]]:
        yield self._begun
        self._begun = ()
        async for piece in self._pieces:
            yield list(self._decoder.feed(piece))
        yield list(self._decoder.finish())

    async def _settled(self, records: list[Record]) -> list[Entry]:
        """Deal with some lines; what is to be reported of them."""
        piece = Piece(records)
        deliveries = piece.deliveries(self._way.carrier, self._source, self._asked.address)
        before = await self._stored([record.reading for record in records if record.reading is not None])
        if self._dry_run:
            loop, clock = asyncio.get_running_loop(), self._way.clock
            gathered = Gathered(clock.now_ms(), loop.time(), deliveries, len(records))
            self._way.carrier.settle(list((await self._way.cutter.checked(gathered)).settled()))
            after = would_be(piece.accepted(), before)
        else:
            for delivery in deliveries:
                self._way.intake.add(delivery)
            await piece.settled()
            after = await self._stored(piece.accepted())
        entries = list(outcomes(records, piece.refusals, before, after, self._totals))
        return [*entries, Progress(records[-1].line, self._totals.lines)]

    async def _stored(self, readings: Sequence[Reading]) -> Stored:
        return await self._connection.until_done(lambda own: stored_readings(own, readings))
