"""What a refused read teaches: it is asked again in pieces until it is plain what the device refuses. Pure.

A read that the device refuses for its addresses (exception 2) is cut in two, at a hole if it has one. Where both pieces
are answered, the refusal was about what lay between them: the hole is forbidden, or no read may cross the border. Where
a piece is refused it is cut in turn, down to single values. So no value waits for the next poll.

A value that is refused by itself counts as unreadable from the second time on, if the meter answered anything between
the two: one that starts up may refuse everything for a while, and its counter must not be given up for that.
"""

from __future__ import annotations

from itertools import accumulate

from collector.planning.limits import Learned
from collector.planning.planner import Read, read_of
from collector.profiles import Register

_Key = tuple[int, tuple[str, ...]]


def split(read: Read) -> tuple[Read, ...]:
    """The two reads that bring the same values; none where it brings one alone.

    At the hole nearest to the middle; without one, at the border between values nearest to it; where values overlap
    throughout, half of them and the other half, which then share registers.
    """
    values = read.registers
    ends = list(accumulate((register.end for register in values), max))
    cuts = [at for at in range(1, len(values)) if ends[at - 1] <= values[at].start]
    holes = [at for at in cuts if ends[at - 1] < values[at].start]
    middle = read.address + read.end
    at = min(
        holes or cuts or [len(values) // 2],
        key=lambda cut: abs(ends[cut - 1] + values[cut].start - middle),
        default=0,
    )
    return (read_of(values[:at]), read_of(values[at:])) if len(values) > 1 else ()


class Refusals:
    """Follows what becomes of the refused reads of one meter.

    Args:
        learned: what is known already.

    Attributes:
        learned: what is known now; another object whenever something was learned.
    """

    def __init__(self, learned: Learned) -> None:
        self.learned = learned
        self._pieces: dict[_Key, tuple[Read, ...]] = {}
        self._answered: set[_Key] = set()
        self._suspects: dict[str, bool] = {}

    def refused(self, read: Read, at_ms: int) -> tuple[Read, ...]:
        """The device refused a read for its addresses at that data time (ms UTC): what to ask instead of it.

        Nothing where the read brings one value alone, which is unreadable then, or under suspicion of it.
        """
        if self._pieces.pop(_key(read), None) is None:
            # Reads of one meter follow each other: what is still open of an earlier refusal will never be answered.
            self._pieces.clear()
            self._answered.clear()
        pieces = split(read)
        if not pieces:
            self._refused_alone(read.registers[0], at_ms)
        self._pieces.update((_key(piece), pieces) for piece in pieces)
        return pieces

    def _refused_alone(self, register: Register, at_ms: int) -> None:
        if register.name in self.learned.unreadable or self._suspects.pop(register.name, False):
            self.learned = self.learned.with_unreadable(register, at_ms)
        else:
            self._suspects[register.name] = False

    def answered(self, read: Read) -> None:
        """The device answered a read, perhaps a piece of a refused one."""
        if self.learned.unreadable or self._suspects:
            names = {register.name for register in read.registers}
            self.learned = self.learned.with_readable(names)
            self._suspects = dict.fromkeys(self._suspects.keys() - names, True)
        if not self._pieces or (pieces := self._pieces.get(_key(read))) is None:
            return
        self._answered.add(_key(read))
        if not all(_key(piece) in self._answered for piece in pieces):
            return
        for piece in pieces:
            self._answered.discard(_key(piece))
            self._pieces.pop(_key(piece), None)
        low, high = pieces
        # Pieces that share registers tell nothing that could be said of an address.
        if low.end <= high.address:
            self.learned = self.learned.with_barrier(read.function_code, low.end, high.address)


def _key(read: Read) -> _Key:
    return read.function_code, tuple(register.name for register in read.registers)
