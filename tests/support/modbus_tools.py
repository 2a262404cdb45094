"""Modbus programs that are not ours: `mbpoll`, and a server on libmodbus that is compiled here.

The packages come from Debian, fetched and unpacked as those of the stack are; nothing is installed on the system. The
server runs with the unpacked C library, since libmodbus may need a newer one than the machine has.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

from deploy.stack.paths import choose_places, server_account
from deploy.stack.programs import run
from deploy.stack.tree import ensure_tree
from energy.errors import SetupError
from tests.support.stack import cache_environment

PACKAGES = ("libmodbus-dev", "mbpoll")
SOURCE = Path(__file__).parents[2] / "benchmarks" / "libmodbus_server.c"

_WITHIN = 10.0


def modbus_tree() -> Path:
    """Where the packages lie unpacked; fetched when they are not there.

    Raises:
        SetupError: they cannot be fetched.
    """
    cache = choose_places(cache_environment(), server_account()).cache
    return ensure_tree(cache / "modbus-tools", lambda _: None, PACKAGES)


def build_server(directory: Path) -> Path:
    """Compile the server on libmodbus into `directory`.

    Raises:
        SetupError: there is no C compiler, or it failed.
    """
    compiler = shutil.which("cc")
    if compiler is None:
        raise SetupError(
            f"{SOURCE.name} cannot be compiled: there is no C compiler `cc` here.",
            advice="Install one with its C library, on Debian: apt install gcc libc6-dev.",
        )
    tree = modbus_tree()
    library = _only_one(tree, "usr/lib/*/libmodbus.so.5")
    loader = _only_one(tree, "usr/lib/*/ld-linux*.so.*")
    program = directory / SOURCE.stem
    run([
        *(compiler, "-O2", "-Wall", "-Wextra", "-Werror", "-std=gnu11", "-I", str(tree / "usr/include")),
        *(str(SOURCE), str(library), "-o", str(program)),
        f"-Wl,--allow-shlib-undefined,--dynamic-linker={loader}",
        f"-Wl,--disable-new-dtags,-rpath={library.parent}",
    ])  # fmt: skip
    return program


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


def _only_one(tree: Path, pattern: str) -> Path:
    (found,) = tree.glob(pattern)
    return found
