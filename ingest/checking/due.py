"""What goes from the cutter to the writer."""

from __future__ import annotations

from dataclasses import dataclass

from ingest.checking.batch import Batch


@dataclass(frozen=True, slots=True)
class Due:
    """A batch whose turn to be written has come, or will.

    Attributes:
        batch: what to commit.
        opened: real monotonic seconds of its first delivery.
    """

    batch: Batch
    opened: float
