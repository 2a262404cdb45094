"""HTTP push under pressure and under attack: bounded in rate, size, time and number."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import aiohttp
import msgspec
import pytest
from backports import zstd

from energy.metrics import exposition
from energy.registry.store import apply
from energy.storage import Connection, StorageSettings
from energy.transport.mqtt import MqttSettings
from energy.wire import Address, RefusalCode, Status, encode
from energy.wire.push import STATUS_PATH
from ingest.receiving.http import server
from ingest.receiving.http.settings import HttpLimits
from ingest.settings import IngestSettings
from tests.support import ingest_worker as worker
from tests.support.eventually import eventually
from tests.support.http_push import (
    GENEROUS,
    HOST,
    Pushing,
    envelope,
    head,
    locked,
    pushing,
    raw,
    with_http,
    write_tokens,
)

MEGABYTE = 1 << 20


@pytest.fixture
def settings(database: StorageSettings, mqtt: MqttSettings) -> IngestSettings:
    """A worker without HTTP push."""
    return worker.settings(database, mqtt)


@pytest.fixture
async def gateway(connection: Connection) -> Address:
    """A registered gateway."""
    address = worker.address()
    await apply(connection, worker.registry(address.gateway, 1))
    return address


def limits(**some: Any) -> HttpLimits:
    """Generous, but for these."""
    return msgspec.structs.replace(GENEROUS, **some)


def unsettled_are(count: int) -> bool:
    """Whether so many envelopes wait for their commit."""
    return counted("quotawatt_ingest_http_unsettled") == count


def counted(line: str) -> float:
    """What a metric counted so far in this process."""
    for shown in exposition()[0].decode().splitlines():
        if shown.startswith(f"{line} "):
            return float(shown.rpartition(" ")[2])
    return 0.0


@pytest.mark.parametrize("narrow", [{"requests_per_s": 2.0}, {"bytes_per_s": 40.0}], ids=["requests", "bytes"])
async def test_a_gateway_that_sends_too_fast_has_to_wait(
    settings: IngestSettings, gateway: Address, narrow: dict[str, float]
) -> None:
    """429 with the seconds to wait; another gateway is not held up by it."""
    async with pushing(with_http(settings, limits(**narrow))) as push:
        answers = [await push.post(gateway, envelope(gateway, seq)) for seq in range(1, 20)]
        assert answers[0].status == 200
        refused = [answer for answer in answers if answer.status != 200]
        assert {answer.status for answer in refused} == {429}
        assert all(1 <= int(answer.headers["Retry-After"]) <= 10 for answer in refused)
        assert (await push.post(worker.address(), envelope(gateway))).status == 200
        talkative, status = worker.address(), encode(Status(1, online=True, stream="c" * 32))
        answers = [await push.post(talkative, status, STATUS_PATH) for _ in range(20)]
        assert (answers[0].status, answers[-1].status) == (200, 429)


async def test_strangers_are_slowed_down_and_gateways_beside_them_are_not(
    tmp_path: Any, settings: IngestSettings, gateway: Address
) -> None:
    """Both may come from one address, that of a proxy."""
    tokens = write_tokens(tmp_path / "tokens.toml", {gateway.gateway: ["t0ken"]})
    narrow = limits(strangers_per_s=0.5)
    async with pushing(with_http(settings, narrow, tokens_file=tokens)) as push:
        answers = [await push.post(gateway, b"{}", Authorization=f"Bearer {guess}") for guess in range(10)]
        assert [answer.status for answer in answers[:2]] == [401, 401]
        assert answers[-1].status == 429
        assert int(answers[-1].headers["Retry-After"]) >= 1
        assert (await push.post(gateway, envelope(gateway), Authorization="Bearer t0ken")).status == 200


async def test_a_full_window_says_so_and_what_is_in_it_is_answered(
    connection: Connection, settings: IngestSettings, gateway: Address
) -> None:
    """503 with Retry-After beyond the window, 429 beyond a gateway's share of it; commits free it again."""
    others = [worker.address() for _ in range(4)]
    narrow = limits(window=6, gateway_window=2)
    async with pushing(with_http(settings, narrow)) as push:
        async with locked(connection) as release, asyncio.TaskGroup() as group:
            waiting = [group.create_task(push.post(gateway, envelope(gateway, seq))) for seq in (1, 2)]
            await eventually(lambda: counted("quotawatt_ingest_http_unsettled") == 2)
            answer = await push.post(gateway, envelope(gateway, 3))
            assert (answer.status, answer.headers["Retry-After"]) == (429, "1")
            waiting += [group.create_task(push.post(other, envelope(other))) for other in others]
            await eventually(lambda: counted("quotawatt_ingest_http_unsettled") == 6)
            answer = await push.post(worker.address(), envelope(gateway))
            assert answer.status == 503
            assert 2 <= int(answer.headers["Retry-After"]) <= 8
            assert not any(task.done() for task in waiting)
            await release()
        assert [task.result().status for task in waiting] == [200] * 6
        assert counted("quotawatt_ingest_http_unsettled") == 0
        assert counted("quotawatt_ingest_http_unsettled_bytes") == 0
        assert (await push.post(gateway, envelope(gateway, 3))).status == 200


async def test_bodies_that_wait_are_bounded_in_bytes(
    connection: Connection, settings: IngestSettings, gateway: Address
) -> None:
    """However many places there are."""
    big = json.dumps({"x": "x" * 200_000}).encode()
    async with pushing(with_http(settings, limits(window_bytes=MEGABYTE))) as push:
        async with locked(connection) as release, asyncio.TaskGroup() as group:
            waiting = [group.create_task(push.post(gateway, big)) for _ in range(5)]
            await eventually(lambda: counted("quotawatt_ingest_http_unsettled") == 5)
            await eventually(lambda: counted("quotawatt_ingest_http_unsettled_bytes") == 5 * len(big))
            assert (await push.post(gateway, big)).status == 503
            await release()
        assert {task.result().status for task in waiting} == {400}
        assert counted("quotawatt_ingest_http_unsettled_bytes") == 0


async def test_without_a_commit_in_time_the_sender_is_told_to_come_again(
    connection: Connection, settings: IngestSettings, gateway: Address
) -> None:
    """503; what it sent is committed later all the same, and what it sends again counts once."""
    async with pushing(with_http(settings, limits(answer_s=0.2))) as push:
        async with locked(connection):
            answer = await push.post(gateway, envelope(gateway))
            assert (answer.status, answer.headers["Retry-After"]) == (503, "5")

        async def committed() -> bool:
            return bool(await connection.fetchval("select count(*) = 1 from readings"))

        await eventually(committed)

        async def confirmed() -> bool:
            return (await push.post(gateway, envelope(gateway))).status == 200

        await eventually(confirmed)
    assert await connection.fetchval("select count(*) from readings") == 1


async def test_a_client_that_has_gone_costs_nothing(
    connection: Connection, settings: IngestSettings, gateway: Address
) -> None:
    """What it had sent whole is committed; its place is free; half an envelope leaves nothing behind."""
    async with pushing(with_http(settings, limits(window=2))) as push:
        async with locked(connection):
            for seq in (1, 2):
                _, writer = await asyncio.open_connection(HOST, push.port)
                body = envelope(gateway, seq)
                writer.write(head(gateway, f"Content-Length: {len(body)}") + body)
                await eventually(partial(unsettled_are, seq))
                writer.transport.abort()
        await eventually(lambda: counted("quotawatt_ingest_http_unsettled") == 0)
        assert await connection.fetchval("select count(*) from readings") == 2
        _, writer = await asyncio.open_connection(HOST, push.port)
        writer.write(head(gateway, "Content-Length: 100") + envelope(gateway, 3)[:50])
        await eventually(lambda: counted("quotawatt_ingest_http_unsettled") == 1)
        writer.transport.abort()
        await eventually(lambda: counted("quotawatt_ingest_http_unsettled") == 0)
        assert (await push.post(gateway, envelope(gateway, 4))).status == 200
    assert await connection.fetchval("select count(*) from readings") == 3
    assert await connection.fetchval("select count(*) from rejects") == 0


BOMB = {"gzip": gzip.compress(bytes(256 * MEGABYTE), 1), "zstd": zstd.compress(bytes(256 * MEGABYTE), 1)}
"""A quarter of a gigabyte of zeros each: a megabyte, and some kilobytes."""


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
async def test_a_bomb_is_not_blown_up(
    connection: Connection, settings: IngestSettings, gateway: Address, encoding: str
) -> None:
    """Its first half megabyte is looked at, and no more; 413, with an acknowledgement that confirms nothing."""
    bomb = BOMB[encoding][:500_000]
    async with pushing(with_http(settings)) as push:
        before = _resident()
        answers = await asyncio.gather(*(push.post(gateway, bomb, Content_Encoding=encoding) for _ in range(20)))
        grown = _resident() - before
        assert (await push.post(gateway, envelope(gateway))).status == 200
    assert {answer.status for answer in answers} == {413}
    assert all(answer.acknowledgement.confirmed == [] for answer in answers)
    assert {one.code for answer in answers for one in answer.acknowledgement.refused} == {RefusalCode.TOO_LARGE}
    assert grown < 64 * MEGABYTE  # one alone would be 256
    assert await connection.fetchval("select count(*) from rejects") == 0


async def test_a_window_of_zstd_beyond_rfc_9659_is_refused(settings: IngestSettings, gateway: Address) -> None:
    """It would let a sender reserve gigabytes of ours with a few bytes."""
    options: dict[int, int] = {
        zstd.CompressionParameter.window_log: 27,
        zstd.CompressionParameter.content_size_flag: 0,
    }
    compressor = zstd.ZstdCompressor(options=options)
    body = compressor.compress(envelope(gateway)) + compressor.flush()
    async with pushing(with_http(settings)) as push:
        answer = await push.post(gateway, body, Content_Encoding="zstd")
    assert (answer.status, answer.acknowledgement.refused[0].code) == (400, RefusalCode.MALFORMED)


def _resident() -> int:
    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123 - no file, but the kernel
        return int(file.read().split()[1]) * 4096


async def test_what_is_larger_than_allowed_is_not_read(
    settings: IngestSettings, gateway: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By what it says, before a byte of it, and by what it has, whatever it says."""
    monkeypatch.setattr(server, "LINGER_S", 0.1)

    async def endless(start: bytes, repeated: bytes) -> AsyncIterator[bytes]:
        yield start
        while True:
            yield repeated * 10_000

    spaces = endless(b"", b" ")
    # An empty block of gzip makes nothing of five bytes: what was sent is counted too.
    nothing = endless(gzip.compress(b"")[:10], b"\0\0\0\xff\xff")
    async with pushing(with_http(settings)) as push:
        answer = await raw(push.port, head(gateway, "Content-Length: 999999999999"))
        assert answer.startswith(b"HTTP/1.1 413 ")
        for body, headers in ((spaces, {}), (nothing, {"Content_Encoding": "gzip"})):
            try:
                async with asyncio.timeout(20):
                    assert (await push.post(gateway, body, **headers)).status == 413
            except aiohttp.ClientError:
                continue  # closed on us while we sent
        await eventually(lambda: counted("quotawatt_ingest_http_unsettled") == 0)


async def test_slow_heads_and_bodies_are_cut_off(
    settings: IngestSettings, gateway: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A head that does not end, a body that does not come, a connection on which nothing comes, or nothing any more."""
    monkeypatch.setattr(server, "LINGER_S", 0.1)
    body = envelope(gateway)
    whole = head(gateway, f"Content-Length: {len(body)}") + body
    async with pushing(with_http(settings, limits(first_request_s=0.3, body_s=0.3))) as push:
        assert await raw(push.port, b"") == b""
        assert await raw(push.port, head(gateway)[:-2]) == b""
        assert (await raw(push.port, head(gateway, "Content-Length: 9") + b"{")).startswith(b"HTTP/1.1 408 ")
    async with pushing(with_http(settings, limits(idle_s=0.3))) as push:
        assert (await raw(push.port, whole)).count(b"HTTP/1.1 200 ") == 1
        assert (await raw(push.port, whole + whole[:40])).count(b"HTTP/1.1 ") == 1


async def test_strangers_cannot_use_up_the_connections(settings: IngestSettings, gateway: Address) -> None:
    """The oldest of those that have not shown who they are gives way; with none left, 503."""
    few = with_http(settings, limits(connections=3, first_request_s=600.0))
    body = envelope(gateway)
    whole = head(gateway, f"Content-Length: {len(body)}") + body
    async with pushing(few) as push:
        strangers = [await asyncio.open_connection(HOST, push.port) for _ in range(5)]
        await eventually(lambda: counted("quotawatt_ingest_http_connections") == 3)
        async with asyncio.timeout(20):
            assert await strangers[0][0].read() == b""
        gateways = [await _answered(push, whole) for _ in range(3)]
        assert (await raw(push.port, whole)).startswith(b"HTTP/1.1 503 ")
        for _, writer in (*strangers, *gateways):
            writer.close()


async def _answered(push: Pushing, request: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection on which a request was answered, and which stays open."""
    reader, writer = await asyncio.open_connection(HOST, push.port)
    writer.write(request)
    assert (await reader.readline()).startswith(b"HTTP/1.1 200 ")
    return reader, writer
