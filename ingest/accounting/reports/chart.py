"""The days of a month as bars of a small picture. Pure; drawn by the templates as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

from energy.consumption import IntervalQuality
from ingest.accounting.reports.model import DayUse

WIDTH, HEIGHT = 720, 130
"""Of the area in which bars stand, in the picture's own units."""
_STEPS = (Decimal(1), Decimal(2), Decimal("2.5"), Decimal(5), Decimal(10))
_LINES = 2
_DOUBTFUL = frozenset(one.name.lower() for one in (IntervalQuality.SUSPECT, IntervalQuality.MISSING))


@dataclass(frozen=True, slots=True)
class Bar:
    """One day: where its bar stands, from the upper left corner; `kind` is sound, doubtful, partial or none."""

    label: str
    x: float
    y: float
    width: float
    height: float
    kind: str
    value: Decimal | None


@dataclass(frozen=True, slots=True)
class Line:
    """A value of the scale, and how far from the top it stands."""

    y: float
    value: Decimal


@dataclass(frozen=True, slots=True)
class Chart:
    """All of them; `zero` is where bars begin."""

    bars: tuple[Bar, ...]
    lines: tuple[Line, ...]
    zero: float


def chart(days: Sequence[DayUse], slots: int) -> Chart | None:
    """Bars of the days, of which a whole month has `slots`; None where no day has data."""
    known = [day.tce for day in days if day.tce is not None]
    if not known:
        return None
    step = _step(max(abs(value) for value in known) / _LINES)
    top, bottom = _steps_to(max(known), step) * step, -_steps_to(-min(known), step) * step
    top = top if top != bottom else step
    scale = HEIGHT / float(top - bottom)
    zero = float(top) * scale
    each = WIDTH / slots
    bars = tuple(_bar(day, n * each, each, zero, scale) for n, day in enumerate(days))
    count = int((top - bottom) / step)
    lines = tuple(Line(round(n * float(step) * scale, 2), top - n * step) for n in range(count + 1))
    return Chart(bars, lines, round(zero, 2))


def _bar(day: DayUse, x: float, each: float, zero: float, scale: float) -> Bar:
    gap = each * 0.15
    label, left, width = str(day.day.day), round(x + gap, 2), round(each - 2 * gap, 2)
    if day.tce is None:
        return Bar(label, left, 0, width, HEIGHT, "none", None)
    end = zero - float(day.tce) * scale
    kind = "partial" if day.partial else "doubtful" if day.quality in _DOUBTFUL else "sound"
    return Bar(label, left, round(min(end, zero), 2), width, round(abs(end - zero), 2), kind, day.tce)


def _steps_to(value: Decimal, step: Decimal) -> int:
    """How many steps reach `value`; none where it lies below zero."""
    return max(0, int((value / step).to_integral_value(ROUND_CEILING)))


def _step(least: Decimal) -> Decimal:
    """The round number that is at least so much: 1, 2, 2.5 or 5 times a power of ten."""
    if not least:
        return Decimal(1)
    power = Decimal(1).scaleb(least.adjusted())
    return next(step * power for step in _STEPS if step * power >= least)
