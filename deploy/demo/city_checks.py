"""What the tables of a city file must satisfy among each other.

The checks look at the raw document, so that a misspelt key in one table hides nothing that is wrong in another. Where a
value is missing or of the wrong type they say nothing: decoding reports that.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from itertools import chain
from typing import Any

from collector.errors import RegisterError
from collector.profiles import RATIOS, Profile, load_profile, profile_names
from collector.profiles.conversion import ratio_faults
from deploy.demo.credit_codes import credit_code_fault
from energy.carriers import carriers
from energy.config import dotted
from energy.errors import UnitError
from energy.toml_lines import Path
from simulators.loads.catalogue import shape_files
from simulators.meters.counter import Counter, CounterScale

Found = Iterator[tuple[Path, str]]
Table = dict[str, Any]


def cross_faults(content: Table) -> Found:
    """Every fault between the tables of a city, as (path, message)."""
    units = list(_tables(content, "unit"))
    quotas = [(("unit", at, "quota", index), quota) for at, unit in units for index, quota in _tables(unit, "quota")]
    meters = [(("unit", at, "meter", index), meter) for at, unit in units for index, meter in _tables(unit, "meter")]
    districts = [table.get("code") for _, table in _tables(content, "district")]
    loads = [table.get("name") for _, table in _tables(content, "load")]
    yield from chain(
        _repeated([(("unit", at), unit) for at, unit in units], "code"),
        _repeated([(("unit", at), unit) for at, unit in units], "credit_code"),
        _repeated(quotas, "code"),
        _repeated([(("load", at), load) for at, load in _tables(content, "load")], "name"),
        _repeated([(("district", at), district) for at, district in _tables(content, "district")], "code"),
        *(_load(("load", at), load) for at, load in _tables(content, "load")),
        *(_unit(("unit", at), unit, districts) for at, unit in units),
        *(_meter(place, meter, loads) for place, meter in meters),
    )


def _load(place: Path, load: Table) -> Found:
    yield from _unknown((*place, "shape"), load.get("shape"), shape_files(), "load shape")


def _unit(place: Path, unit: Table, districts: Collection[Any]) -> Found:
    meters = [((*place, "meter", at), meter) for at, meter in _tables(unit, "meter")]
    yield from _unknown((*place, "district"), unit.get("district"), districts, "district of this city")
    if isinstance(code := unit.get("credit_code"), str) and (message := credit_code_fault(code)):
        yield (*place, "credit_code"), message
    yield from _repeated(meters, "code")
    yield from _repeated(meters, "address")
    gate = [meter.get("carrier") for _, meter in meters if meter.get("level") == 1]
    for at, quota in _tables(unit, "quota"):
        measure = quota.get("measure")
        if isinstance(measure, str) and measure in carriers() and measure not in gate:
            yield (*place, "quota", at, "measure"), f"the unit has no gate meter (level 1) of {measure}"


def _meter(place: Path, meter: Table, loads: Collection[Any]) -> Found:
    yield from _unknown((*place, "load"), meter.get("load"), loads, "load of this city")
    yield from _unknown((*place, "carrier"), meter.get("carrier"), carriers(), "carrier")
    yield from _unknown((*place, "profile"), meter.get("profile"), profile_names(), "register layout")
    carrier = carriers().get(meter["carrier"]) if isinstance(meter.get("carrier"), str) else None
    if carrier and isinstance(unit := meter.get("unit"), str) and unit != carrier.unit:
        yield (*place, "unit"), f"{carrier.key} is counted in {carrier.unit}, not in {unit!r}"
    if meter.get("profile") not in profile_names():
        return
    profile = load_profile(meter["profile"])
    for key, message in ratio_faults([profile.counter_register], [key for key in RATIOS if key in meter]):
        yield (*place, key), f"{meter['profile']}: {message}"
    if isinstance(meter.get("mistake"), dict) and "ct" not in meter:
        yield (*place, "mistake"), "only the ratio of a meter that has one (`ct`) can be mistaken"
    if carrier:
        yield from _layout(place, meter, profile, carrier.key)


def _layout(place: Path, meter: Table, profile: Profile, carrier: str) -> Found:
    """The register layout against the rest of the meter's table."""
    if profile.carrier != carrier:
        yield (*place, "profile"), f"{meter['profile']} measures {profile.carrier}, the meter is one of {carrier}"
        return
    figures = [meter.get("start"), meter.get("ct", 1), meter.get("pt", 1)]
    if all(isinstance(figure, int | float) and 0 <= figure < math.inf for figure in figures) and all(figures[1:]):
        try:
            Counter(CounterScale(profile.counter_register, carriers()[carrier].unit, *figures[1:]), figures[0])
        except (RegisterError, UnitError) as error:
            yield (*place, "start"), f"{meter['profile']} cannot show it: {error}"


def _unknown(place: Path, value: Any, known: Collection[Any], kind: str) -> Found:
    if isinstance(value, str) and value not in known:
        yield place, f"unknown {kind} {value!r}; known: {', '.join(sorted(map(str, known)))}"


def _repeated(tables: Sequence[tuple[Path, Table]], key: str) -> Found:
    """Each occurrence after the first, with the place of the first."""
    first: dict[Any, Path] = {}
    for place, table in tables:
        value = table.get(key)
        if not isinstance(value, str | int):
            continue
        if value in first:
            yield (*place, key), f"{key} {value!r} is taken already, by {dotted(first[value])}"
        first.setdefault(value, place)


def _tables(table: Table, key: str) -> Iterator[tuple[int, Table]]:
    """The tables in an array of tables, with their places; nothing where it is something else."""
    rows = table.get(key)
    if isinstance(rows, list):
        yield from ((at, row) for at, row in enumerate(rows) if isinstance(row, dict))
