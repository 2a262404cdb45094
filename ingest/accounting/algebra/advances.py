"""How far a register advanced between two usable readings: the rules for a register that rose, and for one that fell.

A register that rises or stands counts the difference, however large: a catch-up after a gap is kept, never zeroed as
implausible. A plain register that fell, the first rule that fits:

1. wrap (`Flag.WRAP`): from the last tenth of its range into the first, or (signed registers) from the last tenth below
   half the range to the first above minus half; the way over the top counts, and is measured. Also where `max_rate`
   makes the way over the top plausible and that way is at most half the range; but over a gap a restart explains
   more: a meter fails, and comes back as another one. Not where the way is implausible by `max_rate` and a restart
   from zero is not.
2. restart (`Flag.RESET`): to less than a tenth of what it showed, zero or more, and no more than `max_rate` allows from
   zero; what it shows now counts. Estimated: what flowed between the last reading and the restart is lost.
3. backwards (`Flag.REVERSED`): by no more than `max_rate` allows, or, where that is not known, by a hundredth at most;
   the difference counts, below zero, so that a later rise is not counted twice. Suspect: reversed CTs, or a register
   of both directions that is not declared as one.
4. anything else (`Flag.UNEXPLAINED`), such as a replacement nobody recorded: what flowed is not known. Suspect where
   other readings tell the rest of the quarter hour, missing where nothing does.

A net register counts the difference in both directions (REVERSED below zero), the short way past its top, and starts
again (RESET) where it falls to zero faster than `max_rate` allows.

More than `max_rate` allows, up or down, is kept: suspect, `Flag.RANGE`. One exception: from exactly zero straight to
more than that, a register was not counting but came back (after a reboot that showed zeros for longer than an
excursion): what flowed is not known (UNEXPLAINED), for its whole state would count a second time. So for a net register
that comes back from zero, as its fall to zero did not count.

Sources: facts 5, "rollover net" and "range"; 4.1 "counter traps" (2), (5), (6), (7); California DASMMD and AEMO
MT_MA1680 on overflow and on flags.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from energy.consumption import Flag
from ingest.accounting.algebra.columns import Bools, Floats, Ints, Kind
from ingest.accounting.algebra.excursions import wrapped
from ingest.accounting.algebra.limits import limits
from ingest.accounting.algebra.quanta import Segments

Advance: TypeAlias = tuple[Ints, Bools, Ints]
"""By how many quanta (0 where not known), whether that is known, flags."""


def advances(segment: Ints, states: tuple[Ints, Ints], span_ms: Ints, segments: Segments) -> Advance:
    """How far registers got between two `states` in quanta of one segment each, `span_ms` apart."""
    old, new = states
    wrap = segments.wrap[segment]
    most = limits(segment, np.maximum(np.abs(old), np.abs(new)), span_ms, segments)
    net = segments.kind[segment] == Kind.NET_REGISTER
    delta, known, flags = _plain((old, new), wrap, most, span_ms > segments.gap_ms[segment])
    if net.any():
        both = _net(old, new, wrap, most)
        delta, known, flags = (np.where(net, *parts) for parts in zip(both, (delta, known, flags), strict=True))
    return delta, known, np.where(known & (np.abs(delta) > most), flags | Flag.RANGE, flags)


def _plain(states: tuple[Ints, Ints], wrap: Ints, most: Floats, gap: Bools) -> Advance:
    old, new = states
    delta = new - old
    fell, bounded = delta < 0, np.isfinite(most)
    over = delta + wrap
    restarts = (new >= 0) & (new * 10 < old) & (new <= most)
    likely = wrapped(old, new, wrap) & ~((over > most) & restarts)
    plausible = (wrap > 0) & (over >= 0) & (over * 2 <= wrap) & bounded & (over <= most) & ~(gap & restarts)
    slight = np.where(bounded, -delta <= most, -delta * 100 <= old)
    returned = (old == 0) & bounded & (delta > most)
    rules = [fell & (likely | plausible), fell & restarts, fell & slight, fell | returned]
    flags = np.select(rules, [int(Flag.WRAP), int(Flag.RESET), int(Flag.REVERSED), int(Flag.UNEXPLAINED)], 0)
    known = flags != Flag.UNEXPLAINED
    return np.select(rules, [over, new, delta, np.zeros_like(delta)], delta), known, flags


def _net(old: Ints, new: Ints, wrap: Ints, most: Floats) -> Advance:
    delta = new - old
    far = (wrap > 0) & (np.abs(delta) * 2 > wrap) & (np.abs(delta) < wrap)
    delta = np.where(far, delta - np.sign(delta) * wrap, delta)
    beyond = np.abs(delta) > most
    restarted, returned = beyond & (new == 0), beyond & (old == 0)
    delta = np.where(restarted | returned, 0, delta)
    flags = np.select([returned, restarted, far], [int(Flag.UNEXPLAINED), int(Flag.RESET), int(Flag.WRAP)], 0)
    return delta, ~returned, np.where(delta < 0, flags | Flag.REVERSED, flags)
