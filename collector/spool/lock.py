"""One process per spool: a lock that the kernel releases when its holder dies."""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import IO

from energy.errors import SetupError


class FileLock:
    """An exclusive lock on a file beside the one that it guards.

    Args:
        path: the lock's own file; it stays after the release, since removing it would open a race.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._held: IO[bytes] | None = None

    def acquire(self) -> None:
        """Take the lock at once.

        Raises:
            SetupError: somebody else holds it, or its file cannot be made, or not locked.
        """
        try:
            held = self._path.open("ab")
        except OSError as error:
            raise SetupError(f"{self._path} cannot be made: {error.strerror}", advice="Check `spool_dir`.") from error
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            held.close()
            raise SetupError(
                f"{self._path} is held by another process", advice="Run one collector per spool."
            ) from error
        except OSError as error:
            held.close()
            raise SetupError(
                f"{self._path} cannot be locked: {error.strerror}", advice="Keep spools on a disk of this machine."
            ) from error
        self._held = held

    def release(self) -> None:
        """Let go of the lock; harmless where it is not held."""
        if self._held is not None:
            self._held.close()
            self._held = None
