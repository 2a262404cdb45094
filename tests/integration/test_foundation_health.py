"""The health endpoint of a process, asked over HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Mapping

import aiohttp
import pytest

from energy.channel import Channel
from energy.errors import SetupError, StorageError
from energy.health import Check, HealthServer, HealthSettings
from energy.metrics import unforeseen_error, watch_queue
from energy.services import run_services
from tests.support.eventually import eventually


async def answers() -> None:
    """A dependency that is well."""


async def refuses() -> None:
    """A dependency with a fault that we foresaw."""
    raise StorageError("the database is starting up")


async def breaks() -> None:
    """A dependency whose driver says more than should be shown."""
    raise RuntimeError("postgresql://user:geheim@db")


async def hangs() -> None:
    """A dependency that never answers."""
    await asyncio.Event().wait()


@contextlib.asynccontextmanager
async def served(checks: Mapping[str, Check]) -> AsyncIterator[str]:
    """A health server on a free port; yields its address."""
    server = HealthServer(HealthSettings(port=0, timeout=0.1), checks)
    stop = asyncio.Event()
    running = asyncio.ensure_future(run_services([server], grace=5, stop=stop))
    try:
        port = await eventually(lambda: server.port)
        yield f"http://127.0.0.1:{port}"
    finally:
        stop.set()
        await running


async def get(url: str) -> tuple[int, str]:
    """Status and body."""
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return response.status, await response.text()


async def get_ready(url: str) -> tuple[int, dict[str, object]]:
    """Status and the JSON of the readiness check."""
    async with aiohttp.ClientSession() as session, session.get(f"{url}/readyz") as response:
        return response.status, await response.json()


async def test_a_process_whose_dependencies_answer_is_ready() -> None:
    """Every dependency is asked and named."""
    async with served({"database": answers, "broker": answers}) as url:
        assert await get(f"{url}/healthz") == (200, '{"alive": true}')
        dependencies = {"database": "ok", "broker": "ok"}
        assert await get_ready(url) == (200, {"ready": True, "failing": [], "dependencies": dependencies})


async def test_the_failing_dependencies_are_named_and_the_process_stays_alive() -> None:
    """A refusal, a crash and a silence each show; a foreign error's text, which may hold a password, does not."""
    checks = {"cache": answers, "database": refuses, "driver": breaks, "broker": hangs}
    async with served(checks) as url:
        status, content = await get_ready(url)
        assert (await get(f"{url}/healthz"))[0] == 200
        _, metrics = await get(f"{url}/metrics")
    assert status == 503
    assert content == {
        "ready": False,
        "failing": ["database", "driver", "broker"],
        "dependencies": {
            "cache": "ok",
            "database": "the database is starting up",
            "driver": "RuntimeError",
            "broker": "no answer within 0.1 s",
        },
    }
    assert 'quotawatt_energy_dependency_up{dependency="database"} 0.0' in metrics
    assert 'quotawatt_energy_dependency_up{dependency="cache"} 1.0' in metrics


async def test_metrics_show_services_queues_and_survived_errors() -> None:
    """Counters come from what happened; a queue is read at the scrape."""
    channel = Channel[int](7)
    for item in range(3):
        await channel.put(item)
    await channel.get()
    watch_queue("test", channel)
    try:
        int("unforeseen")
    except ValueError:
        unforeseen_error("test")
    async with served({}) as url:
        status, text = await get(f"{url}/metrics")
    assert status == 200
    for line in (
        'quotawatt_energy_queue_pushed_total{queue="test"} 3.0',
        'quotawatt_energy_queue_popped_total{queue="test"} 1.0',
        'quotawatt_energy_queue_capacity{queue="test"} 7.0',
        'quotawatt_energy_unforeseen_errors_total{loop="test"} 1.0',
        'quotawatt_energy_service_up{service="health"} 1.0',
    ):
        assert line in text


async def test_a_port_in_use_is_a_fault_of_the_set_up() -> None:
    """The message names the port, the advice the key to change."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        server = HealthServer(HealthSettings(port=port), {})
        with pytest.raises(SetupError, match=f"cannot listen on 127.0.0.1:{port}") as caught:
            await run_services([server], grace=5, stop=asyncio.Event())
    assert "[health] port" in caught.value.advice


async def test_without_a_port_nothing_listens() -> None:
    """The service takes part in start and stop, and that is all."""
    server = HealthServer(HealthSettings(), {})
    stop = asyncio.Event()
    stop.set()
    await run_services([server], grace=5, stop=stop)
    assert server.port is None
