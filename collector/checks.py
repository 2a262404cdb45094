"""A collector's file, decoded and checked across its tables: every fault at once, each with its line.

The checks look at the raw document, so that a misspelt key in one table hides nothing that is wrong in another. Where a
value is missing or of the wrong type they say nothing: decoding reports that.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from collector.planning.planner import limits_of, plan
from collector.profiles import RATIOS, Profile, load_profile, profile_names
from collector.profiles.conversion import ratio_faults
from collector.settings import MODBUS_PORT, CollectorSettings
from energy.carriers import carriers
from energy.config import dotted, load_document
from energy.errors import RejectedError
from energy.toml_lines import Path as Place
from energy.units import ratio
from energy.wire import Address

Found = Iterator[tuple[Place, str]]
Table = dict[str, Any]


def load_settings(path: Path) -> CollectorSettings:
    """Read a collector's file; raises ConfigError with all its faults, those between tables among them."""
    document = load_document(path)
    return document.decode(CollectorSettings, across=cross_faults(document.content))


def cross_faults(content: Table) -> Found:
    """Every fault that no single value shows, as (place, message)."""
    gateways = list(_tables((), content, "gateways"))
    seen = _Seen()
    for place, platform in _tables((), content, "platforms"):
        if platform.get("client_id") and len(gateways) > 1:
            yield (*place, "client_id"), "several gateways connect: leave it out, each takes an id of its own"
    for place, gateway in gateways:
        yield from _gateway(place, gateway, seen)
        for at, meter in _tables(place, gateway, "meters"):
            yield from _meter(at, meter)
            if point := _text(meter, "point"):
                yield from seen.twice(f"point {point}", (*at, "point"))
            if (unit := _whole(meter, "unit_id")) is not None:
                yield from seen.twice(f"unit {unit} behind {dotted(place)}", (*at, "unit_id"))


class _Seen:
    """Where a thing was met first."""

    def __init__(self) -> None:
        self._places: dict[str, Place] = {}

    def twice(self, what: str, place: Place) -> Found:
        first = self._places.setdefault(what, place)
        if first != place:
            yield place, f"{what} stands here a second time (first: {dotted(first)})"


def _gateway(place: Place, gateway: Table, seen: _Seen) -> Found:
    code, region, host = (_text(gateway, key) for key in ("code", "region", "host"))
    # The parts of an address are checked one by one, each beside a good one, so that each fault is on its own line.
    if code is not None:
        yield from _address_fault((*place, "code"), "000000", code)
        yield from seen.twice(f"gateway {code}", (*place, "code"))
    if region is not None:
        yield from _address_fault((*place, "region"), region, "any")
    port = _whole(gateway, "port") if "port" in gateway else MODBUS_PORT
    if host is not None and port is not None:
        yield from seen.twice(f"line {host}:{port}", (*place, "port" if "port" in gateway else "host"))


def _address_fault(place: Place, region: str, code: str) -> Found:
    try:
        Address(region, code)
    except ValueError as error:
        yield place, str(error)


def _meter(place: Place, meter: Table) -> Found:
    name, carrier = _text(meter, "profile"), _text(meter, "carrier")
    yield from _unknown((*place, "profile"), name, profile_names(), "profile")
    yield from _unknown((*place, "carrier"), carrier, carriers(), "carrier")
    if name not in profile_names():
        return
    profile = load_profile(name)
    for key, message in ratio_faults([profile.counter_register], [key for key in RATIOS if key in meter]):
        yield (*place, key), f"{name}: {message}"
    if carrier in carriers():
        yield from _fit(place, meter, profile)


def _fit(place: Place, meter: Table, profile: Profile) -> Found:
    """Carrier, unit of measure and profile with each other; all are known."""
    if profile.carrier != meter["carrier"]:
        yield (*place, "carrier"), f"{meter['profile']} measures {profile.carrier}, not {meter['carrier']}"
        return
    register = profile.counter_register
    try:
        ratio(_text(meter, "unit") or register.unit, carriers()[profile.carrier].unit)
        plan([register], limits_of(profile))
    except RejectedError as error:
        yield (*place, "unit"), str(error)


def _unknown(place: Place, value: str | None, known: Collection[str], kind: str) -> Found:
    if value is not None and value not in known:
        yield place, f"unknown {kind} {value!r} (known: {', '.join(known)})"


def _tables(place: Place, table: Table, key: str) -> Iterator[tuple[Place, Table]]:
    """The tables in an array of tables, with their places; nothing where it is something else."""
    rows = table.get(key)
    if isinstance(rows, list):
        yield from (((*place, key, at), row) for at, row in enumerate(rows) if isinstance(row, dict))


def _text(table: Table, key: str) -> str | None:
    value = table.get(key)
    return value if isinstance(value, str) else None


def _whole(table: Table, key: str) -> int | None:
    value = table.get(key)
    # A boolean is an int to Python.
    return value if isinstance(value, int) and not isinstance(value, bool) else None
