"""CSV files, uploads of them, and what came back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from typing import TypeVar

from energy.wire import Address
from ingest.receiving.csv.decoder import CsvDecoder, Record
from ingest.receiving.csv.layout import Dialect
from ingest.receiving.csv.report import CSV_PATH, Entry, Summary, decode_entry
from tests.support.http_push import Pushing

HEADER = "point,time,value\n"

E = TypeVar("E", bound=Entry)


def records_of(*chunks: bytes, dialect: Dialect | None = None) -> list[Record]:
    """All records of a file in these chunks."""
    decoder = CsvDecoder(dialect or Dialect())
    return [*(record for chunk in chunks for record in decoder.feed(chunk)), *decoder.finish()]


def csv_file(rows: Iterable[tuple[object, ...]], header: str = HEADER) -> bytes:
    """A file in the usual dialect."""
    return (header + "".join(",".join(map(str, row)) + "\n" for row in rows)).encode()


@dataclass(frozen=True)
class Report:
    """What an upload was answered with."""

    status: int
    entries: list[Entry]

    def only(self, kind: type[E]) -> list[E]:
        """The entries of a kind."""
        return [entry for entry in self.entries if isinstance(entry, kind)]

    @property
    def summary(self) -> Summary:
        """The last entry; a test fails where it is none."""
        assert isinstance(self.entries[-1], Summary)
        return self.entries[-1]

    @property
    def counts(self) -> tuple[int, int, int, int]:
        """(stored, repeated, conflicting, refused)."""
        summary = self.summary
        return summary.stored, summary.repeated, summary.conflicting, summary.refused


async def upload(push: Pushing, gateway: Address, body: bytes | AsyncIterator[bytes], **parameters: str) -> Report:
    """Upload a file in the name of `gateway`."""
    query = "&".join(f"{name}={value}" for name, value in parameters.items())
    answer = await push.post(gateway, body, f"{CSV_PATH}?{query}")
    return Report(answer.status, entries_of(answer.body))


def entries_of(report: bytes) -> list[Entry]:
    """Those of a whole report; a test fails where one is of no known kind."""
    entries = [decode_entry(line) for line in report.splitlines()]
    known = [entry for entry in entries if entry is not None]
    assert len(known) == len(entries)
    return known
