"""Units, gateways, meters and points as values; references go by code."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

import msgspec

from energy.balance import Flow

CODE_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z"
Code = Annotated[
    str,
    msgspec.Meta(
        pattern=CODE_PATTERN,
        description="1 to 64 letters, digits, dots, hyphens and underscores, the first a letter or a digit",
    ),
]
"""Unit, meter and point codes; point codes travel in envelopes."""
GatewayCode = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[a-z0-9][a-z0-9-]{0,62}\Z",
        description="1 to 63 small letters, digits and hyphens, the first no hyphen",
    ),
]
"""Gateway codes are levels of a topic."""
District = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{6}\Z", description="six digits")]
"""GB/T 2260, six digits."""
Industry = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{2}\Z", description="two digits")]
"""GB/T 4754, two digits."""


PRODUCTION = "production"
"""What stands in a carrier's place for a meter of a product's output: no energy, so that it counts in no balance."""


class Unit(msgspec.Struct, frozen=True):
    """A key energy-consuming unit (重点用能单位); its days and months are those of `time_zone` (IANA).

    Attributes:
        size_class: of the enterprise record, 1 (below 5 000 tce a year) to 6 (above 3 million); None when not recorded.
        statistics_day: day on which its statistics month begins; 26 is "from the 26th to the 25th", 1 the calendar's.
    """

    code: Code
    name_zh: str
    name_en: str
    district: District
    industry: Industry
    time_zone: str = "Asia/Shanghai"
    size_class: Annotated[int, msgspec.Meta(ge=1, le=6)] | None = None
    statistics_day: Annotated[int, msgspec.Meta(ge=1, le=28)] = 1


class Gateway(msgspec.Struct, frozen=True):
    """An enterprise gateway of unit `unit`; `region` is the routing region in its topics."""

    code: GatewayCode
    region: District
    unit: Code


class Meter(msgspec.Struct, frozen=True):
    """A meter of unit `unit`.

    Attributes:
        carrier: key of the carrier that it measures; `PRODUCTION` where it counts a product.
        level: 1 gate meter (what enters the unit; counts in its totals), 2 main sub-unit, 3 main equipment.
        profile: the register layout by which it is read.
        parent: the meter upstream, which measures all that this one does; empty for none.
        check_meter: one that measures the same, and stands in for the course of a gap; empty for none.
    """

    code: Code
    unit: Code
    carrier: str
    level: Annotated[int, msgspec.Meta(ge=1, le=3)]
    profile: str
    name_zh: str = ""
    name_en: str = ""
    parent: str = ""
    check_meter: str = ""


class Point(msgspec.Struct, frozen=True):
    """What is read of meter `meter`; only gateway `gateway` may write it.

    Attributes:
        unit: unit of measure of the readings: the base unit of the meter's carrier, for a rate the same per time.
        quantity: one of `energy.quantities.Derived`, or another, from which no consumption is derived.
        quantum: size of one quantum of consumption, in the base unit of the meter's carrier.
        wrap: value, in `unit`, at which the register starts again from zero; None when it does not.
        interval_s: how often it is meant to be read, seconds of data time.
        low, high: least and greatest value that is accepted, in `unit`, both inclusive; None for no bound.
        max_rate: greatest change per hour that is plausible, in `unit`; faster ones are stored and flagged.
        flow: how it counts in the unit's balance, an `energy.balance.Flow`; None: purchased for registers and interval
            values of a gate meter, internal for all others.
        resolution: smallest step that the register can show, in `unit`; 0 when not known.
        float32: the register is a float32, whose step grows with its value.
        class_: class of points whose parameters of checks apply, empty for that of the carrier; it also tells which of
            a check meter's points stands in for this one where several fit.
    """

    code: Code
    meter: Code
    gateway: GatewayCode
    unit: str
    quantity: str = "register"
    quantum: Decimal = Decimal("0.001")
    wrap: Annotated[float, msgspec.Meta(gt=0)] | None = None
    interval_s: Annotated[int, msgspec.Meta(gt=0)] = 900
    low: float | None = None
    high: float | None = None
    max_rate: Annotated[float, msgspec.Meta(gt=0)] | None = None
    flow: Flow | None = None
    resolution: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    float32: bool = False
    class_: str = msgspec.field(default="", name="class")


class Registry(msgspec.Struct, frozen=True):
    """A whole registry, or the part of one that somebody registers; checked by `check`."""

    units: tuple[Unit, ...] = ()
    gateways: tuple[Gateway, ...] = ()
    meters: tuple[Meter, ...] = ()
    points: tuple[Point, ...] = ()
