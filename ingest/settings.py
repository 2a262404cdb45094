"""What `quotawatt ingest run` is told."""

from __future__ import annotations

from typing import Annotated

import msgspec

from energy.clocks import ClockSettings
from energy.config import Positive
from energy.health import HealthSettings
from energy.registry.model import Code
from energy.storage import StorageSettings
from energy.transport.mqtt import MqttSettings

Count = Annotated[int, msgspec.Meta(ge=1)]


class ReceiveSettings(msgspec.Struct, frozen=True):
    """The `[receive]` table.

    Attributes:
        group: name of the shared subscription; all workers of a platform have the same.
        window: messages that the broker sends before the first is acknowledged: bounds memory, makes back-pressure.
        session_expiry_s: real seconds for which the broker keeps messages for this worker while it is away; what the
            broker does not keep, the gateways send again.
    """

    group: Annotated[
        str, msgspec.Meta(pattern=r"^[^/+#\s]{1,64}\Z", description="1 to 64 characters without spaces, / + and #")
    ] = "ingest"
    window: Annotated[int, msgspec.Meta(ge=10, le=65_535)] = 2_000
    session_expiry_s: Annotated[int, msgspec.Meta(ge=0)] = 300


class BatchSettings(msgspec.Struct, frozen=True):
    """The `[batch]` table: a batch is written as soon as it reaches one of these.

    Attributes:
        readings: about so many readings.
        age_ms: real milliseconds since its first message came in.
        writers: so many batches are written at once, each on a connection of its own.
    """

    readings: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 40_000
    age_ms: Annotated[int, msgspec.Meta(ge=1, le=60_000)] = 100
    writers: Annotated[int, msgspec.Meta(ge=1, le=8)] = 3


class CheckSettings(msgspec.Struct, frozen=True):
    """The `[checks]` table, in data time.

    Attributes:
        future_s: how much later than now a reading may claim to be, seconds.
        age_days: how old a reading may be: backlogs of a month are normal.
    """

    future_s: Positive = 300.0
    age_days: Positive = 1_000.0


class IngestSettings(msgspec.Struct, frozen=True):
    """The configuration of one ingest worker.

    Attributes:
        database: where readings are stored.
        mqtt: the broker.
        worker: this worker's name, unique on its broker: it keeps the session across a restart, and marks its batches.
        points_reload_s: real seconds within which unknown points cause at most one reading of the registry.
        grace_s: real seconds that an orderly stop may take.
    """

    database: StorageSettings
    mqtt: MqttSettings
    worker: Code = "ingest-1"
    clock: ClockSettings = ClockSettings()
    health: HealthSettings = HealthSettings()
    receive: ReceiveSettings = ReceiveSettings()
    batch: BatchSettings = BatchSettings()
    checks: CheckSettings = CheckSettings()
    points_reload_s: Positive = 1.0
    grace_s: Positive = 20.0
