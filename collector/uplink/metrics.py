"""What the uplinks count, and say once per transition."""

from __future__ import annotations

from collections.abc import Iterable

import prometheus_client
import structlog

from collector.uplink.refusals import Began, Ended
from collector.uplink.skew import Skew
from energy.metrics import TallyHistogram
from energy.wire import Refusal, RefusalCode

_log = structlog.get_logger("collector")

_MOST_DETAIL = 160
"""Characters that the contract allows for a refusal's detail."""
_CODES = frozenset[str](RefusalCode)
"""A later version of the platform may have others; as labels they are bounded."""

_SENT = prometheus_client.Counter(
    "quotawatt_collector_envelopes_sent_total", "Envelopes handed to the carrier.", ["gateway", "attempt"]
)
_CONFIRMED = prometheus_client.Counter(
    "quotawatt_collector_envelopes_confirmed_total", "Envelopes that ingest confirmed.", ["gateway"]
)
_REFUSED = prometheus_client.Counter(
    "quotawatt_collector_refusals_total", "What ingest refused, by reason.", ["gateway", "code"]
)
_UNREADABLE = prometheus_client.Counter(
    "quotawatt_collector_unreadable_messages_total", "Messages to us that break the contract.", ["gateway", "kind"]
)
_ONLINE = prometheus_client.Gauge("quotawatt_collector_online", "1 while the platform is connected.", ["gateway"])
_ADDRESS = prometheus_client.Gauge(
    "quotawatt_collector_platform_address", "Which address is used or tried, 1 for the preferred one.", ["gateway"]
)
_SWITCHES = prometheus_client.Counter(
    "quotawatt_collector_platform_switches_total", "Changes of the platform's address.", ["gateway"]
)
_BUSY = prometheus_client.Counter(
    "quotawatt_collector_busy_answers_total", "Times that the platform asked to come later.", ["gateway"]
)
_SKEW = prometheus_client.Gauge(
    "quotawatt_collector_clock_skew_seconds", "Our clock less the platform's at its last answer.", ["gateway"]
)
_LAG = TallyHistogram(
    "quotawatt_collector_reading_lag_seconds",
    "Data seconds from the last reading of a live envelope to its first hand-over.",
    "gateway",
    (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0),
)


class SendFigures:
    """The figures of what one gateway sends; labels are looked up once, not at every envelope."""

    def __init__(self, gateway: str) -> None:
        self._first = _SENT.labels(gateway, "first")
        self._again = _SENT.labels(gateway, "again")
        self._lag = _LAG.of(gateway)

    def sent(self, first: int, again: int) -> None:
        """So many envelopes were handed to the carrier for the first time, so many again."""
        self._first.inc(first)
        self._again.inc(again)

    def handed_over(self, lag: float) -> None:
        """A live envelope was handed to the carrier, `lag` data seconds after its last reading."""
        self._lag.observe(lag)


def envelopes_confirmed(gateway: str, count: int) -> None:
    """Ingest is done with envelopes."""
    _CONFIRMED.labels(gateway).inc(count)


def refused(gateway: str, refusals: Iterable[Refusal]) -> None:
    """Ingest refused readings or envelopes; the log tells of it by `refusals_changed`."""
    for refusal in refusals:
        _REFUSED.labels(gateway, refusal.code if refusal.code in _CODES else "other").inc()


def refusals_changed(gateway: str, changes: Iterable[Began | Ended]) -> None:
    """Refusals of a point (or, where it is empty, of whole envelopes) begin or end: one line each."""
    for change in changes:
        if isinstance(change, Began):
            fields = {"point": change.point, "seq": change.seq, "detail": change.detail[:_MOST_DETAIL]}
            _log.warning("refusal_began", gateway=gateway, code=change.code, **fields)
        else:
            ended = {"point": change.point, "count": change.count, "lasted_seconds": round(change.seconds, 3)}
            _log.info("refusal_ended", gateway=gateway, code=change.code, **ended)


def message_unreadable(gateway: str, kind: str) -> None:
    """A message to us breaks the contract, or is none; `unreadable_told` logs it."""
    _UNREADABLE.labels(gateway, kind).inc()


def unreadable_told(gateway: str, kind: str, count: int, error: Exception) -> None:
    """So many messages broke the contract since the line before; `error` is what is wrong with the last."""
    _log.warning("message_unreadable", gateway=gateway, kind=kind, count=count, error=str(error))


def online(gateway: str, *, connected: bool) -> None:
    """The platform was reached or lost."""
    _ONLINE.labels(gateway).set(connected)


def address_used(gateway: str, number: int) -> None:
    """Which of the platform's addresses is used or tried, from 1."""
    _ADDRESS.labels(gateway).set(number)


def address_switched(gateway: str, before: str, after: str) -> None:
    """Another address of the platform is tried from now on."""
    _SWITCHES.labels(gateway).inc()
    _log.warning("platform_switched", gateway=gateway, before=before, after=after)


def platform_busy(gateway: str) -> None:
    """The platform asked to come later."""
    _BUSY.labels(gateway).inc()


def clock_compared(gateway: str, skew: Skew) -> None:
    """An answer of the platform told its time."""
    _SKEW.labels(gateway).set(skew.seconds)


def clock_wrong(gateway: str, skew: Skew) -> None:
    """Our clock began to differ from the platform's by more than the bound."""
    fields = {
        "ahead_seconds": round(skew.seconds, 1),
        "advice": "Set this machine's clock (NTP): time stamps are wrong.",
    }
    _log.warning("clock_skewed", gateway=gateway, **fields)


def clock_right(gateway: str, skew: Skew) -> None:
    """Our clock agrees with the platform's again."""
    _log.info("clock_agrees", gateway=gateway, ahead_seconds=round(skew.seconds, 1))
