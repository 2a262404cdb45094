"""Faults of a listener's table that no single value shows, each with its place. Pure; looks at the raw document.

Where a value is missing or of the wrong type nothing is said: decoding reports that.
"""

from __future__ import annotations

import msgspec

from collector.drivers.mqtt.json_path import JsonPath
from collector.drivers.mqtt.quantities import conversion_of
from collector.drivers.mqtt.settings import TimeStampSettings
from collector.drivers.mqtt.time_stamps import time_parser
from collector.drivers.mqtt.topics import PointTemplate, TopicPattern
from collector.errors import MappingError
from energy.errors import RejectedError
from energy.toml_lines import Path as Place
from energy.toml_tables import Found, Table, tables, text_of


def faults(place: Place, table: Table) -> Found:
    """Every fault of a table `[[gateways.listeners]]` of kind "mqtt", as (place, message)."""
    patterns: dict[Place, TopicPattern] = {}
    for at, topic in tables(place, table, "topics"):
        pattern = None
        if (text := text_of(topic, "topic")) is not None:
            try:
                pattern = TopicPattern(text)
            except MappingError as error:
                yield (*at, "topic"), str(error)
        if pattern is not None:
            yield from _overlap(at, pattern, patterns)
            patterns[at] = pattern
        yield from _topic(at, topic)
        for below, value in tables(at, topic, "values"):
            yield from _value(below, value, pattern, text_of(topic, "format") or "json")


def points(place: Place, table: Table) -> Found:
    """The points of a table of kind "mqtt", as (place, code or template): each may stand once in a file."""
    for at, topic in tables(place, table, "topics"):
        for below, value in tables(at, topic, "values"):
            if (point := text_of(value, "point")) is not None:
                yield (*below, "point"), point


def measure_fault(place: Place, table: Table) -> Found:
    """What is wrong with `unit` and `carrier` of a value."""
    unit, carrier = table.get("unit", ""), table.get("carrier", "")
    if not isinstance(unit, str) or not isinstance(carrier, str):
        return
    try:
        conversion_of(unit, carrier, 1.0)
    except RejectedError as error:
        advice = f" ({error.advice})" if error.advice else ""
        yield (*place, "unit" if "unit" in table else "carrier"), f"{error}{advice}"


def point_fault(place: Place, table: Table, pattern: TopicPattern | None = None) -> Found:
    """What is wrong with the `point` of a value."""
    if (point := text_of(table, "point")) is None:
        return
    try:
        PointTemplate(point, pattern.names if pattern else frozenset())
    except MappingError as error:
        yield (*place, "point"), str(error)


def _overlap(at: Place, pattern: TopicPattern, earlier: dict[Place, TopicPattern]) -> Found:
    # The broker may deliver a message once for each pattern, and a value without time of its own would count twice.
    for other in earlier.values():
        if pattern.overlaps(other):
            yield (*at, "topic"), f"{pattern.text!r} and {other.text!r} match the same topics: keep them apart"
            return


def _topic(at: Place, topic: Table) -> Found:
    stamp = topic.get("at")
    if text_of(topic, "retained") == "take" and stamp is None:
        yield (*at, "retained"), "needs `at`: what the broker kept would pass for new"
    if topic.get("format") == "number" and stamp is not None:
        yield (*at, "at"), "a plain number has no time stamp"
    elif isinstance(stamp, dict):
        yield from _path((*at, "at"), stamp)
        try:
            time_parser(msgspec.convert(stamp, TimeStampSettings))
        except MappingError as error:
            yield (*at, "at", "zone"), str(error)
        except msgspec.ValidationError:
            return


def _value(at: Place, value: Table, pattern: TopicPattern | None, form: str) -> Found:
    if form == "json" and "path" not in value:
        yield (*at, "path"), "missing key: a JSON message has many values"
    elif form == "number" and "path" in value:
        yield (*at, "path"), "a plain number has no parts"
    yield from _path(at, value)
    yield from measure_fault(at, value)
    # With a topic that is at fault itself, its names are not known.
    if pattern is not None:
        yield from point_fault(at, value, pattern)


def _path(at: Place, table: Table) -> Found:
    if (path := text_of(table, "path")) is None:
        return
    try:
        JsonPath(path)
    except MappingError as error:
        yield (*at, "path"), str(error)
