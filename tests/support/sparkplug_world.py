"""A Sparkplug network around a worker that is its host: an edge node of the test's own, and its mapped points."""

from __future__ import annotations

import asyncio
import base64
import json
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import msgspec

from deploy.stack import Endpoints
from energy.clocks import ClockSettings, DataClock
from energy.registry.store import apply
from energy.sparkplug.payload import Payload, decode, encode
from energy.sparkplug.topics import Kind, NodeId
from energy.storage import Connection, StorageSettings, connect
from energy.storage.databases import create_database, drop_database
from energy.transport.mqtt import Link, MqttSettings, Will
from energy.transport.mqtt import connect as connect_mqtt
from ingest.receiving.sparkplug.settings import SparkplugSettings
from ingest.receiving.sparkplug.state import HostState, decode_state, state_topic
from ingest.settings import IngestSettings
from tests.support import ingest_worker as worker
from tests.support.edge_node import DEVICES, NAMES, Sent, SimulatedEdgeNode, owner
from tests.support.eventually import eventually
from tests.support.ingest_world import START_MS

T = TypeVar("T")

SESSIONS = json.loads((Path(__file__).parent / "sparkplug" / "sessions.json").read_text(encoding="utf-8"))
"""What an edge node with one device says from birth to death, encoded by two libraries that are not ours."""


class Row(NamedTuple):
    """A stored reading, under the name of its metric."""

    device: str
    metric: str
    at: int
    value: float | None
    quality: int


@dataclass
class World:
    """One host id, one group, one edge node and its gateway.

    Attributes:
        database: of the test.
        mqtt: the broker.
        node: the edge node.
        gateway: as which it writes.
        host_id: of the host.
        edge: makes its messages.
        asked: the requests for births that it got, and answered.
    """

    database: StorageSettings
    mqtt: MqttSettings
    name: str = field(default_factory=lambda: f"g-{uuid.uuid4().hex[:8]}")
    edge: SimulatedEdgeNode = field(default_factory=lambda: SimulatedEdgeNode(START_MS))
    asked: list[Payload] = field(default_factory=list)
    _one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)
    clock_settings: ClockSettings = field(
        default_factory=lambda: ClockSettings(datetime.fromtimestamp(START_MS / 1000 + 3_600, UTC), time.time())
    )

    @property
    def clock(self) -> DataClock:
        """Data time of all workers."""
        return DataClock(self.clock_settings)

    @property
    def node(self) -> NodeId:
        """The edge node."""
        return NodeId(self.name, "E")

    @property
    def gateway(self) -> str:
        """As which it writes."""
        return f"gw-{self.name}"

    @property
    def host_id(self) -> str:
        """Of the host."""
        return f"host-{self.name}"

    @property
    def state_topic(self) -> str:
        """Where the host tells of itself."""
        return state_topic(self.host_id)

    def settings(self, **keys: Any) -> IngestSettings:
        """A worker that may be the host."""
        own: dict[str, Any] = {
            "host_id": self.host_id,
            "groups": (self.name,),
            "reorder_timeout_s": 0.2,
            "rebirth_interval_s": 0.3,
        }
        made = worker.settings(self.database, self.mqtt)
        return msgspec.structs.replace(made, clock=self.clock_settings, sparkplug=SparkplugSettings(**own | keys))

    async def register(self, metrics: Sequence[tuple[str, str]] | None = None, scale: float = 1.0) -> None:
        """Register the gateway, a point for each (device, metric), and the mapping."""
        chosen = [(device, name) for device in ("", *DEVICES) for name in NAMES] if metrics is None else metrics
        async with connect(self.database) as connection:
            await apply(connection, worker.registry(self.gateway, len(chosen)))
            await connection.execute(
                "insert into sparkplug_node select $1, $2, gateway_id from gateway where code = $3",
                *self.node,
                self.gateway,
            )
            for number, (device, name) in enumerate(chosen):
                await connection.execute(
                    "insert into sparkplug_metric select $1, $2, $3, $4, point_id, $5 from point where code = $6",
                    *self.node,
                    device,
                    name,
                    scale,
                    f"{self.gateway}-{number}",
                )
            await connection.execute("select pg_notify('registry', '')")

    @asynccontextmanager
    async def hosted(self, **keys: Any) -> AsyncIterator[None]:
        """A worker that is the host, and online."""
        async with worker.running(self.settings(**keys)):
            await self.until_host(online=True)
            yield

    async def until_host(self, *, online: bool) -> None:
        """Wait until the broker keeps this state of the host."""

        async def told() -> bool:
            state = await self.kept_state()
            return state is not None and state.online is online

        await eventually(told)

    async def kept_state(self) -> HostState | None:
        """The state of the host that the broker keeps; None for none."""
        async with connect_mqtt(self.mqtt) as link:
            await link.subscribe(self.state_topic)
            # The kept message, if there is one, comes before this one.
            await link.subscribe(f"{self.name}/mark")
            await link.publish(f"{self.name}/mark", b"")
            async for message in link.messages:
                return decode_state(message.payload) if message.topic == self.state_topic else None
        return None

    @asynccontextmanager
    async def online(self, *, answers: bool = True, births: bool = True) -> AsyncIterator[Link]:
        """The edge node connects, tells its births, and answers requests for them; `asked` has these."""
        first = list(self.edge.start())
        (death,) = self.edge.death()
        will = Will(self.topic(death.kind, death.device), encode(death.payload))
        async with connect_mqtt(self.mqtt, will=will) as link, asyncio.TaskGroup() as group:
            await link.subscribe(self.node.command, qos=0)
            answering = group.create_task(self._answer(link, answers=answers))
            if births:
                await self.tell(link, first)
            try:
                yield link
                await self.tell(link, self.edge.death())
            finally:
                answering.cancel()

    async def tell(self, link: Link, messages: Iterable[Sent], *, retain: bool = False) -> None:
        """Publish messages of the edge node; made only now, they are never amid births that answer a request."""
        async with self._one_at_a_time:
            await self._tell(link, list(messages), retain=retain)

    async def say(self, link: Link, device: str, *, by_name: bool = False) -> list[Sent]:
        """Publish values of all metrics of a device; likewise."""
        async with self._one_at_a_time:
            sent = list(self.edge.data(device, by_name=by_name))
            await self._tell(link, sent)
        return sent

    async def publish(self, link: Link, kind: Kind, device: str, body: bytes, *, retain: bool = False) -> None:
        """Publish with the quality of service of the specification."""
        qos: Any = 1 if kind is Kind.NODE_DEATH else 0
        await link.publish(self.topic(kind, device), body, qos=qos, retain=retain)

    def topic(self, kind: Kind, device: str) -> str:
        """Where the edge node says such a thing."""
        below = f"/{device}" if device else ""
        return f"spBv1.0/{self.node.group}/{kind}/{self.node.node}{below}"

    async def play(self, link: Link, encoder: str, kinds: Iterable[Kind] = tuple(Kind)) -> None:
        """Publish the stored session of an encoder, less its death unless that is asked for."""
        for one in SESSIONS[encoder]["messages"]:
            if (kind := Kind(one["kind"])) in kinds:
                await self.publish(link, kind, one["device"], base64.b64decode(one["bytes"]))

    async def rows(self) -> list[Row]:
        """What is stored of mapped metrics."""
        async with connect(self.database) as connection:
            return await stored_rows(connection)

    async def state_of(self, device: str = "") -> tuple[bool, int] | None:
        """Whether a device (or the edge node) is marked online, and since when, ms UTC."""
        async with connect(self.database) as connection:
            row = await connection.fetchrow(
                "select online, changed_at from sparkplug_state where (group_id, edge_node, device) = ($1, $2, $3)",
                *self.node,
                device,
            )
        return (row["online"], round(row["changed_at"].timestamp() * 1000)) if row else None

    async def until_state(self, device: str, *, online: bool) -> int:
        """Wait until a device (or the edge node) is marked so; since when, ms UTC."""

        async def marked() -> tuple[bool, int] | None:
            state = await self.state_of(device)
            return state if state is not None and state[0] is online else None

        state = await eventually(marked)
        assert state is not None
        return state[1]

    async def until_asked(self, since: int = 0) -> None:
        """Wait until a host asked for births, and has them, once more than `since` times."""
        await eventually(lambda: len(self.asked) > since)

    async def until_stored(self, expected: set[Row]) -> None:
        """Wait until these rows are among the stored ones."""

        async def there() -> bool:
            missing = expected - set(await self.rows())
            assert not missing, missing
            return True

        await eventually(there)

    async def _tell(self, link: Link, messages: Sequence[Sent], *, retain: bool = False) -> None:
        for one in messages:
            await self.publish(link, one.kind, one.device, encode(one.payload), retain=retain)

    async def _answer(self, link: Link, *, answers: bool) -> None:
        async for message in link.messages:
            if answers:
                await self.tell(link, self.edge.births())
            self.asked.append(decode(message.payload))


async def stored_rows(connection: Connection) -> list[Row]:
    """What is stored of mapped metrics."""
    rows = await connection.fetch(
        "select device, metric, ts, value, quality from readings join sparkplug_metric using (point_id)"
        " order by ts, device, metric"
    )
    return [
        Row(
            row["device"],
            row["metric"],
            round(row["ts"].timestamp() * 1000),
            None if row["quality"] == 3 else row["value"],
            row["quality"],
        )
        for row in rows
    ]


def rows_of(sent: Iterable[Sent]) -> set[Row]:
    """What messages of the simulated edge node are stored as."""
    return {
        Row(*owner(metric.value), metric.timestamp or 0, float(metric.value or 0), 0)
        for one in sent
        for metric in one.payload.metrics
        if metric.name != "bdSeq"
    }


def run_scenario(endpoints: Endpoints, template: str, name: str, scenario: Callable[[World], Awaitable[T]]) -> T:
    """Play a scenario once, on a database of its own, for all tests that look at what came of it."""

    async def run() -> T:
        dsn = await create_database(endpoints.dsn, f"tck_{name}", template=template)
        try:
            async with asyncio.timeout(100):
                mqtt = MqttSettings(host=endpoints.mqtt_host, port=endpoints.mqtt_port)
                return await scenario(World(StorageSettings(dsn), mqtt))
        finally:
            await drop_database(endpoints.dsn, f"tck_{name}")

    return asyncio.run(run())
