"""The audit's truth: what a meter consumed between two moments, summed from the data file itself in exact fractions.

This shares no arithmetic with `simulators.loads.shapes`, which feeds the registers: there a float curve is looked up,
here every interval that overlaps the span is added. The rules that both follow stand in `simulators/data/README.md`.
"""

from __future__ import annotations

import csv
from bisect import bisect_left, bisect_right
from calendar import timegm
from fractions import Fraction
from functools import cache
from time import strptime

from simulators.loads.catalogue import LoadSettings, shape_files

_WEEK = 604_800
_DAY = 86_400
_GRAIN = Fraction(1, 10**20)
"""Values are kept as whole numbers of this: the files have at most 18 decimals, and whole numbers add up quickly."""


class _Recording:
    """The intervals of one file as they stand in it, and the load that fills its gaps."""

    def __init__(self, name: str) -> None:
        file = shape_files()[name]
        values = {
            timegm(strptime(row["start"][:19], "%Y-%m-%d %H:%M:%S")): int(Fraction(row["value"]) / _GRAIN)
            for row in csv.DictReader(file.text().splitlines())
        }
        self.length = file.interval_s
        self.first_week = file.first_week
        self.stamps = sorted(values)
        self.values = [values[stamp] for stamp in self.stamps]
        self.mean = sum(self.values) * _GRAIN / len(self.values)
        weeks = Fraction(self.stamps[-1] + self.length - self.stamps[0], _WEEK)
        self.turn = _WEEK * -(-weeks.numerator // weeks.denominator)

    def between(self, since: Fraction, until: Fraction) -> Fraction:
        """Consumption from `since` to `until`, seconds of file time, both anywhere."""
        total = Fraction(0)
        while since < until:
            turn = (since - self.stamps[0]) // self.turn * self.turn
            end = Fraction(self.stamps[0] + turn + self.turn)
            border = min(end, until)
            total += self._within_a_turn(since - turn, border - turn)
            since = border
        return total

    def _within_a_turn(self, since: Fraction, until: Fraction) -> Fraction:
        """Sum what the intervals say, and give the rest of the span the mean load."""
        first, after = bisect_right(self.stamps, since - self.length), bisect_left(self.stamps, until)
        whole = slice(first + 1, max(first + 1, after - 1))
        total = Fraction(sum(self.values[whole]))
        covered = Fraction(self.length * len(self.values[whole]))
        for index in {first, after - 1} if first < after else ():
            stamp = self.stamps[index]
            overlap = min(until, Fraction(stamp + self.length)) - max(since, Fraction(stamp))
            total += self.values[index] * overlap / self.length
            covered += overlap
        return total * _GRAIN + self.mean * (until - since - covered) / self.length


def consumed(settings: LoadSettings, utc_offset_s: int, since_ms: int, until_ms: int) -> Fraction:
    """What a meter consumed between two moments of data time, exactly.

    Args:
        settings: shape, size and diversity of the meter.
        utc_offset_s: offset of the meter's local clock from UTC, seconds.
        since_ms: from, ms UTC.
        until_ms: until, ms UTC, not before `since_ms`.

    Returns:
        Consumption in the base unit of the meter's carrier.
    """
    recording = _recording(settings.shape)
    total = Fraction(0)
    for week in settings.weeks:
        for copy in range(settings.spread):
            back = (recording.first_week + week) * _WEEK + Fraction(copy * _DAY, settings.spread) - utc_offset_s
            total += recording.between(Fraction(since_ms, 1000) - back, Fraction(until_ms, 1000) - back)
    copies = len(settings.weeks) * settings.spread
    file_mean_per_hour = recording.mean * 3600 / recording.length
    return total / copies * Fraction(settings.mean_per_hour) / file_mean_per_hour


@cache
def _recording(name: str) -> _Recording:
    return _Recording(name)
