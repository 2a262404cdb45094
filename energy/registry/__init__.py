"""The registry: which units, gateways, meters and points there are, and how they hang together.

Loading this package loads no database driver; `energy.registry.store` does.
"""

from energy.registry.checks import check, faults
from energy.registry.model import PRODUCTION, Gateway, Meter, Point, Registry, Unit

__all__ = ["PRODUCTION", "Gateway", "Meter", "Point", "Registry", "Unit", "check", "faults"]
