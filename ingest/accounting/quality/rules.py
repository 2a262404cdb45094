"""The bounds of the data-quality evaluation (数据质量评价); a deployment replaces any of them by a file."""

from __future__ import annotations

from typing import Annotated

import msgspec

from energy.config import Positive

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]


class QualityRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a unit's data of a month is held against.

    The defaults are those of the national rules for online monitoring (NHJC-06 and provincial practice), but for
    `trusted`, which they leave open.

    Attributes:
        complete: least share of what was due that must have come (90 %; local schemes ask for 95 %).
        agreement: greatest difference of the sum of the days from the month's statement, as a share of the statement.
        day_border_s: a day's state of a register is read within so many seconds of midnight (1 minute).
        month_border_s: a month's within so many of the month's beginning (1 day).
        days_in_time: share of days whose border must be met so.
        repair_days: working days within which a fault is repaired, and a replaced meter is on record.
        trusted: least share of the time of gate meters that is measured and not suspect.
    """

    complete: Share = 0.9
    agreement: Share = 0.05
    day_border_s: Positive = 60.0
    month_border_s: Positive = 86_400.0
    days_in_time: Share = 0.9
    repair_days: Annotated[int, msgspec.Meta(ge=1)] = 3
    trusted: Share = 0.9
