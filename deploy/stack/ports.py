"""Chooses loopback ports: some that stay a stack's own, others for as long as a run lasts."""

from __future__ import annotations

import errno
import socket
import time
import zlib
from itertools import islice

from energy.errors import SetupError

LOOPBACK = "127.0.0.1"

# Below the range that systems hand out for outgoing connections (32768 and up): a client that keeps trying a dead
# server's port from that range is in the end connected to itself, and then holds the port against the server.
_FIRST = 20_000
_FIRST_PASSING = 10_000
_COUNT = 10_000
_TRIES = 200
_PATIENCE = 2.0
_PAUSE = 0.05


def is_free(port: int) -> bool:
    """Whether a server could listen on this loopback port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(
            socket.SOL_SOCKET, socket.SO_REUSEADDR, 1
        )  # as servers do; connections that linger do not count
        try:
            probe.bind((LOOPBACK, port))
            probe.listen(1)
        except OSError as error:
            if error.errno in (errno.EADDRINUSE, errno.EACCES):
                return False
            raise
    return True


def choose(key: str, kept: int | None) -> int:
    """The port to listen on: `kept` when it is free or becomes so within seconds, else the first free one for `key`.

    Args:
        key: what the port is for; the search starts at a place that follows from it, so that two stacks which start
            at the same time hardly ever try the same port.
        kept: the port of the last time, which clients may still know. A server that was killed frees it when the
            last of its processes is gone.

    Raises:
        SetupError: none was found.
    """
    if kept is not None and _becomes_free(kept):
        return kept
    begin = zlib.crc32(key.encode())
    for step in range(_TRIES):
        port = _FIRST + (begin + step) % _COUNT
        if port != kept and is_free(port):
            return port
    raise SetupError(f"No loopback port is free among the {_TRIES} that were tried from {_FIRST + begin % _COUNT} on.")


def passing(count: int, begin: int) -> list[int]:
    """Ports for the servers of one run: `count` free ones, from a place that follows from `begin`.

    Raises:
        SetupError: there are not so many.
    """
    ports = (_FIRST_PASSING + (begin + step) % _COUNT for step in range(_COUNT))
    found = list(islice(filter(is_free, ports), count))
    if len(found) < count:
        raise SetupError(f"Only {len(found)} loopback ports are free from {_FIRST_PASSING} on; {count} are needed.")
    return found


def _becomes_free(port: int) -> bool:
    deadline = time.monotonic() + _PATIENCE
    while not is_free(port):
        if time.monotonic() > deadline:
            return False
        time.sleep(_PAUSE)
    return True
