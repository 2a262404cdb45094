"""What estimation counts."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Iterable

import structlog
from prometheus_client import Counter

from energy.consumption import Method

_log = structlog.get_logger("ingest.accounting")

_GAPS = Counter(
    "quotawatt_accounting_gaps_total",
    "Gaps that are long or of unknown amount, each time they were derived, by the method that found their course.",
    ["method"],
)
_told: set[int] = set()


def looked_for(methods: Iterable[Method]) -> None:
    """The course of a gap was looked for, and found by each of `methods`; `Method.NONE`: not found."""
    for method, count in Tally(methods).items():
        _GAPS.labels(method.name.lower()).inc(count)


def calendar_unknown(years: Iterable[int]) -> None:
    """The working calendar of `years` is not known, so that they go by weekdays; said once a year and process."""
    for year in sorted(set(years) - _told):
        _told.add(year)
        _log.warning("working_calendar_unknown", year=year, advice="upgrade the package chinese-calendar")
