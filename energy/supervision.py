"""Telling systemd how a service fares, by the protocol of sd_notify(3): a datagram to the socket that it names.

Without `NOTIFY_SOCKET` in the environment, as everywhere but under `Type=notify`, nothing is sent.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping

import structlog

_log = structlog.get_logger("energy.supervision")

_MICROSECONDS = 1_000_000


class Supervisor:
    """The one who started this process and watches it.

    Args:
        environ: where its socket and its patience are named.

    Attributes:
        watchdog_s: real seconds between two signs of life, half of what it waits for; None where it does not wait.
    """

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._path = environ.get("NOTIFY_SOCKET", "")
        # systemd sets the pid that it means: a child that inherits the variables must not answer for its parent.
        is_meant = environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        patience = int(environ.get("WATCHDOG_USEC", "0")) if self._path and is_meant else 0
        self.watchdog_s = patience / _MICROSECONDS / 2 if patience else None

    def tell(self, state: str) -> None:
        """Send one state, e.g. `READY=1`, `STOPPING=1`, `WATCHDOG=1`, `RELOADING=1`, `STATUS=…`.

        A supervisor that is gone is no reason to fail: it is logged.
        """
        if not self._path:
            return
        # A name that begins with @ is one of Linux's abstract sockets, whose first byte is zero.
        address = "\0" + self._path[1:] if self._path.startswith("@") else self._path
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as line:
                line.setblocking(False)  # a supervisor that does not read shall not stop our event loop
                line.sendto(state.encode(), address)
        except OSError as error:
            _log.warning("supervisor_unreachable", socket=self._path, error=str(error))
