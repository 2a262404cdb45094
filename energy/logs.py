"""Structured logs on stderr: JSON for machines, colours for a terminal; transitions, not attempts.

Modules take `structlog.get_logger(...)` and log an event name with fields: `log.info("spool_opened", gateway=...)`.
"""

from __future__ import annotations

import logging
import math
import sys
import time
from collections.abc import Callable
from typing import TextIO

import structlog

from energy.errors import QuotawattError

_SHARED: tuple[structlog.typing.Processor, ...] = (
    structlog.contextvars.merge_contextvars,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.StackInfoRenderer(),
)


def configure_logs(*, level: int = logging.INFO, stream: TextIO | None = None) -> None:
    """Send our logs, and the libraries' warnings, to `stream` (stderr): one JSON object a line unless a terminal."""
    out = stream or sys.stderr
    render: tuple[structlog.typing.Processor, ...] = (
        (structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),)
        if out.isatty()
        else (structlog.processors.format_exc_info, structlog.processors.JSONRenderer(ensure_ascii=False))
    )
    structlog.configure(
        processors=[*_SHARED, *render],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(out),
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*_SHARED, structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *render],
        )
    )
    logging.basicConfig(level=max(level, logging.WARNING), handlers=[handler], force=True)


SUMMARY_S = 600.0
"""Real seconds between two lines about what happens again and again."""


class Seldom:
    """Says when to log what happens again and again: at once at first, then what has gathered, once in a while.

    The numbers of all lines add up to what happened, if whoever holds this logs the `rest` at the end.

    Args:
        clock: real monotonic seconds.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._next = -math.inf
        self._untold = 0

    def add(self, count: int) -> int:
        """Note that it happened so many times, or not; returns how many are to be logged now, 0 for later."""
        self._untold += count
        if not self._untold or self._clock() < self._next:
            return 0
        return self.rest()

    def rest(self) -> int:
        """What was not logged yet, and is to be logged now."""
        told, self._untold = self._untold, 0
        if told:
            self._next = self._clock() + SUMMARY_S
        return told


class Availability:
    """Logs once when something is lost and once when it is back, however many attempts lie between.

    Keep one per device or peer: one flag for several would let A's success hide B's outage.

    Args:
        log: the logger to use.
        what: the beginning of the event names: `<what>_lost` and `<what>_back`.
        clock: real monotonic seconds.
        fields: go into both events, e.g. the gateway's code.
    """

    def __init__(
        self,
        log: structlog.typing.FilteringBoundLogger,
        what: str,
        *,
        clock: Callable[[], float] = time.monotonic,
        **fields: object,
    ) -> None:
        self._log = log
        self._what = what
        self._clock = clock
        self._fields = fields
        self._lost_at: float | None = None

    @property
    def is_lost(self) -> bool:
        """Whether the last thing noted was a loss."""
        return self._lost_at is not None

    def lost(self, reason: object) -> bool:
        """Note a failure, with what its error advises; returns whether it is the first since all was well."""
        if self._lost_at is not None:
            return False
        self._lost_at = self._clock()
        advice = {"advice": reason.advice} if isinstance(reason, QuotawattError) and reason.advice else {}
        self._log.warning(f"{self._what}_lost", reason=str(reason), **advice, **self._fields)
        return True

    def back(self) -> bool:
        """Note a success; returns whether it ends an outage."""
        if self._lost_at is None:
            return False
        seconds = round(self._clock() - self._lost_at, 3)
        self._lost_at = None
        self._log.info(f"{self._what}_back", after_seconds=seconds, **self._fields)
        return True
