"""Checks of a meter's other quantities: power factor, and voltage and current of its phases."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ingest.accounting.algebra.columns import Bools, Ints
from ingest.accounting.validation.day import Day, Finding, Runs, runs


def low_power_factor(day: Day) -> Iterator[Finding]:
    """A power factor below the bound while any phase carries a current: of a meter without load it means nothing."""
    points, seen = day.points, day.siblings
    on = points.on("power_factor")
    if not (on[:, None] & np.isfinite(seen.power_factor)).any():
        return
    loaded = (seen.current > points.given("power_factor", "current_above")[:, None]).any(axis=0)  # NaN is not above
    low = seen.power_factor < points.given("power_factor", "below")[:, None]
    found = _long(day, low & loaded & on[:, None], "power_factor")
    for point, begin, end in found:
        yield day.finding("power_factor", point, begin, end, power_factor=seen.power_factor[point, begin:end].max())


def dead_voltage(day: Day) -> Iterator[Finding]:
    """A phase that carries a current without voltage: its fuse is blown, and the register runs too slow."""
    points, seen = day.points, day.siblings
    on = points.on("phase_voltage")
    if not (on[:, None] & np.isfinite(seen.voltage).any(axis=0)).any():
        return
    highest = np.max(np.where(np.isfinite(seen.voltage), seen.voltage, 0.0), axis=0)
    dead = seen.voltage <= points.given("phase_voltage", "share")[:, None] * highest
    dead &= seen.current > points.given("phase_voltage", "current_above")[:, None]
    dead &= on[:, None]
    for point, begin, end in _long(day, dead.any(axis=0), "phase_voltage"):
        span = (slice(None), point, slice(begin, end))
        phases = [number + 1 for number in np.flatnonzero(dead[span].any(axis=1))]
        currents = np.where(dead[span], seen.current[span], 0.0)
        figures = {f"current_l{number}": currents[number - 1].max() for number in phases}
        yield day.finding("phase_voltage", point, begin, end, **figures, voltage=highest[point, begin:end].max())


def _long(day: Day, bad: Bools, check: str) -> Runs:
    """Runs within the day that last as long as the check asks for."""
    bad[:, : day.context] = False
    found = runs(bad)
    least: Ints = day.points.given(check, "slots").astype(np.int64)
    return found.where(found.length >= least[found.point])
