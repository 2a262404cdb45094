"""Which points there are and who may write them, as arrays that a whole batch is checked against at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

UNKNOWN = -1
"""Position of a point, or number of a gateway, that is not registered."""


@dataclass(frozen=True, slots=True)
class PointTable:
    """A snapshot of the registered points; a point's position is its index into the arrays.

    Attributes:
        positions: point code to position.
        ids: int32, point id by position.
        owners: int32, number of the gateway that may write the point, by position.
        gateways: gateway code to number.
    """

    positions: dict[str, int]
    ids: NDArray[np.int32]
    owners: NDArray[np.int32]
    gateways: dict[str, int]

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
        return cls(codes, np.array(ids, np.int32), np.array(owners, np.int32), gateways)

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
