"""What the parts of the system need of a city: registry, quotas, gateways, simulated meters and the audit's truth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from alerts.quotas.model import QuotaSpec
from collector.profiles import load_profile
from deploy.demo.city import City, CityMeter, CityUnit
from energy.carriers import carrier
from energy.clocks import ClockSettings
from energy.health import HealthSettings
from energy.registry import Gateway, Meter, Point, Registry, Unit
from simulators.loads import truth
from simulators.loads.catalogue import LoadSettings
from simulators.meters.counter import CounterScale
from simulators.settings import LineSettings, MeterSettings, SimulatorSettings


def registry(city: City) -> Registry:
    """The city's units, gateways (one a unit, routed by its district), meters and points."""
    pairs = [(unit, meter) for unit in city.unit for meter in unit.meter]
    return Registry(
        units=tuple(
            Unit(unit.code, unit.name_zh, unit.name_en, unit.district, unit.industry, city.city.zone)
            for unit in city.unit
        ),
        gateways=tuple(Gateway(unit.gateway, unit.district, unit.code) for unit in city.unit),
        meters=tuple(_meter(unit, meter) for unit, meter in pairs),
        points=tuple(_point(unit, meter, city.city.interval_s) for unit, meter in pairs),
    )


def quotas(city: City) -> list[tuple[str, QuotaSpec]]:
    """Every quota with the code of its unit."""
    return [(unit.code, quota) for unit in city.unit for quota in unit.quota]


@dataclass(frozen=True, slots=True)
class PolledMeter:
    """A meter as its gateway must know it."""

    point: str
    address: int
    profile: str
    carrier: str
    ct: float | None
    pt: float | None


@dataclass(frozen=True, slots=True)
class CityGateway:
    """A gateway as its collector must know it; `offset_s` spreads the gateways over the polling interval."""

    code: str
    region: str
    interval_s: int
    offset_s: float
    meters: tuple[PolledMeter, ...]


def gateways(city: City) -> list[CityGateway]:
    """Every gateway with its meters; their polls are spread evenly, so that reads do not pile up."""
    step = city.city.interval_s / len(city.unit)
    return [
        CityGateway(unit.gateway, unit.district, city.city.interval_s, round(index * step, 3), _polled(unit))
        for index, unit in enumerate(city.unit)
    ]


def simulator_settings(
    city: City,
    *,
    host: str,
    ports: Mapping[str, int],
    clock: ClockSettings | None = None,
    health: HealthSettings | None = None,
) -> SimulatorSettings:
    """The simulated meters of all gateways; `ports` by gateway code.

    Without a clock it is the system's; without `health` there is no endpoint.
    """
    loads = city_loads(city)
    return SimulatorSettings(
        lines=tuple(
            LineSettings(
                name=unit.gateway,
                host=host,
                port=ports[unit.gateway],
                meters=tuple(_simulated(meter, loads) for meter in unit.meter),
            )
            for unit in city.unit
        ),
        start=city.city.start,
        utc_offset_s=city.city.utc_offset_s,
        clock=clock or ClockSettings(),
        health=health or HealthSettings(),
    )


@dataclass(frozen=True, slots=True)
class Correction:
    """What a unit reports of a meter whose gateway was told a wrong ratio.

    Attributes:
        point: the meter's point.
        since: the city's start: from then on readings are multiplied by
        ratio: the true transformer ratio over the one that the gateway was told.
        reported: data time at which it is said, at the earliest; reason: in which words.
    """

    point: str
    since: datetime
    ratio: Decimal
    reported: datetime
    reason: str


def corrections(city: City) -> list[Correction]:
    """Everything that will be reported, in the order of time."""
    found = [
        Correction(unit.point(meter), city.city.start, _true_ratio(meter), meter.mistake.reported, meter.mistake.reason)
        for unit in city.unit
        for meter in unit.meter
        if meter.mistake is not None
    ]
    return sorted(found, key=lambda one: one.reported)


class CityTruth:
    """What the audit compares with: exact consumption from the data files, and the registers' steps.

    All raise KeyError for a point that the city does not have.
    """

    def __init__(self, city: City) -> None:
        self._offset_s = city.city.utc_offset_s
        loads = city_loads(city)
        self._meters = {
            unit.point(meter): (meter, load_settings(meter, loads)) for unit in city.unit for meter in unit.meter
        }

    def consumed(self, point: str, first_ms: int, last_ms: int) -> float:
        """Consumption of a point's meter between two time stamps (ms UTC), base unit of its carrier."""
        return float(truth.consumed(self._meters[point][1], self._offset_s, first_ms, last_ms))

    def told(self, point: str) -> float:
        """How many times too much its gateway shows as long as nobody has said so: 1 for all but mistaken meters."""
        return float(told_ratio(self._meters[point][0]))

    def quantum(self, point: str, value: float) -> float:
        """Size of the register's smallest step where it shows `value`, both in the base unit of the carrier."""
        return _scale(self._meters[point][0]).quantum(value)


def told_ratio(meter: CityMeter) -> Decimal:
    """How many times too much a meter's gateway shows: the ratio that it was told over the true one."""
    return Decimal(1) / _true_ratio(meter)


def load_settings(meter: CityMeter, loads: Mapping[str, LoadSettings]) -> LoadSettings:
    """A meter's load at its own size; `loads` as `city_loads` gives them."""
    shape = loads[meter.load]
    return LoadSettings(shape=shape.shape, weeks=shape.weeks, spread=shape.spread, mean_per_hour=meter.mean_per_hour)


def city_loads(city: City) -> dict[str, LoadSettings]:
    """The city's loads by name, at the size of one base unit per hour."""
    return {
        load.name: LoadSettings(shape=load.shape, weeks=load.weeks, spread=load.spread, mean_per_hour=1.0)
        for load in city.load
    }


def _true_ratio(meter: CityMeter) -> Decimal:
    told = _told_ct(meter)
    return Decimal(str(meter.ct)) / Decimal(str(told)) if told else Decimal(1)


def _scale(meter: CityMeter) -> CounterScale:
    register = load_profile(meter.profile).counter_register
    return CounterScale(register, carrier(meter.carrier).unit, meter.ct or 1.0, meter.pt or 1.0)


def _meter(unit: CityUnit, meter: CityMeter) -> Meter:
    return Meter(
        code=unit.point(meter),
        unit=unit.code,
        carrier=meter.carrier,
        level=meter.level,
        profile=meter.profile,
        name_zh=meter.name_zh,
        name_en=meter.name_en,
    )


def _point(unit: CityUnit, meter: CityMeter, interval_s: int) -> Point:
    """A meter has one point, of the same code."""
    energy = carrier(meter.carrier)
    code = unit.point(meter)
    return Point(
        code=code,
        meter=code,
        gateway=unit.gateway,
        unit=energy.unit,
        quantum=energy.quantum,
        wrap=_scale(meter).wrap,
        interval_s=interval_s,
    )


def _polled(unit: CityUnit) -> tuple[PolledMeter, ...]:
    return tuple(
        PolledMeter(unit.point(meter), meter.address, meter.profile, meter.carrier, _told_ct(meter), meter.pt)
        for meter in unit.meter
    )


def _told_ct(meter: CityMeter) -> float | None:
    """The ratio by which its gateway reckons."""
    return meter.ct if meter.mistake is None else meter.mistake.ct


def _simulated(meter: CityMeter, loads: Mapping[str, LoadSettings]) -> MeterSettings:
    return MeterSettings(
        unit_id=meter.address,
        profile=meter.profile,
        carrier=meter.carrier,
        load=load_settings(meter, loads),
        start=meter.start,
        ct=meter.ct or 1.0,
        pt=meter.pt or 1.0,
    )
