"""What a register can show and count at most: its step, its top, its greatest plausible advance; in quanta.

- step: the register's own smallest step. A float32 register holds 24 bits: its step is 0.0625 kWh from 2^20 kWh on,
  and 1 kWh from 8.4 million on (facts 4.1, trap 1). So it stands still, then jumps, and both mean nothing.
- top: where the register starts again, at the display's digits, at 2^16 or 2^32, after CT x PT (trap 2).
- greatest advance: `max_rate` x time x 1.2 and two steps of the register. Source: facts 5, "range" (Pmax x h x 1.2)
  and "sum" (one to two dial units).
"""

from __future__ import annotations

import numpy as np

from ingest.accounting.algebra.columns import Floats, Ints
from ingest.accounting.algebra.quanta import Segments

MARGIN = 1.2
"""A greatest rate may be passed by so much before it is implausible: facts 5, "range"."""


def steps(segment: Ints, quanta: Ints, segments: Segments) -> Floats:
    """The register's own step at a state, in quanta; 0 where it is not known."""
    step = segments.resolution[segment]
    narrow = segments.float32[segment]
    if not narrow.any():
        return step
    unit = (segments.ratio / segments.quantum)[segment]  # quanta per unit of the register
    with np.errstate(over="ignore"):  # what float32 cannot hold is no state of such a register
        grain = np.spacing(np.abs(quanta / unit).astype(np.float32)).astype(np.float64) * unit
    return np.where(narrow & np.isfinite(grain), np.maximum(step, grain), step)


def limits(segment: Ints, quanta: Ints, span_ms: Ints, segments: Segments) -> Floats:
    """The most that a register counts plausibly in `span_ms` from a state on; infinite where no rate is known."""
    fastest = segments.fastest[segment]
    known = np.isfinite(fastest)  # infinite x 0 is no number
    most = MARGIN * np.where(known, fastest, 0.0) * span_ms + 2.0 * steps(segment, quanta, segments)
    return np.where(known, most, np.inf)
