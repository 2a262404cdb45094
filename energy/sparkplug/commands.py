"""What is asked of edge nodes. Pure."""

from __future__ import annotations

from energy.sparkplug.datatypes import DataType
from energy.sparkplug.payload import Metric, Payload

_REBIRTH = "Node Control/Rebirth"


def rebirth(at_ms: int) -> Payload:
    """The command that asks an edge node for all its births (Sparkplug 3.0, section 5.14); `at_ms` is now, ms UTC."""
    return Payload(
        timestamp=at_ms, metrics=(Metric(name=_REBIRTH, timestamp=at_ms, datatype=DataType.BOOLEAN, value=True),)
    )
