"""Remembers where the points of whole messages are."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from hashlib import blake2b

LINEUP_BYTES = 16_000_000
"""What one generation of lineups may take: those of the nation, in messages of 100 readings."""
SHORTEST = 8
"""Shorter lists are found sooner in the table itself."""

_SEPARATOR = "\0"
"""Stands in no registered code, so that lists of equally many codes are equal when they are equal joined."""
_OVERHEAD_BYTES = 200
"""About what an entry takes besides its positions."""


class Lineups:
    """Maps lists of codes to their positions: a gateway names the same points in the same order, poll after poll.

    There are two generations: what is asked for moves into the younger one, and when that is full, the older one
    is forgotten. So lists that come again stay, in bounded memory, whatever else comes once. A list is known by a
    digest of 128 bits under a secret key of this process.

    Args:
        room: bytes that one generation may take, roughly.
    """

    def __init__(self, room: int = LINEUP_BYTES) -> None:
        self._room = room
        self._secret = secrets.token_bytes(16)
        self._young: dict[bytes, bytes] = {}
        self._old: dict[bytes, bytes] = {}
        self._taken = 0

    def digest(self, codes: Sequence[str]) -> bytes:
        """The name under which `codes` are remembered."""
        joined = _SEPARATOR.join(codes).encode("utf-8", "surrogatepass")
        return blake2b(joined, digest_size=16, key=self._secret).digest()

    def get(self, digest: bytes, count: int) -> bytes | None:
        """The int32 positions of a list of `count` codes, None when it is not remembered."""
        found = self._young.get(digest)
        if found is None and (found := self._old.pop(digest, None)) is not None:
            self.remember(digest, found)
        return found if found is not None and len(found) == 4 * count else None

    def remember(self, digest: bytes, positions: bytes) -> None:
        """Keep the positions of a list of which every code is registered."""
        self._taken += _OVERHEAD_BYTES + len(positions)
        if self._taken > self._room:
            self._old, self._young = self._young, {}
            self._taken = _OVERHEAD_BYTES + len(positions)
        self._young[digest] = positions

    def forget(self) -> None:
        """Forget all, to make room."""
        self._young, self._old, self._taken = {}, {}, 0

    @property
    def kept_bytes(self) -> int:
        """What is remembered, roughly."""
        kept = [*self._young.values(), *self._old.values()]
        return _OVERHEAD_BYTES * len(kept) + sum(map(len, kept))
