"""The `[rejects]` table: for how long, and how much, of what was refused is kept."""

from __future__ import annotations

from typing import Annotated

import msgspec

from energy.config import Positive


class RejectSettings(msgspec.Struct, frozen=True):
    """The `[rejects]` table; what is beyond either bound is removed, replayed or not.

    Attributes:
        keep_days: days of data time.
        keep_megabytes: MB of the table with its indexes; where it is not enough, who has sent most gives way first.
    """

    keep_days: Positive = 90.0
    keep_megabytes: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 1_024
