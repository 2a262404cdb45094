"""What the host application counts: functions named for what happened."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Sequence

import structlog
from prometheus_client import Counter, Gauge

from energy.errors import MessageError, StorageError, TransportError
from energy.logs import Availability
from energy.sparkplug.topics import NodeId

_log = structlog.get_logger("ingest")
_broker = Availability(_log, "sparkplug_broker")

_MESSAGES = Counter(
    "quotawatt_ingest_sparkplug_messages_total",
    "Sparkplug messages, by what became of them: `taken`, `unregistered` edge node, `foreign` to all edge nodes.",
    ["outcome"],
)
_METRICS = Counter(
    "quotawatt_ingest_sparkplug_metrics_total",
    "Metrics that were understood, by whether they are points: `mapped` or `unmapped`.",
    ["outcome"],
)
_FAULTS = Counter(
    "quotawatt_ingest_sparkplug_faults_total", "Messages and metrics that were not understood.", ["reason"]
)
_REBIRTHS = Counter("quotawatt_ingest_sparkplug_rebirths_total", "Requests for births that were sent.")
_DISCARDED = Counter(
    "quotawatt_ingest_sparkplug_discarded_total", "Messages thrown away since this worker was too slow for the broker."
)
_PAUSES = Counter("quotawatt_ingest_sparkplug_pauses_total", "Times that the host went offline with its window full.")
_HOST = Gauge("quotawatt_ingest_sparkplug_host", "1 while this worker is the host application and online.")
_NODES = Gauge(
    "quotawatt_ingest_sparkplug_nodes", "Registered edge nodes, by state as far as this host knows.", ["state"]
)
_UNSETTLED = Gauge("quotawatt_ingest_sparkplug_unsettled", "Readings taken in by the host and not committed yet.")

# Looked up once: they count at every message.
_OUTCOMES = {outcome: _MESSAGES.labels(outcome) for outcome in ("taken", "unregistered", "foreign")}
_UNDERSTOOD = {outcome: _METRICS.labels(outcome) for outcome in ("mapped", "unmapped")}


def message_came(outcome: str) -> None:
    """A message was `taken`, or passed over as `unregistered` or `foreign`."""
    _OUTCOMES[outcome].inc()


def metrics_understood(mapped: int, unmapped: int) -> None:
    """So many metrics of a message are points, so many are not."""
    _UNDERSTOOD["mapped"].inc(mapped)
    _UNDERSTOOD["unmapped"].inc(unmapped)


def not_understood(node: NodeId, faults: Sequence[MessageError]) -> None:
    """A message of a registered edge node, or metrics in it; a message may have thousands."""
    for reason, count in Tally(error.reason for error in faults).items():
        _FAULTS.labels(reason).inc(count)
    if faults:
        _log.debug("sparkplug_not_understood", edge_node=str(node), reason=faults[0].reason, detail=str(faults[0]))


def rebirth_asked() -> None:
    """Births were asked for."""
    _REBIRTHS.inc()


def discarded(count: int) -> None:
    """Messages of QoS 0 that nobody took in time."""
    _DISCARDED.inc(count)
    _log.warning("sparkplug_messages_discarded", count=count)


def unsettled(count: int) -> None:
    """So many readings wait for their commit."""
    _UNSETTLED.set(count)


def nodes_known(online: int, offline: int, unknown: int) -> None:
    """The states of the registered edge nodes."""
    for state, count in (("online", online), ("offline", offline), ("unknown", unknown)):
        _NODES.labels(state).set(count)


def host_online(host_id: str) -> None:
    """This worker is the host, and edge nodes know it."""
    _HOST.set(1)
    _broker.back()
    _log.info("sparkplug_host_online", host=host_id)


def host_offline(host_id: str, reason: str) -> None:
    """This worker is no host any more, or for now."""
    _HOST.set(0)
    _log.info("sparkplug_host_offline", host=host_id, reason=reason)


def host_paused(host_id: str, unsettled_readings: int) -> None:
    """The window is full: edge nodes are to keep what they have."""
    _PAUSES.inc()
    _log.warning("sparkplug_host_paused", host=host_id, unsettled=unsettled_readings)


def broker_failed(error: TransportError) -> None:
    """The connection of the host was lost or refused; logged once per outage."""
    _broker.lost(error)


def lease_unknown(error: StorageError) -> None:
    """Whether this worker may be the host cannot be asked now."""
    _log.debug("sparkplug_lease_unknown", error=str(error))


def mapping_loaded(nodes: int, metrics: int) -> None:
    """The mapping was read."""
    _log.info("sparkplug_mapping_loaded", edge_nodes=nodes, metrics=metrics)
