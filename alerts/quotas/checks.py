"""What quotas must satisfy among each other and against the registry. Pure.

Faults are what cannot be: units or products that nobody knows, and two quotas that govern the same, since then nobody
could say which of them was broken. What can be but is seldom meant is a warning: see `alerts.quotas.sums`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from alerts.quotas.given import Given, Place
from alerts.quotas.model import QuotaSpec
from energy.errors import Fault

Scope = tuple[str, str]
"""A subject and its key."""
_Found = tuple[QuotaSpec, Place | None]
"""A quota with its place in the file; None for one in the database."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the database knows.

    Attributes:
        units: codes of all units.
        products: unit of measure of each product, by unit and product code.
        members: codes of the units of each group, district, city, industry and size class.
        quotas: present texts of all quotas.
    """

    units: frozenset[str] = frozenset()
    products: Mapping[tuple[str, str], str] = field(default_factory=dict)
    members: Mapping[Scope, frozenset[str]] = field(default_factory=dict)
    quotas: Sequence[QuotaSpec] = ()


def faults_in(given: Given) -> list[Fault]:
    """What is wrong with the quotas, and what they contradict among themselves."""
    return [
        *given.faults,
        *_repeated(given),
        *(place.fault("key", "whose quota it is") for spec, place in given.quotas if not spec.key),
        *_overlaps(given, ()),
    ]


def faults_against(given: Given, known: Known) -> list[Fault]:
    """Likewise, and what they contradict of what the database knows."""
    return [
        *given.faults,
        *_repeated(given),
        *(fault for spec, place in given.quotas for fault in _unknown(spec, place, given, known)),
        *(
            place.fault("units", f"not registered: {', '.join(missing)}")
            for group, place in given.groups
            if (missing := [unit for unit in group.units if unit not in known.units])
        ),
        *_overlaps(given, known.quotas),
    ]


def _repeated(given: Given) -> Iterator[Fault]:
    first: dict[str, Place] = {}
    for kind, named in (("quota", given.quotas), ("group", given.groups)):
        first.clear()
        for one, place in named:
            if one.code in first:
                yield place.fault("code", f"{kind} {one.code!r} stands at {first[one.code]} already")
            first.setdefault(one.code, place)


def _unknown(spec: QuotaSpec, place: Place, given: Given, known: Known) -> Iterator[Fault]:
    """Units, groups and products that the database does not have."""
    if spec.subject == "unit" and spec.key not in known.units:
        yield place.fault("key", f"unit {spec.key!r} is not registered" if spec.key else "whose quota it is")
    elif spec.subject == "group" and ("group", spec.key) not in known.members:
        # Where something could not be read, that may be the group.
        if not given.faults and spec.key not in {group.code for group, _ in given.groups}:
            yield place.fault("key", f"group {spec.key!r} has no units: name them")
    elif spec.product:
        unit = known.products.get((spec.key, spec.product))
        if unit is None:
            yield place.fault("product", f"unit {spec.key!r} has no product {spec.product!r}")
            return
        try:
            spec.limit_in_base_unit(unit)
        except ValueError as error:
            yield place.fault("limit_unit", f"{spec.product} is counted in {unit}: {error}")


def _overlaps(given: Given, standing: Iterable[QuotaSpec]) -> Iterator[Fault]:
    """Quotas that govern the same periods of the same, where one must end before the other begins."""
    replaced = {spec.code for spec, _ in given.quotas}
    alike: defaultdict[tuple[str, ...], list[_Found]] = defaultdict(list)
    for spec, place in given.quotas:
        if spec.key:
            alike[_governed(spec)].append((spec, place))
    for spec in standing:
        if spec.code not in replaced and (rest := alike.get(_governed(spec))) is not None:
            rest.append((spec, None))
    for rows in alike.values():
        rows.sort(key=lambda row: (row[0].valid_from, row[1] is not None))
        longest = rows[0]
        for row in rows[1:]:
            if longest[0].code != row[0].code and longest[0].overlaps(row[0]):
                yield from _overlap(longest, row)
            longest = max(longest, row, key=lambda one: one[0].valid_to or date.max)


def _overlap(earlier: _Found, later: _Found) -> Iterator[Fault]:
    """Of two in the file the later one is named, of one in the file and one in the database that in the file."""
    (mine, place), (other, where) = (later, earlier) if later[1] else (earlier, later)
    if place is not None:
        yield place.fault(
            "valid_from",
            f"{mine.code} and {other.code} ({where or 'in the database'}) both govern {mine.subject} {mine.key}, "
            f"{mine.measure} by {mine.period}, from {later[0].valid_from}: end one of them, by valid_to, before the "
            "other begins",
        )


def _governed(spec: QuotaSpec) -> tuple[str, ...]:
    return spec.subject, spec.key, spec.kind, spec.measure, spec.product, spec.period
