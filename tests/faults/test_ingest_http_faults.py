"""HTTP push while something breaks: what was answered is stored once, what was not is sent again."""

from __future__ import annotations

import asyncio
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import pytest

from collector.uplink.settings import HttpsPlatform, ResendSettings, UplinkSettings
from deploy.stack.ports import choose
from energy.clocks import ClockSettings, DataClock
from energy.metrics import exposition
from energy.readings import Reading
from energy.registry.store import apply
from energy.storage import Connection, StorageSettings
from energy.transport.mqtt import MqttSettings
from energy.wire import Address, encode_envelope
from ingest.receiving.http import server, window
from ingest.settings import IngestSettings
from tests.support import ingest_worker as worker
from tests.support.eventually import eventually, never_within
from tests.support.http_push import GENEROUS, HOST, Pushing, envelope, locked, pushing, with_http
from tests.support.tcp_proxy import TcpProxy, tcp_proxy
from tests.support.uplink_world import QUICK, Sending, open_spool, sending

IMPATIENT = UplinkSettings(resend=ResendSettings(first_s=0.2, most_s=0.5), reconnect=QUICK, drain_s=5)


@pytest.fixture
def settings(database: StorageSettings, mqtt: MqttSettings) -> IngestSettings:
    """A worker on the system's clock, as collectors are."""
    return msgspec.structs.replace(worker.settings(database, mqtt), clock=ClockSettings())


@pytest.fixture
async def gateway(connection: Connection) -> Address:
    """A registered gateway."""
    address = worker.address()
    await apply(connection, worker.registry(address.gateway, 1))
    return address


def unsettled() -> int:
    """Envelopes that wait for their commit, as this process counts them."""
    for line in exposition()[0].decode().splitlines():
        if line.startswith("quotawatt_ingest_http_unsettled "):
            return int(float(line.split()[1]))
    return 0


async def keep(made: Sending, gateway: Address, numbers: range) -> None:
    """Spool one envelope for each number, each with a reading of its own."""
    now = DataClock().now_ms()
    for number in numbers:
        await made.spool.append([Reading(f"{gateway.gateway}-0", now - number, float(number))])


async def stored(connection: Connection) -> list[float]:
    """Every value, in order."""
    return [row["value"] for row in await connection.fetch("select value from readings order by value")]


async def test_a_worker_is_killed_in_the_middle_of_requests(
    tmp_path: Path, connection: Connection, settings: IngestSettings, gateway: Address
) -> None:
    """Before their commit, with the broker still there; its successor takes what the collector sends again."""
    port = choose(str(tmp_path), None)
    own = with_http(settings, port=port)
    platform = HttpsPlatform(url=f"http://{HOST}:{port}", connections=4, timeout_s=20.0)
    async with (
        open_spool(tmp_path, gateway.gateway) as spool,
        sending(spool, gateway, (platform,), IMPATIENT) as made,
    ):
        with worker.process(own, tmp_path) as process:
            await keep(made, gateway, range(20))
            await eventually(lambda: spool.unconfirmed == 0, 30)
            async with locked(connection):
                await keep(made, gateway, range(20, 40))
                await eventually(lambda: _waits_for_lock(connection), 30)
                process.kill()
                await asyncio.to_thread(process.wait)
            assert spool.unconfirmed == 20
        with worker.process(own, tmp_path):
            await eventually(lambda: spool.unconfirmed == 0, 60)
    assert await stored(connection) == [float(number) for number in range(40)]


async def _waits_for_lock(connection: Connection) -> bool:
    """Whether a batch is being written that cannot be committed yet."""
    return bool(
        await connection.fetchval(
            "select count(*) from pg_locks where relation = $1::regclass and not granted", "readings"
        )
    )


async def test_the_database_goes_away_and_comes_back(
    tmp_path: Path,
    connection: Connection,
    settings: IngestSettings,
    gateway: Address,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Meanwhile senders get 503 and keep what they have; the window stays bounded; then all is stored once."""
    monkeypatch.setattr(window, "FULL_S", 0.5)  # they come again in a second, not in five
    place = urlsplit(settings.database.dsn)
    async with tcp_proxy(str(place.hostname), place.port or 5432) as proxy:
        away = _through(settings, proxy)
        limits = msgspec.structs.replace(GENEROUS, answer_s=0.3, window=4)
        async with pushing(with_http(away, limits)) as push:
            assert (await push.post(gateway, envelope(gateway, 1))).status == 200
            await proxy.cut()
            answers = await asyncio.gather(*(push.post(gateway, envelope(gateway, seq)) for seq in range(2, 10)))
            assert {answer.status for answer in answers} == {503}
            assert unsettled() == 4
            platform = HttpsPlatform(url=push.base, connections=4, timeout_s=20.0)
            async with (
                open_spool(tmp_path, gateway.gateway) as spool,
                sending(spool, gateway, (platform,), IMPATIENT) as made,
            ):
                await keep(made, gateway, range(30))
                await proxy.restore()
                await eventually(lambda: spool.unconfirmed == 0, 60)
            await eventually(lambda: unsettled() == 0)
    values = await stored(connection)
    assert set(values) == {float(number) for number in range(30)}
    assert len(values) == 30 + 1 + 4  # and those that were answered by 503


def _through(settings: IngestSettings, proxy: TcpProxy) -> IngestSettings:
    """The same database, reached through `proxy`."""
    place = urlsplit(settings.database.dsn)
    account = place.netloc.rpartition("@")[0]
    dsn = place._replace(netloc=f"{account}@{proxy.host}:{proxy.port}").geturl()
    return msgspec.structs.replace(settings, database=msgspec.structs.replace(settings.database, dsn=dsn))


async def test_an_orderly_stop_answers_what_it_took(
    connection: Connection, settings: IngestSettings, gateway: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No new connection is taken, and what is in flight is answered after its commit."""
    monkeypatch.setattr(server, "LINGER_S", 0.1)  # what would be cut off is cut off sooner
    started: asyncio.Future[Pushing] = asyncio.get_running_loop().create_future()
    stop = asyncio.Event()

    async def serve() -> None:
        async with pushing(with_http(settings)) as push:
            started.set_result(push)
            await stop.wait()

    async def refuses_connections() -> bool:
        try:
            _, writer = await asyncio.open_connection(HOST, push.port)
        except OSError:
            return True
        writer.close()
        return False

    async with locked(connection) as release, asyncio.TaskGroup() as group:
        group.create_task(serve())
        push = await started
        waiting = [group.create_task(push.post(gateway, envelope(gateway, seq))) for seq in range(1, 6)]
        await eventually(lambda: unsettled() == 5)
        stop.set()
        await eventually(refuses_connections)
        await never_within(0.5, lambda: any(task.done() for task in waiting))
        await release()
    assert [task.result().acknowledgement.confirmed for task in waiting] == [[seq] for seq in range(1, 6)]
    assert len(await stored(connection)) == 5


async def test_a_platform_whose_broker_is_away_takes_http(
    tmp_path: Path, connection: Connection, settings: IngestSettings, gateway: Address
) -> None:
    """From its start on: one way in does not wait for another; what stands before it tells the readiness endpoint."""
    nobody = MqttSettings(host=HOST, port=choose(str(tmp_path), None))
    away = msgspec.structs.replace(settings, mqtt=nobody)
    async with pushing(with_http(away)) as push:
        answer = await push.post(
            gateway, encode_envelope("0" * 32, 1, [Reading(f"{gateway.gateway}-0", DataClock().now_ms(), 1.0)])
        )
        assert (answer.status, answer.acknowledgement.refused) == (200, [])
    assert await connection.fetchval("select count(*) from readings") == 1
