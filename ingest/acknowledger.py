"""Gives committed deliveries back to those who brought them: after the commit, never before."""

from __future__ import annotations

from collections import defaultdict

from energy.channel import Channel
from energy.services import Control
from ingest.checking.batch import Batch
from ingest.receiving.carrier import Carrier, Settled


class Acknowledger:
    """The last service of the pipeline; a stage of its own, so that the next batch is written meanwhile.

    Args:
        committed: what to acknowledge; the service ends when it is closed and drained.
    """

    name = "acknowledger"

    def __init__(self, committed: Channel[Batch]) -> None:
        self._committed = committed

    async def run(self, control: Control) -> None:
        """Acknowledge until the committed batches end."""
        control.ready()
        async for batch in self._committed:
            _settle(batch)
        await control.stopping.wait()  # the batches end before this service is told to


def _settle(batch: Batch) -> None:
    brought: defaultdict[Carrier, list[Settled]] = defaultdict(list)
    for one in batch.settled():
        brought[one.delivery.carrier].append(one)
    for carrier, settled in brought.items():
        carrier.settle(settled)
