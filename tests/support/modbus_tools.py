"""Modbus programs that are not ours, while they run: `mbpoll`, and the server on libmodbus of the benchmarks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

from benchmarks.libmodbus import modbus_tree

_WITHIN = 10.0


@asynccontextmanager
async def libmodbus_server(program: Path, *arguments: str, contents: Iterable[str]) -> AsyncIterator[str]:
    """The server while it runs; gives the place that it serves: the TCP port, or the device.

    Args:
        program: what `build_server` made.
        arguments: as at the top of its source.
        contents: the lines of its tables.
    """
    process = await asyncio.create_subprocess_exec(
        program, *arguments, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write("".join(f"{line}\n" for line in contents).encode())
        process.stdin.close()
        async with asyncio.timeout(_WITHIN):
            said = (await process.stdout.readline()).decode()
        assert said.startswith("serving "), said
        yield said.removeprefix("serving ").strip()
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def mbpoll(*arguments: str) -> dict[int, str]:
    """What `mbpoll` reads once: what it shows, by reference."""
    process = await asyncio.create_subprocess_exec(
        modbus_tree() / "usr/bin/mbpoll",
        "-1",
        "-0",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(_WITHIN):
            out, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    shown = out.decode(errors="replace")
    assert process.returncode == 0, shown
    lines = (line.partition("]:") for line in shown.splitlines() if line.startswith("["))
    return {int(reference.strip("[ ")): value.strip() for reference, _, value in lines}
