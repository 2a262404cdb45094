"""What was injected when: for tests and for people who ask why a reading is missing."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from simulators import metrics
from simulators.faults.kinds import FaultKind

_MOST = 100_000
"""Faults that are remembered; older ones are only counted."""


class Injected(NamedTuple):
    """One fault as it happened.

    Attributes:
        at_ms: data time: of the request that it struck, or at which values began to be wrong.
        line: name of the line.
        unit: unit id.
        request: which request to the unit it was, or was the first to show it; they count from 1.
        kind: what happened.
    """

    at_ms: int
    line: str
    unit: int
    request: int
    kind: FaultKind


class FaultRecord:
    """The faults that were injected, oldest first; each is counted by a metric too."""

    def __init__(self) -> None:
        self._injected: deque[Injected] = deque(maxlen=_MOST)

    @property
    def injected(self) -> list[Injected]:
        """The last hundred thousand, in the order in which they happened."""
        return list(self._injected)

    def add(self, injected: Injected) -> None:
        """Note one fault."""
        self._injected.append(injected)
        metrics.fault_injected(injected.kind)
