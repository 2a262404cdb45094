"""What HTTP push counts."""

from __future__ import annotations

from collections.abc import Callable

import structlog
from prometheus_client import Counter, Gauge

from energy.errors import QuotawattError
from energy.logs import Seldom
from energy.metrics import TallyHistogram

_log = structlog.get_logger("ingest.http")
_strangers = Seldom()

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60)

_REQUESTS = Counter("quotawatt_ingest_http_requests_total", "Requests answered, by status of HTTP.", ["status"])
_TURNED_AWAY = Counter("quotawatt_ingest_http_turned_away_total", "Requests not taken, by reason.", ["reason"])
_CONNECTIONS = Gauge("quotawatt_ingest_http_connections", "Connections of gateways.")
_UNSETTLED = Gauge("quotawatt_ingest_http_unsettled", "Envelopes taken by HTTP and not committed yet.")
_HELD = Gauge("quotawatt_ingest_http_unsettled_bytes", "Bytes of these.")
_ANSWERED = TallyHistogram(
    "quotawatt_ingest_http_answer_seconds", "Real seconds from a request's head to its answer.", "path", _SECONDS
)
_FILES = Counter(
    "quotawatt_ingest_http_files_total", "Changed tokens and certificates, by whether they could be used.", ["usable"]
)


def answered(path: str, status: int, seconds: float) -> None:
    """A request to one of our paths was answered, so many real seconds after its head came."""
    _REQUESTS.labels(status).inc()
    _ANSWERED.of(path).observe(seconds)


def turned_away(reason: str, peer: str) -> None:
    """A request was not taken; logged now and then, since a stranger could fill the disk with it."""
    _TURNED_AWAY.labels(reason).inc()
    if count := _strangers.add(1):
        _log.warning("requests_turned_away", count=count, last_reason=reason, last_peer=peer)


def file_read(what: str) -> None:
    """A file that changed is used from now on."""
    _FILES.labels("yes").inc()
    _log.info("http_file_read", file=what)


def file_unusable(what: str, error: QuotawattError) -> None:
    """A file that changed cannot be used; what it said before still holds."""
    _FILES.labels("no").inc()
    _log.error("http_file_unusable", file=what, error=str(error))


def listening(host: str, port: int, *, tls: bool) -> None:
    """Gateways can push."""
    _log.info("http_listening", host=host, port=port, tls=tls)


def watch(connections: Callable[[], float], unsettled: Callable[[], float], held: Callable[[], float]) -> None:
    """Let the gauges show what these return at the time of asking."""
    _CONNECTIONS.set_function(connections)
    _UNSETTLED.set_function(unsettled)
    _HELD.set_function(held)
