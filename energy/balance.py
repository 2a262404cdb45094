"""How a flow counts in a unit's energy balance (GB/T 2589; GB/T 28749 for the balance of an enterprise)."""

from __future__ import annotations

from enum import StrEnum


class Flow(StrEnum):
    """One flow of a carrier across a unit's border, or within it."""

    PURCHASED = "purchased"
    """外购: enters the unit; adds to consumption."""
    RENEWABLE = "renewable"
    """自产可再生: sun, wind, water used on site; primary energy that adds to consumption, without CO2."""
    PRODUCED = "produced"
    """自产二次能源: made on site out of energy that is counted already; adds nothing."""
    SOLD = "sold"
    """外供: sold or passed on; deducted."""
    FEEDSTOCK = "feedstock"
    """原料用能: used as raw material; part of consumption, left out of the assessed total."""
    INTERNAL = "internal"
    """Sub-metering within the unit; counts in no balance."""
