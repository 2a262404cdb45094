"""Checks across the tables of a collector's file: every fault at once, each with its line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from collector.conversion import conversion
from collector.planner import limits_of, plan
from collector.profiles import CtPt, Profile, load_profile, profile_names
from collector.settings import CollectorSettings, GatewaySettings, MeterSettings
from energy.carriers import carriers
from energy.config import FaultCollector, dotted, load_document
from energy.errors import RejectedError
from energy.toml_lines import Path as Place
from energy.wire import Address

Found = Iterator[tuple[Place, str]]


def load_settings(path: Path) -> CollectorSettings:
    """Read a collector's file.

    Raises:
        ConfigError: with all its faults.
    """
    document = load_document(path)
    settings = document.decode(CollectorSettings)
    faults = FaultCollector(document)
    for place, message in check(settings):
        faults.add(place, message)
    faults.raise_faults()
    return settings


def check(settings: CollectorSettings) -> Found:
    """What is wrong with settings that are well formed: (place, message)."""
    seen = _Seen()
    if settings.mqtt.client_id and len(settings.gateways) > 1:
        yield ("mqtt", "client_id"), "several gateways connect: leave it out, each takes an id of its own"
    for number, gateway in enumerate(settings.gateways):
        place: Place = ("gateways", number)
        yield from _gateway(gateway, place)
        yield from seen.twice(f"gateway {gateway.code}", (*place, "code"))
        yield from seen.twice(f"line {gateway.host}:{gateway.port}", (*place, "port"))
        for index, meter in enumerate(gateway.meters):
            at: Place = (*place, "meters", index)
            yield from _meter(meter, at)
            yield from seen.twice(f"point {meter.point}", (*at, "point"))
            yield from seen.twice(f"unit {meter.unit_id} behind {gateway.code}", (*at, "unit_id"))


class _Seen:
    """Where a thing was met first."""

    def __init__(self) -> None:
        self._places: dict[str, Place] = {}

    def twice(self, what: str, place: Place) -> Found:
        first = self._places.setdefault(what, place)
        if first != place:
            yield place, f"{what} stands here a second time (first: {dotted(first)})"


def _gateway(gateway: GatewaySettings, place: Place) -> Found:
    try:
        Address(gateway.region, gateway.code)
    except ValueError as error:
        yield place, str(error)


def _meter(meter: MeterSettings, place: Place) -> Found:
    known = True
    if meter.profile not in profile_names():
        known = False
        yield (*place, "profile"), f"unknown profile {meter.profile!r} (known: {', '.join(profile_names())})"
    if meter.carrier not in carriers():
        known = False
        yield (*place, "carrier"), f"unknown carrier {meter.carrier!r} (known: {', '.join(carriers())})"
    if known:
        yield from _fit(meter, load_profile(meter.profile), place)


def _fit(meter: MeterSettings, profile: Profile, place: Place) -> Found:
    register = profile.counter_register
    if profile.carrier != meter.carrier:
        yield (*place, "carrier"), f"{meter.profile} measures {profile.carrier}, not {meter.carrier}"
        return
    if register.ct_pt is CtPt.NONE and (meter.ct, meter.pt) != (1, 1):
        yield place, f"{meter.profile} shows the primary side already: ct and pt do not belong here"
    try:
        conversion(register, carriers()[meter.carrier].unit, ct=meter.ct, pt=meter.pt, unit=meter.unit)
        plan([register], limits_of(profile))
    except RejectedError as error:
        yield (*place, "unit"), str(error)
