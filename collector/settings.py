"""What a collector's TOML file says."""

from __future__ import annotations

from typing import Annotated

import msgspec

Positive = Annotated[float, msgspec.Meta(gt=0)]
"""A number above zero."""
Count = Annotated[int, msgspec.Meta(ge=1)]
"""At least one."""


class SpoolSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The table `[spool]`: how much is kept for how long; what exceeds a bound leaves oldest first, and is reported.

    Attributes:
        max_bytes: most bytes of unconfirmed envelopes of one gateway.
        max_age_days: greatest age of an unconfirmed envelope, in data time.
        keep_confirmed: keep confirmed envelopes too, for an audit; nothing bounds them.
        readings_per_envelope: where an envelope is cut within one poll round.
    """

    max_bytes: Annotated[int, msgspec.Meta(ge=262_144)] = 1 << 30
    max_age_days: Positive = 90
    keep_confirmed: bool = False
    readings_per_envelope: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 100
