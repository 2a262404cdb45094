"""How far a pair had got at a time: the borders at which quarter hours are cut.

A border is rounded to quanta once, and an interval is the difference of its borders. So the intervals of a pair add up
to its advance exactly, whatever the course. What the course of a pair is:

- evenly, the rule: delta x (share of time).
- by weights (`Courses`): delta x (share of the weights up to the border); evenly within a quarter hour, and evenly
  throughout where all weights are zero or one is no number. Nothing at the beginning and all of delta at the end,
  exactly up to 2^52 quanta; never against the direction of delta in between.
- rates: the integral of the straight line between both ends, in 2^-16 of a quantum, borders rounded;
  a quarter hour is rounded to quanta once. Rounding each pair would lose a small load altogether.
"""

from __future__ import annotations

import numpy as np

from ingest.accounting.algebra.columns import INTERVAL_MS, Floats, Ints, Pairs

FINE_BITS = 16
"""Rates are added up in 2^-16 of a quantum."""
_HOUR_MS = 3_600_000


def even(pairs: Pairs, pair: Ints, at: Ints) -> Ints:
    """Quanta that each `pair` had counted at time `at`.

    A product of float64 is exact at both ends (delta < 2^53) and never turns back in between.
    """
    share = (at - pairs.began[pair]) / (pairs.ended[pair] - pairs.began[pair])
    return np.rint(pairs.delta[pair] * share).astype(np.int64)


def straight(pairs: Pairs, pair: Ints, at: Ints) -> Ints:
    """Fine parts of quanta under the straight line of each rate's `pair` up to time `at`."""
    past = (at - pairs.began[pair]) / _HOUR_MS
    share = (at - pairs.began[pair]) / (pairs.ended[pair] - pairs.began[pair])
    first, last = pairs.first[pair], pairs.last[pair]
    return np.rint(np.ldexp(past * (first + (last - first) * share / 2), FINE_BITS)).astype(np.int64)


def weighted(weights: Floats, began: int, ended: int, delta: int, at: Ints) -> Ints:
    """Quanta that a pair had counted at each time `at`, by the `weights` of the quarter hours that it touches.

    Raises ValueError where these are not as many.
    """
    borders = (began // INTERVAL_MS + np.arange(len(weights) + 1)) * INTERVAL_MS
    if borders[-1] - INTERVAL_MS >= ended or borders[-1] < ended:
        raise ValueError(f"{len(weights)} weights do not span the quarter hours from {began} to {ended} ms")
    borders[0], borders[-1] = began, ended
    grown = np.concatenate([[0.0], np.cumsum(weights * (np.diff(borders) / INTERVAL_MS))])
    total = grown[-1]
    if not (np.isfinite(total) and total > 0):
        share: Floats = (at - began) / (ended - began)
    else:
        share = np.interp(at, borders, grown) / total
    return np.rint(delta * share).astype(np.int64)
