"""Spools to test with: a file opened for a while, readings to put in, what is in it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from collector.spool.database import Database
from collector.spool.estimate import NOTHING, Expected
from collector.spool.file import SpoolFile
from collector.spool.settings import SpoolSettings
from collector.spool.spool import Spool
from energy.clocks import DataClock
from energy.readings import Reading
from energy.wire import decode_envelope

STREAM = "0123456789abcdef" * 2
OTHER_STREAM = "fedcba9876543210" * 2
DAY_MS = 86_400_000


def readings(count: int, *, at: int = 1_000, point: str = "P-1", step: int = 1_000) -> list[Reading]:
    """Readings of one point, `step` milliseconds apart."""
    return [Reading(point, at + step * number, float(number)) for number in range(count)]


@contextmanager
def opened(
    path: Path, settings: SpoolSettings | None = None, *, stream: str = STREAM, classes: bool = False
) -> Iterator[SpoolFile]:
    """An open spool file at `path`."""
    file = SpoolFile(path, settings or SpoolSettings(), classes=classes)
    file.open(lambda: stream, now_ms=0)
    try:
        yield file
    finally:
        file.close()


@asynccontextmanager
async def spooling(
    path: Path, settings: SpoolSettings | None = None, *, classes: bool = False, expected: Expected = NOTHING
) -> AsyncIterator[Spool]:
    """An open spool as the loop sees it, with a thread of its own; by default no reading is too old for it."""
    file = SpoolFile(path, settings or SpoolSettings(max_age_days=100_000), classes=classes)
    with ThreadPoolExecutor(1) as thread:
        spool = Spool("gw-1", file, DataClock(), thread, expected=expected)
        await spool.open()
        try:
            yield spool
        finally:
            await spool.close()


def fetched(file: SpoolFile, *, border: bool | None = None, until: int | None = None) -> list[tuple[int, bytes]]:
    """All unconfirmed envelopes, which are all sound."""
    sound, spoilt = file.fetch(0, 1_000_000, until=until, border=border)
    assert spoilt == []
    return sound


def numbers(file: SpoolFile, *, border: bool | None = None) -> list[int]:
    """Their numbers."""
    return [seq for seq, _ in fetched(file, border=border)]


def kept_readings(file: SpoolFile, *, border: bool | None = None) -> list[Reading]:
    """The readings in them."""
    return [one for _, body in fetched(file, border=border) for one in decode_envelope(body).readings]


def database_of(file: SpoolFile) -> Database:
    """The connection beneath, to do harm through."""
    return file._database
