"""Programs for Node that stay in `tests/`; the packages of their lock files are cached outside the tree."""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from deploy.stack.paths import choose_places, server_account

_MANIFESTS = ("package.json", "package-lock.json", ".npmrc")
_DONE = "installed"


def program(source: Path, directory: Path) -> Path:
    """Copy a program into `directory`, its packages beside it; those that the cache does not have are fetched.

    Where packages come from is a matter of npm's own configuration.

    Raises:
        CalledProcessError: npm failed.
    """
    copy = directory / source.name
    shutil.copytree(source, copy, ignore=shutil.ignore_patterns("node_modules"))
    (copy / "node_modules").symlink_to(_packages(source) / "node_modules")
    return copy


def _packages(source: Path) -> Path:
    digest = hashlib.sha256(b"\0".join((source / name).read_bytes() for name in _MANIFESTS)).hexdigest()[:16]
    cached = choose_places(os.environ, server_account()).cache / "node" / f"{source.name}-{digest}"
    cached.mkdir(parents=True, exist_ok=True)
    # Two runs at once: the later one waits for the earlier one's installation.
    with (cached / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (cached / _DONE).exists():
            for name in _MANIFESTS:
                shutil.copyfile(source / name, cached / name)
            subprocess.run(
                ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=cached, check=True, timeout=100
            )
            (cached / _DONE).touch()
    return cached


async def run(
    script: Path, *arguments: str, environment: Mapping[str, str] | None = None, within: float = 100.0
) -> tuple[int, str, str]:
    """Run a script to its end; gives its exit code, output and errors."""
    process = await asyncio.create_subprocess_exec(
        "node",
        script,
        *arguments,
        env={**os.environ, **(environment or {})},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(within):
            out, errors = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return process.returncode, out.decode(), errors.decode()
