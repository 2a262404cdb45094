"""What `quotawatt alerts run` reads from its TOML file."""

from __future__ import annotations

from typing import Annotated

import msgspec

from alerts.consequences.model import ConsequencesSettings
from alerts.delivery.settings import DeliverySettings
from energy.clocks import ClockSettings
from energy.health import HealthSettings
from energy.storage import StorageSettings

Seconds = Annotated[float, msgspec.Meta(gt=0)]


class AlertsSettings(msgspec.Struct, frozen=True):
    """The alerts service. Its intervals are real seconds, days are days of data time.

    Attributes:
        database: where totals are read and states are kept.
        clock: data time, the same as in every other process.
        health: the endpoint for health and metrics.
        min_interval_s: least time between the starts of two evaluations, however many totals change.
        timer_s: an evaluation is made at the latest after this time without a notification.
        recent_days: each evaluation covers the periods that touch these last days.
        recheck_interval_s: how often, and first of all at the start, the look back is longer:
        recheck_days: for late data, and for periods that went by while nobody evaluated.
        standby_s: how often an instance that does not lead tries to.
        grace_s: how long the last evaluation may take when the service is told to stop.
        consequences: which prices and orders are attached to a breach, where.
        delivery: which Alertmanagers are told; without it nobody is.
    """

    database: StorageSettings
    clock: ClockSettings = ClockSettings()
    health: HealthSettings = HealthSettings()
    min_interval_s: Seconds = 0.5
    timer_s: Seconds = 5.0
    recent_days: Annotated[int, msgspec.Meta(ge=1)] = 2
    recheck_interval_s: Seconds = 600.0
    recheck_days: Annotated[int, msgspec.Meta(ge=1)] = 35
    standby_s: Seconds = 1.0
    grace_s: Seconds = 10.0
    consequences: ConsequencesSettings = ConsequencesSettings()
    delivery: DeliverySettings | None = None
