"""RTU on a pseudo-terminal: a serial port without a wire, which clients open by its path."""

from __future__ import annotations

import asyncio
import contextlib
import os
import tty
from pathlib import Path

from energy.errors import SetupError
from simulators.serving.conversation import Conversation, Now
from simulators.serving.line import Line

_CHUNK = 4096


class TerminalServer:
    """Serves one line on a pseudo-terminal.

    It holds the client's end open too, so that clients may come and go. What nobody reads is lost once the terminal's
    buffer is full, as on a wire.

    Args:
        line: the meters, in RTU framing.
        now: data time, read for each request.
        link: a symbolic link to the terminal, for a path that stays the same; None for none.
    """

    def __init__(self, line: Line, now: Now, link: Path | None = None) -> None:
        self.line = line
        self._now = now
        self._link = link
        self._ours = self._theirs = -1
        self._path = ""
        self._conversation: Conversation | None = None

    @property
    def path(self) -> str:
        """Path of the terminal that clients open."""
        if self._conversation is None:
            raise RuntimeError("the terminal is not open")
        return self._path

    @property
    def listening(self) -> bool:
        """Whether clients can open it."""
        return self._conversation is not None

    @property
    def place(self) -> str:
        """The link's path where there is one, else the terminal's own."""
        return str(self._link or self._path or "a new pseudo-terminal")

    async def start(self) -> None:
        """Open a terminal.

        Raises:
            SetupError: the system has none left, or something else stands where the link should.
        """
        loop = asyncio.get_running_loop()
        try:
            self._ours, self._theirs = os.openpty()
            self._path = os.ttyname(self._theirs)
            tty.setraw(self._theirs)
            os.set_blocking(self._ours, False)
            self._put_link()
        except OSError as error:
            self._close()
            raise SetupError(
                f"{self.place} cannot be served: {error.strerror}", advice="Choose another path for the link."
            ) from error
        self._conversation = Conversation(self.line, self._now, loop.time, loop.time())
        loop.add_reader(self._ours, self._hear, loop, self._conversation)

    async def stop(self) -> None:
        """Close the terminal and take the link away."""
        if self._conversation is None:
            return
        self._conversation = None
        asyncio.get_running_loop().remove_reader(self._ours)
        if self._link is not None and self._link.is_symlink() and str(self._link.readlink()) == self._path:
            self._link.unlink()
        self._close()

    def _put_link(self) -> None:
        """A link that an earlier process left is replaced; anything else at that path is not ours to take away."""
        if self._link is None:
            return
        if self._link.is_symlink() and self._link.readlink().parent == Path(self._path).parent:
            self._link.unlink()
        self._link.symlink_to(self._path)

    def _hear(self, loop: asyncio.AbstractEventLoop, conversation: Conversation) -> None:
        with contextlib.suppress(BlockingIOError):
            for sent in conversation.hear(os.read(self._ours, _CHUNK)):
                if sent.delay_s:
                    loop.call_later(sent.delay_s, self._send, conversation, sent.data)
                else:
                    self._send(conversation, sent.data)

    def _send(self, conversation: Conversation, data: bytes) -> None:
        """The terminal may have been closed, and its number taken by another file, while a delayed answer waited."""
        if self._conversation is conversation:
            with contextlib.suppress(BlockingIOError):
                os.write(self._ours, data)

    def _close(self) -> None:
        for descriptor in (self._ours, self._theirs):
            if descriptor >= 0:
                os.close(descriptor)
        self._ours = self._theirs = -1
