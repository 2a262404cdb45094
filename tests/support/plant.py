"""A listener at a plant's broker that runs in a test, and where its readings go."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Protocol

from prometheus_client import REGISTRY

from energy.readings import Reading
from energy.transport.mqtt import MqttSettings
from tests.support.eventually import eventually


class Disk:
    """Keeps readings when it may.

    Attributes:
        kept: the readings, in order.
        open: cleared to let nothing be kept.
    """

    def __init__(self) -> None:
        self.kept: list[Reading] = []
        self.open = asyncio.Event()
        self.open.set()

    async def keep(self, readings: Sequence[Reading]) -> None:
        """Return when the readings are kept."""
        await self.open.wait()
        self.kept.extend(readings)

    @property
    def values(self) -> list[tuple[str, float | None]]:
        """Points with what they showed."""
        return [(reading.point, reading.value) for reading in self.kept]


class Listener(Protocol):
    """What runs."""

    async def run(self, stopping: asyncio.Event) -> None:
        """Run until told to stop."""


@asynccontextmanager
async def listening(listener: Listener, gateway: str, broker: MqttSettings) -> AsyncIterator[asyncio.Event]:
    """A listener that runs, from when it is connected; yields what tells it to stop, which it is at the end."""
    stopping = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(listener.run(stopping))
        try:
            await eventually(lambda: is_connected(gateway, broker))
            yield stopping
        finally:
            stopping.set()


def is_connected(gateway: str, broker: MqttSettings) -> bool:
    """Whether a gateway's listener says that it is connected to a broker."""
    return metric("collector_listener_connected", gateway=gateway, broker=f"{broker.host}:{broker.port}") == 1.0


def metric(name: str, **labels: str) -> float:
    """The present value of a metric (without `quotawatt_`); 0 where it was never touched."""
    return REGISTRY.get_sample_value(f"quotawatt_{name}", labels) or 0.0
