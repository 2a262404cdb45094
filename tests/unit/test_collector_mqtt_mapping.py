"""What messages of a plant's broker become."""

from __future__ import annotations

import json
from typing import Any

import pytest

from collector.drivers.mqtt.mapping import MOST_BYTES, Taken, TopicMapping
from collector.drivers.mqtt.settings import TimeStampSettings, TopicSettings, ValueSettings
from energy.readings import Quality, Reading

NOW = 1_771_898_400_000
"""2026-02-24T02:00:00Z, in the morning in Xi'an."""
HOUR = 3_600_000


def energy(point: str = "E-1", **keys: Any) -> ValueSettings:
    """A value in kWh."""
    return ValueSettings(**{"point": point, "unit": "kWh", "carrier": "electricity"} | keys)


def number(**keys: Any) -> TopicMapping:
    """A mapping of plain numbers."""
    return TopicMapping([TopicSettings(topic="n", format="number", values=(energy(**keys),))])


def stamped(**keys: Any) -> TopicMapping:
    """A mapping of a JSON message with a time stamp."""
    value = energy(path="energy")
    return TopicMapping([TopicSettings(topic="j", values=(value,), at=TimeStampSettings(path="t", **keys))])


def take(mapping: TopicMapping, payload: bytes, topic: str = "n", *, retained: bool = False) -> Taken:
    """Take a message that arrives now."""
    return mapping.take(topic, payload, retained=retained, arrived_ms=NOW)


def take_json(mapping: TopicMapping, document: Any, *, retained: bool = False) -> Taken:
    """Take a JSON message that arrives now."""
    return take(mapping, json.dumps(document).encode(), "j", retained=retained)


def reasons(taken: Taken) -> list[str]:
    """Why something was refused."""
    return [fault.reason for fault in taken.faults]


@pytest.mark.parametrize(
    ("payload", "value"),
    [(b"12.5", 12.5), (b" 7\n", 7.0), (b"-0.25", -0.25), (b"1e3", 1000.0), (b".5", 0.5), (b"+3.", 3.0)],
)
def test_a_plain_number_is_a_reading_at_its_arrival(payload: bytes, value: float) -> None:
    """Whatever the notation, with blanks around it."""
    (found,) = take(number(), payload).values
    assert found.reading == Reading("E-1", NOW, value, Quality.MEASURED)
    assert not found.stamped


def test_a_large_counter_keeps_its_last_digit() -> None:
    """2^53 + 1 has no float; divided as an integer it is right to the nearest one."""
    (found,) = take(number(unit="Wh"), b"9007199254740993").values
    assert found.reading.value == 9_007_199_254_740.993


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "number"),
        (b"12,5", "number"),
        (b"0x10", "number"),
        (b"1_000", "number"),
        (b"12 kWh", "number"),
        ("١٢".encode(), "number"),
        (b"1e999", "range"),
        (b"1" * (MOST_BYTES + 1), "size"),
    ],
)
def test_what_is_no_number_is_refused(payload: bytes, reason: str) -> None:
    """A guess would be a wrong reading."""
    taken = take(number(), payload)
    assert (taken.values, reasons(taken)) == ([], [reason])


@pytest.mark.parametrize("payload", [b"nan", b"-inf", b"65535", b"65535.0"])
def test_no_value_is_quality_and_no_value(payload: bytes) -> None:
    """NaN, infinity and the marker of the device."""
    (found,) = take(number(not_available=(65_535.0,)), payload).values
    assert found.reading == Reading("E-1", NOW, None, Quality.NOT_AVAILABLE)


@pytest.mark.parametrize(
    ("keys", "value"),
    [
        ({"unit": "Wh"}, 0.1),
        ({"unit": "MWh"}, 100_000.0),
        ({"unit": "GJ", "carrier": "heat"}, 100.0),
        ({"unit": "kWh", "scale": 0.01}, 1.0),
        ({"unit": "", "carrier": ""}, 100.0),
        ({"unit": "", "carrier": "", "scale": 0.1}, 10.0),
    ],
)
def test_a_value_is_converted_to_the_base_unit(keys: dict[str, Any], value: float) -> None:
    """Scale and unit of measure exactly; without a carrier it is only scaled."""
    (found,) = take(number(**keys), b"100").values
    assert found.reading.value == value


@pytest.mark.parametrize(
    ("keys", "stamp", "at", "quality"),
    [
        ({}, "2026-02-24T01:59:59Z", NOW - 1_000, Quality.MEASURED),
        ({}, "2026-02-24T09:59:59.250+08:00", NOW - 750, Quality.MEASURED),
        ({"zone": "Asia/Shanghai"}, "2026-02-24T09:59:59", NOW - 1_000, Quality.MEASURED),
        ({"zone": "Asia/Shanghai"}, "2026-02-24T01:59:59Z", NOW - 1_000, Quality.MEASURED),
        ({"form": "unix_s"}, NOW / 1000 - 0.25, NOW - 250, Quality.MEASURED),
        ({"form": "unix_ms"}, NOW - 3, NOW - 3, Quality.MEASURED),
    ],
)
def test_a_time_stamp_is_taken(keys: dict[str, Any], stamp: Any, at: int, quality: Quality) -> None:
    """In each of its forms; a zone in the stamp goes before the configured one."""
    (found,) = take_json(stamped(**keys), {"t": stamp, "energy": 1}).values
    assert found.stamped
    assert found.reading == Reading("E-1", at, 1.0, quality)


@pytest.mark.parametrize(
    ("keys", "stamp"),
    [
        ({}, "2026-02-24T09:59:59"),
        ({}, "yesterday"),
        ({}, 1_771_898_400),
        ({}, None),
        ({"zone": "Asia/Shanghai"}, "0001-01-01T00:00:00"),
        ({"form": "unix_s"}, "1771898400"),
        ({"form": "unix_s"}, NOW),
        ({"form": "unix_s"}, True),
        ({"form": "unix_ms"}, -1),
        ({"form": "unix_ms"}, 1e300),
    ],
)
def test_a_time_stamp_that_makes_no_sense_costs_the_message(keys: dict[str, Any], stamp: Any) -> None:
    """The time of arrival is not put in its place."""
    taken = take_json(stamped(**keys), {"t": stamp, "energy": 1})
    assert (taken.values, reasons(taken)) == ([], ["time"])


def test_the_repeated_hour_is_the_nearer_one_and_in_doubt() -> None:
    """02:30 local stands for two moments in autumn; what arrives at once was not read an hour ago."""
    mapping = stamped(zone="Europe/Berlin")
    document = json.dumps({"t": "2026-10-25T02:30:00", "energy": 1}).encode()
    summer = 1_792_888_200_000
    for at in (summer, summer + HOUR):
        (found,) = mapping.take("j", document, retained=False, arrived_ms=at + 1_000).values
        assert found.reading == Reading("E-1", at, 1.0, Quality.UNCERTAIN)


def test_the_skipped_hour_is_no_time() -> None:
    """02:30 local does not exist in spring."""
    taken = take_json(stamped(zone="Europe/Berlin"), {"t": "2026-03-29T02:30:00", "energy": 1})
    assert reasons(taken) == ["time"]


def test_what_the_broker_kept_is_taken_with_its_own_time_only() -> None:
    """Without one it would be an old value with a new time; one may also choose to ignore it."""
    message = {"t": "2026-02-24T01:00:00Z", "energy": 1}
    (found,) = take_json(stamped(), message, retained=True).values
    assert found.reading.at == NOW - HOUR
    assert reasons(take(number(), b"1", retained=True)) == ["retained"]
    settings = TopicSettings(
        topic="j", values=(energy(path="energy"),), at=TimeStampSettings(path="t"), retained="ignore"
    )
    assert reasons(take_json(TopicMapping([settings]), message, retained=True)) == ["retained"]


@pytest.mark.parametrize(
    ("shown", "reason"),
    [
        (10**400, "range"),
        ("1" + 39 * "0" + "e300", "range"),
        ({"a": 1}, "type"),
        ([1], "type"),
        (True, "type"),
        ("12 kWh", "number"),
        ("", "number"),
    ],
)
def test_a_bad_value_costs_no_other(shown: Any, reason: str) -> None:
    """The second value of the message is taken."""
    mapping = TopicMapping([TopicSettings(topic="j", values=(energy(path="a"), energy("E-2", path="b")))])
    taken = take_json(mapping, {"a": shown, "b": "2.5"})
    assert [value.reading.point for value in taken.values] == ["E-2"]
    assert reasons(taken) == [reason]


def test_a_value_that_is_absent_is_no_fault_unless_all_are() -> None:
    """Devices tell what changed; null is the same as nothing to JMESPath."""
    mapping = TopicMapping([TopicSettings(topic="j", values=(energy(path="a"), energy("E-2", path="b")))])
    taken = take_json(mapping, {"a": None, "b": 2})
    assert ([value.reading.value for value in taken.values], taken.faults) == ([2.0], [])
    assert reasons(take_json(mapping, {"c": 1})) == ["absent"]


@pytest.mark.parametrize("payload", [b"", b"{", b'{"energy": NaN}', b"\xff", b"[" * 100_000, b"{} {}"])
def test_what_is_no_json_is_refused(payload: bytes) -> None:
    """Whatever it is, the next message is looked at."""
    mapping = TopicMapping([TopicSettings(topic="j", values=(energy(path="energy"),))])
    assert reasons(take(mapping, payload, "j")) == ["json"]


def test_a_path_that_cannot_be_applied_is_refused() -> None:
    """A function of JMESPath does not take everything."""
    mapping = TopicMapping([TopicSettings(topic="j", values=(energy(path="sum(e)"),))])
    assert reasons(take_json(mapping, {"e": ["x"]})) == ["path"]
    (found,) = take_json(mapping, {"e": [1.5, 2]}).values
    assert found.reading.value == 3.5


def test_named_levels_make_the_point() -> None:
    """One table serves all lines; what makes no code is refused, and other topics are not mapped."""
    settings = TopicSettings(topic="plant/{line}/+/energy", format="number", values=(energy("EX-{line}-E1"),))
    mapping = TopicMapping([settings])
    (found,) = take(mapping, b"1", "plant/3/press/energy").values
    assert found.reading.point == "EX-3-E1"
    assert reasons(take(mapping, b"1", "plant/ü/press/energy")) == ["point"]
    assert reasons(take(mapping, b"1", f"plant/{'x' * 60}/press/energy")) == ["point"]
    assert reasons(take(mapping, b"1", "plant/3/energy")) == ["topic"]


def test_topics_without_a_time_stamp_are_not_kept_for_us() -> None:
    """QoS 0: a message that waited at the broker would be taken for new."""
    plain = TopicSettings(topic="plain/{x}", format="number", values=(energy("E-{x}"),))
    own_time = TopicSettings(topic="own/#", values=(energy(path="e"),), at=TimeStampSettings(path="t"))
    assert TopicMapping([plain, own_time]).subscriptions == [("plain/+", 0), ("own/#", 1)]


def test_points_that_are_expected_are_known_before_they_come() -> None:
    """With the bound of their topic, else the listener's; a point made of levels is not known before."""
    topics = [
        TopicSettings(topic="a", format="number", values=(energy("E-1"),), stale_after_s=5.0),
        TopicSettings(topic="b", format="number", values=(energy("E-2"),)),
        TopicSettings(topic="{c}", format="number", values=(energy("E-{c}"),)),
    ]
    assert TopicMapping(topics, 60.0).expected == {"E-1": 5.0, "E-2": 60.0}
    assert TopicMapping(topics).expected == {"E-1": 5.0}
