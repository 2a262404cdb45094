"""What the policies in force attach to a breach: pure, from the figures of its evidence."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import msgspec

from alerts.consequences.model import (
    Breach,
    ClassPrice,
    ConsequencesSettings,
    Estimate,
    LadderPrice,
    LoadControl,
    OverDemandCharge,
    OverQuotaPrice,
    Policy,
    RegionSettings,
    RisingPrice,
    SpanPrice,
    Step,
)


class _Found(msgspec.Struct, frozen=True):
    """What one policy says: least and greatest yuan, and how they come about."""

    least: float | None
    most: float | None
    zh: str
    en: str


def estimates(breach: Breach, policies: Iterable[Policy], settings: ConsequencesSettings) -> list[Estimate]:
    """Every estimate that is switched on where the breach is, in the order of the settings.

    Args:
        breach: its figures; policies are those of its first day.
        policies: as `files.policies_of` gives them.
        settings: what is switched on where.
    """
    region = _region(breach.district, settings.region)
    if region is None:
        return []
    by_code = {policy.code: policy for policy in policies if policy.holds(breach.day, breach.district)}
    chosen = [by_code[code] for code in region.policies if code in by_code]
    found = [(policy, _apply(policy, breach, settings, region)) for policy in chosen]
    return [_estimate(policy, one) for policy, one in found if one is not None]


def _region(district: str, regions: Sequence[RegionSettings]) -> RegionSettings | None:
    fitting = [region for region in regions if district.startswith(region.region)]
    return max(fitting, key=lambda region: len(region.region), default=None)


def _apply(policy: Policy, breach: Breach, settings: ConsequencesSettings, region: RegionSettings) -> _Found | None:
    """What the policy says of the breach; None where it has nothing to do with it."""
    match policy:
        case ClassPrice():
            return _by_class(policy, breach, settings.classes.get(breach.unit, ""))
        case OverDemandCharge():
            return _over_demand(policy, breach)
        case LoadControl():
            return _load_control(policy, breach, region.gap)
        case _:
            return _by_product(policy, breach)


def _by_product(policy: OverQuotaPrice | LadderPrice | RisingPrice | SpanPrice, breach: Breach) -> _Found | None:
    match policy:
        case OverQuotaPrice():
            return _over_quota(policy, breach)
        case LadderPrice():
            return _ladder(policy, breach)
        case RisingPrice():
            return _rising(policy, breach)
        case SpanPrice():
            return _span(policy, breach)


def _by_class(policy: ClassPrice, breach: Breach, class_: str) -> _Found | None:
    fitting = [row for row in policy.prices if row.of == class_ and breach.industry.startswith(row.industry)]
    if not fitting:
        return None
    price = max(fitting, key=lambda row: len(row.industry)).yuan_per_kwh
    return _priced(breach, price, price, f"{class_}: ")


def _over_quota(policy: OverQuotaPrice, breach: Breach) -> _Found | None:
    if not breach.per_product or _is_stricter(breach):
        return None
    over = _over(breach)
    price = _reached(policy.steps, over)
    return None if price is None else _priced(breach, price, price, f"{_compared(breach)} = {over:+.2%}: ")


def _ladder(policy: LadderPrice, breach: Breach) -> _Found | None:
    if not _of_product(policy, breach):
        return None
    price = _reached(policy.steps, breach.used)
    return None if price is None else _priced(breach, price, price, f"{_figure(breach.used)} {policy.unit}: ")


def _rising(policy: RisingPrice, breach: Breach) -> _Found | None:
    if not _of_product(policy, breach) or breach.used <= policy.start:
        return None
    # A float that is a hair above a whole number of steps has not started the next one.
    steps = math.ceil(round((breach.used - policy.start) / policy.every, 9))
    price = round(steps * policy.yuan_per_kwh, 6)
    how = f"⌈({_figure(breach.used)} - {_figure(policy.start)}) / {_figure(policy.every)}⌉ = {steps}: "
    return _priced(breach, price, price, how)


def _span(policy: SpanPrice, breach: Breach) -> _Found | None:
    if breach.product not in policy.products or _is_stricter(breach) or _over(breach) <= 0:
        return None
    return _priced(breach, policy.least_yuan_per_kwh, policy.most_yuan_per_kwh, f"{_compared(breach)} > 0: ")


def _over_demand(policy: OverDemandCharge, breach: Breach) -> _Found | None:
    allowed = breach.limit * (1 + policy.tolerance)
    if breach.measure != "demand" or breach.used <= allowed:
        return None
    excess = f"{_figure(breach.used)} - {1 + policy.tolerance:g} × {_figure(breach.limit)}"
    if policy.yuan_per_kw is None:
        return _Found(
            None, None, f"({excess}) kW × 需量电价未知", f"({excess}) kW × a demand charge that is not stated"
        )
    yuan = (breach.used - allowed) * policy.times * policy.yuan_per_kw
    how = f"({excess}) kW × {policy.times:g} × {policy.yuan_per_kw:g}"
    return _Found(yuan, yuan, f"{how} 元/kW = {_yuan(yuan)} 元", f"{how} yuan/kW = {_yuan(yuan)} yuan")


def _load_control(policy: LoadControl, breach: Breach, gap: float | None) -> _Found | None:
    if breach.measure != "demand" or breach.used <= breach.limit:
        return None
    shed = f"{_figure(breach.used)} - {_figure(breach.limit)} = {_figure(breach.used - breach.limit)} kW"
    level = None if gap is None else next((one for one in policy.levels if gap >= one.gap), None)
    if gap is None or level is None:
        return _Found(None, None, f"须压减 {shed}", f"to come down by {shed}")
    return _Found(
        None,
        None,
        f"缺口 {gap:.0%}，{level.name_zh}：须压减 {shed}",
        f"gap {gap:.0%}, {level.name_en}: to come down by {shed}",
    )


def _of_product(policy: LadderPrice | RisingPrice, breach: Breach) -> bool:
    """Whether the breach is of the ladder's product and in its unit of measure: a ladder in kWh/t judges no kgce/t."""
    return breach.product in policy.products and breach.limit_unit == policy.unit


def _is_stricter(breach: Breach) -> bool:
    """Whether the limit is an advanced or access value: prices go by the limit value (level 3), which is above it."""
    return breach.level in {"advanced", "access"}


def _over(breach: Breach) -> float:
    """Over-quota ratio, (actual - level 3) / level 3."""
    return round((breach.used - breach.limit) / breach.limit, 9)


def _reached(steps: Sequence[Step], figure: float) -> float | None:
    """The price of the highest step that `figure` is above; None below all."""
    return next((step.yuan_per_kwh for step in reversed(steps) if figure > step.above), None)


def _priced(breach: Breach, least: float, most: float, how: str) -> _Found:
    """Electricity of the period times one price, or a least and a greatest one."""
    price = f"{least:g}" if least == most else f"{least:g}…{most:g}"
    kwh = breach.electricity_kwh
    if kwh is None:
        return _Found(None, None, f"{how}用电量未知 × {price} 元/kWh", f"{how}unknown electricity × {price} yuan/kWh")
    sums = _yuan(kwh * least) if least == most else f"{_yuan(kwh * least)}…{_yuan(kwh * most)}"
    product = f"{how}{_figure(kwh)} kWh × {price}"
    return _Found(kwh * least, kwh * most, f"{product} 元/kWh = {sums} 元", f"{product} yuan/kWh = {sums} yuan")


def _compared(breach: Breach) -> str:
    limit = _figure(breach.limit)
    return f"({_figure(breach.used)} - {limit}) / {limit}"


def _figure(value: float) -> str:
    """Thousands apart, at most three decimals."""
    return f"{value:,.3f}".rstrip("0").rstrip(".")


def _yuan(value: float) -> str:
    return f"{value:,.2f}"


def _estimate(policy: Policy, found: _Found) -> Estimate:
    return Estimate(
        policy=policy.code,
        name_zh=policy.name_zh,
        name_en=policy.name_en,
        least_yuan=None if found.least is None else round(found.least, 2),
        most_yuan=None if found.most is None else round(found.most, 2),
        formula_zh=found.zh,
        formula_en=found.en,
        source=policy.source,
        confidence=policy.confidence,
        valid_from=policy.valid_from,
        note_zh=policy.note_zh,
        note_en=policy.note_en,
    )
