"""A collector's file: every fault at once, with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from collector.checks import load_settings
from energy.errors import ConfigError

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "collector.toml"

FAULTY = """\
spool_dir = "spool"
[mqtt]
client_id = "one"
[[gateways]]
code = "GW 1"
region = "610303"
host = "192.0.2.1"
[[gateways.meters]]
point = "P-1"
unit_id = 1
profile = "eastron_sdm360"
carrier = "electricity"
[[gateways.meters]]
point = "P-2"
unit_id = 1
profile = "eastron_sdm630"
carrier = "electric"
[[gateways.meters]]
point = "P-1"
unit_id = 3
profile = "eastron_sdm630"
carrier = "heat"
[[gateways]]
code = "gw-2"
region = "610303"
host = "192.0.2.1"
[[gateways.meters]]
point = "P-4"
unit_id = 1
profile = "eastron_sdm630"
carrier = "electricity"
ct = 200
[[gateways.meters]]
point = "P-5"
unit_id = 2
profile = "kamstrup_multical_403"
carrier = "heat"
unit = "t"
"""


def test_the_example_loads() -> None:
    """The documented file is one that works, and relative names start at it."""
    settings = load_settings(EXAMPLE)
    assert settings.spool_dir == EXAMPLE.parent / "spool"
    assert [len(gateway.meters) for gateway in settings.gateways] == [4]


def test_every_fault_across_tables_is_listed_with_its_line(tmp_path: Path) -> None:
    """Two meters at one address, a point twice, unknown names, units that do not fit: nothing hides another."""
    file = tmp_path / "collector.toml"
    file.write_text(FAULTY, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_settings(file)
    faults = {fault.line: fault.message for fault in caught.value.faults}
    expected = {
        3: "several gateways connect",
        4: "gateway 'GW 1'",
        11: "unknown profile 'eastron_sdm360'",
        15: "unit 1 behind GW 1 stands here a second time (first: gateways[0].meters[0].unit_id)",
        17: "unknown carrier 'electric'",
        19: "point P-1 stands here a second time",
        22: "eastron_sdm630 measures electricity, not heat",
        23: "line 192.0.2.1:502 stands here a second time",
        27: "ct and pt do not belong here",
        38: "no conversion leads there",
    }
    assert faults.keys() == expected.keys()
    assert all(message in faults[line] for line, message in expected.items())


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("offset_s = 0", "offset_s = 60", "must be below interval_s"),
        ("window = 32", "window = 0", "window"),
        ('host = "192.0.2.', 'host = "192..2.', "host"),
        ("window = 32", "resend = { first_s = 9, most_s = 3 }", "must not be above"),
    ],
)
def test_single_values_have_bounds(tmp_path: Path, old: str, new: str, message: str) -> None:
    """What a single table can tell is told by it."""
    file = tmp_path / "collector.toml"
    file.write_text(EXAMPLE.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    with pytest.raises(ConfigError, match=message):
        load_settings(file)
