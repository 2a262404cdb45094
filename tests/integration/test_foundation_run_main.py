"""A whole process: signals, exit codes and what it says on stderr."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator

import pytest

PROGRAM = """
import asyncio, sys
from energy.config import decode_toml
from energy.clocks import ClockSettings
from energy.errors import SetupError, TransportError
from energy.services import run_main, run_services

class Stage:
    def __init__(self, name):
        self.name = name
    async def run(self, control):
        control.ready()
        print(self.name, "ready", flush=True)
        await control.stopping.wait()
        print(self.name, "draining", flush=True)
        if "hang" in sys.argv:
            await asyncio.Event().wait()

async def serve():
    await run_services([Stage("sink"), Stage("source")], grace=60)

async def config():
    decode_toml("scael = 2", ClockSettings, "x.toml")

async def setup():
    raise SetupError("no extension", advice="Install it.")

async def crash():
    raise KeyError("unforeseen")

async def fail(error):
    raise error

async def group():
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(fail(TransportError("line down")))
        tasks.create_task(fail(SetupError("no disk")))

run_main({"serve": serve, "config": config, "setup": setup, "crash": crash, "group": group}[sys.argv[1]])
"""


@contextlib.asynccontextmanager
async def program(*arguments: str) -> AsyncIterator[Process]:
    """Run the program above; it is dead at the end of the block."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", PROGRAM, *arguments, stdout=PIPE, stderr=PIPE)
    try:
        async with asyncio.timeout(30):
            yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def says(process: Process, line: str) -> None:
    """Wait for a line on stdout."""
    assert process.stdout is not None
    assert (await process.stdout.readline()).decode().strip() == line


async def finish(process: Process) -> tuple[int | None, str, str]:
    """Wait for the end; returns exit code, the rest of stdout, and stderr."""
    out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_stops_in_order_and_exits_with_zero(number: signal.Signals) -> None:
    """Upstream drains first; the log on stderr is JSON."""
    async with program("serve") as process:
        await says(process, "sink ready")
        await says(process, "source ready")
        process.send_signal(number)
        code, out, err = await finish(process)
    assert (code, out.split("\n")[:2]) == (0, ["source draining", "sink draining"])
    events = [json.loads(line) for line in err.splitlines()]
    assert [event["service"] for event in events if event["event"] == "service_ended"] == ["source", "sink"]


async def test_a_second_signal_ends_at_once() -> None:
    """Somebody who presses Ctrl-C twice does not wait for the grace; no traceback."""
    async with program("serve", "hang") as process:
        await says(process, "sink ready")
        await says(process, "source ready")
        process.send_signal(signal.SIGINT)
        await says(process, "source draining")
        process.send_signal(signal.SIGINT)
        code, _, err = await finish(process)
    assert code == 130
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("kind", "code", "message"),
    [
        (
            "config",
            78,
            "quotawatt: 1 fault in the configuration:\nx.toml:1: scael: unknown key, did you mean 'scale'?\n",
        ),
        ("setup", 69, "quotawatt: no extension\n  Install it.\n"),
        ("group", 69, "quotawatt: no disk\n"),
    ],
)
async def test_a_foreseen_fault_is_one_clear_message_and_its_exit_code(kind: str, code: int, message: str) -> None:
    """Of several at once the gravest is told; nobody has to read a traceback."""
    async with program(kind) as process:
        assert await finish(process) == (code, "", message)


async def test_what_nobody_foresaw_keeps_its_traceback() -> None:
    """A bug must be found, not dressed up."""
    async with program("crash") as process:
        code, _, err = await finish(process)
    assert code == 1
    assert "Traceback" in err
    assert "KeyError: 'unforeseen'" in err
