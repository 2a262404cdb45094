"""What the terminal board shows: one snapshot of the demo, as plain values."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

Language = Literal["zh", "en"]


class QuotaLine(msgspec.Struct, frozen=True):
    """One quota in its present period, or in an earlier one whose alert still fires or was corrected lately.

    Attributes:
        unit, name_zh, name_en, district: the unit's code, names, and its district's code.
        quota, measure, period: the quota's code, what it counts, and the kind of period.
        period_start: the first moment of the period's first day, in the city's zone.
        used, limit, limit_unit: use so far and limit, in the limit's unit of measure.
        share, elapsed_share: of the limit and of the period, from 0.
        pace: 1 ends exactly at the limit; None before anything has elapsed.
        projected: use at the end of the period; None likewise.
        exhausted_at: when the limit breaks at this pace, if it will.
        state, cause: of the gravest alert; cause is exceeded or on_course.
        verdict, colour: on the figures; `colour` is one of alerts.verdicts.Colour.
        since: when its alert fired; of one that has not, the last change of its state.
        ready: up to when the data is complete; None when there is none.
        said: use that had been said before the alert was corrected; None where it was not.
    """

    unit: str
    name_zh: str
    name_en: str
    district: str
    quota: str
    measure: str
    period: str
    period_start: datetime
    used: float
    limit: float
    limit_unit: str
    share: float
    elapsed_share: float
    pace: float | None
    projected: float | None
    exhausted_at: datetime | None
    state: str
    cause: str | None
    verdict: str
    colour: str
    since: datetime
    ready: datetime | None
    said: float | None = None

    @property
    def firing(self) -> bool:
        """Whether its alert is raised now, taken on by somebody or silenced among them."""
        return self.state in {"firing", "acknowledged", "silenced"}

    @property
    def corrected(self) -> bool:
        """Whether what had been said turned out wrong, and nothing else was said since."""
        return self.state == "corrected" and self.said is not None


class QueueLine(msgspec.Struct, frozen=True):
    """How much waits at one place of the pipeline; `waiting` None when it cannot be asked."""

    name: str
    waiting: int | None


class ProcessLine(msgspec.Struct, frozen=True):
    """One process of the demo."""

    name: str
    running: bool
    restarts: int = 0


class BoardSnapshot(msgspec.Struct, frozen=True):
    """All that one frame shows.

    Attributes:
        city_zh, city_en: its names.
        now: data time, in the city's zone.
        scale: seconds of data time per real second.
        quotas: of all units.
        readings_per_s: stored per real second, lately.
        readings_stored: since the start.
        gateways_online, gateways_total: by their last status.
        queues: along the way of a reading.
        newest_reading: time stamp of the newest reading; None when there is none.
        processes: those of the demo, in the order in which a reading passes them.
        districts_zh, districts_en: names by code.
        notice: something to tell that is no figure, e.g. that the database is away.
    """

    city_zh: str
    city_en: str
    now: datetime
    scale: float
    quotas: tuple[QuotaLine, ...] = ()
    readings_per_s: float = 0.0
    readings_stored: int = 0
    gateways_online: int = 0
    gateways_total: int = 0
    queues: tuple[QueueLine, ...] = ()
    newest_reading: datetime | None = None
    processes: tuple[ProcessLine, ...] = ()
    districts_zh: dict[str, str] = {}
    districts_en: dict[str, str] = {}
    notice: str = ""
