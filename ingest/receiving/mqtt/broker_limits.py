"""What of a broker's limits would lose throughput or make resends frequent. Pure."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from energy.errors import SetupError
from energy.transport.mqtt import BrokerLimits
from energy.wire import MAX_ENVELOPE_BYTES
from ingest.receiving.mqtt.probe import Probed
from ingest.receiving.mqtt.settings import ReceiveSettings

PACKET_BYTES = 300_000
"""What the wire protocol asks of brokers: an envelope of `MAX_ENVELOPE_BYTES` with its topic."""
assert PACKET_BYTES > MAX_ENVELOPE_BYTES  # noqa: S101 - the two belong together
ANSWERS_AT_ONCE = 100
"""Acknowledgements to gateways that a batch may have at least; a broker that takes fewer makes them wait in turns."""


class Finding(msgspec.Struct, frozen=True):
    """One limit that is too low.

    Attributes:
        limit: which.
        found: what the broker has; "at least" is not said, since what is enough is no finding.
        wanted: what would be enough.
        effect: what follows, and what to set.
    """

    limit: str
    found: int
    wanted: int
    effect: str


def require(limits: BrokerLimits) -> None:
    """Refuse a broker on which nothing can be received as promised.

    Raises:
        SetupError: it knows no QoS 1, or no shared subscriptions.
    """
    if limits.qos < 1:
        raise SetupError("the MQTT broker takes QoS 0 only", advice="Ingest needs QoS 1: allow it, or use another one.")
    if not limits.shared_subscriptions:
        raise SetupError(
            "the MQTT broker knows no shared subscriptions", advice="Use one that does: Mosquitto 2, EMQX, HiveMQ, …"
        )


def announced(limits: BrokerLimits, receive: ReceiveSettings) -> Iterator[Finding]:
    """What the broker says itself."""
    if limits.packet_bytes is not None and limits.packet_bytes < PACKET_BYTES:
        yield Finding(
            "packet_bytes",
            limits.packet_bytes,
            PACKET_BYTES,
            "larger envelopes never arrive, and are sent again for ever: raise max_packet_size",
        )  # fmt: skip - one finding
    if limits.receive_maximum < ANSWERS_AT_ONCE:
        yield Finding(
            "receive_maximum",
            limits.receive_maximum,
            ANSWERS_AT_ONCE,
            "acknowledgements wait for each other, and gateways send again: raise the broker's receive maximum",
        )  # fmt: skip - likewise
    if limits.session_expiry_s is not None and limits.session_expiry_s < receive.session_expiry_s:
        yield Finding(
            "session_expiry_s",
            limits.session_expiry_s,
            receive.session_expiry_s,
            "what comes while this worker is away for longer is sent again: raise the broker's limit on sessions",
        )  # fmt: skip - likewise
    if not limits.retain:
        yield Finding(
            "retain",
            0,
            1,
            "the status of a gateway is not there after a restart of ingest: allow retained messages",
        )  # fmt: skip - likewise


def probed(found: Probed, receive: ReceiveSettings) -> Iterator[Finding]:
    """What was tried out; a number that reaches what was sent is enough."""
    if found.in_flight < min(receive.window, found.kept):
        yield Finding(
            "in_flight",
            found.in_flight,
            receive.window,
            "the broker sends so many messages before it waits for acknowledgements, which follow a commit: "
            "throughput is bounded by it, and what queues up is dropped and sent again; set max_inflight_messages 0",
        )  # fmt: skip - likewise
    if found.kept < found.sent:
        yield Finding(
            "queued",
            found.kept,
            found.sent,
            "the broker acknowledges more messages than it keeps for a worker that is away or slow; the others "
            "are dropped and sent again by the gateways: set max_queued_messages to some minutes of messages",
        )  # fmt: skip - likewise
