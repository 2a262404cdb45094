"""What a city's quotas will have used by the data files, step by step; what is believed while a ratio is mistaken."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import numpy as np

from alerts.series.frame import NEVER, Floats
from alerts.series.quota_periods import Due
from alerts.series.quota_use import Use, rounded
from deploy.demo.city import City, CityMeter, CityUnit
from deploy.demo.city_parts import city_loads, load_settings, told_ratio
from energy.factors import Factor, shipped_factors
from energy.periods import local_day, period_of
from simulators.loads.catalogue import LoadSettings
from simulators.loads.shapes import Load

_EPOCH = date(1970, 1, 1).toordinal()
_Key = tuple[int, date]
"""Number of a quota in the city's order, and the first day of its period."""


@dataclass
class _Gate:
    """A gate meter: its load, what it had counted at the last step, and which quotas count it."""

    meter: CityMeter
    unit: CityUnit
    load: Load
    level: float
    quotas: tuple[int, ...]


class CityUse:
    """The use of every quota of a city from its start up to the last step."""

    def __init__(self, city: City) -> None:
        self._zone = city.city.zone
        self._at = city.city.start
        self._factors = shipped_factors()
        self._quotas = [quota for unit in city.unit for quota in unit.quota]
        self._gates = list(self._gate_meters(city, city_loads(city)))
        self._true: dict[_Key, Decimal] = defaultdict(Decimal)
        self._excess: dict[tuple[_Key, str], Decimal] = defaultdict(Decimal)

    def advance(self, at: datetime) -> None:
        """Count what the gate meters take until `at`; a step lies within one hour, and so within one period."""
        days = {kind: period_of(self._at, kind, self._zone).first_day for kind in {one.period for one in self._quotas}}
        for gate in self._gates:
            reached = gate.load.level(_ms(at))
            amount, gate.level = Decimal(reached - gate.level), reached
            for number in gate.quotas:
                key = (number, days[self._quotas[number].period])
                counted = amount * self._per_unit(gate, number)
                self._true[key] += counted
                if gate.meter.mistake is not None:
                    self._excess[key, gate.unit.point(gate.meter)] += counted * (told_ratio(gate.meter) - 1)
        self._at = at

    def use(self, due: Due) -> Use:
        """Of each row what is believed at the last step; nothing of periods that began before the city did."""
        keys = [
            (number, date.fromordinal(first + _EPOCH))
            for number, first in zip(due.rows.tolist(), due.column("first").tolist(), strict=True)
        ]
        used = rounded(np.array([float(self._believed(key)) if key in self._true else np.nan for key in keys]))
        count = len(keys)
        ready = np.full(count, round(self._at.timestamp() * 1_000_000), np.int64)
        known: Floats = np.ones(count)
        return Use(
            used=used,
            ready_us=np.where(np.isnan(used), NEVER, ready),
            complete=~np.isnan(used),
            unmetered_days=known * 0,
            completeness=known,
            quality=known * 0,
            provisional=known * 0,
            lagging=np.zeros(count, np.bool_),
        )

    def _believed(self, key: _Key) -> Decimal:
        """The truth, and what meters show too much whose mistake nobody has reported yet."""
        return self._true[key] + sum(
            (
                self._excess[key, gate.unit.point(gate.meter)]
                for gate in self._gates
                if gate.meter.mistake is not None and gate.meter.mistake.reported > self._at and key[0] in gate.quotas
            ),
            Decimal(0),
        )

    def _per_unit(self, gate: _Gate, number: int) -> Decimal:
        """What a base unit of the carrier adds to a quota's use, by the factor of its day."""
        measure = self._quotas[number].measure
        if measure == gate.meter.carrier:
            return Decimal(1)
        factor = self._factors.on(gate.meter.carrier, local_day(self._at, self._zone), gate.unit.district)
        return _kilograms(factor, measure) / 1000

    def _gate_meters(self, city: City, loads: Mapping[str, LoadSettings]) -> Iterator[_Gate]:
        first = 0
        for unit in city.unit:
            numbers = range(first, first + len(unit.quota))
            first += len(unit.quota)
            for meter in unit.meter:
                counted = [n for n in numbers if self._quotas[n].measure in {meter.carrier, "tce", "tce_equal", "tco2"}]
                if meter.level == 1 and counted:
                    load = Load(load_settings(meter, loads), city.city.utc_offset_s)
                    yield _Gate(meter, unit, load, load.level(_ms(city.city.start)), tuple(counted))


def _kilograms(factor: Factor, measure: str) -> Decimal:
    """Kilograms of standard coal or CO2 per base unit."""
    return {"tce": factor.kgce, "tce_equal": factor.kgce_equal, "tco2": factor.kgco2}[measure]


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)
