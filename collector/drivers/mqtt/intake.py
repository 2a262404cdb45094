"""From what messages say to readings, with the account of what was refused and which points are silent."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from collector.drivers.mqtt import metrics
from collector.drivers.mqtt.complaints import Complaints
from collector.drivers.mqtt.freshness import Freshness
from collector.drivers.mqtt.mapping import Taken
from collector.drivers.mqtt.settings import ListenerBase
from collector.drivers.mqtt.sieve import Sieve
from energy.errors import MessageError
from energy.readings import Reading

_EXPECTED = frozenset({"retained", "absent"})
"""Reasons that belong to daily life: counted, not logged."""


class Intake:
    """The state of one listener's points. All times named `now` are real monotonic seconds.

    Args:
        gateway: its code, for logs and metrics.
        kind: "mqtt" or "sparkplug", likewise.
        settings: bounds of time.
        expected: points known beforehand, with the real seconds after which they are stale.
        now: the start.
    """

    def __init__(
        self, gateway: str, kind: str, settings: ListenerBase, expected: Mapping[str, float], now: float
    ) -> None:
        self._gateway = gateway
        self._kind = kind
        self._sieve = Sieve(settings.max_ahead_s, settings.max_age_days * 86_400)
        self._freshness = Freshness(expected, now)
        self._complaints = Complaints()

    def take(self, taken: Taken, arrived_ms: int, now: float) -> list[Reading]:
        """The readings in what a message said; everything else is counted."""
        metrics.message_taken(self._gateway, self._kind)
        readings: list[Reading] = []
        fresh: list[str] = []
        for fault in taken.faults:
            self._refuse(taken.source, fault, now)
        for value in taken.values:
            try:
                reading = self._sieve.take(value, arrived_ms)
            except MessageError as error:
                self._refuse(taken.source, error, now)
                continue
            if reading is None:
                metrics.repeated(self._gateway, self._kind)
                continue
            metrics.reading_taken(self._gateway, self._kind, reading.quality)
            readings.append(reading)
            if value.live and self._freshness.heard(reading.point, value.stale_after_s, now):
                fresh.append(reading.point)
        if fresh:
            metrics.points_fresh(self._gateway, self._kind, fresh)
        return readings

    def died(self, points: Collection[str], reason: str) -> None:
        """Points are declared dead by who knows."""
        if fresh := self._freshness.died(points):
            metrics.points_stale(self._gateway, self._kind, fresh, reason)

    def tick(self, now: float) -> None:
        """Time passes."""
        if silent := self._freshness.overdue(now):
            metrics.points_stale(self._gateway, self._kind, silent, "nothing came in time")
        for ended in self._complaints.ended(now):
            metrics.complaint_ended(self._gateway, ended)

    def close(self) -> None:
        """The listener ends."""
        metrics.points_forgotten(self._gateway, self._kind, len(self._freshness.stale))

    def _refuse(self, source: str, error: MessageError, now: float) -> None:
        metrics.refused(self._gateway, self._kind, error.reason)
        if error.reason not in _EXPECTED and self._complaints.note(source, error.reason, now):
            metrics.complaint_began(self._gateway, source, error, error.reason)
