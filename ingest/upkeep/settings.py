"""The `[upkeep]` table: how long things are kept, and what chunk intervals are chosen by."""

from __future__ import annotations

from typing import Annotated

import msgspec

from energy.config import Positive

LATENESS_DAYS = 30.0
"""Readings are kept for so much longer than they are accepted: what came in last must be derived before it may go."""


LONGER_DAYS = 7.0
"""Hours are kept for so much longer than quarter hours: a day, made of hours, may be part of two days of UTC."""


class UpkeepSettings(msgspec.Struct, frozen=True):
    """The `[upkeep]` table; days are days of data time. All workers of a database should have the same.

    Attributes:
        every_s: real seconds between two rounds.
        readings_days: how long raw readings are kept, with their conflicts and flags: five years of a plan period and
            the year in which it is judged.
        intervals_days: how long consumption per quarter hour is kept: 60 days longer than readings, since the estimate
            of a gap rests on the eight weeks before it.
        hours_days: how long consumption per hour is kept, of points and units; longer than quarter hours, from which
            hours, days and months follow. Days and months are kept for good.
        batches_days: how long the record of each batch and of its envelopes is kept.
        accounts_days: how long the daily accounts of gateways and the record of upkeep are kept.
        memory_mb: memory for the indexes of new chunks and all else, MiB; None is the server's shared_buffers.
        memory_share: the part of it that the index of the newest chunk may take.
        most_chunks: into so many chunks, at most, what is kept is divided: each query that has no bounds of time to go
            by is planned over all of them, and locks all of them.
        policies: let TimescaleDB's own policies drop and compress chunks where its edition has them.
        columnstore_days: age at which chunks are compressed there; later than most late readings come.
    """

    every_s: Positive = 3_600.0
    readings_days: Positive = 2_200.0
    intervals_days: Positive = 2_260.0
    hours_days: Positive = 3_700.0
    batches_days: Positive = 400.0
    accounts_days: Positive = 2_200.0
    memory_mb: Annotated[int, msgspec.Meta(ge=16)] | None = None
    memory_share: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.25
    most_chunks: Annotated[int, msgspec.Meta(ge=10, le=10_000)] = 200
    policies: bool = True
    columnstore_days: Positive = 45.0
