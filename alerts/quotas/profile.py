"""How use is expected to run through a period: what "on pace" means for a quota, as data.

A profile gives every moment of a period a weight of at least 0. The share of a quota that is due at a moment is the sum
of the weights until then over the sum of the whole period. `alerts.projecting.profiles` works the weights out; here is
only what a quota says. Days and hours are those of the unit's own calendar, days by `energy.working_days`.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Literal, TypeAlias

import msgspec

Weight: TypeAlias = Annotated[float, msgspec.Meta(ge=0, le=1e12)]
"""How much of something, relative to the others of its kind."""
Clock: TypeAlias = Annotated[
    str,
    msgspec.Meta(pattern=r"^(?:[01][0-9]|2[0-3]):(?:00|15|30|45)\Z", description="a quarter hour from 00:00 to 23:45"),
]
"""A time of day."""
DayName: TypeAlias = Literal["working", "made_up", "rest", "holiday"]
"""The classes of `energy.working_days.DayClass`."""

_PLANNED = re.compile(r"[0-9]{4}-(?:0[1-9]|1[0-2])(?:-(?:0[1-9]|[12][0-9]|3[01]))?\Z")
_MONTH = len("2026-03")


class Even(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="even"):
    """Every moment weighs the same."""


class LastYear(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="last_year"):
    """Each day weighs what the same subject used, in the quota's measure, on the like day of the last year.

    Where last year's data does not cover the period, the profile is even, and what is said of the quota says so.
    """


class WorkingDays(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="working_days"):
    """A worked day (made-up ones too) weighs 1; within a day every moment weighs the same.

    Attributes:
        rest: weight of a Saturday or Sunday that is not worked.
        holiday: weight of a day of a holiday.
    """

    rest: Weight = 0.5
    holiday: Weight = 0.3


class Shift(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hours that are worked.

    Attributes:
        start, end: of the day's clock; an end that is not after the start lies on the next day, and belongs to the day
            on which the shift begins.
        days: the classes of days on which it is worked.
        weight: of each of its hours.
    """

    start: Clock
    end: Clock
    days: Annotated[tuple[DayName, ...], msgspec.Meta(min_length=1)] = ("working", "made_up")
    weight: Annotated[float, msgspec.Meta(gt=0, le=1e12)] = 1.0


class Shifts(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="shifts"):
    """Hours of shifts weigh what their shift says, all other hours `idle`; where shifts overlap, their weights add up.

    Attributes:
        shifts: at least one.
        idle: weight of an hour in which nobody works: the base load.
    """

    shifts: Annotated[tuple[Shift, ...], msgspec.Meta(min_length=1)]
    idle: Weight = 0.1


class Plan(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="plan"):
    """A production plan: what is to be made in each month, and on single days, in any unit of measure.

    A day that is named weighs what is planned for it. The other days of a month that is named share the month's amount,
    less that of its named days, evenly. A period of which some day is neither is judged by the even profile, and what
    is said of the quota says so.

    Attributes:
        weights: by month ("2026-03") or day ("2026-03-08"); not all of them 0.
    """

    weights: Annotated[dict[str, Weight], msgspec.Meta(min_length=1)]

    def __post_init__(self) -> None:
        for name in self.weights:
            if not _PLANNED.match(name):
                raise ValueError(f"a plan is by months or days, such as 2026-03 or 2026-03-08, not by {name!r}")
            _day_of(name)
        if not any(self.weights.values()):
            raise ValueError("a plan in which nothing is made says nothing of the course: leave the quota without one")
        for month, amount in self.months.items():
            if (named := sum(self._days_in(month))) > amount:
                raise ValueError(f"the days of {month} add up to {named:g}, the month itself to {amount:g}")

    @property
    def months(self) -> dict[str, float]:
        """What is planned by month, as "2026-03"."""
        return {name: weight for name, weight in self.weights.items() if len(name) == _MONTH}

    @property
    def days(self) -> dict[date, float]:
        """What is planned for single days."""
        return {_day_of(name): weight for name, weight in self.weights.items() if len(name) > _MONTH}

    def _days_in(self, month: str) -> list[float]:
        return [weight for name, weight in self.weights.items() if len(name) > _MONTH and name.startswith(month)]


Profile: TypeAlias = Even | LastYear | WorkingDays | Shifts | Plan
"""One of them; `kind` tells which."""
EVEN = Even()


def _day_of(name: str) -> date:
    """The day, or the first of the month; raises ValueError for one that no calendar has."""
    try:
        return date.fromisoformat(name if len(name) > _MONTH else f"{name}-01")
    except ValueError:
        raise ValueError(f"no calendar has a day {name}") from None
