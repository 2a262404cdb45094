"""Decompresses what comes from outside: in bounded pieces, and never more than allowed."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable, Iterator
from typing import Protocol

from energy.errors import WireError
from energy.wire import RefusalCode

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

PIECE_BYTES = 65_536
"""Most bytes of a piece: a bomb is noticed after one of them too many."""
_GZIP = 16 + zlib.MAX_WBITS
_WINDOW_LOG = 23
"""RFC 9659: with this content coding no more than 8 MiB of memory may be asked of the receiver."""


class Inflater(Protocol):
    """Decompresses a stream."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """What `data` decompresses to, in pieces; raises WireError where it is not what it says it is."""

    def finish(self) -> None:
        """Say that nothing follows; raises WireError where something is missing."""


def inflater(encoding: str) -> Inflater:
    """For one of `ENCODINGS`."""
    return _INFLATERS[encoding]()


class _Identity:
    def feed(self, data: bytes) -> Iterator[bytes]:
        yield data

    def finish(self) -> None:
        """Nothing can be missing."""


class _Gzip:
    """One member; what compresses on the fly makes no more of them."""

    def __init__(self) -> None:
        self._stream = zlib.decompressobj(_GZIP)

    def feed(self, data: bytes) -> Iterator[bytes]:
        while data:
            if self._stream.eof:
                raise _malformed("gzip", "bytes follow its end")
            try:
                piece = self._stream.decompress(data, PIECE_BYTES)
            except zlib.error as error:
                raise _malformed("gzip", str(error)) from error
            data = self._stream.unconsumed_tail or self._stream.unused_data
            if piece:
                yield piece

    def finish(self) -> None:
        if not self._stream.eof:
            raise _malformed("gzip", "it ends too early")


class _Zstd:
    """One frame."""

    def __init__(self) -> None:
        self._stream = zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: _WINDOW_LOG})

    def feed(self, data: bytes) -> Iterator[bytes]:
        while data or not self._stream.needs_input:
            if self._stream.eof:
                if data or self._stream.unused_data:
                    raise _malformed("zstd", "bytes follow its end")
                return
            try:
                piece = self._stream.decompress(data, PIECE_BYTES)
            except zstd.ZstdError as error:
                raise _malformed("zstd", str(error)) from error
            data = b""
            if piece:
                yield piece

    def finish(self) -> None:
        if not self._stream.eof:
            raise _malformed("zstd", "it ends too early")


_INFLATERS: dict[str, Callable[[], Inflater]] = {"identity": _Identity, "gzip": _Gzip, "zstd": _Zstd}
ENCODINGS = tuple(_INFLATERS)
"""What a body's `Content-Encoding` may be; no header is the first."""


def _malformed(encoding: str, what: str) -> WireError:
    return WireError(RefusalCode.MALFORMED, f"not {encoding}: {what}")
