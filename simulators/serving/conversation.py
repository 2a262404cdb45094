"""One client and one line: bytes in, bytes out, whatever carries them. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from simulators import metrics
from simulators.faults.frames import Sent
from simulators.faults.schedule import Moment
from simulators.serving.line import Line

Now = Callable[[], int]
"""Data time, ms UTC."""

PAUSE_S = 0.1
"""Real seconds of silence after which the beginning of a serial frame is given up. The standard's pause of 3.5
characters, 4 ms at 9 600 baud, is kept by no pseudo-terminal and no TCP stream on a busy machine."""


class Conversation:
    """What one client has said, and what it gets.

    Args:
        line: who answers.
        now: data time, read for each request.
        began_s: the loop's time at which the line began to be served.
    """

    def __init__(self, line: Line, now: Now, began_s: float) -> None:
        self._line = line
        self._now = now
        self._began_s = began_s
        self._heard_s = began_s
        self._reader = line.framing.reader()

    def hear(self, data: bytes, at_s: float) -> Iterator[Sent]:
        """The pieces that go back for `data`, which came at the loop's time `at_s`.

        Raises:
            FrameError: the bytes are of no such framing: nothing that follows can be understood.
        """
        if self._line.framing.serial and at_s - self._heard_s > PAUSE_S:
            self._reader.forget()
        self._heard_s = at_s
        for request in self._reader.feed(data):
            sent = self._line.respond(request, Moment(self._now(), at_s - self._began_s))
            (metrics.answered if sent else metrics.silent)()
            yield from sent
