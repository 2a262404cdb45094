"""The route that takes what units fill in: entries as JSON or CSV, answered after the commit, all or none of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, TypeAlias

import msgspec

from energy.clocks import DataClock
from energy.errors import Fault, WireError
from energy.records import RecordError
from energy.storage import Connection, StorageSettings
from energy.wire import RefusalCode
from ingest.accounting.entries.files import FIELDS, entries_in
from ingest.accounting.entries.model import Given, Source
from ingest.accounting.entries.store import Taken, enter, unit_of_gateway
from ingest.database import KeptConnection
from ingest.metrics import database_failed
from ingest.receiving.csv.pacing import paced
from ingest.receiving.entries import metrics
from ingest.receiving.envelopes import shortened
from ingest.receiving.http.buckets import Buckets
from ingest.receiving.http.depth import nested_beyond
from ingest.receiving.http.exchange import JSON, Asked, Reply, TurnedAwayError

ENTRIES_PATH = "/v1/entries"
"""Follows the prefix."""
CSV = "text/csv"
"""Media type of files."""
MOST_BYTES = 1 << 20
"""Most bytes of a request."""
MOST_ENTRIES = 2_000
"""Most entries of a request: they are checked in one go, while readings wait."""
MOST_REQUESTS = 4
"""Requests at once: each is held whole, and they are written one after the other."""
MOST_FAULTS = 1_000
"""So many faults are told one by one."""
_MOST_DEPTH = 8
_RETRY_S = 5.0
_SOURCE = "entries"

Reader: TypeAlias = Callable[[bytes, str], list[Given]]
"""Entries out of a body, for a unit."""


class Answer(msgspec.Struct, frozen=True):
    """What became of the entries, in their order."""

    taken: Sequence[Taken]


class Wrong(msgspec.Struct, frozen=True):
    """One fault.

    Attributes:
        line: of the file, from 1 with its header; of JSON the number of the entry, from 1; 0 for the request itself.
        field: which field, empty for the whole line.
        detail: what is wrong, and what was expected.
    """

    line: int
    field: str
    detail: str


class Refused(msgspec.Struct, frozen=True):
    """Why nothing was taken.

    Attributes:
        faults: the first `MOST_FAULTS`.
        count: how many there are.
    """

    faults: Sequence[Wrong]
    count: int


class _Body(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is sent as JSON; fields of entries stay as they are written, so that no digit is lost."""

    entries: Annotated[list[dict[str, msgspec.Raw]], msgspec.Meta(max_length=MOST_ENTRIES)]
    author: str = ""


class Entries:
    """The route.

    Args:
        database: where entries go.
        clock: data time.
        bytes_per_s: of one gateway's requests, decompressed, in the mean.
    """

    def __init__(self, database: StorageSettings, clock: DataClock, bytes_per_s: float) -> None:
        self._rate = Buckets(bytes_per_s)
        self._connection = KeptConnection(database, database_failed)
        self._clock = clock
        self._running = 0

    async def __call__(self, asked: Asked) -> Reply:
        """Take entries, answer after the commit.

        Raises:
            TurnedAwayError: too many requests run; the media type is not known; the body is too large.
            StorageError: the database is away; nothing was taken, as far as anybody knows: send again.
        """
        if self._running >= MOST_REQUESTS:
            raise TurnedAwayError(429, "entries", "too many at once; send again later", retry_after_s=_RETRY_S)
        self._running += 1
        try:
            return await self._answered(asked)
        finally:
            self._running -= 1

    async def _answered(self, asked: Asked) -> Reply:
        gateway = asked.address.gateway
        try:
            read = _reader(asked)
            body = b"".join([piece async for piece in paced(asked.pieces(MOST_BYTES), self._rate, gateway)])
            taken = await self._connection.once(lambda own: self._enter(own, gateway, read, body))
        except RecordError as error:
            return _refused(gateway, 422, error.faults)
        except WireError as error:
            return _refused(gateway, 400, [Fault(_SOURCE, 0, "", error.detail)])
        metrics.taken(gateway, taken)
        return Reply(200, msgspec.json.encode(Answer(taken)))

    async def _enter(self, connection: Connection, gateway: str, read: Reader, body: bytes) -> list[Taken]:
        unit = await unit_of_gateway(connection, gateway)
        if unit is None:
            raise TurnedAwayError(403, "forbidden", "this gateway is not registered")
        return await enter(connection, _own(read(body, unit), gateway, unit), Source.API, self._clock.now())


def _reader(asked: Asked) -> Reader:
    """How the body is read, by its media type; raises TurnedAwayError or WireError."""
    author = asked.query.get("author", "").strip() or f"gateway {asked.address.gateway}"
    if unknown := asked.query.keys() - {"author"}:
        raise WireError(RefusalCode.MALFORMED, f"parameter {min(unknown)!r}: author expected")
    if asked.content_type == JSON:
        return lambda body, unit: from_json(body, author, unit)
    if asked.content_type == CSV:
        return lambda body, unit: entries_in(body, _SOURCE, author=author, unit=unit)
    raise TurnedAwayError(415, "unknown_media_type", f"Content-Type: {JSON} or {CSV} expected")


def from_json(body: bytes, author: str, unit: str) -> list[Given]:
    """The entries of a JSON body; pure.

    Args:
        body: as it came.
        author: who says it where the body does not.
        unit: code of the unit that each entry is about where it names none.

    Raises:
        WireError: the body cannot be read.
        RecordError: a field is neither a text nor a number, or none of an entry.
    """
    if nested_beyond(body, _MOST_DEPTH):
        raise WireError(RefusalCode.MALFORMED, f"nested more than {_MOST_DEPTH} deep")
    try:
        sent = msgspec.json.decode(body, type=_Body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise WireError(RefusalCode.MALFORMED, str(error)) from error
    faults: list[Fault] = []
    given: list[Given] = []
    for number, one in enumerate(sent.entries, start=1):
        said = {"unit": unit}
        for name, raw in one.items():
            text = _text_of(bytes(raw).strip())
            if name not in FIELDS or text is None:
                wrong = "a text or a number expected" if name in FIELDS else f"one of {', '.join(FIELDS)} expected"
                faults.append(Fault(_SOURCE, number, shortened(name), wrong))
            elif text:
                said[name] = text
        given.append(Given(said, sent.author.strip() or author, _SOURCE, number))
    if faults:
        raise RecordError(faults)
    return given


def _text_of(literal: bytes) -> str | None:
    """A text, or a number as it is written; empty for null, None for anything else."""
    if literal.startswith(b'"'):
        return msgspec.json.decode(literal, type=str).strip()
    if literal == b"null":
        return ""
    return literal.decode() if literal[:1] in b"-0123456789" else None


def _own(given: list[Given], gateway: str, unit: str) -> list[Given]:
    """The same entries, if they are not too many, and all of the gateway's own unit; raises RecordError."""
    if len(given) > MOST_ENTRIES:
        raise RecordError(
            [Fault(_SOURCE, given[MOST_ENTRIES].line, "", f"more than {MOST_ENTRIES} entries: divide the file")]
        )
    others = [one for one in given if one.said["unit"] != unit]
    if others:
        wrong = f"{gateway} enters for {unit} only: leave the unit out"
        raise RecordError(Fault(_SOURCE, one.line, "unit", wrong) for one in others)
    return given


def _refused(gateway: str, status: int, faults: Sequence[Fault]) -> Reply:
    metrics.refused(gateway, len(faults), str(faults[0]))
    told = [Wrong(fault.line, fault.path, shortened(fault.message)) for fault in faults[:MOST_FAULTS]]
    return Reply(status, msgspec.json.encode(Refused(told, len(faults))))
