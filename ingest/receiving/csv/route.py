"""The route that takes CSV files."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec

from energy.clocks import DataClock
from energy.errors import WireError
from energy.storage import StorageSettings
from energy.wire import RefusalCode
from ingest.checking.cutter import Cutter
from ingest.receiving.csv import metrics
from ingest.receiving.csv.decoder import CsvDecoder, Record
from ingest.receiving.csv.layout import Dialect
from ingest.receiving.csv.pacing import paced
from ingest.receiving.csv.pieces import WINDOW as UPLOAD_WINDOW
from ingest.receiving.csv.pieces import CsvCarrier
from ingest.receiving.csv.report import RefusedLine, encode_entries
from ingest.receiving.csv.upload import Upload, Way
from ingest.receiving.envelopes import shortened
from ingest.receiving.http.buckets import Buckets
from ingest.receiving.http.exchange import Asked, Reply, TurnedAwayError
from ingest.receiving.intake import Intake

NDJSON = "application/x-ndjson"
"""Media type of the report."""
MOST_UPLOADS = 4
"""Uploads at once: each holds some megabytes, and a connection to the database."""
WINDOW = MOST_UPLOADS * UPLOAD_WINDOW
"""Most deliveries of all uploads that are unsettled at once."""
_MOST_BYTES = 1 << 62
_RETRY_S = 30.0
_STATUS = {RefusalCode.MALFORMED: 400, RefusalCode.TOO_LARGE: 413}
_PARAMETERS = ("dry_run", "time_zone", "decimal", "charset")


class _Wanted(msgspec.Struct, frozen=True):
    dry_run: bool
    dialect: Dialect


class CsvUploads:
    """The route.

    Args:
        database: is asked what is stored already.
        intake: where readings go.
        cutter: checks them, where that is all that is wanted.
        clock: data time.
        bytes_per_s: of one gateway's files, decompressed, in the mean.
    """

    def __init__(
        self, database: StorageSettings, intake: Intake, cutter: Cutter, clock: DataClock, bytes_per_s: float
    ) -> None:
        self._way = Way(database, intake, cutter, clock, CsvCarrier())
        self._rate = Buckets(bytes_per_s)
        self._gateways: set[str] = set()

    async def __call__(self, asked: Asked) -> Reply:
        """Take a file; the answer begins as soon as its header is read, and ends with the file.

        Raises:
            TurnedAwayError: too many uploads run, or one of this gateway.
        """
        gateway = asked.address.gateway
        if gateway in self._gateways or len(self._gateways) >= MOST_UPLOADS:
            raise TurnedAwayError(429, "uploads", "another upload runs; send again later", retry_after_s=_RETRY_S)
        self._gateways.add(gateway)
        decoder: CsvDecoder | None = None
        try:
            wanted = _wanted(asked)
            decoder = CsvDecoder(wanted.dialect)
            pieces = paced(asked.pieces(_MOST_BYTES), self._rate, gateway)
            records = await _header(decoder, pieces)
        except WireError as error:
            self._gateways.discard(gateway)
            return _refused(gateway, decoder.line if decoder else 0, error)
        except BaseException:
            self._gateways.discard(gateway)
            raise
        upload = Upload(
            self._way, asked, decoder, records, pieces, lambda: self._gateways.discard(gateway), dry_run=wanted.dry_run
        )
        return Reply(200, upload, NDJSON)


def _wanted(asked: Asked) -> _Wanted:
    query = asked.query
    for name in query:
        if name not in _PARAMETERS:  # `dryrun` must not store
            raise WireError(RefusalCode.MALFORMED, f"parameter {name!r}: one of {', '.join(_PARAMETERS)} expected")
    dry_run = query.get("dry_run", "false")
    if dry_run not in {"true", "false"}:
        raise WireError(RefusalCode.MALFORMED, f"dry_run {dry_run!r}: true or false expected")
    dialect = Dialect.of(
        charset=query.get("charset", asked.charset), time_zone=query.get("time_zone"), decimal=query.get("decimal")
    )
    return _Wanted(dry_run == "true", dialect)


async def _header(decoder: CsvDecoder, pieces: AsyncIterator[bytes]) -> list[Record]:
    """Read until the header has come; the records that came with it."""
    async for piece in pieces:
        records = list(decoder.feed(piece))
        if decoder.layout is not None:
            return records
    return list(decoder.finish())


def _refused(gateway: str, line: int, error: WireError) -> Reply:
    """Nothing of the file is taken; line 0 is what stands in the request itself."""
    metrics.upload_refused(gateway, error.detail)
    code = RefusalCode(error.code)
    return Reply(_STATUS[code], encode_entries([RefusedLine(line, code, shortened(error.detail))]), NDJSON)
