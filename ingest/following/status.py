"""What the gateways say of themselves, kept in the database at a bounded rate."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from energy.clocks import DataClock
from energy.errors import StorageError, StorageRejectedError, WireError
from energy.periods import DEFAULT_ZONE
from energy.queries import load_queries
from energy.services import Control
from energy.storage import Connection, StorageSettings, translating
from energy.waiting import set_within
from energy.wire import Address, DroppedRange, Status, decode_status, parse_topic
from ingest import metrics as ingest_metrics
from ingest.database import KeptConnection
from ingest.following import metrics
from ingest.following.fold import MOST_NEW_STREAMS

_SQL = load_queries("ingest.following", "status.sql")

WRITE_EVERY_S = 1.0
"""Real seconds between two writes: a gateway that comes and goes costs no more than one row a second."""
MOST_AT_ONCE = 1_000
"""Gateways whose statuses go into one transaction: after a start all retained ones come at once."""
MOST_STREAMS = 4
"""Streams of one gateway of which a status may wait to be written."""
MOST_DROPPED = 1_000
"""Ranges of a status that are kept: the ones with the highest numbers, as the contract keeps the newest."""
_REASON_CHARACTERS = 32
_GREATEST = 2**63 - 1


class Heard(msgspec.Struct, frozen=True):
    """A status, and how it came.

    Attributes:
        carrier: `mqtt` or `http`.
        via: which broker or address that is.
        at_ms: data time, ms UTC.
    """

    address: Address
    status: Status
    carrier: str
    via: str
    at_ms: int


class StatusFollower:
    """Remembers the last status of each gateway and writes it down now and then; a service.

    Args:
        database: where to.
        clock: data time, for a last will, which cannot know when it will be sent.
        broker: what the broker is called, as `host:port`: only the will from where a gateway is online counts.
    """

    name = "statuses"

    def __init__(self, database: StorageSettings, clock: DataClock, broker: str = "") -> None:
        self._connection = KeptConnection(database, ingest_metrics.database_failed)
        self._clock = clock
        self._broker = broker
        self._pending: dict[Address, list[Heard]] = {}

    def note(self, topic: str, payload: bytes) -> None:
        """Remember a status message; one that cannot be read is counted and forgotten."""
        try:
            address, _ = parse_topic(topic)
            status = decode_status(payload)
        except WireError as error:
            ingest_metrics.status_unreadable(topic, error)
            return
        self.heard(address, status, carrier="mqtt", via=self._broker)

    def heard(self, address: Address, status: Status, *, carrier: str, via: str = "") -> None:
        """Remember a status that came by `carrier`, from the broker or address `via`."""
        ingest_metrics.status_received()
        one = Heard(address, status, carrier, via, self._clock.now_ms())
        self._pending[address] = _newest([*self._pending.get(address, ()), one])

    async def run(self, control: Control) -> None:
        """Write at a steady pace until the stop, and once more then."""
        control.ready()
        try:
            while not control.stopping.is_set():
                await set_within(control.stopping, WRITE_EVERY_S)
                await self._write_pending()
        finally:
            await self._connection.close()

    async def _write_pending(self) -> None:
        """Write what is new; what cannot be written now stays pending unless something newer came."""
        pending, self._pending = self._pending, {}
        addresses = sorted(pending, key=_by_gateway)
        for start in range(0, len(addresses), MOST_AT_ONCE):
            heard = [one for address in addresses[start : start + MOST_AT_ONCE] for one in pending[address]]
            try:
                await self._write(heard)
            except StorageError as error:
                ingest_metrics.database_failed(error)
                for address in addresses[start:]:
                    self._pending[address] = _newest([*pending[address], *self._pending.get(address, ())])
                return

    async def _write(self, heard: Sequence[Heard]) -> None:
        """Write all, or where the database refuses one of them, all but that."""
        try:
            await self._connection.once(lambda connection: write(connection, heard))
        except StorageRejectedError as error:
            if len(heard) == 1:
                metrics.status_unwritable(heard[0].address.gateway, error)
                return
            middle = len(heard) // 2
            await self._write(heard[:middle])
            await self._write(heard[middle:])


async def write(connection: Connection, heard: Sequence[Heard]) -> None:
    """Write statuses down; those of one gateway in the order in which they came.

    Raises as `energy.storage.translating` says; then nothing was written.
    """
    # In one order of rows in all workers, here and in `fold`, so that they wait for each other and never in a circle.
    numbered = sorted(
        (one for one in heard if one.status.stream is not None and one.status.last_seq is not None),
        key=lambda one: (one.address.gateway, one.status.stream),
    )
    with translating():
        async with connection.transaction():
            await connection.executemany(_SQL.follow_status, [_status_row(one) for one in heard])
            await connection.executemany(_SQL.follow_stream, [_stream_row(one) for one in numbered])
            await connection.executemany(_SQL.follow_day, [_day_row(one) for one in numbered])


def _newest(heard: Sequence[Heard]) -> list[Heard]:
    """Of each stream the last one, in the order in which they came."""
    streams = [one.status.stream for one in heard]
    return [one for place, one in enumerate(heard) if one.status.stream not in streams[place + 1 :]][-MOST_STREAMS:]


def _by_gateway(address: Address) -> tuple[str, str]:
    return address.gateway, address.region


def _status_row(one: Heard) -> tuple[object, ...]:
    status = one.status
    total = status.dropped_total
    return (
        one.address.gateway,
        one.address.region,
        status.online,
        status.stream,
        status.kept_from,
        status.last_seq,
        msgspec.json.encode(_dropped(status)).decode(),
        _time(one.at_ms if status.at is None else status.at),
        total.envelopes if total else None,
        total.readings if total else None,
        one.carrier,
        one.via,
        _time(one.at_ms),
    )


def _stream_row(one: Heard) -> tuple[object, ...]:
    status = one.status
    last_seq, total, dropped = status.last_seq or 0, status.dropped_total, _dropped(status)
    # Nothing kept: everything up to the last number is done with.
    kept_from = min(_GREATEST, last_seq + 1, status.kept_from or _GREATEST)
    return (
        one.address.gateway,
        status.stream,
        [part.first for part in dropped],
        [part.last for part in dropped],
        last_seq,
        kept_from,
        total.envelopes if total else None,
        total.readings if total else None,
        _time(one.at_ms),
        MOST_NEW_STREAMS,
    )


def _day_row(one: Heard) -> tuple[object, ...]:
    return one.address.gateway, one.status.stream, one.status.last_seq, _time(one.at_ms), DEFAULT_ZONE


def _dropped(status: Status) -> list[DroppedRange]:
    """The newest ranges; a sender's words are cut, and PostgreSQL's text has no NUL."""
    newest = sorted(status.dropped, key=lambda part: part.last)[-MOST_DROPPED:]
    return [DroppedRange(part.first, part.last, part.reason.replace("\0", "?")[:_REASON_CHARACTERS]) for part in newest]


def _time(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC)
