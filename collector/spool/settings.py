"""The table `[spool]` of a collector's file."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

LEAST_BYTES = 262_144
"""The smallest bound on size: one envelope of the contract's largest size and nothing else."""


class SpoolSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How much is kept for how long, and what leaves first where a bound is reached; it is always reported.

    Attributes:
        max_bytes: most bytes of the file, whose free pages do not count as they are used again.
        max_age_days: greatest age of an unconfirmed envelope, in data time.
        keep_confirmed: keep confirmed envelopes too, for an audit, while `max_bytes` has room: they leave first.
        readings_per_envelope: where an envelope is cut within one commit.
        synchronous: `full` has every commit on the disk when the append returns; with `normal` a loss of power may
            take back the last commits, a crash of the process may not.
        policy: what leaves at the bound: `oldest` the oldest envelope; `thin` what lies between the quarter hours
            first, and the readings nearest their borders only when nothing else is left.
    """

    max_bytes: Annotated[int, msgspec.Meta(ge=LEAST_BYTES)] = 1 << 30
    max_age_days: Annotated[float, msgspec.Meta(gt=0)] = 90.0
    keep_confirmed: bool = False
    readings_per_envelope: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 100
    synchronous: Literal["full", "normal"] = "full"
    policy: Literal["oldest", "thin"] = "oldest"
