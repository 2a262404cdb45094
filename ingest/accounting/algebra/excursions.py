"""Excursions: readings that leave a register's course and return to it within a few readings are set aside.

A fall is judged by its neighbours alone, at most `MOST_ASIDE` to each side, or `MOST_ZEROS` zeros:

- dip (`Flag.DIP`): within three readings after the fall the register shows again at least what it showed before it
  (and no more than `max_rate` and its top allow); the low readings between are set aside. So a dip by 0.1 kWh never
  becomes +215 kWh, and a zero after a reboot that recovers is no reset. Where all of them are exactly zero it may take
  six: a meter that is read each minute and reboots for five shows nothing else.
- spike (`Flag.SPIKE`): within three readings before the fall the register showed at most what it shows after it; the
  high readings between are set aside.
- where both fit, the shorter explanation counts, and a dip before a spike as long.
- a fall that could be a wrap is a dip only if it recovers by a jump of more than half the range: a fast counter that
  wraps climbs back step by step.
- net registers may fall, so for them it takes a jump beyond the greatest plausible rate, after which the register
  comes back, within three readings or six zeros, to where that rate allows. Without `max_rate` nothing is set aside.
- more than three consecutive readings, or six zeros, are never set aside: that is no excursion but a register which
  cannot be trusted, and each of its falls is judged as a fall (`advances`).

What is set aside counts nothing and loses nothing: the readings beside it make the pair. It is measured as long as
those lie close enough. A reading that is set aside and, with its 16-bit words or its bytes exchanged, would lie
between its neighbours was decoded or sent in another word order (`Flag.SWAPPED`).

Sources: facts 4.1 "counter traps" (3) torn and swapped words; 5 "spike", "rollback"; California DASMMD, spike check.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from energy.consumption import Flag
from ingest.accounting.algebra.columns import Bools, Ints, Kind
from ingest.accounting.algebra.limits import limits
from ingest.accounting.algebra.quanta import Segments, States
from ingest.accounting.algebra.swapped import swapped

MOST_ASIDE = 3
"""So many consecutive readings can be set aside."""
MOST_ZEROS = 6
"""So many where all of them are exactly zero."""
REACH = 4 * MOST_ZEROS + 1
"""So many usable readings to each side of a time decide on everything that is derived up to it.

Whether a reading is set aside follows from falls at most MOST_ZEROS readings away, each judged by MOST_ZEROS readings
more, and from how many readings in a row are: 3 x MOST_ZEROS to each side. One of MOST_ZEROS + 1 consecutive readings
is always kept, and nothing passes beyond a kept one. So (a) a stretch computed from the readings in it and REACH usable
ones on each side (fewer only where there are no more) is what the whole computes there, and (b) readings added, removed
or altered change no row before the REACH-th usable reading before them, nor after the REACH-th after them.
"""
_NEVER = MOST_ZEROS + 1
"""Steps that explain nothing."""


@dataclass(frozen=True, slots=True)
class _Runs:
    """Readings `first` to `last` (both included) leave the course; the fall or jump is explained by them."""

    first: Ints
    last: Ints
    flag: Ints


def without_excursions(states: States, segments: Segments) -> States:
    """`states` of registers less those that are set aside; the next one notes why."""
    runs = [_of_falls(states, segments), _of_jumps(states, segments)]
    if not any(len(one.first) for one in runs):
        return states
    flags = np.zeros(len(states), np.int64)
    for one in runs:
        for offset in range(MOST_ZEROS):
            within = one.first + offset <= one.last
            np.bitwise_or.at(flags, one.first[within] + offset, one.flag[within])
    aside = _short(flags != 0, states)
    flags[~aside] = 0
    flags[swapped(states, aside, segments)] |= Flag.SWAPPED
    return states.without(aside, flags, segments)


def _of_falls(states: States, segments: Segments) -> _Runs:
    """Dips and spikes of plain registers."""
    old = np.flatnonzero(states.quanta[1:] < states.quanta[:-1])
    segment = states.segment[old]
    plain = segments.kind[segment] == Kind.REGISTER
    old = old[plain & (segment == states.segment[old + 1])]
    if not len(old):
        return _Runs(old, old, old)
    dip = _first_of([_recovers(states, segments, old, k) for k in range(1, _NEVER)])
    spike = _first_of([_started(states, old, k) for k in range(1, MOST_ASIDE + 1)])
    low, high = (dip <= spike) & (dip < _NEVER), spike < dip
    first = np.where(low, old + 1, old - spike + 1)
    last = np.where(low, old + dip, old)
    found = low | high
    return _Runs(first[found], last[found], np.where(low, int(Flag.DIP), int(Flag.SPIKE))[found])


def _recovers(states: States, segments: Segments, old: Ints, k: int) -> Bools:
    """Whether `k` readings after the first low one the register shows what it did before the fall."""
    back, inside = _neighbour(states, old, k + 1)
    shown, again = states.quanta[old], states.quanta[back]
    wrap = segments.wrap[states.segment[old]]
    most = limits(states.segment[old], shown, states.at[back] - states.at[old], segments)
    recovered = (
        _brief(states, old, k) & inside & (again >= shown) & (again - shown <= most) & ((wrap == 0) | (again <= wrap))
    )
    over_the_top = wrapped(shown, states.quanta[old + 1], wrap)
    jump = again - states.quanta[back - 1]
    found: Bools = recovered & (~over_the_top | (2 * jump > wrap))
    return found


def _started(states: States, old: Ints, k: int) -> Bools:
    """Whether `k` readings before the fall the register showed no more than after it."""
    start, inside = _neighbour(states, old, -k)
    return inside & (states.quanta[start] <= states.quanta[old + 1])


def _of_jumps(states: States, segments: Segments) -> _Runs:
    """What leaves the course of net registers and comes back."""
    net = (segments.kind == Kind.NET_REGISTER) & np.isfinite(segments.fastest)
    nothing = np.empty(0, np.int64)
    if not net.any():
        return _Runs(nothing, nothing, nothing)
    old = np.flatnonzero(net[states.segment[:-1]] & (states.segment[1:] == states.segment[:-1]))
    old = old[_beyond(states, segments, old, old + 1)]
    length = _first_of([_returns(states, segments, old, k) for k in range(1, _NEVER)])
    old, length = old[length < _NEVER], length[length < _NEVER]
    below = states.quanta[old + 1] < states.quanta[old]
    return _Runs(old + 1, old + length, np.where(below, int(Flag.DIP), int(Flag.SPIKE)))


def _returns(states: States, segments: Segments, old: Ints, k: int) -> Bools:
    back, inside = _neighbour(states, old, k + 1)
    return _brief(states, old, k) & inside & ~_beyond(states, segments, old, back)


def _brief(states: States, old: Ints, k: int) -> Bools:
    """Whether the `k` readings after each `old` one can be set aside: that few, or zeros."""
    if k <= MOST_ASIDE:
        return np.ones(len(old), np.bool_)
    zeros = np.concatenate([[0], np.cumsum(states.quanta == 0)])
    brief: Bools = zeros[np.minimum(old + k + 1, len(states))] - zeros[old + 1] == k
    return brief


def _beyond(states: States, segments: Segments, old: Ints, new: Ints) -> Bools:
    """Whether the register moved farther between two readings than the greatest plausible rate allows."""
    most = limits(states.segment[old], states.quanta[old], states.at[new] - states.at[old], segments)
    moved = np.abs(states.quanta[new] - states.quanta[old])
    wrap = segments.wrap[states.segment[old]]
    # Past the top of a signed register it has moved the short way.
    short: Ints = np.where(wrap > 0, np.minimum(moved, np.abs(wrap - moved)), moved)
    return short > most


def wrapped(old: Ints, new: Ints, wrap: Ints) -> Bools:
    """Whether a fall leads from the last tenth of a register's range into the first.

    The range is [0, wrap), or [-wrap/2, wrap/2) of a signed register that turns negative at half.
    """
    unsigned = (old <= wrap) & (old * 10 > wrap * 9) & (new >= 0) & (new * 10 < wrap)
    signed = (old * 2 <= wrap) & (old * 10 > wrap * 4) & (new * 10 < wrap * -4) & (new * 2 >= -wrap)
    return (wrap > 0) & (unsigned | signed)


def _neighbour(states: States, index: Ints, offset: int) -> tuple[Ints, Bools]:
    """The index `offset` readings on, and whether it is still the same segment; any valid index where not."""
    place = index + offset
    inside = (place >= 0) & (place < len(states))
    place = np.where(inside, place, index)
    return place, inside & (states.segment[place] == states.segment[index])


def _first_of(fits: list[Bools]) -> Ints:
    """How many steps it takes until one fits; _NEVER where none does."""
    stacked = np.stack(fits)
    return np.where(stacked.any(axis=0), stacked.argmax(axis=0) + 1, _NEVER)


def _short(aside: Bools, states: States) -> Bools:
    """`aside`, of which there are some, without the runs of more than can be."""
    index = np.flatnonzero(aside)
    joined = (np.diff(index) == 1) & (states.segment[index[1:]] == states.segment[index[:-1]])
    starts = np.flatnonzero(np.concatenate([[True], ~joined]))
    length = np.diff(np.append(starts, len(index)))
    zeros = np.logical_and.reduceat(states.quanta[index] == 0, starts)
    short = np.zeros(len(aside), np.bool_)
    short[index[np.repeat(length <= np.where(zeros, MOST_ZEROS, MOST_ASIDE), length)]] = True
    return short
