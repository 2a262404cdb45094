"""Which quantities of a point consumption is derived from, and how."""

from __future__ import annotations

from enum import StrEnum


class Derived(StrEnum):
    """Quantities that consumption is derived from; a point of any other quantity (a voltage, say) derives nothing."""

    REGISTER = "register"
    """A cumulative register that only rises, in the carrier's base unit."""
    NET_REGISTER = "net_register"
    """A cumulative register of both directions, which may fall; in the carrier's base unit."""
    INTERVAL = "interval"
    """Consumption of the interval that ends at the reading's time, in the carrier's base unit."""
    RATE = "rate"
    """A power or a flow, integrated over time; in the unit of measure that is the carrier's per time."""
