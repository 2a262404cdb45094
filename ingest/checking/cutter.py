"""Makes batches of what was received, checked and sorted, while earlier ones are written."""

from __future__ import annotations

from dataclasses import replace

from energy.channel import Channel
from energy.clocks import DataClock
from energy.services import Control
from ingest import metrics
from ingest.checking.batch import Batch, assemble
from ingest.checking.directory import Directory
from ingest.checking.due import Due
from ingest.checking.flags import RATE
from ingest.checking.rates import RateWatch
from ingest.checking.recent import Recent
from ingest.checking.settings import CheckSettings
from ingest.checking.verdicts import Bounds
from ingest.receiving.batcher import Gathered
from ingest.receiving.intake import Intake


class Cutter:
    """The service between the intake and the writer.

    Args:
        intake: where deliveries come from; the service ends when it is closed and empty.
        directory: the registered points.
        clock: data time.
        settings: the accepted times.
        batches: where batches go; closed at the end.
    """

    name = "cutter"

    def __init__(
        self, intake: Intake, directory: Directory, clock: DataClock, settings: CheckSettings, batches: Channel[Due]
    ) -> None:
        self._intake = intake
        self._directory = directory
        self._clock = clock
        self._age_ms = round(settings.age_days * 86_400_000)
        self._future_ms = round(settings.future_s * 1000)
        self._batches = batches
        self._rates = RateWatch()
        self._recent = Recent()

    async def run(self, control: Control) -> None:
        """Cut batches until the intake ends."""
        control.ready()
        try:
            while gathered := await self._intake.take():
                for part in self._recent.apart(gathered):
                    await self._batches.put(Due(await self.cut(part), part.opened))
        finally:
            self._batches.close()
        await control.stopping.wait()  # the intake ends before this service is told to

    async def checked(self, gathered: Gathered) -> Batch:
        """The batch as far as it can be told without having one written: nothing is remembered, and nothing counted."""
        batch = self._assemble(gathered)
        # Codes that are unknown may be known after another look at the registry.
        if (unknown := batch.unknown_codes()) and await self._directory.look_up(unknown):
            batch = self._assemble(gathered)
        return batch

    async def cut(self, gathered: Gathered) -> Batch:
        """The batch that is to be written, with what changed too fast since the one before."""
        batch = await self.checked(gathered)
        if not batch.offer.points.bounds.rated:
            return batch
        batch = replace(batch, fast=self._rates.judge(batch.rows, batch.max_rates()))
        metrics.readings_flagged(RATE, batch.fast.count)
        return batch

    def _assemble(self, gathered: Gathered) -> Batch:
        bounds = Bounds.around(self._clock.now_ms(), age_ms=self._age_ms, future_ms=self._future_ms)
        return assemble(gathered.deliveries, self._directory.table, bounds, gathered.received_ms)
