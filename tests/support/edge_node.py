"""A simulated Sparkplug B edge node with devices, whose aliases mean something else after each birth."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import NamedTuple

from energy.sparkplug.datatypes import DataType
from energy.sparkplug.payload import Metric, Payload
from energy.sparkplug.topics import Kind

NAMES = ("energy/import", "energy/export", "volume")
DEVICES = ("meter-1", "meter-2")
_METRICS = [(device, name) for device in ("", *DEVICES) for name in NAMES]
_A_METRIC = 1_000_000
"""Values tell whose they are: the number of the metric times this, and the number of the value."""


class Sent(NamedTuple):
    """A message of the edge node; `session` counts its births."""

    kind: Kind
    device: str
    payload: Payload
    session: int


def owner(value: object) -> tuple[str, str]:
    """The device and the name of the metric that a value belongs to."""
    assert isinstance(value, int)
    return _METRICS[value // _A_METRIC]


class SimulatedEdgeNode:
    """Makes the messages that an edge node sends, in order.

    Attributes:
        now_ms: its clock; it goes on by itself.
    """

    def __init__(self, now_ms: int) -> None:
        self.now_ms = now_ms
        self._bd_seq = -1
        self._seq = 0
        self._session = 0
        self._births: dict[str, int] = {}
        self._values = itertools.count()
        self._aliases: dict[tuple[str, str], int] = {}

    def start(self) -> Iterator[Sent]:
        """Connect: a new bdSeq, and births."""
        self._bd_seq += 1
        yield from self.births()

    def births(self) -> Iterator[Sent]:
        """Births of the edge node and its devices, as after a request."""
        self._session += 1
        self._seq = 0
        bd_seq = Metric(name="bdSeq", timestamp=self._tick(), datatype=DataType.INT64, value=self._bd_seq)
        yield self._sent(Kind.NODE_BIRTH, "", [bd_seq, *self._born("")])
        for device in DEVICES:
            yield self._sent(Kind.DEVICE_BIRTH, device, self._born(device))

    def rebirth_of(self, device: str) -> Iterator[Sent]:
        """A device goes and comes back."""
        yield self._sent(Kind.DEVICE_DEATH, device, [])
        yield self._sent(Kind.DEVICE_BIRTH, device, self._born(device))

    def death(self) -> Iterator[Sent]:
        """The will that the broker sends when the connection is lost."""
        metric = Metric(name="bdSeq", datatype=DataType.INT64, value=self._bd_seq)
        yield Sent(Kind.NODE_DEATH, "", Payload(timestamp=self.now_ms, metrics=(metric,)), self._session)

    def data(self, device: str, *, by_name: bool = False, historical: bool = False) -> Iterator[Sent]:
        """Values of all metrics of a device, or of the edge node itself; by alias unless they name themselves."""
        metrics = [
            Metric(
                name=name if by_name else None,
                alias=None if by_name else self._aliases[device, name],
                datatype=DataType.INT64 if by_name else None,
                timestamp=self._tick() - (3_600_000 if historical else 0),
                is_historical=historical,
                value=self._value(device, name),
            )
            for name in NAMES
        ]
        yield self._sent(Kind.DEVICE_DATA if device else Kind.NODE_DATA, device, metrics)

    def _born(self, device: str) -> list[Metric]:
        # The aliases go round with each birth, so that the last meaning is always a wrong one.
        turn = self._births[device] = self._births.get(device, -1) + 1
        base = 10 * len([*DEVICES[: DEVICES.index(device) + 1]]) if device else 0
        for place, name in enumerate(NAMES):
            self._aliases[device, name] = base + (place + turn) % len(NAMES)
        return [
            Metric(
                name=name,
                alias=self._aliases[device, name],
                datatype=DataType.INT64,
                timestamp=self._tick(),
                value=self._value(device, name),
            )
            for name in NAMES
        ]

    def _value(self, device: str, name: str) -> int:
        return _METRICS.index((device, name)) * _A_METRIC + next(self._values)

    def _tick(self) -> int:
        self.now_ms += 1
        return self.now_ms

    def _sent(self, kind: Kind, device: str, metrics: list[Metric]) -> Sent:
        payload = Payload(timestamp=self._tick(), seq=self._seq, metrics=tuple(metrics))
        self._seq = (self._seq + 1) % 256
        return Sent(kind, device, payload, self._session)
