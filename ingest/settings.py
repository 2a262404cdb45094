"""What `quotawatt ingest run` is told; each area describes its own table in a `settings.py`."""

from __future__ import annotations

import msgspec

from energy.clocks import ClockSettings
from energy.config import Positive
from energy.health import HealthSettings
from energy.registry.model import Code
from energy.storage import StorageSettings
from energy.transport.mqtt import MqttSettings
from ingest.checking.settings import CheckSettings
from ingest.following.settings import FollowSettings
from ingest.receiving.http.settings import HttpSettings
from ingest.receiving.mqtt.settings import ReceiveSettings
from ingest.receiving.sparkplug.settings import SparkplugSettings
from ingest.rejects.settings import RejectSettings
from ingest.upkeep.settings import LATENESS_DAYS, LONGER_DAYS, UpkeepSettings
from ingest.writing.settings import BatchSettings


class IngestSettings(msgspec.Struct, frozen=True):
    """The configuration of one ingest worker.

    Attributes:
        database: where readings are stored.
        mqtt: the broker.
        worker: this worker's name, unique on its broker: it keeps the session across a restart, and marks its batches.
        points_reload_s: real seconds within which unknown points cause at most one look into the registry.
        grace_s: real seconds that an orderly stop may take.
    """

    database: StorageSettings
    mqtt: MqttSettings
    worker: Code = "ingest-1"
    clock: ClockSettings = ClockSettings()
    health: HealthSettings = HealthSettings()
    receive: ReceiveSettings = ReceiveSettings()
    http: HttpSettings | None = None
    sparkplug: SparkplugSettings | None = None
    batch: BatchSettings = BatchSettings()
    checks: CheckSettings = CheckSettings()
    follow: FollowSettings = FollowSettings()
    rejects: RejectSettings = RejectSettings()
    upkeep: UpkeepSettings = UpkeepSettings()
    points_reload_s: Positive = 1.0
    grace_s: Positive = 20.0

    def __post_init__(self) -> None:
        """A reading that is accepted must not be dropped at once."""
        if self.upkeep.readings_days < self.checks.age_days + LATENESS_DAYS:
            raise ValueError(
                f"[upkeep] readings_days is {self.upkeep.readings_days:g}, expected at least {LATENESS_DAYS:g} more "
                f"than [checks] age_days ({self.checks.age_days:g}): what is accepted must not be dropped at once"
            )
        if self.upkeep.intervals_days < self.checks.age_days + LATENESS_DAYS:
            raise ValueError(
                f"[upkeep] intervals_days is {self.upkeep.intervals_days:g}, expected at least {LATENESS_DAYS:g} more "
                f"than [checks] age_days ({self.checks.age_days:g}): what is accepted is derived"
            )
        if self.upkeep.hours_days < self.upkeep.intervals_days + LONGER_DAYS:
            raise ValueError(
                f"[upkeep] hours_days is {self.upkeep.hours_days:g}, expected at least {LONGER_DAYS:g} more than "
                f"intervals_days ({self.upkeep.intervals_days:g}): days are summed from hours"
            )
