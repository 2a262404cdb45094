"""One meter on a line: what to ask it, what its words mean, and how long it rests after a failure. No I/O."""

from __future__ import annotations

import structlog

from collector.planning.planner import Read, limits_of, plan
from collector.profiles import load_profile
from collector.profiles.conversion import conversion
from collector.settings import BackoffSettings, MeterSettings
from energy.backoff import Backoff
from energy.carriers import carrier
from energy.logs import Availability
from energy.readings import Quality, Reading

_log = structlog.get_logger("collector")


class Meter:
    """A meter and its state of health.

    Args:
        gateway: code of the gateway that it stands behind.
        settings: its table.
        backoff: how long it rests when it fails.

    Attributes:
        unit_id: its Modbus unit.
        read: the request that brings its register.

    Raises:
        RejectedError: profile, carrier or unit of measure do not fit together.
    """

    def __init__(self, gateway: str, settings: MeterSettings, backoff: BackoffSettings) -> None:
        profile = load_profile(settings.profile)
        register = profile.counter_register
        base = carrier(settings.carrier).unit
        self.unit_id = settings.unit_id
        self.read: Read = plan([register], limits_of(profile))[0]
        self._point = settings.point
        self._register = register
        self._conversion = conversion(register, base, ct=settings.ct, pt=settings.pt, unit=settings.unit)
        self._backoff = Backoff(backoff.first_s, backoff.most_s)
        self._rests_until = 0.0
        self._health = Availability(_log, "meter", gateway=gateway, point=settings.point, unit_id=settings.unit_id)

    def reading(self, words: tuple[int, ...], at_ms: int) -> Reading:
        """What the words of an answer say, in the base unit of the carrier.

        Raises:
            RegisterError: they hold no number of the register's type, or one beyond all floats.
        """
        raw = self._register.decode(self.read.words_of(self._register, words))
        if raw is None:
            return Reading(self._point, at_ms, None, Quality.NOT_AVAILABLE)
        return Reading(self._point, at_ms, self._conversion.apply(raw), Quality.MEASURED)

    def rests(self, now: float) -> bool:
        """Whether it is left alone at `now`, real monotonic seconds."""
        return now < self._rests_until

    def answered(self) -> None:
        """It gave a reading: it is well."""
        self._backoff.reset()
        self._rests_until = 0.0
        self._health.back()

    def failed(self, reason: Exception, now: float) -> bool:
        """It gave none, and rests; returns whether this is its first failure in a row."""
        self._rests_until = now + self._backoff.next()
        return self._health.lost(reason)
