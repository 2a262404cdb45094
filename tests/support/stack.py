"""Stacks of the tests' own: in temporary directories, with the shared cache of programs, gone afterwards."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from deploy.stack import Stack
from energy.errors import SetupError

_PREFIX = "quotawatt-test-"
# Where programs are fetched to is shared with the developer's own stack; what serves that one is not our concern.
_PASSED_ON = ("HOME", "XDG_CACHE_HOME", "QUOTAWATT_CACHE")


def cache_environment() -> dict[str, str]:
    """The environment variables that say where the shared cache lies, and no other."""
    return {name: os.environ[name] for name in _PASSED_ON if name in os.environ}


@contextmanager
def server_directory() -> Iterator[Path]:
    """An empty temporary directory that the servers' account can walk to; pytest's own are closed to it."""
    _sweep()
    path = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-"))
    path.chmod(0o711)
    try:
        yield path
    finally:
        shutil.rmtree(path)


@contextmanager
def running_stack(name: str = "test") -> Iterator[Stack]:
    """A stack that runs, empty at first, with no background workers, so that its databases can be cloned.

    Its servers are stopped and its data removed at the end. DSN and broker come from `stack.endpoints()`.
    """
    with server_directory() as directory:
        stack = Stack(name, directory, background_workers=0, environ=cache_environment())
        try:
            stack.up()
            yield stack
        finally:
            stack.down()


def _sweep() -> None:
    """Stop and remove what test runs that were killed have left behind."""
    for path in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        # Another run sweeps too, or has just ended; or what it started goes on, and is no concern of this one.
        with suppress(FileNotFoundError, SetupError):
            _remove_left(path)


def _remove_left(path: Path) -> None:
    owner = path.name.removeprefix(_PREFIX).partition("-")[0]
    if path.lstat().st_uid != os.geteuid() or not owner.isdigit() or Path("/proc", owner).exists():
        return
    for home in (entry for entry in path.iterdir() if (entry / "run").is_dir()):
        Stack(home.name, path, environ={}).down()
    shutil.rmtree(path)
