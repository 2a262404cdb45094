"""Policies that attach a price, or an order, to a breach; what is known of a breach; and the estimate that follows.

A policy says nothing by itself: a deployment switches it on for a region (`ConsequencesSettings`).
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import msgspec

Confidence: TypeAlias = Literal["found", "high", "medium", "low"]
"""How firmly a policy's figures are established: `found` where the text itself was seen; see energy/data/README.md."""
YuanPerKwh: TypeAlias = Annotated[float, msgspec.Meta(ge=0, le=10)]
NotNegative: TypeAlias = Annotated[float, msgspec.Meta(ge=0)]
Positive: TypeAlias = Annotated[float, msgspec.Meta(gt=0)]
Text: TypeAlias = Annotated[str, msgspec.Meta(min_length=1)]
Region: TypeAlias = Annotated[
    str, msgspec.Meta(pattern=r"^([0-9]{2}){1,3}\Z", description="the first 2, 4 or 6 digits of districts (GB/T 2260)")
]


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A price from a figure on; at the figure itself the step before still holds."""

    above: NotNegative
    yuan_per_kwh: YuanPerKwh


class PolicyBase(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind"):
    """What all policies have.

    Attributes:
        code: names the policy in settings and evidence; editions of it with other dates have the same.
        name_zh, name_en: what it is called.
        source: the document that it rests on.
        confidence: how firmly its figures are established.
        valid_from: the first day on which it holds.
        valid_to: the first day on which it does not hold any more; None until further notice.
        region: where it holds; None in the whole nation.
        note_zh, note_en: what a reader of the estimate must know besides.
    """

    code: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,60}\Z")]
    name_zh: Text
    name_en: Text
    source: Text
    confidence: Confidence
    valid_from: date
    valid_to: date | None = None
    region: Region | None = None
    note_zh: str = ""
    note_en: str = ""

    def __post_init__(self) -> None:
        if self.valid_to is not None and self.valid_to <= self.valid_from:
            raise ValueError("valid_to must come after valid_from")

    def holds(self, day: date, district: str) -> bool:
        """Whether it holds on `day` in a district."""
        return (
            self.valid_from <= day
            and (self.valid_to is None or day < self.valid_to)
            and district.startswith(self.region or "")
        )


class ClassStep(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The price of a class: `of` names the class, `industry` the first digits of GB/T 4754, empty for all others."""

    of: Text
    yuan_per_kwh: YuanPerKwh
    industry: str = ""


class ClassPrice(PolicyBase, frozen=True, kw_only=True, tag="class"):
    """差别电价: all electricity of a unit of a class, such as restricted or eliminated, costs more.

    Attributes:
        prices: of the classes; the row of the unit's industry goes before the one of all. A deployment says which
            units are of which class (`ConsequencesSettings.classes`).
    """

    prices: Annotated[tuple[ClassStep, ...], msgspec.Meta(min_length=1)]


class OverQuotaPrice(PolicyBase, frozen=True, kw_only=True, tag="over-quota"):
    """惩罚性电价: electricity costs more where the energy per unit of product is above its quota.

    Attributes:
        steps: by the over-quota ratio (used - limit) / limit, in rising order.
    """

    steps: Annotated[tuple[Step, ...], msgspec.Meta(min_length=1)]


class LadderPrice(PolicyBase, frozen=True, kw_only=True, tag="ladder"):
    """阶梯电价 in named steps of the energy per unit of product, in `unit`; in rising order."""

    products: tuple[str, ...]
    unit: Text
    steps: Annotated[tuple[Step, ...], msgspec.Meta(min_length=1)]


class RisingPrice(PolicyBase, frozen=True, kw_only=True, tag="rising"):
    """阶梯电价 that rises by `yuan_per_kwh` with each started `every` above `start`, both in `unit`."""

    products: tuple[str, ...]
    unit: Text
    start: Positive
    every: Positive
    yuan_per_kwh: YuanPerKwh


class SpanPrice(PolicyBase, frozen=True, kw_only=True, tag="span"):
    """阶梯电价 of which only the least and the greatest price are established, not the steps between."""

    products: tuple[str, ...]
    least_yuan_per_kwh: YuanPerKwh
    most_yuan_per_kwh: YuanPerKwh


class OverDemandCharge(PolicyBase, frozen=True, kw_only=True, tag="over-demand"):
    """需量电费: what the demand is above the contracted one, less a tolerance, costs a multiple of the demand charge.

    Attributes:
        tolerance: share of the contracted demand that is let go by.
        times: how many times the price the excess costs.
        yuan_per_kw: of the demand charge, per month; these prices are each province's own: None, and no estimate in
            yuan, where a deployment has not said it.
    """

    tolerance: NotNegative
    times: Positive
    yuan_per_kw: Positive | None = None


class OrderLevel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A level of orderly use: from a gap of supply on, as a share of the load."""

    gap: NotNegative
    name_zh: Text
    name_en: Text


class LoadControl(PolicyBase, frozen=True, kw_only=True, tag="load-control"):
    """负荷管理 (有序用电): who is above the demand allowed is ordered to come down; kW, and no yuan.

    Attributes:
        levels: by the region's gap, in falling order.
    """

    levels: tuple[OrderLevel, ...] = ()


Policy: TypeAlias = ClassPrice | OverQuotaPrice | LadderPrice | RisingPrice | SpanPrice | OverDemandCharge | LoadControl


class Policies(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file of policies."""

    policy: tuple[Policy, ...] = ()


class RegionSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is switched on where.

    Attributes:
        region: of a breach's district the first digits; of several regions that fit the longest decides alone.
        policies: codes.
        gap: the gap of supply that an order of load control now names, as a share of the load; None without an order.
    """

    region: Region
    policies: tuple[str, ...]
    gap: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None


class ConsequencesSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[consequences]` of the alerts service; nothing is estimated where nothing is switched on.

    Attributes:
        file: policies of the deployment's own, beside the shipped ones; one with a shipped code takes the place of all
            editions of that.
        region: what is switched on where.
        classes: the class of each unit that has one, by code, such as restricted or eliminated.
    """

    file: Path | None = None
    region: tuple[RegionSettings, ...] = ()
    classes: dict[str, str] = {}


class Breach(msgspec.Struct, frozen=True, kw_only=True):
    """What an estimate needs of a breach.

    Attributes:
        unit: code.
        district: GB/T 2260, six digits.
        industry: GB/T 4754.
        day: first day of the period; the policies of that day hold.
        measure: of the quota.
        product: key of the product's quota standard, empty where none is known.
        level: of the standard that the limit is: advanced, access or limit; empty where nothing says it.
        used, limit: in `limit_unit`.
        electricity_kwh: that the unit has used in the period; None where it is not known.
        per_product: whether the quota is one of energy per unit of product.
    """

    unit: str
    district: str
    industry: str
    day: date
    measure: str
    used: float
    limit: float
    limit_unit: str
    product: str = ""
    level: str = ""
    per_product: bool = False
    electricity_kwh: float | None = None


class Estimate(msgspec.Struct, frozen=True):
    """What a policy attaches to a breach.

    Attributes:
        policy, name_zh, name_en: which policy.
        least_yuan, most_yuan: for the period so far, rounded to fen; alike where one figure is known; None where the
            policy is no price, or a figure that it needs is missing.
        formula_zh, formula_en: how it comes about, with the figures in place, or what is missing.
        source, confidence, valid_from: of the policy.
        note_zh, note_en: what a reader must know besides.
    """

    policy: str
    name_zh: str
    name_en: str
    least_yuan: float | None
    most_yuan: float | None
    formula_zh: str
    formula_en: str
    source: str
    confidence: Confidence
    valid_from: date
    note_zh: str = ""
    note_en: str = ""
