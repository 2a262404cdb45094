"""The `[batch]` table: how readings are gathered and written."""

from __future__ import annotations

from typing import Annotated

import msgspec


class BatchSettings(msgspec.Struct, frozen=True):
    """The `[batch]` table: a batch is written as soon as it reaches one of these.

    Attributes:
        readings: about so many readings.
        age_ms: real milliseconds since its first message came in.
        writers: so many batches are written at once, each on a connection of its own.
    """

    readings: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 40_000
    age_ms: Annotated[int, msgspec.Meta(ge=1, le=60_000)] = 100
    writers: Annotated[int, msgspec.Meta(ge=1, le=8)] = 3
