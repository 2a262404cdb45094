"""One sweep over what a meter has to say: its exchanges one after the other, and what each gave is kept."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from collector.drivers.line import Exchange, Line
from collector.errors import RefusedReadError
from energy.errors import QuotawattError, RejectedError, TransportError
from energy.readings import Reading

ILLEGAL_ADDRESS = 2
_LASTING = frozenset({1, 2, 3, 4})
"""Refusals that asking once more does not change; 5 and 6 say that the device is busy."""
_ABSENT = frozenset({0x0A, 0x0B})
"""A gateway's way to say that the unit is not there."""


class Requests(Protocol):
    """What a meter is asked; a protocol's driver makes it, and may learn from refusals."""

    @property
    def exchanges(self) -> Sequence[Exchange]:
        """The present ones, in the order of asking."""

    @property
    def refused(self) -> Sequence[str]:
        """Names of values that are sent and that it is not asked for at present, because it refuses them."""

    def replace(self, refused: Any) -> Sequence[Exchange]:
        """What to ask instead of an exchange that the device refused for its addresses; empty for nothing."""

    def answered(self, exchange: Any) -> None:
        """The device answered an exchange, perhaps one that stands in the place of a refused one."""


@dataclass
class Sweep:
    """What a sweep brought.

    Attributes:
        readings: all that was read, also where something failed after it.
        left: what a second try should ask; that which failed stands last, in case that it is the reason.
        refused: exchanges that the device will not answer.
        error: what ended the sweep, or kept an exchange from answering; the first one.
        faults: values that made no sense in answers that came.
        alive: whether the meter answered anything, be it a refusal.
    """

    readings: list[Reading] = field(default_factory=list)
    left: list[Exchange] = field(default_factory=list)
    refused: list[Exchange] = field(default_factory=list)
    error: QuotawattError | None = None
    faults: list[RejectedError] = field(default_factory=list)
    alive: bool = False


async def sweep(line: Line, unit: Any, exchanges: Iterable[Exchange], requests: Requests, result: Sweep) -> None:
    """Ask a meter for all of its exchanges, and note in `result` what came: it is there also when this is cancelled.

    A refusal concerns one exchange; silence, a foreign answer or a lost line end the sweep, since each further request
    to a dead unit would cost the others on the line a time-out. What was read until then is kept.
    """
    waiting = deque(exchanges)
    while waiting:
        exchange = waiting.popleft()
        try:
            answer = await line.ask(unit, exchange.request)
        except RefusedReadError as error:
            result.alive = result.alive or error.code not in _ABSENT
            if error.code == ILLEGAL_ADDRESS and (smaller := requests.replace(exchange)):
                waiting.extendleft(reversed(smaller))
                continue
            result.error = result.error or error
            (result.refused if error.code in _LASTING else result.left).append(exchange)
            if error.code in _ABSENT:
                break
        except TransportError as error:
            result.error = error
            result.left.append(exchange)
            break
        else:
            result.alive = True
            requests.answered(exchange)
            readings, faults = exchange.take(answer)
            result.readings += readings
            result.faults += faults
    result.left = [*waiting, *result.left]
