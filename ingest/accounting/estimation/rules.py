"""The parameters of estimation."""

from __future__ import annotations

from typing import Annotated

import msgspec

Count = Annotated[int, msgspec.Meta(ge=1, le=12)]
"""So few that the means of so many whole amounts have one small common denominator."""


class EstimationSettings(msgspec.Struct, frozen=True):
    """The `[estimation]` table. Changing it changes what is derived from then on; `derive rebuild` does the rest.

    Attributes:
        linear_s: gaps of at most so many seconds are spread evenly (California DASMMD: two hours).
        weeks: like days are looked for among so many weeks before the gap (DASMMD and common practice: 4 to 8).
        least_days: with fewer like days a gap is spread evenly (DASMMD: 3).
        most_days: the mean takes the nearest so many like days.
        least_share: share of the quarter hours needed that a like day, or the check meter, must have measured (the
            national rules ask for 90 % completeness).
        longest_days: gaps of more days are spread evenly: weeks before say nothing about another season.
    """

    linear_s: Annotated[int, msgspec.Meta(ge=900)] = 7_200
    weeks: Annotated[int, msgspec.Meta(ge=1, le=26)] = 8
    least_days: Count = 3
    most_days: Count = 8
    least_share: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.9
    longest_days: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 366

    def __post_init__(self) -> None:
        if self.least_days > self.most_days:
            raise ValueError(f"least_days ({self.least_days}) must not be above most_days ({self.most_days})")
