"""All registered edge nodes, as the host knows them: messages in, deliveries out. Does no I/O.

All times named `now` are real monotonic seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from energy.errors import MessageError
from energy.sparkplug.edge_nodes import NODE, EdgeNode
from energy.sparkplug.payload import decode
from energy.sparkplug.topics import Kind, NodeId, Source, parse_topic
from energy.transport.mqtt_settings import Message
from energy.wire import RefusalCode
from ingest.receiving.carrier import Delivery
from ingest.receiving.sparkplug import metrics
from ingest.receiving.sparkplug.carrier import SparkplugCarrier
from ingest.receiving.sparkplug.mapping import Mapped, MappedNode, understand
from ingest.receiving.sparkplug.ordering import Arrived, Ordering, Told
from ingest.receiving.sparkplug.presence import Presence
from ingest.receiving.sparkplug.settings import SparkplugSettings

REQUESTS_AT_ONCE = 100
"""Requests for births of one turn: their answers come together, and are large."""

_NAMED = 3
"""Faults of one message that are told in words."""
_CODES = {"size": RefusalCode.TOO_LARGE}
_KEPT = frozenset({"payload", "size", "type", "range"})
"""Faults of the sender, for which the message is kept. The others follow from messages that were lost."""


class Network:
    """The edge nodes.

    Args:
        settings: time-outs.
        carrier: makes deliveries.
        presence: is told who is online.
    """

    def __init__(self, settings: SparkplugSettings, carrier: SparkplugCarrier, presence: Presence) -> None:
        self._settings = settings
        self._carrier = carrier
        self._presence = presence
        self._mapped: Mapped = {}
        self._nodes: dict[NodeId, Ordering] = {}
        self._online: dict[NodeId, bool] = {}
        self._waiting: set[NodeId] = set()
        self._connected_at = 0.0

    def remap(self, mapped: Mapped) -> None:
        """Take over what is registered now; new edge nodes are asked for their births."""
        self._mapped = mapped
        for gone in self._nodes.keys() - mapped.keys():
            del self._nodes[gone]
            self._online.pop(gone, None)
            self._waiting.discard(gone)
        for name in mapped.keys() - self._nodes.keys():
            self._nodes[name] = Ordering(
                EdgeNode(self._settings.rebirth_interval_s), self._settings.reorder_timeout_s
            )  # fmt: skip
            self._nodes[name].reconnected()

    def connected(self, now: float, now_ms: int) -> None:
        """Anything may have been missed, deaths too: who is online shows by births. `now_ms` is data time."""
        self._presence.forget(now_ms)
        self._connected_at = now
        self._online.clear()
        self._waiting.clear()
        for node in self._nodes.values():
            node.reconnected()

    def take(self, message: Message, now: float, now_ms: int) -> list[Delivery]:
        """What a message that came at data time `now_ms` brings; never raises."""
        source = parse_topic(message.topic)
        if source is None:
            metrics.message_came("foreign")  # a command, our own among them, or another host's state
            return []
        mapped = self._mapped.get(source.node)
        if mapped is None:
            metrics.message_came("unregistered")
            return []
        metrics.message_came("taken")
        try:
            arrived = _arrived(source, mapped, message)
        except MessageError as error:
            return list(self._refuse(source, mapped, [error], message.payload))
        node = self._nodes[source.node]
        told = node.take(arrived, now)
        (self._waiting.add if node.waits else self._waiting.discard)(source.node)
        return list(self._deliveries(source.node, mapped, told, now_ms))

    def tick(self, now: float, now_ms: int) -> list[Delivery]:
        """What waited too long for messages before it."""
        deliveries: list[Delivery] = []
        for name in list(self._waiting):
            node = self._nodes[name]
            deliveries += self._deliveries(name, self._mapped[name], node.expire(now), now_ms)
            if not node.waits:
                self._waiting.discard(name)
        online = sum(self._online.values())
        metrics.nodes_known(online, len(self._online) - online, len(self._nodes) - len(self._online))
        return deliveries

    def requests(self, now: float) -> list[NodeId]:
        """The edge nodes to be asked for births now. Those that wait for this host get time to send theirs unasked."""
        if now - self._connected_at < self._settings.reorder_timeout_s:
            return []
        due: list[NodeId] = []
        for name, node in self._nodes.items():
            if node.node.wants_birth and node.node.rebirth_due(now):
                due.append(name)
                metrics.rebirth_asked()
                if len(due) == REQUESTS_AT_ONCE:
                    break
        return due

    def _deliveries(self, name: NodeId, mapped: MappedNode, told: Iterable[Told], now_ms: int) -> Iterator[Delivery]:
        for arrived, heard in told:
            source = Source(name, arrived.kind, arrived.device)
            self._follow(source, arrived, heard.dead, now_ms)
            understood = understand(mapped, heard)
            metrics.metrics_understood(len(understood.readings), understood.unmapped)
            if understood.readings:
                yield self._carrier.readings(_topic(source), mapped.address, understood.readings)
            yield from self._refuse(source, mapped, [*heard.faults, *understood.faults], arrived.body)

    def _refuse(
        self, source: Source, mapped: MappedNode, faults: list[MessageError], body: bytes
    ) -> Iterator[Delivery]:  # fmt: skip
        metrics.not_understood(source.node, faults)
        if kept := [error for error in faults if error.reason in _KEPT]:
            code = _CODES.get(kept[0].reason, RefusalCode.MALFORMED)
            yield self._carrier.refused(_topic(source), body, mapped.address, code, "; ".join(map(str, kept[:_NAMED])))

    def _follow(self, source: Source, arrived: Arrived, dead: list[str], now_ms: int) -> None:
        """Who is online since when: an edge node dies now, by our clock; its device when it says so."""
        kind, device, said_at = arrived.kind, arrived.device, arrived.payload.timestamp
        at = now_ms if said_at is None else said_at
        if kind is Kind.NODE_DEATH and NODE in dead:
            self._online[source.node] = False
            self._presence.note(source.node, NODE, is_online=False, at_ms=now_ms)
        elif kind is Kind.NODE_BIRTH:
            self._online[source.node] = True
            self._presence.note(source.node, NODE, is_online=True, at_ms=at)
        elif arrived.wanted and kind in (Kind.DEVICE_BIRTH, Kind.DEVICE_DEATH):
            self._presence.note(source.node, device, is_online=kind is Kind.DEVICE_BIRTH, at_ms=at)


def _arrived(source: Source, mapped: MappedNode, message: Message) -> Arrived:
    if message.retain:
        raise MessageError("retained", "births and data are not for keeping: this one may be of any age")
    wanted = source.kind.is_of_node or source.device in mapped.devices
    return Arrived(source.kind, source.device, decode(message.payload), message.payload, wanted)


def _topic(source: Source) -> str:
    below = f"/{source.device}" if source.device else ""
    return f"spBv1.0/{source.node.group}/{source.kind}/{source.node.node}{below}"
