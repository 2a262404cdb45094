"""A line that writes down what is asked and what comes, and changes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from collector.drivers.line import Answer, Line
from collector.errors import LineError, MismatchError, RefusedReadError, SilentUnitError
from collector.planning.planner import Read
from energy.errors import TransportError
from energy.recordings import Failure, Recorded

Sink = Callable[[Recorded], None]
"""Takes each exchange as soon as it has ended."""

_FAILURES = {
    SilentUnitError: Failure.SILENT,
    RefusedReadError: Failure.REFUSED,
    MismatchError: Failure.MISMATCH,
    LineError: Failure.UNREACHABLE,
}
"""All others mean that the connection was lost."""


class RecordingLine:
    """Stands in for a `Line` of any protocol.

    An exchange that is cancelled is not recorded: nobody knows what would have come.

    Args:
        line: what is really asked.
        name: of the line, as in the recording's header.
        sink: takes what happened, such as `RecordingWriter.write`; what it raises reaches whoever asked.
        now_ms: data time, ms UTC.
    """

    def __init__(self, line: Line, name: str, sink: Sink, now_ms: Callable[[], int]) -> None:
        self._line = line
        self._name = name
        self._sink = sink
        self._now_ms = now_ms

    def __str__(self) -> str:
        return str(self._line)

    @property
    def connected(self) -> bool:
        """Whether the line's connection stands."""
        return self._line.connected

    @property
    def discarded(self) -> int:
        """What the line threw away."""
        return self._line.discarded

    async def ask(self, unit: Any, request: Any) -> Answer:
        """Ask the line; raises what it raises, and what the sink does."""
        clock = asyncio.get_running_loop().time
        at, began = self._now_ms(), clock()
        try:
            answer = await self._line.ask(unit, request)
        except TransportError as error:
            failure = next((one for kind, one in _FAILURES.items() if isinstance(error, kind)), Failure.LOST)
            code = error.code if isinstance(error, RefusedReadError) else None
            self._sink(self._recorded(unit, request, at, clock() - began, error=failure, code=code))
            raise
        self._sink(self._recorded(unit, request, at, clock() - began, answer=answer.data.hex()))
        return answer

    def close(self) -> None:
        """Drop the line's connection."""
        self._line.close()

    def _recorded(self, unit: Any, request: Any, at: int, took_s: float, **outcome: Any) -> Recorded:
        asked: dict[str, Any] = (
            {"function": request.function_code, "address": request.address, "count": request.count}
            if isinstance(request, Read)
            else {"request": str(request)}
        )
        delay_ms = round(took_s * 1000, 1)
        return Recorded(line=self._name, at=at, unit=unit, delay_ms=delay_ms, **asked, **outcome)
