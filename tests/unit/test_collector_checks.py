"""A collector's file: every fault at once, with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from collector.checks import load_settings
from energy.errors import ConfigError

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "collector.toml"
HUGE = f"1{'0' * 400}"
"""An integer that no float can hold."""

FAULTY = """\
spool_dir = "spool"
graze_s = 4 #! unknown key, did you mean 'grace_s'?
[[platforms]]
kind = "mqtt"
client_id = "one" #! several gateways connect
port = "1883" #! expected a whole number
[[gateways]]
code = "GW 1" #! gateway 'GW 1': 1 to 63
region = "6103" #! region '6103': six digits
[[gateways.lines]]
kind = "modbus-tcp"
host = "192.0.2.1"
interval_s = 0 #! >= 0.1
[[gateways.lines.meters]]
point = "P-1"
unit_id = 1
profile = "eastron_sdm360" #! unknown profile 'eastron_sdm360'
[[gateways.lines.meters]] #! no point: give point for the counter
unit_id = 1 #! unit 1 behind gateways[0].lines[0] stands here a second time
profile = "eastron_sdm630"
[[gateways.lines.meters]]
point = "P-1" #! point P-1 stands here a second time (first: gateways[0].lines[0].meters[0].point)
unit_id = 300 #! <= 255
profile = "eastron_sdm630"
[gateways.lines.meters.points]
energy_import_total = "P-1.E" #! energy_import_total is the counter, which goes to point already
power_activ = "P-1.P" #! eastron_sdm630 has no value 'power_activ'
[[gateways.lines.meters]] #! shows the secondary side: give pt
point = "P-3"
unit_id = 3
profile = "acrel_dtsd1352"
ct = 0 #! > 0
[[gateways]]
code = "gw-2"
region = 610303 #! expected a string
[[gateways.lines]]
kind = "modbus-tcp"
host = "192.0.2.1" #! line 192.0.2.1:502 stands here a second time
[[gateways.lines.meters]]
point = "P-4"
unit_id = 1
profile = "schneider_iem3155"
pt = 1 #! primary side already: no pt here
[[gateways.lines.meters]]
point = "P 5" #! expected 1 to 64 letters, digits, dots
unit_id = 2
profile = "kamstrup_multical_403"
unit = "t" #! no conversion leads there
offset_s = 60 #! offset_s (60) must be below interval_s (60)
[[gateways.lines]]
kind = "modbus-rtu"
device = "/dev/ttyS1"
[[gateways.lines.meters]]
point = "P-6"
unit_id = 2
profile = "dlt645_2007_three_phase" #! is for dlt645, and this line speaks modbus
[[gateways.lines]]
kind = "dlt645-serial"
device = "/dev/ttyS1" #! line /dev/ttyS1 stands here a second time
parity = "mark" #! unknown value 'mark' (known: none, even, odd)
[[gateways.lines.meters]]
point = "P-7"
address = "1" #! expected twelve digits, or twelve A
profile = "dlt645_2007_three_phase"
ct = 1
pt = 1
[[gateways.lines]]
kind = "modbus-rtu"
device = "/dev/ttyS2"
[[gateways.lines.meters]]
points = { mass = "P-8", flow_mass = "P-8.F", pressure = "P-8.P" }
unit_id = 1
profile = "spirax_vlm20"
[gateways.lines.meters.units] #! pressure: the meter's menu decides the unit of measure
flow_mass = "kg/h"
mass = "kg/h" #! kg/h is mass flow, t is mass: no conversion leads there
presure = "bar" #! spirax_vlm20 has no value 'presure'
density = "kg/m3" #! density is not sent, so that its unit of measure changes nothing
[[gateways.lines.meters]]
points = { voltage_l1 = "P-9.U" }
unit_id = 2
profile = "eastron_sdm630"
unit = "MWh" #! it is that of the counter, energy_import_total, which is not sent
[[gateways.lines.meters]]
point = "P-10"
unit_id = 3
profile = "spirax_vlm20"
unit = "t"
units = { mass = "kg" } #! mass is the counter, whose unit of measure is given as unit already
[[gateways.lines]]
kind = "modbus-udp" #! unknown value 'modbus-udp'
[[gateways]]
code = "gw-2" #! gateway gw-2 stands here a second time (first: gateways[1].code)
region = "610303"
lines = 7 #! expected an array
"""
"""Faults of single values and between tables, each told behind `#!` on its line."""


def faults_of(file: Path, text: str) -> list[tuple[int, str]]:
    """Line and message of each fault of a file of that text."""
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_settings(file)
    return [(fault.line, fault.message) for fault in caught.value.faults]


def test_the_example_loads() -> None:
    """The documented file is one that works, and relative names start at it."""
    settings = load_settings(EXAMPLE)
    assert settings.spool_dir == EXAMPLE.parent / "spool"
    assert [len(line.meters) for gateway in settings.gateways for line in gateway.lines] == [2, 2]


def test_every_fault_is_listed_with_its_line(tmp_path: Path) -> None:
    """No fault hides another, be it of a single value or between tables; the order is the file's."""
    expected = [
        (line, text.partition("#! ")[2]) for line, text in enumerate(FAULTY.splitlines(), start=1) if "#! " in text
    ]
    found = faults_of(tmp_path / "collector.toml", FAULTY)
    assert [line for line, _ in found] == [line for line, _ in expected]
    assert all(part in message for (_, part), (_, message) in zip(expected, found, strict=True)), found


@pytest.mark.parametrize("profile", ["acrel_dtsd1352", "chint_dtsu666"])
def test_a_meter_of_the_secondary_side_needs_both_ratios(tmp_path: Path, profile: str) -> None:
    """Left out they would mean 1, and the meter would count thousands of times too little."""
    ratios = "ct = 200 # 1000/5 A: this meter shows the secondary side\npt = 100 # 10/0.1 kV\n"
    whole = EXAMPLE.read_text(encoding="utf-8")
    assert ratios in whole
    text = whole.replace(ratios, "").replace("acrel_dtsd1352", profile)
    line = text[: text.index('point = "EXAMPLE-001-E2"')].count("\n")
    found = faults_of(tmp_path / "collector.toml", text)
    assert [at for at, _ in found] == [line, line]
    assert [message.partition(": give ")[2].partition(",")[0] for _, message in found] == ["ct", "pt"]


OWN = """
protocol = "modbus"
maker = "none"
model = "none"
carrier = "water"
counter = "volume"
source = "made up"
[[registers]]
name = "volume"
quantity = "volume"
unit = "m3"
function_code = 3
address = 0
type = "u32"
confidence = "invented"
[[registers]]
name = "serial"
quantity = "serial"
unit = "1"
function_code = 3
address = 2
type = "string"
words = 4
confidence = "invented"
"""


def test_a_counter_counts_its_carrier_and_text_is_no_reading(tmp_path: Path) -> None:
    """Cubic metres would pass for heat, since the point says nothing of a unit of measure."""
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles" / "own.toml").write_text(OWN, encoding="utf-8")
    meter = '{ unit_id = 1, profile = "own", point = "P", points = { serial = "S" } }'
    gateway = (
        f'{{ code = "g", region = "610303", lines = [{{ kind = "modbus-tcp", host = "h", meters = [{meter}] }}] }}'
    )
    text = f'spool_dir = "s"\nprofile_dirs = ["profiles"]\nplatforms = [{{ kind = "mqtt" }}]\ngateways = [{gateway}]'
    found = [message for _, message in faults_of(tmp_path / "collector.toml", text)]
    assert found == ["serial is text, which is no reading"]
    (tmp_path / "profiles" / "own.toml").write_text(OWN.replace('"water"', '"heat"'), encoding="utf-8")
    (message,) = [message for _, message in faults_of(tmp_path / "collector.toml", text)]
    assert message.endswith(
        "own.toml:6: counter: cannot count heat in GJ: m3 is gas volume, GJ is energy: no conversion leads there"
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "gateways = 3",
        "gateways = [1, {meters = [2]}]\nplatforms = []",
        "gateways = [{code = [], region = {}, lines = [{port = true, meters = [{profile = [1], ct = nan}]}]}]",
        "gateways = [{lines = [{kind = 7, meters = [{profile = 'eastron_sdm630', points = 3}]}], listeners = [1]}]",
        f"gateways = [{{lines = [{{meters = [{{profile = 'acrel_dtsd1352', point = 'P', ct = inf, pt = {HUGE}}}]}}]}}]",
        "gateways = [{listeners = [{kind = 'mqtt', host = 3, port = 'x', topics = [1]}]}]\nprofile_dirs = 4",
    ],
)
def test_a_wholly_different_file_is_refused_without_a_crash(tmp_path: Path, text: str) -> None:
    """Checks between tables say nothing of what is no table at all; decoding does."""
    assert faults_of(tmp_path / "collector.toml", text)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("offset_s = 0", "offset_s = 60", "must be below interval_s"),
        ('spool_dir = "spool"', 'spool_dir = "spool"\nprofile_dirs = ["nowhere"]', "nowhere: cannot be read"),
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


def test_a_back_off_given_in_part_keeps_the_rest_of_its_own_defaults(tmp_path: Path) -> None:
    """Each of the three tables has defaults of its own, whether it is there or not."""
    given = "[meter_backoff]\nfirst_s = 2\n[uplink.resend]\nmost_s = 900\n[uplink.reconnect]\nfirst_s = 3\n"
    path = tmp_path / "collector.toml"
    path.write_text(f"{EXAMPLE.read_text(encoding='utf-8')}\n{given}", encoding="utf-8")
    settings = load_settings(path)
    kinds = settings.meter_backoff, settings.uplink.resend, settings.uplink.reconnect
    assert [(one.first_s, one.most_s) for one in kinds] == [(2, 120), (30, 900), (3, 60)]


@pytest.mark.parametrize(("key", "other"), [("ct", "pt"), ("pt", "ct")])
def test_a_ratio_that_is_no_number_is_one_fault(tmp_path: Path, key: str, other: str) -> None:
    """It is told under the key that was written, and nothing is said of conversions that lack it."""
    meter = f'{{ unit_id = 1, profile = "acrel_dtsd1352", point = "P", {key} = "60", {other} = 1 }}'
    line = f'{{ kind = "modbus-tcp", host = "192.0.2.1", meters = [{meter}] }}'
    gateway = f'{{ code = "g", region = "610302", lines = [{line}] }}'
    platform = '{ kind = "mqtt", host = "192.0.2.9" }'
    text = f'spool_dir = "s"\nplatforms = [{platform}]\ngateways = [{gateway}]'
    assert faults_of(tmp_path / "collector.toml", text) == [(3, "expected a number, got a string")]
