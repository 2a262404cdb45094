"""The `[rollups]` table of an accounting worker."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec

from energy.config import Positive


class RollupSettings(msgspec.Struct, frozen=True):
    """The `[rollups]` table: hours, days and months per point, and the checks of days.

    Attributes:
        every_s: real seconds between two looks for days that are over and changed.
        open_every_s: real seconds between two passes over days that are not over. Views do not wait for them: they
            read the quarter hours of days that changed. Only months and checks do, but not for an edit.
        settled_s: data seconds after its end from which on a day counts as over: most readings have come then.
        days: most days of blocks of 1000 points that one step rolls up.
        checks: TOML file whose parameters of checks go over the shipped ones; None for none.
        judge_every_s: data seconds between two judgements of an open day by the checks: it changes all the time. A day
            that is over, or that an edit touches, waits for its intervals alone.
    """

    every_s: Positive = 5.0
    open_every_s: Positive = 3_600.0
    settled_s: Annotated[float, msgspec.Meta(ge=0)] = 1_800.0
    days: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 16
    checks: Path | None = None
    judge_every_s: Positive = 3_600.0
