"""What all ways to serve a line have in common."""

from __future__ import annotations

from typing import Protocol


class LineServer(Protocol):
    """Serves one line until it is stopped."""

    @property
    def listening(self) -> bool:
        """Whether clients can connect."""

    @property
    def place(self) -> str:
        """Where clients find it: `host:port`, or the path of a terminal."""

    async def start(self) -> None:
        """Begin to serve.

        Raises:
            TransportError: the place is in use: another process may leave it.
            SetupError: the place cannot be had at all.
        """

    async def stop(self) -> None:
        """Stop serving, and close every connection."""
