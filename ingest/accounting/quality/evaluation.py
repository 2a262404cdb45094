"""The verdict on a unit's data of a month, criterion by criterion. Pure: facts and bounds in, verdicts out.

Source of the criteria: technical rules of online monitoring of key units (NHJC-06) on completeness, agreement of days
and month, borders of days and months, repair of faults. What cannot be judged is never passed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from ingest.accounting.quality.rules import QualityRules


class Verdict(StrEnum):
    """What is said of one criterion, and of the whole: the worst of its parts."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_JUDGED = "not judged"
    """Nothing is known that it could be judged by."""


class Criterion(StrEnum):
    """What is judged."""

    COMPLETENESS = "completeness"
    """Share of the time of all its meters that lies between readings as close as they are meant to be."""
    AGREEMENT = "agreement"
    """Sum of the days against the month's statement, carrier by carrier."""
    DAY_BORDER = "day_border"
    """Readings of gate meters close to midnight."""
    MONTH_BORDER = "month_border"
    """Readings of gate meters close to the beginning and the end of the month."""
    REPAIR = "repair"
    """No meter silent for longer than a repair may take; replacements on record in time."""
    TRUST = "trust"
    """Share of the time of gate meters that is measured and not suspect."""


@dataclass(frozen=True, slots=True)
class PointFacts:
    """What is known of one point in the month.

    Attributes:
        gate: it counts in the unit's balance.
        due_s, measured_s: seconds of the month judged, and of those that are measured (suspect ones among them).
        trusted_s: of these, the seconds that nothing makes suspect.
        days, days_in_time: borders of days judged, and those with a reading close enough.
        month_border_s: the greater of the distances of the readings nearest to the month's two borders, in seconds, or
            how far was looked where there is none; None where no border has been reached.
        silent_working_days: longest silence that reaches into the month, in working days; None before the first
            reading.
    """

    point: str
    carrier: str
    gate: bool
    due_s: int
    measured_s: int
    trusted_s: int
    days: int
    days_in_time: int
    month_border_s: float | None
    silent_working_days: int | None


@dataclass(frozen=True, slots=True)
class Statement:
    """What the unit stated for the month (the settled bill, the month's report), and what its days add up to."""

    carrier: str
    stated: Decimal
    days: Decimal | None
    unit: str


@dataclass(frozen=True, slots=True)
class Replacement:
    """A recorded change of a meter, and how many working days later it was recorded."""

    point: str
    working_days: int


@dataclass(frozen=True, slots=True)
class UnitMonth:
    """All that a unit's month is judged by; `month` is its label, e.g. `2026-10`."""

    unit: str
    month: str
    points: tuple[PointFacts, ...] = ()
    statements: tuple[Statement, ...] = ()
    replacements: tuple[Replacement, ...] = ()


class Fault(StrEnum):
    """How a culprit's figure is to be read."""

    SHARE = "share"
    """A share from 0."""
    AWAY = "away"
    """Seconds between a border and the reading nearest to it."""
    SILENT = "silent"
    """Working days without a reading."""
    RECORDED_LATE = "recorded_late"
    """Working days from the replacement to its record."""


@dataclass(frozen=True, slots=True)
class Culprit:
    """What fails a criterion, or pulls it down: a point or a carrier, and its own figure."""

    name: str
    fault: Fault
    figure: float

    def __str__(self) -> str:
        """In English, for a terminal."""
        match self.fault:
            case Fault.SHARE:
                return f"{self.name} {self.figure:.1%}"
            case Fault.AWAY:
                return f"{self.name} {self.figure / 3600:.1f} h"
            case Fault.SILENT:
                return f"{self.name} silent for {self.figure:.0f} working days"
            case Fault.RECORDED_LATE:
                return f"{self.name} replaced, recorded {self.figure:.0f} working days later"


@dataclass(frozen=True, slots=True)
class Judged:
    """One criterion's verdict.

    Attributes:
        value: the figure that was held against the bound; None when not judged.
        bound: in the same unit as `value`.
        named: what fails it, or pulls it down most, the worst first.
    """

    criterion: Criterion
    verdict: Verdict
    value: float | None
    bound: float
    named: tuple[Culprit, ...] = ()

    @property
    def culprits(self) -> tuple[str, ...]:
        """`named` as text."""
        return tuple(map(str, self.named))


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All criteria of one unit and month."""

    unit: str
    month: str
    judged: tuple[Judged, ...]

    @property
    def verdict(self) -> Verdict:
        """Failed if one failed, else not judged if one could not be, else passed."""
        found = {one.verdict for one in self.judged}
        return next((worst for worst in (Verdict.FAILED, Verdict.NOT_JUDGED) if worst in found), Verdict.PASSED)


def evaluate(facts: UnitMonth, rules: QualityRules) -> Evaluation:
    """Judge a unit's month."""
    points, gates = facts.points, [point for point in facts.points if point.gate]
    return Evaluation(
        facts.unit,
        facts.month,
        (
            _share(Criterion.COMPLETENESS, [(p.point, p.measured_s, p.due_s) for p in points], rules.complete),
            _agreement(facts.statements, rules.agreement),
            _share(Criterion.DAY_BORDER, [(p.point, p.days_in_time, p.days) for p in gates], rules.days_in_time),
            _month_border(gates, rules.month_border_s),
            _repair(points, facts.replacements, rules.repair_days),
            _share(Criterion.TRUST, [(p.point, p.trusted_s, p.due_s) for p in gates], rules.trusted),
        ),
    )


def _share(criterion: Criterion, parts: Sequence[tuple[str, int, int]], bound: float) -> Judged:
    """A share over all points together; those below the bound by themselves are named."""
    due = sum(of for _, _, of in parts)
    if not due:
        return Judged(criterion, Verdict.NOT_JUDGED, None, bound)
    below = sorted((got / of, name) for name, got, of in parts if of and got < bound * of)
    value = sum(got for _, got, _ in parts) / due
    return Judged(
        criterion,
        _verdict(value >= bound),
        value,
        bound,
        tuple(Culprit(name, Fault.SHARE, share) for share, name in below),
    )


def _agreement(statements: Sequence[Statement], bound: float) -> Judged:
    """The greatest relative difference; a statement with no days to it fails, a month without one is not judged."""
    if not statements:
        return Judged(Criterion.AGREEMENT, Verdict.NOT_JUDGED, None, bound)
    found = sorted(((_difference(one), one.carrier) for one in statements), reverse=True)
    worst = found[0][0]
    named = tuple(Culprit(carrier, Fault.SHARE, difference) for difference, carrier in found if difference > bound)
    return Judged(Criterion.AGREEMENT, _verdict(worst <= bound), worst, bound, named)


def _difference(statement: Statement) -> float:
    days = statement.days or Decimal(0)
    if not statement.stated:
        return 0.0 if not days else 1.0
    return float(abs(days - statement.stated) / statement.stated)


def _month_border(gates: Sequence[PointFacts], bound: float) -> Judged:
    known = sorted(((p.month_border_s, p.point) for p in gates if p.month_border_s is not None), reverse=True)
    if not known:
        return Judged(Criterion.MONTH_BORDER, Verdict.NOT_JUDGED, None, bound)
    late = tuple(Culprit(point, Fault.AWAY, seconds) for seconds, point in known if seconds > bound)
    return Judged(Criterion.MONTH_BORDER, _verdict(not late), known[0][0], bound, late)


def _repair(points: Sequence[PointFacts], replacements: Sequence[Replacement], bound: int) -> Judged:
    silent = [(p.point, p.silent_working_days) for p in points if p.silent_working_days is not None]
    if not silent:
        return Judged(Criterion.REPAIR, Verdict.NOT_JUDGED, None, bound)
    late = [Culprit(point, Fault.SILENT, days) for point, days in silent]
    late += [Culprit(r.point, Fault.RECORDED_LATE, r.working_days) for r in replacements]
    late.sort(key=lambda one: (-one.figure, one.name))
    worst = late[0].figure
    named = tuple(one for one in late if one.figure > bound)
    return Judged(Criterion.REPAIR, _verdict(worst <= bound), float(worst), bound, named)


def _verdict(good: bool) -> Verdict:  # noqa: FBT001 - a predicate's outcome
    return Verdict.PASSED if good else Verdict.FAILED
