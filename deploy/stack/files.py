"""Small files of the stack's own: written whole or not at all, read back as what they were."""

from __future__ import annotations

import errno
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import msgspec
from filelock import FileLock, Timeout

from deploy.stack.paths import Account
from energy.errors import SetupError

T = TypeVar("T")
_STILL_WRITTEN_S = 30.0
"""An archive is unpacked within so many real seconds."""


def make_directory(path: Path, mode: int = 0o755, owner: Account | None = None) -> Path:
    """Make `path` and what is missing above it; one that exists is left as it is, unless it belongs to a server.

    Args:
        path: the directory.
        mode: its mode, whatever the umask is. Those made above it can be walked through by everybody.
        owner: the account of the server whose own directory this is. A crash may have come between making it and
            giving it away, so that mode and owner are set every time.

    Raises:
        SetupError: it cannot be made.
    """
    try:
        _make_missing(path, mode)
        if owner is not None:
            os.chown(path, owner.uid, owner.gid, follow_symlinks=False)
            path.chmod(mode)
    except OSError as error:
        raise SetupError(f"{path} cannot be made: {error.strerror}.") from error
    return path


def write_whole(path: Path, text: str, *, mode: int = 0o644, owner: Account | None = None) -> None:
    """Replace `path` by `text` in one step: a reader, or a crash, sees the old content or the new."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    # The mode is given at creation: a password is never readable, not even for a moment.
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), mode)
        if owner is not None:
            os.fchown(file.fileno(), owner.uid, owner.gid)
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def save(path: Path, record: object) -> None:
    """Write a dataclass, or what is made of them, as JSON."""
    write_whole(path, msgspec.json.encode(record).decode() + "\n")


def load(path: Path, kind: type[T]) -> T | None:
    """What `save` wrote; None when there is no such file, or it is not one of ours any more."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def link(path: Path, target: Path) -> None:
    """Make `path` a symbolic link to `target`, replacing one that points elsewhere."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(target)
    temporary.replace(path)


def remove_tree(path: Path) -> None:
    """Remove a directory with all that is in it; nothing happens when it is not there.

    A program that a killed process had begun may still put files there for a moment: then it is tried again.
    """
    until = time.monotonic() + _STILL_WRITTEN_S
    while path.exists():
        try:
            shutil.rmtree(path)
        except OSError as error:
            if error.errno not in {errno.ENOTEMPTY, errno.ENOENT} or time.monotonic() > until:
                raise
            time.sleep(0.05)


@contextmanager
def exclusive(path: Path, *, seconds: float, waiting: str) -> Iterator[None]:
    """Hold the lock file `path`; the system lets go of it when a process dies, however it dies.

    Args:
        path: the lock file.
        seconds: how long to wait for another holder.
        waiting: what the other one is doing, for the message.

    Raises:
        SetupError: it was still held after `seconds`, or the file cannot be made.
    """
    with attempt(path, seconds=seconds) as held:
        if not held:
            raise SetupError(f"Another process is still {waiting} after {seconds:.0f} s.")
        yield


@contextmanager
def attempt(path: Path, *, seconds: float = 0.0) -> Iterator[bool]:
    """Hold the lock file `path` if it can be had within `seconds`; gives whether it is held.

    Raises:
        SetupError: the file cannot be made.
    """
    lock = FileLock(path, timeout=seconds, thread_local=False)  # taken in one thread, let go of in another
    try:
        lock.acquire()
    except Timeout:
        yield False
        return
    except OSError as error:
        raise SetupError(f"{path} cannot be locked: {error.strerror}.") from error
    try:
        yield True
    finally:
        lock.release()


def _make_missing(path: Path, mode: int) -> None:
    if path.is_dir():
        return
    _make_missing(path.parent, 0o755)
    path.mkdir(exist_ok=True)  # another process may make it at the same time
    path.chmod(mode)
