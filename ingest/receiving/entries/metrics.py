"""What entries by HTTP count."""

from __future__ import annotations

from collections.abc import Sequence

import structlog
from prometheus_client import Counter

from ingest.accounting.entries.store import Taken

_log = structlog.get_logger("ingest.entries")

_ENTRIES = Counter("quotawatt_ingest_entries_total", "Entries that came by HTTP, by what became of them.", ["outcome"])
_REFUSED = Counter("quotawatt_ingest_entries_refused_total", "Requests with entries that were refused whole.")


def taken(gateway: str, entries: Sequence[Taken]) -> None:
    """Entries of a gateway are committed."""
    new, replaced = (sum(one.new for one in entries), sum(one.replaced is not None for one in entries))
    _ENTRIES.labels("new").inc(new - replaced)
    _ENTRIES.labels("replacing").inc(replaced)
    _ENTRIES.labels("known").inc(len(entries) - new)
    _log.info("entries_taken", gateway=gateway, entries=len(entries), new=new, replacing=replaced)


def refused(gateway: str, faults: int, first: str) -> None:
    """A request was refused whole."""
    _REFUSED.inc()
    _log.warning("entries_refused", gateway=gateway, faults=faults, first=first)
