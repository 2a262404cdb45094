"""From figures to a verdict: shares, pace and projection of one quota in one period, in exact arithmetic.

The method is the **even pace**: what is left of the period is used as fast as what has passed.

    elapsed share = (ready - start) / (end - start)
    pace          = (used / limit) / elapsed share
    projected     = used / elapsed share

Comparisons are made on fractions, so that a verdict never hangs on the rounding of the figures that are shown.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal, localcontext
from fractions import Fraction

import msgspec

from alerts.quotas import QuotaRule
from alerts.verdicts import CLEAR, EXCEEDED, ON_COURSE, UNKNOWN, Mark, Verdict

METHOD = "even pace"
_SHOWN = Decimal("0.000001")
_TICK = timedelta(microseconds=1)


class Figures(msgspec.Struct, frozen=True):
    """What is known of one quota in one period. All times are aware; data time.

    Attributes:
        used, limit: in the quota's unit of measure; `used` sums what is known: a lower bound where data is missing.
        start, end: the period.
        ready: up to when the data is complete; None when a carrier that counts has never delivered.
        complete: every day from the start to `ready` has data of every carrier.
        now: the moment of judging.
        min_elapsed: share of the period before which the pace is not judged.
    """

    used: Decimal
    limit: Decimal
    start: datetime
    end: datetime
    ready: datetime | None
    complete: bool
    now: datetime
    min_elapsed: float

    @property
    def final(self) -> bool:
        """The period is over and all of its data is in."""
        return self.ready is not None and self.ready >= self.end


class Judgement(msgspec.Struct, frozen=True):
    """What the figures say. Shares and the projection are rounded to six decimals, for showing only.

    Attributes:
        verdict, mark: what to say, how loudly.
        used_share: used / limit.
        elapsed_share: of the period, at `ready`.
        pace: 1 ends exactly at the limit; None before anything has elapsed.
        projected: use at the end of the period, in the quota's unit; None likewise.
        exhausted_at: when the limit breaks at this pace, if that lies ahead and within the period.
        clear: the projection lies so far below the limit that a firing alert may end.
    """

    verdict: Verdict
    mark: Mark
    used_share: Decimal
    elapsed_share: Decimal
    pace: Decimal | None
    projected: Decimal | None
    exhausted_at: datetime | None
    clear: bool


def elapsed_share(start: datetime, end: datetime, ready: datetime | None) -> Fraction:
    """Share of the period up to which the data is complete, from 0 to 1; 0 without any data."""
    if ready is None:
        return Fraction(0)
    return Fraction((min(max(ready, start), end) - start) // _TICK, (end - start) // _TICK)


def judge(figures: Figures, rule: QuotaRule) -> Judgement:
    """Judge one quota in one period; a pure function of its arguments."""
    elapsed = elapsed_share(figures.start, figures.end, figures.ready)
    share = Fraction(figures.used) / Fraction(figures.limit)
    pace = share / elapsed if elapsed else None
    verdict = _verdict(figures, rule, pace)
    return Judgement(
        verdict=verdict,
        mark=_mark(verdict, share, rule),
        used_share=_shown(share),
        elapsed_share=_shown(elapsed),
        pace=None if pace is None else _shown(pace),
        projected=None if pace is None else _shown(pace * Fraction(figures.limit)),
        exhausted_at=_exhaustion(figures, share, pace),
        clear=pace is not None and _judgeable(figures) and pace < _exact(rule.clear_ratio),
    )


def _verdict(figures: Figures, rule: QuotaRule, pace: Fraction | None) -> Verdict:  # noqa: PLR0911 - a decision list
    """The first that holds; a breach holds on any data, because missing data can only add to it."""
    if figures.used > figures.limit:
        return Verdict.EXCEEDED
    if figures.ready is None:
        return Verdict.NO_DATA
    if not figures.final and figures.now - figures.ready > timedelta(seconds=rule.stale_s):
        return Verdict.STALE
    if pace is not None and pace > 1 and _judgeable(figures):
        return Verdict.ON_COURSE
    if not figures.complete:
        return Verdict.INCOMPLETE
    if not figures.final and _band_reached(figures, rule):
        return Verdict.WARNED
    return Verdict.OK


def _judgeable(figures: Figures) -> bool:
    elapsed = elapsed_share(figures.start, figures.end, figures.ready)
    return elapsed >= _exact(figures.min_elapsed)


def _band_reached(figures: Figures, rule: QuotaRule) -> bool:
    share = Fraction(figures.used) / Fraction(figures.limit)
    return any(share >= _exact(band.share) for band in rule.bands)


def _mark(verdict: Verdict, share: Fraction, rule: QuotaRule) -> Mark:
    if verdict is Verdict.WARNED:
        return [band.mark for band in rule.bands if share >= _exact(band.share)][-1]
    return {Verdict.OK: CLEAR, Verdict.ON_COURSE: ON_COURSE, Verdict.EXCEEDED: EXCEEDED}.get(verdict, UNKNOWN)


def _exhaustion(figures: Figures, share: Fraction, pace: Fraction | None) -> datetime | None:
    """When the limit is used up: start + elapsed time / used share, to the second."""
    if figures.ready is None or pace is None or pace <= 1 or share > 1:
        return None
    elapsed = min(figures.ready, figures.end) - figures.start
    return figures.start + timedelta(seconds=int(Fraction(elapsed // _TICK, 10**6) / share))


def _exact(share: float) -> Fraction:
    """The decimal number that a person wrote: 0.97 means 97/100, not the float nearest to it."""
    return Fraction(repr(share))


def _shown(value: Fraction) -> Decimal:
    with localcontext() as context:
        context.prec = 60
        return (Decimal(value.numerator) / Decimal(value.denominator)).quantize(_SHOWN)
