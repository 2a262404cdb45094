"""The two services at the upper end: one takes messages from the broker, one cuts and checks batches."""

from __future__ import annotations

from energy.channel import Channel
from energy.clocks import DataClock
from energy.errors import TransportError
from energy.services import Control
from energy.transport.mqtt import Link, Message
from energy.wire import Kind
from ingest.batch import Batch, assemble
from ingest.batcher import Gathered
from ingest.checks import Bounds
from ingest.directory import Directory
from ingest.intake import Intake
from ingest.session import Receipt, Session
from ingest.settings import CheckSettings
from ingest.status import StatusFollower
from ingest.stopping import until_stopping
from ingest.writer import Due

_STATUS_SUFFIX = f"/{Kind.STATUS}"


class Receiver:
    """Reads the connection, whichever is the present one.

    Args:
        session: has the connection.
        intake: takes the messages in.
        statuses: takes the status messages.
    """

    name = "receiver"

    def __init__(self, session: Session, intake: Intake, statuses: StatusFollower) -> None:
        self._session = session
        self._intake = intake
        self._statuses = statuses

    async def run(self, control: Control) -> None:
        """Receive until the stop; what is not taken in stays unacknowledged and comes again."""
        control.ready()
        try:
            await until_stopping(control, self._receive())
        finally:
            self._intake.close()

    async def _receive(self) -> None:
        while True:
            link = await self._session.connected()
            try:
                async for message in link.messages:
                    self._take(link, message)
            except TransportError as error:
                self._session.lost(error)

    def _take(self, link: Link, message: Message) -> None:
        if message.topic.endswith(_STATUS_SUFFIX):
            self._statuses.note(message.topic, message.payload)
            link.acknowledge(message)  # a status is only the last one of many; it need not wait for a commit
        else:
            self._intake.add(Receipt(link, message), message.topic, message.payload)


class Cutter:
    """Makes batches of what was received, checked and sorted, while earlier ones are written.

    Args:
        intake: where messages come from; the service ends when it is closed and empty.
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

    async def run(self, control: Control) -> None:
        """Cut batches until the intake ends."""
        control.ready()
        try:
            while gathered := await self._intake.take():
                await self._batches.put(Due(await self.checked(gathered), gathered.opened))
        finally:
            self._batches.close()
        await control.stopping.wait()  # the intake ends before this service is told to

    async def checked(self, gathered: Gathered[Receipt]) -> Batch[Receipt]:
        """The batch; codes that are unknown may be known after another look at the registry."""
        batch = self._assemble(gathered)
        if batch.names_unknown_points and await self._directory.refresh():
            batch = self._assemble(gathered)
        return batch

    def _assemble(self, gathered: Gathered[Receipt]) -> Batch[Receipt]:
        bounds = Bounds.around(self._clock.now_ms(), age_ms=self._age_ms, future_ms=self._future_ms)
        return assemble(gathered.deliveries, self._directory.table, bounds, gathered.received_ms)
