"""A collector's file, decoded and checked across its tables: every fault at once, each with its line.

The checks look at the raw document, so that a misspelt key in one table hides nothing that is wrong in another. Where a
value is missing or of the wrong type they say nothing: decoding reports that.
"""

from __future__ import annotations

from pathlib import Path

from collector.drivers.checks import meter_faults
from collector.drivers.modbus.settings import MODBUS_PORT, MODBUS_TLS_PORT
from collector.drivers.mqtt import checks as mqtt_checks
from collector.drivers.sparkplug import checks as sparkplug_checks
from collector.profiles.library import Library
from collector.settings import CollectorSettings
from energy.config import Document, dotted, load_document
from energy.errors import ConfigError
from energy.toml_lines import Path as Place
from energy.toml_tables import Found, Table, number_of, table_of, tables, text_of, whole_of
from energy.transport.mqtt_settings import MqttSettings
from energy.wire import Address

_BROKER = MqttSettings()
"""Where a listener's broker is when its table does not say."""
_PORTS = {"modbus-tcp": MODBUS_PORT, "modbus-tls": MODBUS_TLS_PORT}
"""Where a line is when its table does not say."""


def load_settings(path: Path) -> CollectorSettings:
    """Read a collector's file; raises ConfigError with all its faults, those between tables among them."""
    document = load_document(path)
    return document.decode(CollectorSettings, across=_across(document))


def _across(document: Document) -> Found:
    """Every fault that no single value shows, as (place, message)."""
    content = document.content
    names = content.get("profile_dirs")
    directories = (
        [document.directory / name for name in names if isinstance(name, str)] if isinstance(names, list) else []
    )
    try:
        library = Library(directories)
    except ConfigError as error:
        yield from ((("profile_dirs",), str(fault)) for fault in error.faults)
        library = Library()
    yield from cross_faults(content, library)


def cross_faults(content: Table, library: Library) -> Found:
    """Every fault between the tables of a document whose profiles `library` has."""
    gateways = list(tables((), content, "gateways"))
    seen = _Seen()
    for place, platform in tables((), content, "platforms"):
        if platform.get("client_id") and len(gateways) > 1:
            yield (*place, "client_id"), "several gateways connect: leave it out, each takes an id of its own"
    for place, gateway in gateways:
        yield from _gateway(place, gateway, seen)
        for at, line in tables(place, gateway, "lines"):
            yield from _line(at, line, seen, library)
        for at, listener in tables(place, gateway, "listeners"):
            yield from _listener(at, listener, seen)


class _Seen:
    """Where a thing was met first."""

    def __init__(self) -> None:
        self._places: dict[str, Place] = {}

    def twice(self, what: str, place: Place) -> Found:
        first = self._places.setdefault(what, place)
        if first != place:
            yield place, f"{what} stands here a second time (first: {dotted(first)})"


def _gateway(place: Place, gateway: Table, seen: _Seen) -> Found:
    code, region = text_of(gateway, "code"), text_of(gateway, "region")
    # The parts of an address are checked one by one, each beside a good one, so that each fault is on its own line.
    if code is not None:
        yield from _address_fault((*place, "code"), "000000", code)
        yield from seen.twice(f"gateway {code}", (*place, "code"))
    if region is not None:
        yield from _address_fault((*place, "region"), region, "any")


def _address_fault(place: Place, region: str, code: str) -> Found:
    try:
        Address(region, code)
    except ValueError as error:
        yield place, str(error)


def _line(place: Place, line: Table, seen: _Seen, library: Library) -> Found:
    kind = text_of(line, "kind") or ""
    yield from _place(place, line, kind, seen)
    interval = number_of(line, "interval_s") if "interval_s" in line else 60.0
    for at, meter in tables(place, line, "meters"):
        address = meter.get("unit_id", meter.get("address"))
        if address is not None:
            key = "unit_id" if "unit_id" in meter else "address"
            yield from seen.twice(f"unit {address} behind {dotted(place)}", (*at, key))
        yield from _points(at, meter, seen)
        yield from _ticks(at, meter, interval, number_of(line, "offset_s") or 0.0)
        yield from meter_faults(at, meter, kind, library)


def _place(place: Place, line: Table, kind: str, seen: _Seen) -> Found:
    """Two lines to one port would talk across each other; to one server they would each take one of its connections."""
    if (device := text_of(line, "device")) is not None:
        yield from seen.twice(f"line {device}", (*place, "device"))
    elif (host := text_of(line, "host")) is not None:
        port = whole_of(line, "port") if "port" in line else _PORTS.get(kind)
        if port is not None:
            yield from seen.twice(f"line {host}:{port}", (*place, "port" if "port" in line else "host"))


def _points(place: Place, meter: Table, seen: _Seen) -> Found:
    point = text_of(meter, "point")
    if point is not None:
        yield from seen.twice(f"point {point}", (*place, "point"))
    for name, code in table_of(meter, "points").items():
        if isinstance(code, str):
            yield from seen.twice(f"point {code}", (*place, "points", name))


def _ticks(place: Place, meter: Table, line_interval: float | None, line_offset: float) -> Found:
    """The meter's own interval and offset with those of its line."""
    interval = number_of(meter, "interval_s") if "interval_s" in meter else line_interval
    offset = number_of(meter, "offset_s") if "offset_s" in meter else line_offset
    own = "interval_s" in meter or "offset_s" in meter
    if own and interval is not None and offset is not None and offset >= interval:
        key = "offset_s" if "offset_s" in meter else "interval_s"
        yield (*place, key), f"offset_s ({offset:g}) must be below interval_s ({interval:g})"


def _listener(place: Place, listener: Table, seen: _Seen) -> Found:
    kind = text_of(listener, "kind") or ""
    checks = {"mqtt": mqtt_checks, "sparkplug": sparkplug_checks}.get(kind)
    if checks is None:
        return
    host = text_of(listener, "host") or _BROKER.host
    port = whole_of(listener, "port") or _BROKER.port
    yield from seen.twice(f"listener of kind {kind} at {host}:{port} behind {dotted(place[:2])}", (*place, "host"))
    yield from checks.faults(place, listener)
    for at, point in checks.points(place, listener):
        yield from seen.twice(f"point {point}", at)
