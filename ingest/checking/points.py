"""Which points there are and who may write them, as arrays that a whole batch is checked against at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

UNKNOWN = -1
"""Position of a point, or number of a gateway, that is not registered."""


_LISTS_PER_POINT = 2
"""The lists that `Lineups` remembers name each point so often at most, on average; then it begins anew."""


class Lineups:
    """Finds the positions of whole lists of codes: a gateway names the same points in the same order, poll after poll.

    To compare a list with the last one that began alike is several times cheaper than to look up each code.

    Args:
        positions: point code to position, in the order of the positions.
    """

    def __init__(self, positions: dict[str, int]) -> None:
        self._positions = positions
        self._codes = list(positions)
        self._known: dict[str, tuple[list[str], NDArray[np.int32]]] = {}
        self._room = _LISTS_PER_POINT * len(positions)

    def positions(self, codes: list[str]) -> NDArray[np.int32]:
        """int32, the position of each code, `UNKNOWN` for one that is not registered; not to be written to."""
        known = self._known.get(codes[0]) if codes else None
        if known is not None and known[0] == codes:
            return known[1]
        look_up = self._positions.get
        found = np.array([look_up(code, UNKNOWN) for code in codes], np.int32)
        if codes and UNKNOWN not in found:
            self._remember(found)
        return found

    def _remember(self, positions: NDArray[np.int32]) -> None:
        """Under our own strings: those of the message need not stay for that."""
        codes = [self._codes[position] for position in positions.tolist()]
        before, _ = self._known.pop(codes[0], ((), None))
        self._room += len(before) - len(codes)
        if self._room < 0:
            self._known.clear()
            self._room = _LISTS_PER_POINT * len(self._codes) - len(codes)
        self._known[codes[0]] = codes, positions


@dataclass(frozen=True, slots=True)
class PointTable:
    """A snapshot of the registered points; a point's position is its index into the arrays.

    Attributes:
        positions: point code to position.
        ids: int32, point id by position.
        owners: int32, number of the gateway that may write the point, by position.
        gateways: gateway code to number.
        lineups: finds positions, many at once.
    """

    positions: dict[str, int]
    ids: NDArray[np.int32]
    owners: NDArray[np.int32]
    gateways: dict[str, int]
    lineups: Lineups

    @classmethod
    def of(cls, rows: Iterable[tuple[str, int, str]]) -> PointTable:
        """Build from rows of (point code, point id, gateway code)."""
        codes: dict[str, int] = {}
        gateways: dict[str, int] = {}
        ids: list[int] = []
        owners: list[int] = []
        for code, point_id, gateway in rows:
            codes[code] = len(ids)
            ids.append(point_id)
            owners.append(gateways.setdefault(gateway, len(gateways)))
        return cls(codes, np.array(ids, np.int32), np.array(owners, np.int32), gateways, Lineups(codes))

    def __len__(self) -> int:
        return len(self.ids)


class ReloadLimit:
    """Says whether the table may be read again because of unknown codes: at most once per `interval`.

    Args:
        interval: real seconds between two reloads; a sender of nonsense must not turn into load on the database.
        monotonic: real monotonic time in seconds.
    """

    def __init__(self, interval: float, monotonic: Callable[[], float]) -> None:
        self._interval = interval
        self._monotonic = monotonic
        self._last = -float("inf")

    def allows(self) -> bool:
        """Whether enough time has passed since the last reload."""
        return self._monotonic() - self._last >= self._interval

    def reloaded(self) -> None:
        """Note that the table has just been read."""
        self._last = self._monotonic()
