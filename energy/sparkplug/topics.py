"""The topics of a Sparkplug B network: `spBv1.0/{group}/{kind}/{edge node}[/{device}]`. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

_NAMESPACE = "spBv1.0"


class Kind(StrEnum):
    """What a message of an edge node is."""

    NODE_BIRTH = "NBIRTH"
    NODE_DEATH = "NDEATH"
    NODE_DATA = "NDATA"
    DEVICE_BIRTH = "DBIRTH"
    DEVICE_DEATH = "DDEATH"
    DEVICE_DATA = "DDATA"

    @property
    def is_of_node(self) -> bool:
        """Whether the topic ends with the edge node."""
        return self.startswith("N")


class NodeId(NamedTuple):
    """An edge node; unique in its group."""

    group: str
    node: str

    def __str__(self) -> str:
        return f"{self.group}/{self.node}"

    @property
    def filter(self) -> str:
        """What to subscribe to for all that it and its devices say."""
        return f"{_NAMESPACE}/{self.group}/+/{self.node}/#"

    @property
    def command(self) -> str:
        """Where it takes commands."""
        return f"{_NAMESPACE}/{self.group}/NCMD/{self.node}"


class Source(NamedTuple):
    """Who says what kind of thing; `device` is empty for the edge node itself."""

    node: NodeId
    kind: Kind
    device: str


def parse_topic(topic: str) -> Source | None:
    """What a topic tells; None for commands, and for what belongs to no edge node."""
    namespace, _, rest = topic.partition("/")
    levels = rest.split("/")
    if namespace != _NAMESPACE or len(levels) not in (3, 4) or levels[1] not in tuple(Kind):
        return None
    kind = Kind(levels[1])
    device = levels[3] if len(levels) == 4 else ""  # noqa: PLR2004 - group, kind, node, device
    return Source(NodeId(levels[0], levels[2]), kind, device) if kind.is_of_node is not bool(device) else None
