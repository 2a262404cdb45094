"""Configuration: every fault at once, each with its line and a hint."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import Annotated

import msgspec
import pytest

from energy.clocks import ClockSettings
from energy.config import FaultCollector, decode_toml, load_toml, parse_document, read_secret
from energy.errors import ConfigError, SetupError
from energy.transport.mqtt_settings import MqttSettings


class Carrier(Enum):
    """What a meter measures."""

    ELECTRICITY = "electricity"
    HEAT = "heat"


class Serial(msgspec.Struct, tag="serial", tag_field="kind"):
    """A line by cable."""

    device: str


class Network(msgspec.Struct, tag="network", tag_field="kind"):
    """A line by address."""

    host: str
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)] = 502


class Meter(msgspec.Struct):
    """One meter."""

    code: Annotated[str, msgspec.Meta(pattern="^[A-Z]-[0-9]+$", description="a letter, a hyphen and digits")]
    carrier: Carrier
    ratio: float = 1.0
    line: Serial | Network | None = None

    def __post_init__(self) -> None:
        if self.carrier is Carrier.HEAT and self.ratio != 1.0:
            raise ValueError("a heat meter has no ratio")


class City(msgspec.Struct):
    """The whole file."""

    name: str
    meter: Annotated[list[Meter], msgspec.Meta(min_length=1)]
    clock: ClockSettings = msgspec.field(default_factory=ClockSettings)
    limits: dict[str, float] = msgspec.field(default_factory=dict)
    tags: frozenset[str] = frozenset()
    secret_file: Path | None = None


GOOD = """\
name = "Baoji"
tags = ["a", "b"]
secret_file = "keys/mqtt"

[clock]
origin = 2026-03-01T00:00:00+08:00
real_origin = 17

[limits]
"610302" = 5

[[meter]]
code = "M-1"
carrier = "electricity"
ratio = 80
line = { kind = "network", host = "10.0.0.1" }
"""


def faults(text: str) -> list[tuple[int, str, str]]:
    """Decode a faulty City and return its faults as (line, path, message)."""
    with pytest.raises(ConfigError) as caught:
        decode_toml(text, City, "city.toml")
    return [(fault.line, fault.path, fault.message) for fault in caught.value.faults]


def test_a_good_document_becomes_structs() -> None:
    """Nested tables, tagged tables, dates, enums and whole numbers for floats all decode."""
    city = decode_toml(GOOD, City, "city.toml")
    assert city.meter == [Meter("M-1", Carrier.ELECTRICITY, 80.0, Network("10.0.0.1"))]
    assert isinstance(city.meter[0].ratio, float)
    assert city.clock.origin == datetime(2026, 2, 28, 16, tzinfo=UTC)
    assert city.limits == {"610302": 5.0}
    assert city.tags == {"a", "b"}
    assert city.secret_file == Path("keys/mqtt")


def test_every_fault_is_listed_in_the_order_of_the_file() -> None:
    """One decode names the unknown key, the wrong type, the bound, the enum, the missing key and the __post_init__."""
    text = """\
nmae = "Baoji"

[clock]
scale = 2.0

[limits]
low = "much"

[[meter]]
code = "one"
carrier = "heet"

[[meter]]
code = "M-2"
carrier = "heat"
ratio = 2.0

[[meter]]
carrier = "heat"
line = { kind = "network", host = "h", port = 0 }
"""
    assert faults(text) == [
        (1, "nmae", "unknown key, did you mean 'name'?"),
        (3, "clock", "a scale needs origin and real_origin, so that all processes agree"),
        (7, "limits.low", "expected a number, got a string"),
        (10, "meter[0].code", "expected a letter, a hyphen and digits, got 'one'"),
        (11, "meter[0].carrier", "unknown value 'heet', did you mean 'heat'? (known: electricity, heat)"),
        (13, "meter[1]", "a heat meter has no ratio"),
        (18, "meter[2].code", "missing key"),
        (20, "meter[2].line.port", "expected a whole number >= 1"),
    ]


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("{ host = 'h' }", ("meter[0].line.kind", "missing key (one of: serial, network)")),
        (
            "{ kind = 'netwrok' }",
            ("meter[0].line.kind", "unknown value 'netwrok', did you mean 'network'? (known: serial, network)"),
        ),
        ("{ kind = 'E' }", ("meter[0].line.kind", "unknown value 'E' (known: serial, network)")),
        ("{ kind = 'serial', host = 'h' }", ("meter[0].line.host", "unknown key (known: device)")),
        ("{ kind = 'serial', device = 1 }", ("meter[0].line.device", "expected a string, got a whole number")),
        ("7", ("meter[0].line", "expected a table, got a whole number")),
    ],
)
def test_a_tagged_table_names_what_is_wrong_with_it(line: str, fault: tuple[str, str]) -> None:
    """A missing or unknown tag lists the tags; a known one is checked against its own table."""
    text = f"name = 'x'\n[[meter]]\ncode = 'M-1'\ncarrier = 'heat'\nline = {line}\n"
    assert (5, *fault) in faults(text)


def test_an_array_that_is_too_short_is_a_fault() -> None:
    """Constraints on an array as a whole are checked beside those of its elements."""
    assert faults("name = 'x'\nmeter = []\n") == [(2, "meter", "expected an array of length >= 1")]


def test_missing_keys_of_the_whole_document_have_no_line() -> None:
    """Nothing in the file can be pointed at."""
    assert faults("") == [(0, "meter", "missing key"), (0, "name", "missing key")]


class Limits(msgspec.Struct, tag="limits"):
    """A table with keys of its own, an optional array, and a choice between a word and a table."""

    regions: dict[Annotated[str, msgspec.Meta(pattern="^[0-9]{6}$")], list[int]]
    pair: tuple[int, str] = (0, "")
    hours: tuple[int, ...] = ()
    source: str | Serial = "none"


@pytest.mark.parametrize(
    ("text", "line", "path", "message"),
    [
        ("regions = { 61 = [] }", 1, "regions.61", "expected a string matching regex '^[0-9]{6}$'"),
        ("regions = { 610302 = [1, 'x'] }", 1, "regions.610302[1]", "expected a whole number, got a string"),
        ("regions = 3", 1, "regions", "expected a table, got a whole number"),
        ("type = 'other'\nregions = {}", 1, "type", "expected 'limits', got 'other'"),
        ("regions = {}\npair = [1]", 2, "pair", "expected an array of length 2, got 1"),
        ("regions = {}\nhours = [\n 1,\n 2.5]", 4, "hours[1]", "expected a whole number, got 2.5"),
        (
            "regions = {}\n[source]\ndevcie = 'a'\nkind = 'serial'",
            3,
            "source.devcie",
            "unknown key, did you mean 'device'?",
        ),
    ],
)
def test_a_fault_in_a_collection_names_the_element(text: str, line: int, path: str, message: str) -> None:
    """Tables of free keys, tuples, the tag of a single table, and a table where a word could stand."""
    with pytest.raises(ConfigError) as caught:
        decode_toml(text, Limits, "x.toml")
    (fault,) = caught.value.faults
    assert (fault.line, fault.path) == (line, path)
    assert fault.message.startswith(message)


@pytest.mark.parametrize("number", ["inf", "-inf", "nan", "1e400"])
def test_a_number_without_end_is_a_fault(number: str) -> None:
    """TOML can write them, and nothing can be configured with them."""
    text = f'name = "x"\nlimits = {{ power = {number} }}\n[[meter]]\ncode = "A-1"\ncarrier = "heat"'
    with pytest.raises(ConfigError) as caught:
        decode_toml(text, City, "city.toml")
    (fault,) = caught.value.faults
    assert (fault.line, fault.path) == (2, "limits.power")
    assert fault.message.startswith("expected a finite number, got ")


def test_collections_decode_into_their_types() -> None:
    """What the faults above would have been, done right."""
    text = "regions = { 610302 = [1] }\npair = [1, 'a']\nhours = [1, 2]\nsource = { device = 'tty', kind = 'serial' }"
    assert decode_toml(text, Limits, "x.toml") == Limits({"610302": [1]}, (1, "a"), (1, 2), Serial("tty"))
    assert decode_toml("type = 'limits'\nregions = {}\nsource = 'word'", Limits, "x.toml").source == "word"


def test_a_document_nested_beyond_reason_is_a_fault_not_a_crash() -> None:
    """The parser's own limit is reported like any other fault."""
    assert faults(f"a = {'[' * 5000}{']' * 5000}") == [(0, "", "nested too deeply")]


@pytest.mark.parametrize(
    ("settings", "text", "message"),
    [
        (MqttSettings, "password_file = 'x'", "password_file needs a username"),
        (MqttSettings, "[tls]\ncert_file = 'x'", "cert_file and key_file belong together"),
    ],
)
def test_settings_that_only_make_sense_together_are_checked(
    settings: type[msgspec.Struct], text: str, message: str
) -> None:
    """A rule over several keys is a fault of their table."""
    with pytest.raises(ConfigError, match=message):
        decode_toml(text, settings, "x.toml")


@pytest.mark.parametrize(
    ("text", "line"), [("name = 'x'\nmeter = [\n", 3), ("name = 'x'\n\nname = 'y'\n", 3), ("a = 1 b = 2", 1)]
)
def test_a_syntax_error_is_a_fault_with_its_line(text: str, line: int) -> None:
    """What tomllib refuses is reported as a fault like any other."""
    (fault,) = faults(text)
    assert fault[:2] == (line, "")
    assert "at line" not in fault[2]


def test_a_file_that_is_missing_or_no_text_is_named(tmp_path: Path) -> None:
    """A missing file and one that is not UTF-8 end in a ConfigError that names them."""
    missing, binary = tmp_path / "none.toml", tmp_path / "binary.toml"
    binary.write_bytes(b"name = 'x'\nkey = '\xff'\n")
    with pytest.raises(ConfigError, match=r"none\.toml: cannot be read: No such file"):
        load_toml(missing, City)
    with pytest.raises(ConfigError, match=r"binary\.toml:2: not UTF-8"):
        load_toml(binary, City)


def test_file_names_start_at_the_directory_of_the_file(tmp_path: Path) -> None:
    """A relative file name means the same wherever the service is started."""
    (tmp_path / "city.toml").write_text(GOOD)
    assert load_toml(tmp_path / "city.toml", City).secret_file == tmp_path / "keys/mqtt"


def test_a_cross_check_adds_faults_with_lines() -> None:
    """A later check over several tables points at the line of each."""
    document = parse_document("[[m]]\naddress = 1\n\n[[m]]\naddress = 1\n", "city.toml")
    collector = FaultCollector(document)
    collector.raise_faults()
    collector.add(("m", 1, "address"), "address 1 is taken")
    assert document.line_of(("m", 1, "address", "deeper")) == 5
    with pytest.raises(ConfigError, match=r"city\.toml:5: m\[1\]\.address: address 1 is taken"):
        collector.raise_faults()


def test_a_secret_comes_from_a_file_of_its_own(tmp_path: Path) -> None:
    """The line end is not part of the secret; an empty or missing file is a fault of the set-up."""
    (tmp_path / "secret").write_text(" pass word \n")
    (tmp_path / "empty").write_text("\n")
    assert read_secret(tmp_path / "secret") == " pass word "
    with pytest.raises(SetupError, match="holds no secret"):
        read_secret(tmp_path / "empty")
    with pytest.raises(SetupError, match=r"there is no file .*missing") as caught:
        read_secret(tmp_path / "missing")
    assert caught.value.advice.startswith("Make it")
    with pytest.raises(SetupError, match=r"cannot be read: .*directory"):
        read_secret(tmp_path)


@pytest.mark.parametrize("text", ["token\nsecond\n", "token\r\nsecond", "# comment\ntoken\n", "token\rrest", "tok\0en"])
def test_a_secret_is_one_line(tmp_path: Path, text: str) -> None:
    """A bearer token with a line break in it would be no header any more, and a comment no password."""
    (tmp_path / "secret").write_bytes(text.encode())
    with pytest.raises(SetupError, match="is not one line of text"):
        read_secret(tmp_path / "secret")
