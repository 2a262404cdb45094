"""Which days stand in for which: the table of like days, in the order in which they are taken.

Source: Western Australia, Electricity Industry (Metering) Code 2012, Appendix 3, substitution method 14: Monday,
Friday, Saturday and Sunday by their like, Tuesday to Thursday also by each other. Holidays: by holidays, and by Sundays
where there are too few (California DASMMD, as its working group read it). Ours, since a coarse shape is nearer the
truth than an even one: last of all any working day for a working day, a Saturday for a Sunday and the reverse. A day
that is worked in lieu (调休上班) is a working day without a weekday of its own.
"""

from __future__ import annotations

from typing import TypeAlias

from energy.working_days import DayClass, DayKind

DayType: TypeAlias = tuple[DayClass, int]
"""A class of days and a weekday."""
_TUESDAY, _THURSDAY, _SATURDAY, _SUNDAY = 1, 3, 5, 6
_EVERY = range(7)
_MIDWEEK = frozenset((DayClass.WORKING, weekday) for weekday in range(_TUESDAY, _THURSDAY + 1))
_WORKED = frozenset((class_, weekday) for class_ in (DayClass.WORKING, DayClass.MADE_UP) for weekday in _EVERY)
_HOLIDAYS = frozenset((DayClass.HOLIDAY, weekday) for weekday in _EVERY)
_REST = frozenset((DayClass.REST, weekday) for weekday in _EVERY)


def type_of(kind: DayKind) -> DayType:
    """The class and the weekday of a day."""
    return kind.class_, kind.weekday


def tiers(day: DayType) -> tuple[frozenset[DayType], ...]:
    """The types of days that stand in for a day of type `day`: a later tier fills up where an earlier has too few."""
    class_, weekday = day
    match class_:
        case DayClass.WORKING:
            midweek = (_MIDWEEK,) if day in _MIDWEEK else ()
            return (frozenset({(class_, weekday)}), *midweek, _WORKED)
        case DayClass.MADE_UP:
            return (_WORKED,)
        case DayClass.REST:
            return frozenset({(class_, weekday)}), _REST
        case _:
            return _HOLIDAYS, frozenset({(DayClass.REST, _SUNDAY)}), frozenset({(DayClass.REST, _SATURDAY)})
