"""Double-entry books of one gateway: every reading that was read is found again, in exactly one class.

    read + copied == stored + refused + dropped + kept + lost

Classes are told apart by whole envelopes, since an envelope is what is confirmed, dropped and kept. One that the
platform committed counts as stored, whatever the spool thinks of it: its confirmation may not have arrived, and then it
is kept as well, or was dropped after all. A copy is a reading that the spool keeps once more because it turned out to
be nearest a quarter hour; the platform drops it as a repeat, or takes it where the first one was dropped.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from collector.spool.database import Database
from energy.readings import Quality, Reading
from energy.wire import DroppedTotal, Status, decode_envelope
from tests.support.plant import metric


class DropRow(NamedTuple):
    """A range of dropped envelopes, as the spool's file has it."""

    first: int
    last: int
    reason: str
    readings: int


class Books(NamedTuple):
    """What became of a gateway's readings, in readings.

    Attributes:
        read: taken from meters.
        copied: of those, kept once more as border readings.
        stored: in envelopes that the platform committed, without those that it refused.
        refused: in such envelopes, and refused.
        dropped: dropped by a bound of the spool.
        kept: unconfirmed in the spool, and not committed.
        lost: counted as lost, since neither the disk nor memory had room.
    """

    read: int
    copied: int
    stored: int
    refused: int
    dropped: int
    kept: int
    lost: int

    @property
    def difference(self) -> int:
        """0 where nothing vanished and nothing was counted twice."""
        return self.read + self.copied - self.stored - self.refused - self.dropped - self.kept - self.lost


def readings_read(gateway: str) -> int:
    """How many readings a collector in this process took from a gateway's meters, as it counts them."""
    qualities = (str(int(quality)) for quality in Quality)
    return round(sum(metric("collector_readings_total", gateway=gateway, quality=quality) for quality in qualities))


def books(
    gateway: str,
    spool: Path,
    committed: Mapping[int, Iterable[bytes]],
    *,
    read: int | None = None,
    refused: Container[str] = (),
) -> Books:
    """Draw up the books of a gateway whose collector runs in this process, or ran.

    Args:
        gateway: its code.
        spool: its spool's file; one stream.
        committed: the bodies of each envelope that the platform committed, by number; the same however often it came.
        read: what was read, as the meters' side counts it; the collector's own figure where it is None.
        refused: points whose readings the platform refuses.
    """
    stored = stored_readings(committed)
    turned_away = sum(reading.point in refused for reading in stored)
    lost = round(metric("collector_unspooled_readings_total", gateway=gateway))
    copied = round(metric("collector_copied_readings_total", gateway=gateway))
    database = Database(spool, read_only=True)
    try:
        drops = _drops(database)
        dropped = _dropped_total(database).readings
        kept = dict(database.execute("select seq, readings from envelope where confirmed = 0"))
    finally:
        database.close()
    both = sum(
        len(decode_envelope(body).readings)
        for seq, body in _once(committed).items()
        if any(drop.first <= seq <= drop.last for drop in drops)
    )
    return Books(
        readings_read(gateway) if read is None else read,
        copied,
        len(stored) - turned_away,
        turned_away,
        dropped - both,
        sum(count for seq, count in kept.items() if seq not in committed),
        lost,
    )


def stored_readings(committed: Mapping[int, Iterable[bytes]]) -> list[Reading]:
    """What a platform has taken, each envelope once however often it came, in the order of their numbers."""
    return [one for body in _once(committed).values() for one in decode_envelope(body).readings]


def spool_drops(spool: Path) -> list[DropRow]:
    """What the bounds dropped, as the file remembers it: the newest ranges."""
    database = Database(spool, read_only=True)
    try:
        return _drops(database)
    finally:
        database.close()


def explains(status: Status, spool: Path) -> bool:
    """Whether a status tells all that was dropped: the totals of everything, and the newest hundred ranges."""
    told = [(drop.first, drop.last, drop.reason) for drop in status.dropped]
    database = Database(spool, read_only=True)
    try:
        ranges = [(drop.first, drop.last, drop.reason) for drop in _drops(database)]
        return status.dropped_total == _dropped_total(database) and told == ranges[-100:]
    finally:
        database.close()


def _drops(database: Database) -> list[DropRow]:
    return [DropRow(*row) for row in database.execute("select first, last, reason, readings from drops order by first")]


def _dropped_total(database: Database) -> DroppedTotal:
    ((envelopes, readings),) = database.execute("select dropped_envelopes, dropped_readings from spool")
    return DroppedTotal(envelopes, readings)


def _once(committed: Mapping[int, Iterable[bytes]]) -> dict[int, bytes]:
    """The body of each envelope; all of its repetitions have to be the same."""
    bodies = {seq: set(same) for seq, same in sorted(committed.items())}
    assert all(len(same) == 1 for same in bodies.values()), "an envelope came with two contents"
    return {seq: same.pop() for seq, same in bodies.items()}
