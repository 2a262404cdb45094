"""What `quotawatt demo --until-alert --json` prints."""

from __future__ import annotations

from typing import Any

import msgspec

MOST_ENERGY_ERROR = 0.001
"""Derived energy may differ by this share from the data files: a time stamp is off by milliseconds of real time."""


class Step(msgspec.Struct, frozen=True):
    """One transition of an alert.

    Attributes:
        at: data time, ISO 8601.
        state: the state that was reached, reason why.
        used, projected: in the quota's unit of measure, of that moment; null where they were not known.
        said: what had been used by the figures of the transition before; null at the first.
    """

    at: str
    state: str
    reason: str
    used: float | None = None
    projected: float | None = None
    said: float | None = None


class Flagged(msgspec.Struct, frozen=True):
    """An alert of a quota that has fired, warnings of bands left aside.

    Attributes:
        unit: code of the unit; `unit_zh`, `unit_en` are its names.
        quota: code of the quota.
        period, period_start: the kind of period, and the first day of the one that this is about: a day's quota may
            fire every day.
        rule: which rule's alert it is: breach, pace or projection.
        state: where it stands.
        verdict: the latest verdict on the figures.
        fired_at: data time of the first firing, ISO 8601.
        used, limit, projected: the latest, in the quota's unit of measure; null where they are not known.
        course: every transition.
        evidence: everything that the latest transition rests on.
    """

    unit: str
    unit_zh: str
    unit_en: str
    quota: str
    period: str
    period_start: str
    rule: str
    state: str
    verdict: str
    fired_at: str
    used: float | None
    limit: float
    projected: float | None
    course: list[Step]
    evidence: dict[str, Any]


class Outcome(msgspec.Struct, frozen=True):
    """The audit of a run.

    Attributes:
        readings_sent: distinct readings in the spools.
        readings_stored: raw rows.
        duplicates: raw and derived rows beyond what the spooled readings call for.
        lost: spooled readings that are not stored.
        units, meters: of the city.
        flagged: every alert of a quota that has fired.
        energy_error: the largest relative difference of any meter's derived energy from the data files; null where a
            meter never delivered.
        wrong_totals: days of units that are not what their gate meters' intervals and the day's factor give.
        simulated_days: data time that passed.
        restarts: processes that ended by themselves and were started again.
        seconds: real time of the whole run, set-up included.
    """

    readings_sent: int
    readings_stored: int
    duplicates: int
    lost: int
    units: int
    meters: int
    flagged: list[Flagged]
    energy_error: float
    wrong_totals: int
    simulated_days: float
    restarts: int
    seconds: float

    @property
    def sound(self) -> bool:
        """Whether nothing was lost or doubled and energy is conserved."""
        wrong = self.lost + self.duplicates + self.wrong_totals
        return wrong == 0 and self.energy_error <= MOST_ENERGY_ERROR

    def json(self) -> str:
        """One JSON object, indented."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2).decode()

    def text(self) -> str:
        """The same for a person to read."""
        verdict = "sound" if self.sound else "NOT SOUND"
        lines = [
            (
                f"{verdict}: {self.readings_sent} readings sent, {self.readings_stored} stored, {self.lost} lost,"
                f" {self.duplicates} doubled; energy within {self.energy_error:.6f} of the data files,"
                f" {self.wrong_totals} wrong totals"
            ),
            (
                f"{self.units} units, {self.meters} meters, {self.simulated_days} simulated days in {self.seconds} s,"
                f" {self.restarts} restarts"
            ),
            *map(_told, self.flagged),
        ]
        return "\n".join(lines)


def _told(one: Flagged) -> str:
    """An alert in a line; a correction with both figures."""
    used = "unknown" if one.used is None else f"{one.used:g}"
    corrected = next((step for step in reversed(one.course) if step.state == "corrected"), None)
    said = (
        "" if corrected is None or corrected.said is None else f" (corrected: {corrected.said:g} → {corrected.used:g})"
    )
    return (
        f"flagged {one.fired_at[:16]}: {one.unit_en} ({one.unit_zh}), quota {one.quota}, {one.rule} {one.state}:"
        f" used {used} of {one.limit:g}, {one.verdict}{said}"
    )
