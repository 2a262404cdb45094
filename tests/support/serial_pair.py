"""Two serial ports with a wire between them: what one side writes the other one reads."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pty
import tty
from collections.abc import Iterator

_CHUNK = 4096


class SerialPair:
    """The two ports; made by `serial_pair`.

    Attributes:
        ours: device of one port.
        theirs: device of the other.
    """

    def __init__(self) -> None:
        self._masters: list[int] = []
        self._slaves: list[int] = []
        self.ours, self.theirs = self._port(), self._port()

    def _port(self) -> str:
        master, slave = pty.openpty()
        # Raw, as a serial line is: else the terminal would echo, and change line ends, until somebody configures it.
        tty.setraw(slave)
        os.set_blocking(master, False)
        self._masters.append(master)
        # Held open, so that a port that one side closes is not hung up for the other.
        self._slaves.append(slave)
        return os.ttyname(slave)

    def connect(self) -> None:
        """Put the wire between them."""
        one, other = self._masters
        self._watch(one, other)
        self._watch(other, one)

    def pause(self) -> None:
        """Carry nothing: soon the ports take no more."""
        for master in self._masters:
            asyncio.get_running_loop().remove_reader(master)

    def feed_ours(self, data: bytes) -> None:
        """Put bytes into our port's buffer, before the loop turns."""
        os.write(self._masters[0], data)

    def unplug(self) -> None:
        """Pull both ports out, as a USB adapter is pulled."""
        loop = asyncio.get_running_loop()
        for master in self._masters:
            loop.remove_reader(master)
            loop.remove_writer(master)
        for descriptor in (*self._masters, *self._slaves):
            os.close(descriptor)
        self._masters, self._slaves = [], []

    def _watch(self, source: int, target: int) -> None:
        asyncio.get_running_loop().add_reader(source, self._carry, source, target)

    def _carry(self, source: int, target: int) -> None:
        with contextlib.suppress(OSError):
            self._pass_on(os.read(source, _CHUNK), source, target)

    def _pass_on(self, data: bytes, source: int, target: int) -> None:
        """Write all of it before more is read, so that no byte is lost when the far end is slow."""
        loop = asyncio.get_running_loop()
        loop.remove_writer(target)
        try:
            rest = data[os.write(target, data) :]
        except BlockingIOError:
            rest = data
        if rest:
            loop.remove_reader(source)
            loop.add_writer(target, self._pass_on, rest, source, target)
        else:
            self._watch(source, target)


@contextlib.contextmanager
def serial_pair() -> Iterator[SerialPair]:
    """Two ports and their wire, until the end of the block; needs a running loop."""
    pair = SerialPair()
    pair.connect()
    try:
        yield pair
    finally:
        pair.unplug()
