"""What may be set of deriving."""

from __future__ import annotations

from dataclasses import dataclass, field

from ingest.accounting.estimation.rules import EstimationSettings


@dataclass(frozen=True, slots=True)
class Rules:
    """What a step goes by.

    Attributes:
        batches: most batches of ingest whose marks one step reads.
        readings: about so many readings one step reads to derive again; what is more waits for the next one.
        gap_intervals: readings further apart than so many of their point's intervals leave a gap.
        estimation: parameters of what is done about long gaps.
    """

    batches: int = 64
    readings: int = 300_000
    gap_intervals: float = 2.0
    estimation: EstimationSettings = field(default_factory=EstimationSettings)
