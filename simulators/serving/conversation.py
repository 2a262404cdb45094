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
        time: real seconds, of the loop.
        began_s: `time` when the line began to be served.
    """

    def __init__(self, line: Line, now: Now, time: Callable[[], float], began_s: float) -> None:
        self._line = line
        self._now = now
        self._time = time
        self._began_s = began_s
        self._heard_s = began_s
        self._reader = line.framing.reader()

    def hear(self, data: bytes) -> Iterator[Sent]:
        """The pieces that go back for `data`, which has just come.

        Raises:
            FrameError: the bytes are of no such framing: nothing that follows can be understood.
        """
        at_s = self._time()
        if self._line.framing.serial and at_s - self._heard_s > PAUSE_S:
            self._reader.forget()
        for request in self._reader.feed(data):
            sent = self._line.respond(request, Moment(self._now(), at_s - self._began_s))
            (metrics.answered if sent else metrics.silent)()
            yield from sent
        # Not the time at which the data came: what arrives while a long piece is answered is no pause.
        self._heard_s = self._time()
