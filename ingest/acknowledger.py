"""Tells broker and gateways that a batch is committed: after the commit, never before."""

from __future__ import annotations

import msgspec

from energy.channel import Channel
from energy.clocks import DataClock
from energy.errors import TransportError
from energy.services import Control
from ingest import metrics
from ingest.answers import answers
from ingest.batch import Batch
from ingest.session import Receipt, Session


class Acknowledger:
    """The last service of the pipeline; a stage of its own, so that the next batch is written meanwhile.

    Args:
        session: the connection on which gateways are answered.
        committed: what to acknowledge; the service ends when it is closed and drained.
        clock: data time, which the answers tell, so that a gateway sees when its own clock is wrong.
    """

    name = "acknowledger"

    def __init__(self, session: Session, committed: Channel[Batch[Receipt]], clock: DataClock) -> None:
        self._session = session
        self._committed = committed
        self._clock = clock

    async def run(self, control: Control) -> None:
        """Acknowledge until the committed batches end."""
        control.ready()
        async for batch in self._committed:
            self._acknowledge(batch)
        await control.stopping.wait()  # the batches end before this service is told to

    def _acknowledge(self, batch: Batch[Receipt]) -> None:
        """First the broker, whose window holds up the others, then the gateways."""
        for delivery in batch.offer.deliveries:
            delivery.origin.acknowledge()
        lost = 0
        now = self._clock.now_ms()
        for address, answer in answers(batch):
            try:
                self._session.publish(address, msgspec.structs.replace(answer, at=now))
            except TransportError:
                lost += 1
        if lost:
            metrics.answers_lost(lost)
