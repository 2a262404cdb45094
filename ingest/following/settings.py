"""The `[follow]` table: how gaps are found and asked for."""

from __future__ import annotations

from typing import Annotated

import msgspec

from energy.config import Positive


class FollowSettings(msgspec.Struct, frozen=True):
    """The `[follow]` table; all times are real.

    Attributes:
        batches: most batches that one step follows; bounds a step's time and memory.
        pause_s: seconds from being woken to the step, so that batches gather.
        timer_s: seconds after which a step is made although nobody woke us.
        check_s: seconds between two looks at what is open.
        ask_after_s: seconds for which a range of numbers stays open, unchanged, before the gateway is asked for it.
        ask_most_s: most seconds between two such requests to one stream; the pause doubles up to here.
        ask_gateways: most gateways that are asked at one look.
        silent_s: seconds after which a gateway that posts over HTTP and was not heard of is offline.
    """

    batches: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 100
    pause_s: Annotated[float, msgspec.Meta(ge=0)] = 1.0
    timer_s: Positive = 5.0
    check_s: Positive = 10.0
    ask_after_s: Positive = 120.0
    ask_most_s: Positive = 3_600.0
    ask_gateways: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 100
    silent_s: Positive = 600.0

    def __post_init__(self) -> None:
        if self.ask_after_s > self.ask_most_s:
            raise ValueError(f"ask_after_s ({self.ask_after_s:g}) must not be above ask_most_s ({self.ask_most_s:g})")
