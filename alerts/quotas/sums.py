"""What can be but is seldom meant.

Limits that can all be kept while the limit above them breaks (months above their year, units above their district),
groups without units, quotas that watch nothing at first, or ever. They are warnings, not faults: authorities do set a
year tighter than its months, so that no month has to be exact, and hand out more to units than to their district.
Whoever did it by a slip should hear of it. Pure.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from decimal import Decimal

from alerts.quotas.checks import Known, Scope
from alerts.quotas.given import Given, Place
from alerts.quotas.model import QuotaSpec
from energy.errors import Fault

_MONTHS = {"month": 1, "quarter": 3, "year": 12}
"""Statistics months begin on a day of the unit's own, which is not known here."""
_PARTS = (("quarter", "month"), ("year", "quarter"), ("year", "month"))
_NESTED = ("group", "district", "city", "industry", "size_class")


def warnings_in(given: Given, known: Known) -> list[Fault]:
    """What is seldom meant, at the place of the wider limit, or of one of its parts where only these are given."""
    places = {spec.code: place for spec, place in given.quotas}
    every = [spec for spec, _ in given.quotas] + [spec for spec in known.quotas if spec.code not in places]
    every = [spec for spec in every if spec.cumulative and spec.key]
    members = dict(known.members) | {("group", group.code): frozenset(group.units) for group, _ in given.groups}
    found = {*_periods(every, places), *_wholes(every, places, members), *_empty(given, members, known)}
    return sorted(found | set(_unwatched(given)))


def _periods(every: Iterable[QuotaSpec], places: Mapping[str, Place]) -> Iterator[Fault]:
    """Longer periods that allow less than their parts together."""
    alike: defaultdict[tuple[str, ...], list[QuotaSpec]] = defaultdict(list)
    for spec in every:
        alike[spec.subject, spec.key, spec.kind, spec.measure].append(spec)
    for specs in alike.values():
        for longer, shorter in _PARTS:
            parts = [spec for spec in specs if spec.period == shorter]
            for whole in (spec for spec in specs if spec.period == longer):
                if parts and (found := _tighter(whole, parts)):
                    start, total = found
                    yield from _warn(
                        [whole, *parts],
                        places,
                        f"{whole.code} allows {_shown(whole)} in the {longer} of {start}, the {shorter}s in it "
                        f"{total.normalize():f} together: all of them can be kept while the {longer} breaks",
                    )


def _tighter(whole: QuotaSpec, parts: list[QuotaSpec]) -> tuple[date, Decimal] | None:
    """The first of the longer periods that allows less than what is set of its parts, and what these allow."""
    limits = [(part, part.limit_in_base_unit()) for part in parts]
    for start in _starts([whole, *parts], _MONTHS[whole.period]):
        if not _governs(whole, start):
            continue
        within = [_later(start, ahead) for ahead in range(0, _MONTHS[whole.period], _MONTHS[parts[0].period])]
        allowed = (limit for day in within for part, limit in limits if _governs(part, day))
        if (total := sum(allowed, Decimal(0))) > whole.limit_in_base_unit():
            return start, total
    return None


def _wholes(
    every: Iterable[QuotaSpec], places: Mapping[str, Place], members: Mapping[Scope, frozenset[str]]
) -> Iterator[Fault]:
    """Units that together may use more than the group, district, city, industry or size class that they make up."""
    units: defaultdict[tuple[str, ...], list[QuotaSpec]] = defaultdict(list)
    wholes = []
    for spec in every:
        if spec.subject in _NESTED:
            wholes.append(spec)
        else:
            units[spec.key, spec.kind, spec.measure, spec.period].append(spec)
    for whole in wholes:
        parts = [
            part
            for unit in members.get((whole.subject, whole.key), ())
            for part in units[unit, whole.kind, whole.measure, whole.period]
            if whole.overlaps(part)
        ]
        for day in sorted({max(whole.valid_from, part.valid_from) for part in parts}):
            total = sum((part.limit_in_base_unit() for part in parts if _governs(part, day)), Decimal(0))
            if total > whole.limit_in_base_unit():
                yield from _warn(
                    [whole, *parts],
                    places,
                    f"{whole.code} allows {whole.subject} {whole.key} {_shown(whole)} a {whole.period}, its units' own "
                    f"quotas {total.normalize():f} together from {day}: all of these can be kept while it breaks",
                )
                break


def _empty(given: Given, members: Mapping[Scope, frozenset[str]], known: Known) -> Iterator[Fault]:
    """Quotas of a district, city, industry or size class in which no unit is registered (yet)."""
    for spec, place in given.quotas:
        if known.units and spec.subject not in {"unit", "group"} and not members.get((spec.subject, spec.key)):
            yield place.fault("key", f"no unit is registered in {spec.subject} {spec.key}")


def _unwatched(given: Given) -> Iterator[Fault]:
    """Quotas that watch nothing at first, or ever: periods are governed that begin while they are valid."""
    for spec, place in given.quotas:
        first = _first_period(spec)
        if first is None or first == spec.valid_from:
            continue
        if spec.valid_to is not None and first >= spec.valid_to:
            message = f"no {spec.period} begins from {spec.valid_from} until before {spec.valid_to}: it watches nothing"
            yield place.fault("valid_to", message)
        else:
            message = (
                f"the first {spec.period} that begins on {spec.valid_from} or later is that of {first}: until then "
            )
            yield place.fault("valid_from", message + "it watches nothing")


def _first_period(spec: QuotaSpec) -> date | None:
    """The first day of the first month, quarter or year that the quota may govern; None of other periods."""
    months, since = _MONTHS.get(spec.period), spec.valid_from
    if months is None:
        return None
    ahead = (1 - since.month) % months if since.day == 1 else months - (since.month - 1) % months
    years, month = divmod(since.month - 1 + ahead, 12)
    return date(since.year + years, month + 1, 1) if since.year + years <= date.max.year else date.max


def _warn(specs: Iterable[QuotaSpec], places: Mapping[str, Place], message: str) -> Iterator[Fault]:
    """At the first of the quotas that is given; nothing where all of them stand in the database already."""
    for spec in specs:
        if spec.code in places:
            yield places[spec.code].fault("limit", message)
            return


def _governs(spec: QuotaSpec, start: date) -> bool:
    """Whether the quota governs the period that begins on `start`."""
    return spec.valid_from <= start and (spec.valid_to is None or start < spec.valid_to)


def _starts(specs: Iterable[QuotaSpec], months: int) -> Iterator[date]:
    """First days of periods of so many months, in the years in which a quota begins or ends and the ones after them.

    In all other years the same quotas govern as in the one before.
    """
    bounds = {day.year for spec in specs for day in (spec.valid_from, spec.valid_to) if day is not None}
    years = sorted(year for year in bounds | {year + 1 for year in bounds} if year <= date.max.year)
    return (date(year, month, 1) for year in years for month in range(1, 13, months))


def _later(day: date, months: int) -> date:
    return day.replace(month=day.month + months)


def _shown(spec: QuotaSpec) -> str:
    return f"{spec.limit_in_base_unit().normalize():f}"
