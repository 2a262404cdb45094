"""Finds point codes, many at once, in memory of a fixed size per point: codes are known by keys of 96 bits."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CODE_BYTES = 64
"""Most bytes of a point code."""
UNKNOWN = -1
"""Position of a point, or number of a gateway, that is not registered."""

_WORDS = CODE_BYTES // 4
_HALF = np.uint64(32)


class KeysCollideError(Exception):
    """Two registered codes have the same upper part of their keys: happens once in millions of draws."""


@dataclass(frozen=True, slots=True)
class CodeKeys:
    """Maps codes to 96 bits by a function drawn at random, which nobody outside this process knows.

    Multilinear hashing (Lemire and Kaser, "Strongly universal string hashing is fast", 2014): of `b + sum(a[i] * w[i])`
    modulo 2^64, over the 32-bit words of the code, the upper half; three times, independently. Two different codes,
    however chosen, share a key with a probability of 2^-96: among three million registered points, a code that is not
    registered is taken for one that is with a probability below 2^-74.

    Attributes:
        factors: uint64, (words, 3).
        addends: uint64, (3,).
    """

    factors: NDArray[np.uint64]
    addends: NDArray[np.uint64]

    @classmethod
    def drawn(cls) -> CodeKeys:
        """A new function."""
        numbers = np.frombuffer(secrets.token_bytes(8 * 3 * (_WORDS + 1)), np.uint64).reshape(_WORDS + 1, 3)
        return cls(numbers[:-1], numbers[-1])

    def of(self, codes: NDArray[np.bytes_]) -> tuple[NDArray[np.uint64], NDArray[np.uint32]]:
        """The upper 64 and the lower 32 bits of the key of each code; `codes` as `as_bytes` makes them."""
        words = codes.view("<u4").reshape(len(codes), _WORDS).astype(np.uint64)
        parts = (words @ self.factors + self.addends) >> _HALF
        return (parts[:, 0] << _HALF) | parts[:, 1], parts[:, 2].astype(np.uint32)


@dataclass(frozen=True, slots=True)
class CodeIndex:
    """The keys of the registered points; a point's position is its index into the arrays.

    Attributes:
        keys: makes keys of codes.
        upper: uint64, sorted and distinct: the upper part of each key.
        lower: uint32, the rest of it.
    """

    keys: CodeKeys
    upper: NDArray[np.uint64]
    lower: NDArray[np.uint32]

    def __post_init__(self) -> None:
        """Refuse keys that do not tell two points apart.

        Raises:
            KeysCollideError: draw other keys.
        """
        if (self.upper[1:] == self.upper[:-1]).any():
            raise KeysCollideError

    def find(self, codes: Sequence[str]) -> NDArray[np.int32]:
        """int32, the position of each code, `UNKNOWN` for one that is not registered."""
        found = np.full(len(codes), UNKNOWN, np.int32)
        if len(codes) and len(self.upper):
            upper, lower = self.keys.of(as_bytes(codes))
            at = np.minimum(np.searchsorted(self.upper, upper), len(self.upper) - 1)
            hit = (self.upper[at] == upper) & (self.lower[at] == lower)
            found[hit] = at[hit]
        return found


def as_bytes(codes: Sequence[str]) -> NDArray[np.bytes_]:
    """Codes as rows of `CODE_BYTES` bytes, filled up with NUL; what cannot be a code becomes the empty one.

    numpy would cut a longer code, and drop a NUL at its end: each would pass for another code.
    """
    if not _plain(codes):
        codes = [code if _plain([code]) else "" for code in codes]
    return np.array(codes, f"S{CODE_BYTES}")


def _plain(codes: Sequence[str]) -> bool:
    text = "".join(codes)
    return text.isascii() and "\0" not in text and max(map(len, codes), default=0) <= CODE_BYTES
