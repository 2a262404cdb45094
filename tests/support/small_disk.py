"""A disk of a test's own that is full when the test says so: a file system in memory, which takes an administrator."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

_PIECE = 1 << 20


class SmallDisk:
    """Made by `small_disk`.

    Attributes:
        path: where it is mounted.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._ballast = path / "ballast"

    def fill(self) -> None:
        """Leave no byte."""
        with self._ballast.open("ab", buffering=0) as file:
            for piece in (_PIECE, 4096, 1):
                with contextlib.suppress(OSError):
                    while file.write(bytes(piece)) == piece:
                        pass

    def empty(self) -> None:
        """Leave room again."""
        self._ballast.unlink()


@contextlib.contextmanager
def small_disk(path: Path, megabytes: int, owner: int) -> Iterator[SmallDisk]:
    """Mount a disk of that size at `path` for `owner`; skips the test where that is not allowed."""
    path.mkdir()
    command = ("mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=700,uid={owner}", "tmpfs", str(path))
    if os.geteuid() or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("a disk that can be filled takes the right to mount one")
    try:
        yield SmallDisk(path)
    finally:
        subprocess.run(["umount", "-l", path], check=True)
        path.rmdir()
