"""One meter: what its words mean, and when it is left alone."""

from __future__ import annotations

import pytest

from collector.errors import SilentUnitError
from collector.polling.meter import Meter
from collector.profiles import load_profile
from collector.settings import BackoffSettings, MeterSettings
from energy.errors import RejectedError
from energy.readings import Quality, Reading


def meter(profile: str = "eastron_sdm630", carrier: str = "electricity", unit: str = "") -> Meter:
    """A meter of that profile; it rests two seconds at first and eight at most."""
    settings = MeterSettings(point="P-1", unit_id=1, profile=profile, carrier=carrier, unit=unit)
    return Meter("gw-1", settings, BackoffSettings(first_s=2.0, most_s=8.0))


def test_a_value_is_measured_in_the_carriers_base_unit() -> None:
    """Kilowatt-hours of heat become gigajoules."""
    register = load_profile("kamstrup_multical_403").counter_register
    reading = meter("kamstrup_multical_403", "heat").reading(register.encode(1_000), 7)
    assert reading == Reading("P-1", 7, 3.6, Quality.MEASURED)


def test_no_value_becomes_quality_and_no_number() -> None:
    """The platform learns that the meter answered and had nothing to say."""
    words = load_profile("eastron_sdm630").counter_register.encode_not_available()
    assert words is not None
    assert meter().reading(words, 7) == Reading("P-1", 7, None, Quality.NOT_AVAILABLE)


def test_rests_grow_and_end_with_an_answer() -> None:
    """Failure by failure longer, up to the bound; one answer and all is forgotten."""
    one = meter()
    assert not one.rests(100.0)
    assert one.failed(SilentUnitError("silent"), 100.0)
    assert one.rests(100.9)
    assert not one.rests(102.1)
    for _ in range(10):
        assert not one.failed(SilentUnitError("silent"), 100.0)
    assert one.rests(103.9)
    assert not one.rests(108.1)
    one.answered()
    assert not one.rests(100.0)
    assert one.failed(SilentUnitError("silent"), 200.0)


def test_what_does_not_fit_together_is_refused() -> None:
    """A tonne of electricity."""
    with pytest.raises(RejectedError):
        meter(unit="t")
