"""Sends a CSV file, and follows the report on it while it goes."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

import msgspec

from energy.errors import PermissionRefusedError, RejectedError, SetupError, TransportError
from energy.transport.http import HttpClient, StreamedAnswer
from ingest.receiving.csv.report import CSV_PATH, Entry, RefusedLine, Summary, decode_entry

IDLE_S = 120.0
"""Real seconds without a word from the platform after which it is given up."""
_PIECE_BYTES = 1 << 16
_NOT_LET_IN = (401, 403)
_REFUSED_WHOLE = (400, 413)


class Source:
    """A file that is sent.

    Args:
        file: from its beginning.
        name: for messages.
        size: its bytes, None where that is not known.

    Attributes:
        sent: bytes so far.
    """

    def __init__(self, file: IO[bytes], name: str, size: int | None) -> None:
        self.sent = 0
        self.size = size
        self._file = file
        self._name = name
        self._error: OSError | None = None

    async def pieces(self) -> AsyncIterator[bytes]:
        """What is in it, as it comes."""
        read: Callable[[int], bytes] = getattr(self._file, "read1", self._file.read)
        try:
            while piece := await asyncio.to_thread(read, _PIECE_BYTES):
                self.sent += len(piece)
                yield piece
        except OSError as error:
            self._error = error
            raise

    def check(self) -> None:
        """Say so where it was the file that could not be read: the transport knows only that nothing came.

        Raises:
            SetupError: it could not be read.
        """
        if self._error is not None:
            raise SetupError(f"{self._name} cannot be read: {self._error}") from self._error


@contextmanager
def opened(path: Path, report: Path | None) -> Iterator[tuple[Source, IO[bytes] | None]]:
    """The file to be sent, `-` for standard input, and the one for the report.

    Raises:
        SetupError: one of them cannot be opened.
    """
    with ExitStack() as stack:
        try:
            if str(path) == "-":
                source = Source(sys.stdin.buffer, "standard input", None)
            else:
                source = Source(stack.enter_context(path.open("rb")), str(path), path.stat().st_size)
            kept = stack.enter_context(report.open("wb")) if report is not None else None
        except OSError as error:
            raise SetupError(f"{error.filename} cannot be opened: {error.strerror}") from error
        yield source, kept


async def send(
    client: HttpClient, source: Source, parameters: Mapping[str, str], kept: IO[bytes] | None
) -> AsyncIterator[Entry]:
    """Send the file; the entries of the report, of which the last is a `Summary`.

    Args:
        client: knows the platform, and who we are.
        source: the file.
        parameters: of the upload.
        kept: gets the report as it comes.

    Raises:
        RejectedError: the platform refuses the file whole.
        PermissionRefusedError: it does not let us in.
        TransportError: it takes no file now, or the upload broke off.
        SetupError: the file cannot be read, or nobody there takes files.
    """
    try:
        async with client.stream(CSV_PATH, source.pieces(), parameters=parameters, idle_s=IDLE_S) as answer:
            async for entry in _entries(answer, kept):
                yield entry
    except TransportError:
        source.check()
        raise


async def _entries(answer: StreamedAnswer, kept: IO[bytes] | None) -> AsyncIterator[Entry]:
    if answer.status not in {200, *_REFUSED_WHOLE}:
        raise await _turned_away(answer)
    last: Entry | None = None
    async for line in answer.lines:
        if kept is not None:
            kept.write(line + b"\n")
        try:
            entry = decode_entry(line)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise SetupError(
                f"the answer is no report: {error}", advice="Check the url: it is what stands before /v1/csv."
            ) from error
        if entry is not None:
            last = entry
            yield entry
    if answer.status != 200 and isinstance(last, RefusedLine):  # noqa: PLR2004 - OK
        raise RejectedError("the platform refuses the file, nothing of it is stored")
    if not isinstance(last, Summary):
        raise TransportError(
            "the report broke off; what it told of is stored",
            advice="Send the same file again: what is stored already is not stored twice.",
        )


async def _turned_away(answer: StreamedAnswer) -> Exception:
    text = b"".join([line async for line in answer.lines]).decode(errors="replace").strip()[:200]
    if answer.status in _NOT_LET_IN:
        return PermissionRefusedError(
            f"the platform does not let us in: {text}", advice="Check --gateway, and --token-file or --cert-file."
        )
    if answer.status in {408, 429, 503}:
        when = f" in {answer.retry_after:g} s" if answer.retry_after is not None else " later"
        return TransportError(f"the platform takes no file now: {text}", advice=f"Try again{when}.")
    return SetupError(
        f"nobody there takes CSV files (HTTP {answer.status})",
        advice="Check the url: it is what stands before /v1/csv, and a worker needs [http].",
    )
