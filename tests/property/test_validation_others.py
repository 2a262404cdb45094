"""Checks that hold a point against others: its meter's power factor and phases, a parent's children."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ingest.accounting.validation.checks.balance import Children, unbalanced
from ingest.accounting.validation.checks.phases import dead_voltage, low_power_factor
from tests.support.validation_world import covered, day_of, only, points, runs_of, slots


@given(st.lists(st.sampled_from([0.29, 0.3, 0.31, np.nan]), min_size=20, max_size=20), st.sampled_from([0.4, 0.5, 0.6]))
def test_a_low_power_factor_needs_a_current(factors: list[float], current: float) -> None:
    """Below 0.3 for four slots, and more than half an ampere."""
    day = day_of([[9] * 24], points(chosen=only("power_factor")), context=4)
    shown = np.array([[0.1] * 4 + factors])
    currents = np.full((3, 1, 24), np.nan)
    currents[1] = current
    day = replace(day, siblings=replace(day.siblings, power_factor=shown, current=currents))
    wanted = runs_of([one < 0.3 for one in factors], 0, 4) if current > 0.5 else set()
    assert covered(day, list(low_power_factor(day))) == wanted


@given(
    st.lists(st.tuples(*[st.sampled_from([0.0, 22.9, 23.1, 230.0, np.nan])] * 3), min_size=20, max_size=20),
    st.lists(st.tuples(*[st.sampled_from([0.0, 0.5, 0.6, np.nan])] * 3), min_size=20, max_size=20),
)
def test_a_phase_without_voltage_that_carries_a_current(
    voltages: list[tuple[float, ...]], currents: list[tuple[float, ...]]
) -> None:
    """At most a tenth of the highest phase; a phase that shows nothing, or no current, is no fault."""
    day = day_of([[9] * 24], points(chosen=only("phase_voltage")), context=4)
    voltage, current = np.full((3, 1, 24), np.nan), np.full((3, 1, 24), np.nan)
    voltage[:, 0, 4:], current[:, 0, 4:] = np.array(voltages).T, np.array(currents).T
    day = replace(day, siblings=replace(day.siblings, voltage=voltage, current=current))
    wanted = {
        at
        for at in range(20)
        if any(
            voltages[at][n] <= 0.1 * max([v for v in voltages[at] if not np.isnan(v)], default=0.0)
            and currents[at][n] > 0.5
            for n in range(3)
        )
    }
    assert covered(day, list(dead_voltage(day))) == wanted


@given(
    st.sampled_from([0, 94_999, 95_000, 100_000, 105_000, 105_001, 200_000]),
    st.booleans(),
    st.sampled_from([0, 47, 48, 96]),
    st.integers(0, 2),
)
def test_a_parent_is_held_against_its_children(below: int, complete: bool, known: int, count: int) -> None:  # noqa: FBT001 - hypothesis gives it
    """5 % either way, less only where the children are complete, over the slots that all of them know."""
    day = day_of([[100_000] * 97], points(chosen=only("balance", steps=0.0)), context=1)
    children = Children(
        amount=np.full((1, 96), below * 0.001),
        known=np.arange(96)[None, :] < known,
        count=np.array([count]),
        complete=np.array([complete]),
        step=np.array([0.0]),
    )
    over = below > 105_000 or (below < 95_000 and complete)
    found = list(unbalanced(day, children))
    if below in {95_000, 105_000}:  # floating sums cannot tell exactly 5 %
        return
    assert bool(found) == (over and known >= 48 and count > 0)
    assert all(slots(day, one) == (0, 96) and one.severity == "warning" for one in found)
