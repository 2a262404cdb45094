"""Every fault of a listener's table at once, each in its place."""

from __future__ import annotations

import tomllib

import pytest

from collector.drivers.mqtt.checks import faults, points

GOOD = """
kind = "mqtt"
[[topics]]
topic = "plant/{line}/energy"
at = { path = "t", zone = "Asia/Shanghai" }
[[topics.values]]
point = "EX-{line}"
path = "e"
unit = "Wh"
carrier = "electricity"
[[topics]]
topic = "gas/1"
format = "number"
[[topics.values]]
point = "GAS-1"
unit = "m3"
carrier = "natural_gas"
"""


def found(text: str) -> list[tuple[str, str]]:
    """The faults of a table, with short places."""
    return [("/".join(map(str, place)), message) for place, message in faults(("l",), tomllib.loads(text))]


def test_a_good_table_has_no_fault() -> None:
    """And its points are listed with their places."""
    assert found(GOOD) == []
    assert [(place[-4:], point) for place, point in points((), tomllib.loads(GOOD))] == [
        ((0, "values", 0, "point"), "EX-{line}"),
        ((1, "values", 0, "point"), "GAS-1"),
    ]


@pytest.mark.parametrize(
    ("old", "new", "place", "message"),
    [
        ("plant/{line}/energy", "plant/{line}x/energy", "0/topic", "stand for whole levels"),
        ("plant/{line}/energy", "plant/#/{line}", "0/topic", "can only be the last"),
        ("plant/{line}/energy", "$share/g/{line}", "0/topic", "shared subscription"),
        ("plant/{line}/energy", "{line}/{line}", "0/topic", "same name"),
        ("EX-{line}", "EX-{lane}", "0/values/0/point", "no level of the topic is called lane (named: line)"),
        ("EX-{line}", "EX {line}", "0/values/0/point", "is no point code"),
        ('path = "e"', 'path = "e["', "0/values/0/path", "is no JMESPath"),
        ('path = "e"', 'path = "median(e)"', "0/values/0/path", "Unknown function"),
        ('path = "e"', "", "0/values/0/path", "a JSON message has many values"),
        ('"Wh"', '"m3"', "0/values/0/unit", "no conversion leads there"),
        ('"Wh"', '"kwh"', "0/values/0/unit", "known units"),
        ('unit = "Wh"', "", "0/values/0/carrier", "belong together"),
        ('"natural_gas"', '"gas"', "1/values/0/unit", "unknown carrier 'gas'"),
        ("Asia/Shanghai", "Asia/Xian", "0/at/zone", "unknown time zone 'Asia/Xian'"),
        ('path = "t"', 'path = "t", form = "unix_s"', "0/at/zone", "needs no zone"),
        ('path = "t"', 'path = "t..u"', "0/at/path", "is no JMESPath"),
        ('"gas/1"', '"plant/+/energy"', "1/topic", "match the same topics"),
        ('"number"', '"number"\nretained = "take"', "1/retained", "would pass for new"),
        ('"number"', '"number"\nat = { path = "t" }', "1/at", "no time stamp"),
        ('point = "GAS-1"', 'point = "GAS-1"\npath = "e"', "1/values/0/path", "no parts"),
    ],
)
def test_a_fault_is_named_in_its_place(old: str, new: str, place: str, message: str) -> None:
    """One fault gives one line, and says what was expected."""
    assert old in GOOD
    ((where, what),) = found(GOOD.replace(old, new))
    assert where == f"l/topics/{place}"
    assert message in what


def test_faults_are_told_all_at_once() -> None:
    """One hides no other."""
    text = GOOD.replace('"Wh"', '"m3"').replace('path = "t"', 'path = "t["').replace("gas/1", "gas/#/1")
    assert [place for place, _ in found(text)] == [
        "l/topics/0/at/path",
        "l/topics/0/values/0/unit",
        "l/topics/1/topic",
    ]


@pytest.mark.parametrize("text", ["", "topics = 3", "[[topics]]", "[[topics]]\ntopic = 1\nvalues = [3, {}]\nat = 1"])
def test_what_decoding_reports_is_not_told_twice(text: str) -> None:
    """Missing keys and wrong types are none of these checks."""
    assert [place for place, _ in found(text) if not place.endswith("/path")] == []
