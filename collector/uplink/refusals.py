"""Which refusals last, so that the log tells when one begins and when it ends. Pure: real time is an argument.

A meter that the platform does not know is refused in every envelope, for weeks. What a person needs is one line when it
begins and one when it is mended; the counter has every single one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from energy.errors import WireError
from energy.wire import Refusal, decode_envelope

QUIET_S = 60.0
"""Real seconds without a refusal until an acceptance ends it: a point that comes and goes costs two lines a minute."""

_ENVELOPE = ""
"""Stands for the point where whole envelopes or messages are refused."""


class Began(msgspec.Struct, frozen=True):
    """A code was met for the first time: for readings of `point`, or for whole envelopes where that is empty."""

    code: str
    point: str
    seq: int | None
    detail: str


class Ended(msgspec.Struct, frozen=True):
    """What was refused is accepted again, after `count` refusals in `seconds` of real time."""

    code: str
    point: str
    count: int
    seconds: float


@dataclass
class _Lasting:
    since: float
    until: float
    count: int = 0


class Refusals:
    """The refusals of one gateway that last."""

    def __init__(self) -> None:
        self._lasting: dict[tuple[str, str], _Lasting] = {}

    def take(self, refused: Sequence[Refusal], bodies: Mapping[int, bytes], now: float) -> list[Began | Ended]:
        """What an acknowledgement changes.

        Args:
            refused: its refusals. Those of readings in envelopes that are not among `bodies` were heard before.
            bodies: the envelopes that it confirms, by number.
            now: real monotonic seconds.
        """
        if not refused and not self._lasting:  # as almost always: no envelope need be opened
            return []
        points = {number: _points(body) for number, body in bodies.items()}
        return [*self._begin(refused, points, now), *self._end(_accepted(refused, points), now)]

    def _begin(self, refused: Sequence[Refusal], points: Mapping[int, Sequence[str]], now: float) -> Iterator[Began]:
        for refusal in refused:
            if (point := _point(refusal, points)) is None:
                continue
            key = (refusal.code, point)
            if key not in self._lasting:
                self._lasting[key] = _Lasting(now, now)
                yield Began(*key, refusal.seq, refusal.detail)
            self._lasting[key].until = now
            self._lasting[key].count += 1

    def _end(self, accepted: set[str], now: float) -> Iterator[Ended]:
        for key, lasting in list(self._lasting.items()):
            if key[1] in accepted and now - lasting.until >= QUIET_S:
                del self._lasting[key]
                yield Ended(*key, lasting.count, lasting.until - lasting.since)


def _points(body: bytes) -> list[str]:
    """The points of an envelope's readings, by index."""
    try:
        return [reading.point for reading in decode_envelope(body).readings]
    except WireError:  # from a spool that another version began: it is confirmed nevertheless
        return []


def _point(refusal: Refusal, points: Mapping[int, Sequence[str]]) -> str | None:
    """Whom a refusal concerns; None where the envelope left before, or has no such reading."""
    if refusal.seq is None or (refusal.index is None and refusal.seq in points):
        return _ENVELOPE
    known = points.get(refusal.seq, ())
    index = refusal.index
    return known[index] if index is not None and 0 <= index < len(known) else None


def _accepted(refused: Sequence[Refusal], points: Mapping[int, Sequence[str]]) -> set[str]:
    """The points of which a reading was accepted, and `_ENVELOPE` where any envelope was."""
    whole = {refusal.seq for refusal in refused if refusal.index is None}
    single = {(refusal.seq, refusal.index) for refusal in refused}
    taken = {number: known for number, known in points.items() if number not in whole}
    accepted = {
        point for number, known in taken.items() for at, point in enumerate(known) if (number, at) not in single
    }
    return accepted | {_ENVELOPE} if taken else accepted
