"""What `quotawatt alerts run` reads from its TOML file."""

from __future__ import annotations

from pathlib import Path
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
        full_interval_s: how often all quotas are evaluated, and, beside that, all units and meters by the rules that
            are due; in between what has changed. Rules with `every` are looked at no more often than this.
        recent_days: an evaluation covers the periods that touch these last days, and what changed before them.
        recheck_interval_s: how often, and first of all at the start, the look back is longer:
        recheck_days: for periods that went by while nobody evaluated.
        stale_s: by how many seconds of data time complete data may lag behind the clock before pace and projection are
            not known any more.
        standby_s: how often an instance that does not lead tries to.
        grace_s: how long the last evaluation may take when the service is told to stop.
        rule_files: files of rules of the deployment's own, and of what it changes in shipped ones, in this order.
        consequences: which prices and orders are attached to a breach, where.
        delivery: which Alertmanagers are told; without it nobody is.
    """

    database: StorageSettings
    clock: ClockSettings = ClockSettings()
    health: HealthSettings = HealthSettings()
    min_interval_s: Seconds = 0.5
    timer_s: Seconds = 5.0
    full_interval_s: Seconds = 60.0
    recent_days: Annotated[int, msgspec.Meta(ge=1)] = 1
    recheck_interval_s: Seconds = 3600.0
    recheck_days: Annotated[int, msgspec.Meta(ge=1)] = 35
    stale_s: Seconds = 6 * 3600.0
    standby_s: Seconds = 1.0
    grace_s: Seconds = 10.0
    rule_files: tuple[Path, ...] = ()
    consequences: ConsequencesSettings = ConsequencesSettings()
    delivery: DeliverySettings | None = None
