"""What `quotawatt accounting run` is told."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec

from energy.clocks import ClockSettings
from energy.config import Positive
from energy.health import HealthSettings
from energy.storage import StorageSettings
from ingest.accounting.estimation.rules import EstimationSettings
from ingest.accounting.rollups.settings import RollupSettings


class StepSettings(msgspec.Struct, frozen=True):
    """The `[step]` table.

    Attributes:
        batches: most batches of ingest whose marks one step reads; with `readings` it bounds a step's time and memory.
        readings: about so many readings one step reads to derive again what did not simply go on; more waits.
        pause_s: real seconds from being woken to the step, so that batches gather: the price of little load is latency.
        timer_s: real seconds after which a step is made although nobody woke us.
        gap_intervals: readings further apart than so many of their point's intervals leave a gap, which is estimated.
    """

    batches: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 64
    readings: Annotated[int, msgspec.Meta(ge=1_000, le=10_000_000)] = 300_000
    pause_s: Annotated[float, msgspec.Meta(ge=0)] = 0.2
    timer_s: Positive = 2.0
    gap_intervals: Annotated[float, msgspec.Meta(ge=1)] = 2.0


class FactorSettings(msgspec.Struct, frozen=True):
    """The `[factors]` table.

    Attributes:
        directory: whose CSV files replace the shipped ones of the same names (energy/data); None for none.
    """

    directory: Path | None = None


class AccountingSettings(msgspec.Struct, frozen=True):
    """The configuration of one accounting worker.

    Attributes:
        database: where readings come from and totals go to.
        clock: data time, by which the lag of what is derived is measured.
        factors: where this deployment's own factors are.
        grace_s: real seconds that an orderly stop may take; what is dirty is derived within them.
    """

    database: StorageSettings
    clock: ClockSettings = ClockSettings()
    health: HealthSettings = HealthSettings()
    step: StepSettings = StepSettings()
    estimation: EstimationSettings = EstimationSettings()
    rollups: RollupSettings = RollupSettings()
    factors: FactorSettings = FactorSettings()
    grace_s: Positive = 20.0
