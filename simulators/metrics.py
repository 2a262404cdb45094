"""What the simulators count: the only module here that imports prometheus_client."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

_ANSWERS = Counter(
    "quotawatt_simulators_answers_total", "Requests to simulated meters, by how they were answered", ["outcome"]
)
_CONNECTIONS = Gauge("quotawatt_simulators_connections", "Open connections to simulated gateways")
_FAULTS = Counter("quotawatt_simulators_faults_total", "Faults injected on purpose, by kind", ["kind"])
_BROKEN_STREAMS = Counter(
    "quotawatt_simulators_broken_streams_total", "Connections closed because their bytes were no Modbus TCP"
)


def fault_injected(kind: str) -> None:
    """A fault came true; `kind` is one of `simulators.faults.kinds.FaultKind`."""
    _FAULTS.labels(kind=kind).inc()


answered = _ANSWERS.labels(outcome="answered").inc
silent = _ANSWERS.labels(outcome="silent").inc
connection_opened = _CONNECTIONS.inc
connection_closed = _CONNECTIONS.dec
stream_broken = _BROKEN_STREAMS.inc
