"""What the spools count, and say once per transition."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict

import prometheus_client
import structlog

from collector.spool.bounds import Drop
from collector.spool.losses import Dropped

_log = structlog.get_logger("collector")

_UNSPOOLED = prometheus_client.Counter(
    "quotawatt_collector_unspooled_readings_total", "Readings lost because the disk refused them.", ["gateway"]
)
_UNWRITTEN = prometheus_client.Counter(
    "quotawatt_collector_unwritten_confirmations_total", "Times that the disk refused confirmations.", ["gateway"]
)
_KEPT = prometheus_client.Gauge("quotawatt_collector_spool_envelopes", "Unconfirmed envelopes.", ["gateway"])
_KEPT_BYTES = prometheus_client.Gauge("quotawatt_collector_spool_bytes", "Bytes of the file in use.", ["gateway"])
_COMMITS = prometheus_client.Counter("quotawatt_collector_spool_commits_total", "Commits with readings.", ["gateway"])
_COPIED = prometheus_client.Counter(
    "quotawatt_collector_copied_readings_total", "Readings kept once more as border readings.", ["gateway"]
)
_DROPPED = prometheus_client.Counter(
    "quotawatt_collector_dropped_readings_total", "Unconfirmed readings that were dropped.", ["gateway", "reason"]
)
_SET_ASIDE = prometheus_client.Counter(
    "quotawatt_collector_damaged_spools_total", "Damaged spools that were set aside.", ["gateway"]
)


def readings_unspooled(gateway: str, count: int) -> None:
    """The disk refused readings for so long that the oldest of them had to go; `unspooled_told` logs it."""
    _UNSPOOLED.labels(gateway).inc(count)


def unspooled_told(gateway: str, count: int) -> None:
    """So many readings went since the line before."""
    _log.error("readings_unspooled", gateway=gateway, count=count)


def confirmations_unwritten(gateway: str) -> None:
    """The disk refused to write confirmations down; the poll rounds say so in the log, since they are refused too."""
    _UNWRITTEN.labels(gateway).inc()


def spool_holds(gateway: str, envelopes: int, size: int) -> None:
    """The spool's content after a commit; `size` in bytes of the file."""
    _KEPT.labels(gateway).set(envelopes)
    _KEPT_BYTES.labels(gateway).set(size)


def readings_kept(gateway: str, copies: int) -> None:
    """A commit kept readings; so many of them were on the disk already."""
    _COMMITS.labels(gateway).inc()
    _COPIED.labels(gateway).inc(copies)


def envelopes_dropped(gateway: str, drops: Iterable[Drop]) -> None:
    """Unconfirmed envelopes were dropped; `drops_told` logs it."""
    for drop in drops:
        _DROPPED.labels(gateway, drop.reason).inc(drop.readings)


def drops_told(gateway: str, told: Iterable[Dropped]) -> None:
    """What was dropped since the line before, by reason."""
    for dropped in told:
        _log.error("envelopes_dropped", gateway=gateway, **asdict(dropped))


def spool_set_aside(gateway: str) -> None:
    """A damaged spool was renamed and a new stream begun; where it is was logged with the damage."""
    _SET_ASIDE.labels(gateway).inc()


def spool_too_small(gateway: str, days: float, wanted: float) -> None:
    """The bound on size will be reached, with no platform to take what is kept, before the days that are wanted."""
    advice = "Raise `max_bytes` in `[spool]`, or make room on the disk."
    _log.warning("spool_too_small", gateway=gateway, days=round(days, 1), wanted_days=wanted, advice=advice)
