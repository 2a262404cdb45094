"""What a quota can limit, in which unit of measure, and whether it adds up over the period."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from energy.carriers import carriers
from energy.errors import UnitError
from energy.units import ratio, to_decimal

TOTALS = {"tce": "tce", "tce_equal": "tce", "tco2": "tCO2", "assessed_tce": "tce", "assessed_tce_equal": "tce"}
"""Sums over all carriers: standard coal by calorific value (当量值) and by equal value (等价值), CO2, and the assessed
totals (考核能耗) of `board.assessed`; each with its unit of measure."""
PER_OUTPUT = {"kgce_per_output": "kgce", "kgce_equal_per_output": "kgce", "kwh_per_output": "kWh"}
"""Energy per unit of a product, columns of `board.product_intensity`; each with the unit of measure of the energy."""
PER_VALUE = ("tce_per_value", "tce_equal_per_value")
"""Energy per 10^4 yuan of output value, columns of `board.value_intensity`."""
VALUE_UNIT = "tce/10^4 yuan"
DEMAND = "demand"
"""The greatest mean power of any 15 minutes, in kW."""
LEVELS = frozenset({*PER_OUTPUT, *PER_VALUE, DEMAND})
"""Measures that do not add up over a period: they have no pace, and are not projected."""
MONTHLY = frozenset({*PER_OUTPUT, *PER_VALUE, "assessed_tce", "assessed_tce_equal"})
"""Measures that are known by month: a day has none."""
AREA = "m2"


def measures() -> tuple[str, ...]:
    """Every measure."""
    return (*TOTALS, *PER_OUTPUT, *PER_VALUE, DEMAND, *carriers())


def is_cumulative(measure: str) -> bool:
    """Whether use adds up over the period, so that pace and projection make sense; else the measure is a level."""
    return measure not in LEVELS


def base_unit(measure: str, product_unit: str = "") -> str:
    """The unit of measure in which use is counted, and in which the database keeps the limit.

    Args:
        measure: what is limited.
        product_unit: unit of measure of the product, for intensity per product.

    Raises:
        ValueError: the measure is not known.
    """
    if measure in PER_OUTPUT:
        return f"{PER_OUTPUT[measure]}/{product_unit}"
    if measure in PER_VALUE:
        return VALUE_UNIT
    if measure == DEMAND:
        return "kW"
    if measure in TOTALS:
        return TOTALS[measure]
    known = carriers()
    if measure not in known:
        raise ValueError(f"unknown measure {measure!r}: expected one of {', '.join(measures())}")
    return known[measure].unit


def in_base_unit(
    limit: Decimal, unit: str, measure: str, *, product_unit: str = "", area_m2: Decimal | None = None
) -> Decimal:
    """A `limit` in `unit` as the database keeps it: exact, in the base unit; for a limit per m2 that of the whole area.

    Args:
        limit: what is allowed.
        unit: its unit of measure.
        measure: what is limited.
        product_unit: unit of measure of the product, for intensity per product; where it is not known yet, the one that
            the limit names.
        area_m2: floor area, for a limit per m2.

    Raises:
        ValueError: the unit is none of the measure's; the message says what was expected.
    """
    given, base, factor = unit, base_unit(measure, product_unit or unit.partition("/")[2]), Fraction(1)
    if area_m2 is not None:
        given, slash, area = unit.partition("/")
        if not slash or area != AREA:
            raise ValueError(f"with a floor area the limit is per m2, such as {base}/m2, not in {unit!r}")
        factor = Fraction(area_m2)
    if given == base and area_m2 is None:
        return limit
    try:
        return to_decimal(Fraction(limit) * factor * _ratio(given, base))
    except UnitError:
        expected = f"{base}/m2" if area_m2 is not None else base_unit(measure, product_unit or "t")
        raise ValueError(
            f"a quota on {measure} has its limit in {expected}, not in {unit!r}, which does not convert into it"
        ) from None


def _ratio(unit: str, base: str) -> Fraction:
    """How many `base` one `unit` is; both may be one unit of measure per another."""
    (above, slash, below), (base_above, base_slash, base_below) = unit.partition("/"), base.partition("/")
    if slash != base_slash:
        raise UnitError(f"{unit} is not a unit of {base}")
    factor = ratio(above, base_above)
    # What products are counted in (cases, pieces) need not convert, nor need yuan: the same word will do.
    return factor if below == base_below else factor / ratio(below, base_below)
