"""The endpoint that says whether a process lives, whether it can do its work, and what it counted.

`/healthz` answers while the process lives; `/readyz` asks each dependency and names those that fail (503); `/metrics`
is for Prometheus.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated

import msgspec
import structlog
from aiohttp import web

from energy import metrics
from energy.errors import QuotawattError, SetupError
from energy.services import Control

Check = Callable[[], Awaitable[None]]
"""Asks one dependency; raises where it does not answer."""

_log = structlog.get_logger("energy.health")


class HealthSettings(msgspec.Struct, frozen=True):
    """The `[health]` table.

    Attributes:
        host: where to listen; other machines cannot ask with the default.
        port: None for no endpoint, 0 for any free port (the log tells which).
        timeout: real seconds that one dependency has to answer.
    """

    host: str = "127.0.0.1"
    port: Annotated[int, msgspec.Meta(ge=0, le=65535)] | None = None
    timeout: Annotated[float, msgspec.Meta(gt=0)] = 2.0


class HealthServer:
    """A service that answers for its process; list it first, so that it starts first and stops last.

    Attributes:
        port: where it listens once it is ready; None without an endpoint.
    """

    name = "health"

    def __init__(self, settings: HealthSettings, checks: Mapping[str, Check]) -> None:
        self.port: int | None = None
        self._settings = settings
        self._checks = checks

    async def run(self, control: Control) -> None:
        """Serve until told to stop; raises SetupError where the port cannot be had."""
        if self._settings.port is None:
            control.ready()
            await control.stopping.wait()
            return
        runner = web.AppRunner(self._application(), access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        try:
            await self._listen(runner, self._settings.port)
            control.ready()
            await control.stopping.wait()
        finally:
            await runner.cleanup()

    async def _listen(self, runner: web.AppRunner, port: int) -> None:
        host = self._settings.host
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            raise SetupError(
                f"the health endpoint cannot listen on {host}:{port}: {error.strerror or error}",
                advice="Choose another [health] port, or 0 for any free one.",
            ) from error
        self.port = int(runner.addresses[0][1])
        _log.info("health_listening", host=host, port=self.port)

    def _application(self) -> web.Application:
        application = web.Application()
        application.router.add_get("/healthz", self._alive)
        application.router.add_get("/readyz", self._ready)
        application.router.add_get("/metrics", self._metrics)
        return application

    async def _alive(self, request: web.Request) -> web.Response:  # noqa: ARG002 - aiohttp's signature
        return web.json_response({"alive": True})

    async def _metrics(self, request: web.Request) -> web.Response:  # noqa: ARG002 - aiohttp's signature
        body, content_type = metrics.exposition()
        return web.Response(body=body, headers={"Content-Type": content_type})

    async def _ready(self, request: web.Request) -> web.Response:  # noqa: ARG002 - aiohttp's signature
        async with asyncio.TaskGroup() as group:
            asked = {name: group.create_task(self._ask(name, check)) for name, check in self._checks.items()}
        answers = {name: task.result() for name, task in asked.items()}
        failing = [name for name, answer in answers.items() if answer != "ok"]
        content = {"ready": not failing, "failing": failing, "dependencies": answers}
        return web.json_response(content, status=503 if failing else 200)

    async def _ask(self, name: str, check: Check) -> str:
        """Ask one dependency; the answer is "ok" or what is wrong."""
        try:
            async with asyncio.timeout(self._settings.timeout):
                await check()
            answer = "ok"
        except TimeoutError:
            answer = f"no answer within {self._settings.timeout} s"
        except QuotawattError as error:
            answer = str(error)
        except Exception as error:  # noqa: BLE001 - whatever it is, the dependency fails; it is counted below
            # Only the kind: the text of a foreign error may hold an address or a password.
            answer = type(error).__name__
        metrics.dependency_checked(name, answered=answer == "ok")
        return answer
