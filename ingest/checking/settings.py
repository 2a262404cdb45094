"""The `[checks]` table: which readings are accepted."""

from __future__ import annotations

import msgspec

from energy.config import Positive


class CheckSettings(msgspec.Struct, frozen=True):
    """The `[checks]` table, in data time.

    Attributes:
        future_s: how much later than now a reading may claim to be, seconds.
        age_days: how old a reading may be: backlogs of a month are normal.
    """

    future_s: Positive = 300.0
    age_days: Positive = 1_000.0
