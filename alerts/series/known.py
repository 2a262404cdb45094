"""The catalogue of all series that there are, as the modules declare that read them."""

from __future__ import annotations

from functools import cache

from alerts.series import meters, quota_series, units
from alerts.series.catalogue import Catalogue


@cache
def catalogue() -> Catalogue:
    """All series and labels."""
    return Catalogue(
        (*quota_series.SERIES, *units.SERIES, *meters.SERIES),
        {"quota": quota_series.LABELS, "unit": units.LABELS, "meter": meters.LABELS},
    )
