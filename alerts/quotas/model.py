"""A quota: how much of what somebody may use in which period, from which document, and how it is watched."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from itertools import chain
from typing import Annotated, Literal, TypeAlias

import msgspec

from alerts.quotas.bands import DEFAULT_BANDS, Band, check_bands
from alerts.quotas.measures import (
    DEMAND,
    MONTHLY,
    PER_OUTPUT,
    TOTALS,
    base_unit,
    in_base_unit,
    is_cumulative,
    measures,
)
from alerts.quotas.profile import EVEN, Profile
from energy.carriers import carriers
from energy.registry.model import CODE_PATTERN, Code

QuotaSubject: TypeAlias = Literal["unit", "group", "district", "city", "industry", "size_class"]
"""Of whom: a unit, a named list of units, or all units of a district, city, industry or size class."""
QuotaKind: TypeAlias = Literal["quota", "budget"]
"""A quota (限额), or an energy budget (用能预算): both are watched alike, and one subject may have both."""
QuotaPeriod: TypeAlias = Literal["day", "statistics_month", "month", "quarter", "year"]
"""Calendar periods of the unit's own zone; a statistics month is the unit's own too (`energy.periods`)."""
QuotaLevel: TypeAlias = Literal["advanced", "access", "limit"]
"""先进值, 准入值, 限定值: levels 1, 2 and 3 of a standard of energy per product (`energy.product_quotas`)."""

MIN_ELAPSED: dict[QuotaPeriod, float] = {
    "day": 0.25,
    "statistics_month": 0.03,
    "month": 0.03,
    "quarter": 0.03,
    "year": 0.02,
}
"""A quarter of a day holds one shift; 3 % of a month is its first day, of a quarter its first weekend; 2 % of a year
is its first week. Before that a pace mistakes the shape of a day or a week for a trend."""

MOST_TEXT = 256
"""Most characters of a text."""
Text: TypeAlias = Annotated[
    str,
    msgspec.Meta(
        max_length=MOST_TEXT,
        pattern=r"^(?=[^\s\x00-\x1f\x7f-\x9f])[^\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff]*(?<!\s)\Z",
        description=f"1 to {MOST_TEXT} characters in one line, no blank at either end",
    ),
]
"""A text that any file can carry and give back as it was."""
_KEYS: dict[QuotaSubject, tuple[str, str]] = {
    "unit": (CODE_PATTERN, "the code of a unit"),
    "group": (CODE_PATTERN, "the code of a group"),
    "district": (r"^[0-9]{6}\Z", "six digits of GB/T 2260"),
    "city": (r"^[0-9]{4}\Z", "the first four digits of its districts (GB/T 2260)"),
    "industry": (r"^[0-9]{2}\Z", "two digits of GB/T 4754"),
    "size_class": (r"^[1-6]\Z", "a digit from 1 to 6"),
}
Problem: TypeAlias = tuple[str, str]
"""A field, and what is wrong with it."""
_LIMIT = re.compile(r"[0-9]{1,15}(?:\.[0-9]{1,12})?")


class QuotaFields(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is said of one quota, each field for itself; `problems` says what does not fit together.

    Attributes:
        code: unique over all quotas; stays when the quota changes.
        subject, key: of whom; the key is empty only where the place of the quota says it, as in the table of a city's
            unit.
        kind: quota or energy budget.
        measure: one of `alerts.quotas.measures.measures()`: `tce`, `tce_equal`, `tco2`, `assessed_tce`,
            `assessed_tce_equal`, `kgce_per_output`, `kgce_equal_per_output`, `kwh_per_output`, `tce_per_value`,
            `tce_equal_per_value`, `demand`, or a carrier's key.
        product: code of the unit's product, for energy per product; else empty.
        period: in which period; energy per product or value and the assessed totals are not known by day.
        limit: how much is allowed in one period, above 0.
        limit_unit: its unit of measure: the measure's base unit or one that converts into it; per m2 where `area_m2` is
            given.
        area_m2: floor area, m2, of a building whose limit is per m2.
        standard, level: the row of the product quota standards and the level that `limit` is taken from; else empty.
        valid_from: the quota governs periods that start on this day or later,
        valid_to: and before this day; None for no end.
        source: the document that sets it.
        bands: warnings on the used share, in rising order; the limit itself, at 1.0, is the breach and no band.
        profile: how use is expected to run through the period; only where use adds up.
        min_elapsed: share of the period that must have passed before the pace is judged; None for the period's default:
            day 0.25, months and quarter 0.03, year 0.02.
    """

    code: Code
    subject: QuotaSubject = "unit"
    key: str = ""
    kind: QuotaKind = "quota"
    measure: str
    product: str = ""
    period: QuotaPeriod
    limit: Decimal
    limit_unit: Text
    area_m2: Decimal | None = None
    standard: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9_]*\Z", description="a key of the standards")] = ""
    level: QuotaLevel | None = None
    valid_from: date
    valid_to: date | None = None
    source: Text
    bands: tuple[Band, ...] = DEFAULT_BANDS
    profile: Profile = EVEN
    min_elapsed: Annotated[float, msgspec.Meta(gt=0, le=1)] | None = None

    def problems(self) -> Iterator[Problem]:
        """Everything that does not fit together."""
        return chain.from_iterable(check(self) for check in _CHECKS)


class QuotaSpec(QuotaFields, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One quota, of which everything fits together; raises ValueError with all that does not."""

    def __post_init__(self) -> None:
        if found := [f"{name}: {message}" for name, message in self.problems()]:
            raise ValueError("; ".join(found))

    @property
    def cumulative(self) -> bool:
        """Whether use adds up over the period."""
        return is_cumulative(self.measure)

    @property
    def judged_from(self) -> float:
        """The share of the period that must have passed before its pace is judged."""
        return MIN_ELAPSED[self.period] if self.min_elapsed is None else self.min_elapsed

    def limit_in_base_unit(self, product_unit: str = "") -> Decimal:
        """What use is compared with, exact; raises ValueError where the product is counted in another kind of unit."""
        return in_base_unit(self.limit, self.limit_unit, self.measure, product_unit=product_unit, area_m2=self.area_m2)

    def base_unit(self, product_unit: str = "") -> str:
        """The unit of measure of use and of `limit_in_base_unit`."""
        return base_unit(self.measure, product_unit)

    def of_unit(self, code: str) -> QuotaSpec:
        """The same quota, of the unit `code`."""
        return msgspec.structs.replace(self, subject="unit", key=code)

    def overlaps(self, other: QuotaSpec) -> bool:
        """Whether both are in force on some day."""
        return self.valid_from < (other.valid_to or date.max) and other.valid_from < (self.valid_to or date.max)


class Group(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A named list of units that the registry does not know as one, such as the members of an enterprise group."""

    code: Code
    units: Annotated[tuple[Code, ...], msgspec.Meta(min_length=1)]

    def __post_init__(self) -> None:
        if twice := sorted({unit for unit in self.units if self.units.count(unit) > 1}):
            raise ValueError(f"named twice: {', '.join(twice)}")


class Quotas(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a file of quotas holds, `[[group]]` and `[[quota]]`."""

    group: tuple[Group, ...] = ()
    quota: tuple[QuotaSpec, ...] = ()


def _check_subject(spec: QuotaFields) -> Iterator[Problem]:
    pattern, expected = _KEYS[spec.subject]
    if spec.key and not re.match(pattern, spec.key):
        yield "key", f"{spec.key!r}: the key of a {spec.subject} is {expected}"
    single = spec.measure in PER_OUTPUT or spec.measure == DEMAND or spec.area_m2 is not None
    if single and spec.subject != "unit":
        yield "subject", "energy per product, demand and limits per m2 are those of a single unit"


def _check_measure(spec: QuotaFields) -> Iterator[Problem]:
    if spec.measure not in measures():
        yield "measure", f"unknown measure {spec.measure!r}: expected one of {', '.join(measures())}"
    if (spec.measure in PER_OUTPUT) != bool(spec.product):
        what = "needs the code of its product" if spec.measure in PER_OUTPUT else "has no product"
        yield "product", f"a quota on {spec.measure} {what}"
    if spec.product and not re.match(CODE_PATTERN, spec.product):
        yield "product", f"{spec.product!r}: letters, digits, dots, hyphens and underscores expected, at most 64"
    if bool(spec.standard) != (spec.level is not None):
        yield "standard", "standard and level go together: which row, and which of its levels"
    if spec.standard and spec.measure not in PER_OUTPUT:
        yield "standard", "the levels of standards are energy per product: kgce_per_output or its like expected"


def _check_period(spec: QuotaFields) -> Iterator[Problem]:
    if spec.measure in MONTHLY and spec.period == "day":
        yield "period", f"{spec.measure} is known by month: month, statistics_month, quarter or year expected"
    for name, given in (("profile", spec.profile != EVEN), ("min_elapsed", spec.min_elapsed is not None)):
        if given and not is_cumulative(spec.measure):
            yield name, f"{spec.measure} does not add up over a period: it has no {name}"
    if spec.valid_to is not None and spec.valid_to <= spec.valid_from:
        yield "valid_to", f"valid_to must come after valid_from, {spec.valid_from}"


def _check_limit(spec: QuotaFields) -> Iterator[Problem]:
    wrong = False
    for name, value in (("limit", spec.limit), ("area_m2", spec.area_m2)):
        if value is not None and not (value.is_finite() and value > 0 and _LIMIT.fullmatch(format(value, "f"))):
            wrong = True
            yield (
                name,
                f"{name} must be a number above 0, of at most 15 digits before the decimal point and 12 after it",
            )
    if spec.area_m2 is not None and spec.measure not in TOTALS and spec.measure not in carriers():
        yield "area_m2", "a limit per m2 is one of a carrier, of standard coal or of CO2"
    elif spec.measure in measures() and not wrong:
        try:
            in_base_unit(spec.limit, spec.limit_unit, spec.measure, area_m2=spec.area_m2)
        except ValueError as error:
            yield "limit_unit", str(error)


def _check_bands(spec: QuotaFields) -> Iterator[Problem]:
    try:
        check_bands(spec.bands)
    except ValueError as error:
        yield "bands", str(error)


_CHECKS: tuple[Callable[[QuotaFields], Iterator[Problem]], ...] = (
    _check_subject,
    _check_measure,
    _check_period,
    _check_limit,
    _check_bands,
)
