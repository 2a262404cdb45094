"""The lines to broker and database are cut, reset or stand still under a load: nothing is lost or counts twice."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial
from urllib.parse import urlsplit, urlunsplit

import msgspec
import pytest

from energy.storage import StorageSettings
from energy.transport.mqtt import MqttSettings
from ingest.settings import IngestSettings
from tests.support import ingest_worker as worker
from tests.support.eventually import eventually, never_within
from tests.support.fault_load import WINDOW, Sender
from tests.support.fault_platform import confirmed, load, mqtt_senders, register, settings
from tests.support.tcp_proxy import TcpProxy, tcp_proxy

OUTAGE_S = 1.0
WAY = 2 * WINDOW
"""So many envelopes of a sender may have been committed, but not confirmed to it, when the line went."""


Attack = Callable[[TcpProxy, list[Sender]], Awaitable[None]]


class Lines:
    """A worker behind two lines, and senders who reach the broker without them.

    Attributes:
        broker, database: the worker's lines.
        senders: with a load.
        direct: how the test reaches the database.
        worker: the worker's settings.
    """

    def __init__(self, broker: TcpProxy, database: TcpProxy, direct: StorageSettings, mqtt: MqttSettings) -> None:
        self.broker, self.database, self.direct = broker, database, direct
        self.senders: list[Sender] = mqtt_senders(mqtt)
        self.worker: IngestSettings = settings(
            msgspec.structs.replace(direct, dsn=by_way_of(database, direct.dsn)),
            msgspec.structs.replace(mqtt, host=broker.host, port=broker.port, keepalive=1),
        )


def by_way_of(proxy: TcpProxy, dsn: str) -> str:
    """The same database through the proxy."""
    parts = urlsplit(dsn)
    return urlunsplit(parts._replace(netloc=f"{parts.netloc.rpartition('@')[0]}@{proxy.host}:{proxy.port}"))


@pytest.fixture
async def lines(database: StorageSettings, mqtt: MqttSettings) -> AsyncIterator[Lines]:
    """Lines that work."""
    parts = urlsplit(database.dsn)
    async with AsyncExitStack() as stack:
        to_broker = await stack.enter_async_context(tcp_proxy(mqtt.host, mqtt.port))
        to_database = await stack.enter_async_context(tcp_proxy(parts.hostname or "", parts.port or 0))
        made = Lines(to_broker, to_database, database, mqtt)
        await register(database, made.senders)
        yield made


async def cut(proxy: TcpProxy, senders: list[Sender]) -> None:
    """No line for a while: nothing is confirmed meanwhile."""
    await proxy.cut()
    await nothing_confirmed(senders)
    await proxy.restore()


async def stall(proxy: TcpProxy, senders: list[Sender]) -> None:
    """Connected, and nothing comes through for a while: nothing is confirmed meanwhile."""
    proxy.stall()
    await nothing_confirmed(senders)
    proxy.resume()


async def nothing_confirmed(senders: list[Sender]) -> None:
    """What was on its way already may arrive; then nothing does."""
    before = [len(sender.confirmed) + WAY for sender in senders]
    await never_within(OUTAGE_S, lambda: any(len(s.confirmed) > b for s, b in zip(senders, before, strict=True)))


async def reset(proxy: TcpProxy, _: list[Sender]) -> None:
    """All connections end at once; new ones are taken."""
    proxy.drop_all()


async def cut_within(proxy: TcpProxy, _: list[Sender]) -> None:
    """The line breaks in the middle of something that the worker sends, three times."""
    for after in (1, 700, 5_000):
        proxy.cut_after = after
        await eventually(partial(made_anew, proxy, proxy.connections), 20)


def made_anew(proxy: TcpProxy, before: int) -> bool:
    """Whether there were more connections since."""
    return proxy.connections > before


async def forgotten(proxy: TcpProxy, _: list[Sender]) -> None:
    """A firewall drops what it knows of the connections: neither end learns of it, new ones work."""
    proxy.forget()


LONG = [reset, cut_within, forgotten, stall, cut] * 4


@pytest.mark.parametrize("line", ["broker", "database"])
@pytest.mark.parametrize("attacks", [[cut, stall], pytest.param(LONG, marks=pytest.mark.long)], ids=["quick", "long"])
async def test_a_broken_line_loses_nothing(lines: Lines, line: str, attacks: list[Attack]) -> None:
    """After each break the worker goes on within a bound; in the end the books balance."""
    proxy: TcpProxy = getattr(lines, line)
    async with worker.running(lines.worker), load(lines.direct, lines.senders, 110):
        for attack in attacks:
            await attack(proxy, lines.senders)
            await confirmed(lines.senders, WAY)
