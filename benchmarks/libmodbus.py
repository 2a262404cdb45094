"""A Modbus server that is not ours: `libmodbus_server.c`, compiled here against Debian's libmodbus.

The packages come from Debian, fetched and unpacked as those of the stack are; nothing is installed on the system. The
server runs with the unpacked C library, since libmodbus may need a newer one than the machine has.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.stack.paths import choose_places, server_account
from deploy.stack.programs import run
from deploy.stack.tree import ensure_tree
from energy.errors import SetupError

PACKAGES = ("libmodbus-dev", "mbpoll")
SOURCE = Path(__file__).with_name("libmodbus_server.c")
_EVERYWHERE = "0.0.0.0"  # noqa: S104 - lines differ in their addresses, all of them on this machine


def modbus_tree() -> Path:
    """Where the packages lie unpacked; fetched when they are not there.

    Raises:
        SetupError: they cannot be fetched.
    """
    cache = choose_places(os.environ, server_account()).cache
    return ensure_tree(cache / "modbus-tools", lambda _: None, PACKAGES)


def build_server(directory: Path) -> Path:
    """Compile the server into `directory`.

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


@contextmanager
def serving(program: Path, contents: Iterable[str], *, delay_ms: int = 0) -> Iterator[int]:
    """The server on TCP while it runs; gives its port.

    Args:
        program: what `build_server` made.
        contents: the lines of its tables.
        delay_ms: real milliseconds from a request to its answer.
    """
    process = subprocess.Popen(  # noqa: S603 - our own program
        [program, "tcp", _EVERYWHERE, "0", str(delay_ms)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        if process.stdin is None or process.stdout is None:
            raise AssertionError("both are pipes")
        process.stdin.write("".join(f"{line}\n" for line in contents))
        process.stdin.close()
        yield int(process.stdout.readline().removeprefix("serving "))
    finally:
        process.kill()
        process.wait()


def _only_one(tree: Path, pattern: str) -> Path:
    (found,) = tree.glob(pattern)
    return found
