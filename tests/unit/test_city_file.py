"""The city that comes with the project: what it promises, and what the parts of the system are given of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from collector.profiles import load_profile
from deploy.demo import BAOJI
from deploy.demo.city import City, CityMeter, CityUnit, load_city
from deploy.demo.city_parts import (
    CityTruth,
    city_loads,
    gateways,
    load_settings,
    quotas,
    registry,
    simulator_settings,
)
from deploy.demo.toml_files import write_settings
from energy.clocks import ClockSettings
from energy.config import load_toml
from energy.registry import check
from simulators.building import build_lines
from simulators.faults.record import FaultRecord
from simulators.loads.shapes import Load
from simulators.settings import SimulatorSettings

DAY_MS = 86_400_000
DISTRICTS = {f"6103{number:02d}" for number in (2, 3, 4, 5, 23, 24, 26, 27, 28, 29, 30, 31)}


@pytest.fixture(scope="module")
def baoji() -> City:
    """The shipped city."""
    return load_city(BAOJI)


def test_it_is_as_large_and_as_mixed_as_promised(baoji: City) -> None:
    """24 units over all 12 districts, 120 meters, all five carriers, sub-meters, three kinds of register."""
    meters = [meter for unit in baoji.unit for meter in unit.meter]
    assert len(baoji.unit) >= 24
    assert {unit.district for unit in baoji.unit} == DISTRICTS == {district.code for district in baoji.district}
    assert len(meters) >= 120
    assert {meter.carrier for meter in meters} == {
        "electricity", "natural_gas", "heat", "low_pressure_steam", "raw_coal"
    }  # fmt: skip
    assert {meter.level for meter in meters} == {1, 2, 3}
    assert {"f32", "i64", "u32"} <= {load_profile(meter.profile).counter_register.type for meter in meters}
    assert {"26", "30", "32", "34", "36", "44", "14"} <= {unit.industry for unit in baoji.unit}


def test_every_name_says_that_it_is_invented(baoji: City) -> None:
    """No unit, code or quota can be taken for a real one."""
    for unit in baoji.unit:
        assert unit.name_zh.startswith("虚构·")
        assert unit.name_en.startswith("Fictional ")
        assert "FAKE" in unit.credit_code
        assert all("虚构" in quota.source for quota in unit.quota)


def test_every_unit_is_a_key_unit(baoji: City) -> None:
    """At least 5 000 tce a year (facts: 10 000, or designated from 5 000 on)."""
    per_hour = {
        "electricity": 0.1229e-3, "natural_gas": 1.2143e-3, "heat": 34.12e-3,
        "low_pressure_steam": 0.1286, "raw_coal": 0.7143,
    }  # fmt: skip
    for unit in baoji.unit:
        gate = [meter for meter in unit.meter if meter.level == 1]
        assert sum(meter.mean_per_hour * per_hour[meter.carrier] for meter in gate) * 8760 >= 5000, unit.code


def test_sub_meters_measure_less_than_their_gate(baoji: City) -> None:
    """What stands behind the gate meters of a carrier on the same load never sums to more than they count."""
    for unit in baoji.unit:
        for carrier in {meter.carrier for meter in unit.meter}:
            sums: Counter[int] = Counter()
            for meter in unit.meter:
                if meter.carrier == carrier:
                    sums[meter.level] += int(meter.mean_per_hour * 1000)
            assert not sums[1] or sums[2] + sums[3] < sums[1], (unit.code, carrier)


def test_the_registry_is_sound_and_routes_by_district(baoji: City) -> None:
    """One gateway a unit, one point a meter, wraps in the base unit."""
    whole = registry(baoji)
    check(whole)
    assert len(whole.gateways) == len(whole.units) == len(baoji.unit)
    assert {(gateway.unit, gateway.region) for gateway in whole.gateways} == {
        (unit.code, unit.district) for unit in baoji.unit
    }
    points = {point.code: point for point in whole.points}
    assert points["meixian-titanium.G1"].wrap == pytest.approx(107_320_000)
    assert points["meixian-titanium.E1"].wrap is None


def test_quotas_name_their_units(baoji: City) -> None:
    """Every quota of the file, with unique codes."""
    codes = [quota.code for _, quota in quotas(baoji)]
    assert len(codes) == len(set(codes)) >= len(baoji.unit)
    assert all(quota.code.startswith(f"{unit}.") for unit, quota in quotas(baoji))


def test_polls_are_spread_over_the_interval(baoji: City) -> None:
    """No two gateways read at the same moment, and all within one interval."""
    offsets = [gateway.offset_s for gateway in gateways(baoji)]
    assert len(set(offsets)) == len(offsets)
    assert 0 <= min(offsets) <= max(offsets) < baoji.city.interval_s


def test_the_simulated_meters_are_those_of_the_gateways(baoji: City) -> None:
    """Same addresses and layouts on both sides of the wire, and the settings survive a TOML file."""
    ports = {gateway.code: 20_000 + index for index, gateway in enumerate(gateways(baoji))}
    settings = simulator_settings(baoji, host="127.0.0.1", ports=ports, clock=ClockSettings())
    served = {line.name: [(meter.unit_id, meter.profile) for meter in line.meters] for line in settings.lines}
    polled = {gateway.code: [(meter.address, meter.profile) for meter in gateway.meters] for gateway in gateways(baoji)}
    assert served == polled
    built = build_lines(settings, 0, FaultRecord())
    assert all(len(built[line.name].units) == len(line.meters) for line in settings.lines)


def test_settings_survive_a_file(baoji: City, tmp_path: Path) -> None:
    """What the demo writes for its simulators is what they read."""
    ports = {gateway.code: 20_000 for gateway in gateways(baoji)}
    settings = simulator_settings(baoji, host="127.0.0.1", ports=ports)
    assert load_toml(write_settings(tmp_path / "simulators.toml", settings), SimulatorSettings) == settings


def test_five_milliseconds_of_jitter_stay_within_the_audit(baoji: City) -> None:
    """At a day in 20 s a time stamp 5 ms off at both ends, when the load is highest, costs less than 0.0003 in 3 days.

    With the register's own step on top the whole stays well below the audit's bound of 0.001.
    """
    truth, start, end = CityTruth(baoji), baoji.city.start_ms, baoji.city.start_ms + 3 * DAY_MS
    off_s = 0.005 * 86_400 / 20
    for unit, meter, load in _loads(baoji):
        total = load.consumed(start, end)
        levels = [load.level(at) for at in range(start, end + 1, 1_800_000)]
        peak = max(after - before for before, after in pairwise(levels)) / 1800
        jitter = 2 * off_s * peak / total
        step = truth.quantum(unit.point(meter), meter.start + total) / total
        assert jitter < 0.0003, (unit.code, meter.code)
        assert jitter + step < 0.0006, (unit.code, meter.code)


def _loads(city: City) -> Iterator[tuple[CityUnit, CityMeter, Load]]:
    """Every meter with its unit and load."""
    loads = city_loads(city)
    for unit in city.unit:
        for meter in unit.meter:
            yield unit, meter, Load(load_settings(meter, loads), city.city.utc_offset_s)
