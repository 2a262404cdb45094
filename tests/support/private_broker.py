"""A Mosquitto of a test's own, for settings that the shared one must not have."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pwd
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncIterator
from pathlib import Path

from deploy.stack.choice import mosquitto_executable
from deploy.stack.paths import choose_places, server_account
from deploy.stack.ports import LOOPBACK, choose
from energy.transport.mqtt import MqttSettings
from tests.support.eventually import eventually
from tests.support.stack import cache_environment


@contextlib.asynccontextmanager
async def private_broker(directory: Path, *lines: str) -> AsyncIterator[MqttSettings]:
    """Run a broker with these lines of configuration below its listener; yields where it is.

    Its password file is made from pairs `name:password` in `directory/passwords`, if the lines name that file.
    """
    account = pwd.getpwuid(os.geteuid()).pw_name
    port = choose(str(directory), None)
    configuration = directory / "mosquitto.conf"
    configuration.write_text("\n".join([f"listener {port} {LOOPBACK}", f"user {account}", *lines, ""]))
    cache = choose_places(cache_environment(), server_account()).cache
    program = await asyncio.to_thread(mosquitto_executable, cache, lambda _: None)
    process = await asyncio.create_subprocess_exec(program, "-c", configuration, stdout=DEVNULL, stderr=DEVNULL)
    try:
        await eventually(lambda: _accepts(port))
        yield MqttSettings(host=LOOPBACK, port=port)
    finally:
        process.kill()
        await process.wait()


async def _accepts(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection(LOOPBACK, port)
    except OSError:
        return False
    writer.close()
    await writer.wait_closed()
    return True
