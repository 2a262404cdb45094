"""What a register can show and count at most: its step, its top, its greatest plausible advance; in quanta.

- step: the register's own smallest step. A float32 register holds 24 bits: its step is 0.0625 kWh from 2^20 kWh on,
  and 1 kWh from 8.4 million on (facts 4.1, trap 1). So it stands still, then jumps, and both mean nothing.
- top: where the register starts again, at the display's digits, at 2^16 or 2^32, after CT x PT (trap 2).
- greatest advance: `max_rate` x time x 1.2 and two steps of the register. Source: facts 5, "range" (Pmax x h x 1.2)
  and "sum" (one to two dial units).
"""

from __future__ import annotations

import numpy as np

from ingest.accounting.algebra.columns import MOST_QUANTA, Floats, Ints, Series
from ingest.accounting.algebra.quanta import Segments

MARGIN = 1.2
"""A greatest rate may be passed by so much before it is implausible: facts 5, "range"."""
_HOUR_MS = 3_600_000


def steps(segment: Ints, quanta: Ints, segments: Segments, series: Series) -> Floats:
    """The register's own step at a state, in quanta; 0 where it is not known."""
    owner, ratio = segments.series[segment], segments.ratio[segment]
    step = series.resolution[owner] * ratio / series.quantum[owner]
    narrow = series.float32[owner]
    if narrow.any():
        shown = quanta * series.quantum[owner] / ratio
        with np.errstate(over="ignore"):  # what float32 cannot hold is no state of such a register
            grain = np.spacing(np.abs(shown).astype(np.float32)).astype(np.float64)
        step = np.where(narrow & np.isfinite(grain), np.maximum(step, grain * ratio / series.quantum[owner]), step)
    return step


def limits(segment: Ints, quanta: Ints, span_ms: Ints, segments: Segments, series: Series) -> Floats:
    """The most that a register counts plausibly in `span_ms` from a state on; infinite where no rate is known."""
    owner = segments.series[segment]
    most = MARGIN * series.max_rate[owner] / series.quantum[owner] * (span_ms / _HOUR_MS)
    return np.where(np.isnan(most), np.inf, most + 2.0 * steps(segment, quanta, segments, series))


def wraps(segments: Segments, series: Series) -> Ints:
    """Per segment the value in quanta at which the register starts again; 0 where it does not."""
    owner = segments.series
    with np.errstate(over="ignore"):
        scaled = np.rint(series.wrap[owner] * segments.ratio / series.quantum[owner])
    return np.where(np.abs(scaled) < MOST_QUANTA, scaled, 0.0).astype(np.int64)
