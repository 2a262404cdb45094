"""Simulated registers against the profiles that the collector reads them by."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from collector.profiles import load_profile
from simulators.building import build_meter
from simulators.meters.counter import Counter, CounterScale
from simulators.settings import MeterSettings
from tests.support.simulated import modbus_profiles

ratios = st.sampled_from([1.0, 5.0, 40.0, 120.0])
consumptions = st.floats(min_value=0, max_value=2e6)
names = st.sampled_from(modbus_profiles())


def scale_of(name: str, ct: float, pt: float) -> CounterScale:
    """The scale of a profile's counter in the unit of measure in which its consumption is kept."""
    meter = MeterSettings(unit_id=1, profile=name, ct=ct, pt=pt)
    return build_meter(meter, load_profile(name), 0).counter.scale


@given(name=names, ct=ratios, pt=ratios, start=consumptions, consumed=consumptions)
def test_what_is_read_is_what_was_counted(name: str, ct: float, pt: float, start: float, consumed: float) -> None:
    """For every shipped profile the words give the primary value back within one step of the register."""
    scale = scale_of(name, ct, pt)
    shown = scale.value(Counter(scale, start).words(consumed))
    wrapped = (start + consumed) % scale.wrap if scale.wrap else start + consumed
    assert abs(shown - wrapped) <= scale.quantum(max(wrapped, 1e-3)) + 1e-9 * wrapped


@given(name=names, ct=ratios, start=consumptions, steps=st.lists(consumptions, max_size=5))
def test_a_register_only_rises_until_it_wraps(name: str, ct: float, start: float, steps: list[float]) -> None:
    """More consumption never shows less, unless the register has started again from zero in between."""
    scale = scale_of(name, ct, 1.0)
    counter = Counter(scale, start)
    shown = [scale.value(counter.words(consumed)) for consumed in sorted(steps)]
    rounds = [math.floor((start + consumed) / scale.wrap) if scale.wrap else 0 for consumed in sorted(steps)]
    pairs = zip(zip(rounds, shown, strict=True), list(zip(rounds, shown, strict=True))[1:], strict=False)
    assert all(before <= after for before, after in pairs)
