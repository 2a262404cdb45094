"""A city file with faults: every one listed, each with its line, whatever else is wrong."""

from __future__ import annotations

import pytest

from deploy.demo import BAOJI
from deploy.demo.city import decode_city
from energy.config import parse_document
from energy.errors import ConfigError

SMALL = """\
[city]
name_zh = "小城"
name_en = "Small town"
zone = "Asia/Shanghai"
start = 2026-03-01T00:00:00+08:00

[[district]]
code = "610302"
name_zh = "渭滨区"
name_en = "Weibin"

[[load]]
name = "flat"
shape = "uk-electricity-a"

[[unit]]
code = "works"
credit_code = "91610302FAKE000018"
name_zh = "虚构·厂"
name_en = "Fictional works"
district = "610302"
industry = "32"

[[unit.meter]]
code = "E1"
address = 1
name_zh = "总进线"
name_en = "main"
carrier = "electricity"
unit = "kWh"
level = 1
profile = "acrel_dtsd1352"
ct = 40
pt = 100
load = "flat"
mean_per_hour = 900
start = 10

[[unit.meter]]
code = "G1"
address = 2
name_zh = "天然气"
name_en = "gas"
carrier = "natural_gas"
unit = "m3"
level = 1
profile = "fuxin_gas"
load = "flat"
mean_per_hour = 900
start = 11

[[unit.quota]]
code = "works.tce-month"
measure = "tce"
period = "month"
limit = 100
limit_unit = "tce"
valid_from = 2026-01-01
source = "invented"
"""


def line_of(text: str, part: str) -> int:
    """The line, from 1, on which a part of a text begins."""
    return text.count("\n", 0, text.index(part)) + 1


LINES = {
    "city": line_of(SMALL, "[city]"),
    "unit[0].quota[0]": line_of(SMALL, "[[unit.quota]]"),
    "unit[0].meter[0].ct": line_of(SMALL, "ct = 40"),
    "unit[0].meter[0].pt": line_of(SMALL, "[[unit.meter]]"),
    "unit[0].meter[1].address": line_of(SMALL, "address = 2"),
    "unit[0].meter[1].code": line_of(SMALL, 'code = "G1"'),
}
"""Where a fault is named elsewhere than on the line that was changed."""


def faults_of(*changes: tuple[str, str]) -> list[tuple[int, str, str]]:
    """Line, path and message of each fault after replacing texts of the small city."""
    text = SMALL
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    with pytest.raises(ConfigError) as caught:
        decode_city(parse_document(text, "small.toml"))
    return [(fault.line, fault.path, fault.message) for fault in caught.value.faults]


def test_the_small_city_is_sound() -> None:
    """The text that the other tests break has no fault of its own."""
    assert decode_city(parse_document(SMALL, "small.toml")).unit[0].gateway == "gw-works"


@pytest.mark.parametrize(
    ("old", "new", "path", "message"),
    [
        ('zone = "Asia/Shanghai"', 'zone = "Asia/Baoji"', "city", "not an IANA time zone"),
        (
            "start = 11",
            'mistake = { ct = 2, reported = 2026-03-02T09:00:00+08:00, reason = "r" }\nstart = 11',
            "unit[0].meter[1].mistake",
            "only the ratio of a meter that has one",
        ),
        (
            "pt = 100",
            'mistake = { ct = 2, reported = 2026-03-02T09:00:00, reason = "r" }\npt = 100',
            "unit[0].meter[0].mistake",
            "needs a zone",
        ),
        ("00:00+08:00", "00:00", "city", "start needs a zone"),
        ('shape = "uk-electricity-a"', 'shape = "uk-electricity"', "load[0].shape", "unknown load shape"),
        ("FAKE000018", "FAKE000019", "unit[0].credit_code", "check character of this credit code would be 8"),
        ("FAKE000018", "FAKES00018", "unit[0].credit_code", "has no 'S'"),
        ('"610302"\nind', '"610303"\nind', "unit[0].district", "unknown district of this city"),
        ('unit = "kWh"', 'unit = "MWh"', "unit[0].meter[0].unit", "electricity is counted in kWh, not in 'MWh'"),
        ('unit = "m3"', 'unit = "Nm3"', "unit[0].meter[1].unit", "natural_gas is counted in m3, not in 'Nm3'"),
        ('"fuxin_gas"', '"fuxin"', "unit[0].meter[1].profile", "unknown register layout 'fuxin'"),
        ('"fuxin_gas"', '"eastron_sdm630"', "unit[0].meter[1].profile", "eastron_sdm630 measures electricity"),
        ('carrier = "natural_gas"', 'carrier = "gas"', "unit[0].meter[1].carrier", "unknown carrier 'gas'"),
        ("address = 1\n", "address = 2\n", "unit[0].meter[1].address", "is taken already, by unit[0].meter[0]"),
        ("address = 2", "address = 248", "unit[0].meter[1].address", "<= 247"),
        ('code = "E1"', 'code = "G1"', "unit[0].meter[1].code", "code 'G1' is taken already"),
        ('load = "flat"', 'load = "f"', "unit[0].meter[0].load", "unknown load of this city"),
        ('"acrel_dtsd1352"', '"schneider_iem3155"', "unit[0].meter[0].ct", "shows the primary side already"),
        ("pt = 100\n", "", "unit[0].meter[0].pt", "secondary side: give pt"),
        ("ct = 40", "ct = inf", "unit[0].meter[0].ct", "expected a finite number"),
        ('profile = "fuxin_gas"', 'pt = 1\nprofile = "fuxin_gas"', "unit[0].meter[1].pt", "no pt here"),
        ('carrier = "electricity"', 'carrier = ["electricity"]', "unit[0].meter[0].carrier", "expected a string"),
        ('measure = "tce"', "measure = [1]", "unit[0].quota[0].measure", "expected a string"),
        ("start = 10\n", "start = inf\n", "unit[0].meter[0].start", "expected a finite number"),
        ("start = 10\n", "start = 1e12\n", "unit[0].meter[0].start", "cannot show it"),
        ('limit_unit = "tce"', 'limit_unit = "kWh"', "unit[0].quota[0]", "has its limit in tce, not in 'kWh'"),
        ('measure = "tce"', 'measure = "heat"', "unit[0].quota[0].measure", "no gate meter (level 1) of heat"),
        ('code = "works"', 'code = "works\\n"', "unit[0].code", "expected 1 to 41 small letters"),
        ('code = "E1"', 'code = "E1\\n"', "unit[0].meter[0].code", "expected 1 to 8 capital letters"),
        ('"works.tce-month"', '"works.tce-month\\n"', "unit[0].quota[0].code", "expected 1 to 64 letters"),
        ("limit = 100", "limits = 100", "unit[0].quota[0].limits", "unknown key"),
    ],
)
def test_each_fault_is_named_with_its_line(old: str, new: str, path: str, message: str) -> None:
    """One thing wrong: the line of the key where there is one, else of its table."""
    found = faults_of((old, new))
    line = LINES.get(path) or line_of(SMALL.replace(old, new, 1), new)
    assert any((at, where) == (line, path) and message in text for at, where, text in found), found


def test_all_faults_are_listed_at_once() -> None:
    """A misspelt key hides neither a double address nor a wrong unit nor an unknown layout; the order is the file's."""
    found = faults_of(
        ('name_en = "Weibin"', 'name_eng = "Weibin"'),
        ("address = 2", "address = 1"),
        ('unit = "m3"', 'unit = "GJ"'),
        ('"acrel_dtsd1352"', '"acrel"'),
        ('period = "month"', 'period = "week"'),
    )
    lines = [line for line, _, _ in found]
    assert lines == sorted(lines)
    assert {"district[0].name_eng", "unit[0].meter[1].address", "unit[0].meter[1].unit", "unit[0].meter[0].profile",
            "unit[0].quota[0].period"} <= {path for _, path, _ in found}  # fmt: skip


def test_two_units_of_one_code_are_refused() -> None:
    """Their gateways and points would be the same."""
    text = SMALL + SMALL[SMALL.index("[[unit]]") :]
    with pytest.raises(ConfigError) as caught:
        decode_city(parse_document(text, "small.toml"))
    assert {fault.path for fault in caught.value.faults} == {
        "unit[1].code", "unit[1].credit_code", "unit[1].quota[0].code"
    }  # fmt: skip


@pytest.mark.parametrize(
    "text", ["", "unit = 3", "unit = [1, 2]\ncity = 5\nload = {}", "[[unit]]\nmeter = 7\nquota = [3]"]
)
def test_a_wholly_different_document_is_refused_without_a_crash(text: str) -> None:
    """Checks between tables say nothing of what is no table at all; decoding does."""
    with pytest.raises(ConfigError):
        decode_city(parse_document(text, "odd.toml"))


def test_every_line_of_the_shipped_city_stays_in_reach_of_an_editor() -> None:
    """Meters are one line each, so that a fault's line is the meter's."""
    document = parse_document(BAOJI.read_text(encoding="utf-8"), "baoji.toml")
    lines = [document.line_of(("unit", 0, "meter", at)) for at in range(5)]
    assert lines == list(range(lines[0], lines[0] + 5))
