"""`quotawatt profiles`: what it prints, and how it ends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from collector.profiles import load_any_profile, profile_names
from deploy.cli import root
from deploy.cli.profile_text import remark_lines
from energy.carriers import carriers
from energy.errors import ConfigError

MINE = """protocol = "modbus"
maker = "Example"
model = "EM-3"
carrier = "electricity"
counter = "energy"
source = "manual p. 31"
notes = "One."
addresses = "one-based"
max_words = 20

[[registers]]
name = "voltage"
quantity = "voltage_l1"
unit = "V"
function_code = 3
address = 1
type = "u16"
scale = 0.1
ct_pt = "pt"
confidence = "found"

[[registers]]
name = "energy"
quantity = "energy_import_total"
unit = "kWh"
function_code = 3
address = 41
type = "u32"
order = "cdab"
wrap = 1_000_000
not_available = [0xFFFF_FFFF]
confidence = "recalled"
note = "from memory"
"""


def run(*arguments: str) -> Result:
    """The command's answer, on a terminal of 80 columns; a foreseen fault is its exception."""
    return CliRunner(env={"COLUMNS": "80"}).invoke(root, ["profiles", *arguments])


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A profile of a user's own."""
    file = tmp_path / "example_em3.toml"
    file.write_text(MINE, encoding="utf-8")
    return file


def test_list_names_every_profile() -> None:
    """One line each, below the headings, with how well its values are known."""
    heading, *lines = run("list").stdout.splitlines()
    assert heading.split()[:3] == ["NAME", "PROTOCOL", "CARRIER"]
    assert [line.split()[0] for line in lines] == list(profile_names())
    (pzem,) = (line for line in lines if line.startswith("peacefair_pzem016"))
    assert pzem.split() == [
        "peacefair_pzem016",
        "modbus",
        "electricity",
        "6",
        "5",
        "1",
        "0",
        "Peacefair",
        "PZEM-014/016",
    ]


def test_list_as_json_is_for_programs() -> None:
    """The same facts, and the file that each is from."""
    rows = {row["name"]: row for row in json.loads(run("list", "--json").stdout)}
    assert set(rows) == set(profile_names())
    assert rows["peacefair_pzem016"]["confidence"] == {"confirmed": 5, "found": 1, "recalled": 0, "invented": 0}
    assert rows["peacefair_pzem016"]["file"] == "collector/profiles/models/peacefair_pzem016.toml"


def test_a_directory_of_ones_own_is_listed_too(mine: Path) -> None:
    """Beside the shipped ones."""
    shown = run("list", "--profile-dir", str(mine.parent)).stdout
    assert "example_em3" in shown
    assert "eastron_sdm630" in shown


def test_show_tells_all_of_a_profile(mine: Path) -> None:
    """Both countings of each address, what to mind below the value, and the reads of a poll."""
    shown = run("show", "example_em3", "--profile-dir", str(mine.parent)).stdout.splitlines()
    assert shown[0] == "example_em3: Example EM-3"
    assert "limits         at most 20 registers a read, across holes of at most 16" in shown
    rows = [line.split() for line in shown]
    assert ["voltage", "3", "0", "1", "u16", "V", "0.1", "PT", "found"] in rows
    energy = rows.index(["energy", "3", "40", "41", "u32", "cdab", "kWh", "1", "-", "recalled"])
    assert shown[energy + 1] == "    starts again at 1000000 kWh; no value: 0xFFFFFFFF; from memory"
    assert "All of it in 2 reads (addresses as on the wire):" in shown
    assert shown[-2:] == ["  code 3, 0 to 0, 1 in all: voltage", "  code 3, 40 to 41, 2 in all: energy"]


@pytest.mark.parametrize("name", profile_names())
def test_show_leaves_nothing_out(name: str) -> None:
    """Every value with its note, the sources, the notes and the disagreements of every shipped profile."""
    profile = load_any_profile(name)
    shown = " ".join(run("show", name).stdout.split())
    for text in (profile.source, profile.notes, profile.disagreements, *(one.note for one in profile.values)):
        assert " ".join(text.split()) in shown
    assert all(value.name in shown for value in profile.values)


def test_prose_keeps_within_the_terminal() -> None:
    """Sources and notes are broken between words."""
    shown = run("show", "chint_dtsu666").stdout.splitlines()
    (first,) = (at for at, line in enumerate(shown) if line.startswith("sources"))
    prose = shown[first : shown.index("")]
    assert all(len(line) <= 80 for line in prose)
    assert len(prose) > 8


def test_show_as_json_has_the_reads() -> None:
    """With what each brings, in whole numbers however large."""
    shown = json.loads(run("show", "abb_b23", "--json").stdout)
    assert shown["registers"][0]["not_available"] == [2**64 - 1]
    assert shown["reads"][0] == {
        "function_code": 3,
        "address": 20_480,
        "count": 8,
        "unused": 0,
        "values": ["energy_import_total", "energy_export_total"],
    }


def test_show_tells_how_many_registers_a_read_wastes() -> None:
    """Those that it brings and nobody asked for."""
    shown = run("show", "hager_ecr380d").stdout
    assert "  code 3, 45056 to 45076, 21 in all, 7 of them unused: voltage_l1, voltage_l2" in shown


def test_show_of_an_unknown_name_lists_the_known_ones() -> None:
    """The message is enough to go on."""
    result = run("show", "eastron")
    assert isinstance(result.exception, ConfigError)
    assert "eastron_sdm630" in str(result.exception)


def test_check_says_that_a_file_is_sound(mine: Path) -> None:
    """In one line, and the exit code is 0."""
    result = run("check", str(mine))
    assert result.exit_code == 0
    assert result.stdout == f"{mine}: Example EM-3, 2 values, no fault\n"


def test_check_remarks_on_what_is_seldom_meant(mine: Path) -> None:
    """A carrier that nobody knows, and a value that begins within another; the exit code stays 0."""
    text = MINE.replace('"electricity"', '"electrcity"').replace("address = 41", "address = 2")
    mine.write_text(text.replace('type = "u16"', 'type = "u32"'), encoding="utf-8")
    result = run("check", str(mine))
    assert result.exit_code == 0
    _, carrier, overlap = result.stdout.splitlines()
    assert carrier.startswith("  remark: carrier electrcity: no standard coal")
    assert "natural_gas" in carrier
    assert overlap == "  remark: energy at 1, as on the wire, begins within voltage: is one of the types too wide?"


@pytest.mark.parametrize(
    ("code", "base", "counting", "right"),
    [
        (3, 40_000, "zero-based", "the address is one less than its last four digits, 10"),
        (3, 40_000, "one-based", "a one-based address is its last four digits, 11"),
        (4, 30_000, "zero-based", "the address is one less than its last four digits, 10"),
        (4, 30_000, "one-based", "a one-based address is its last four digits, 11"),
    ],
)
def test_check_remarks_on_numbers_of_the_document(mine: Path, code: int, base: int, counting: str, right: str) -> None:
    """40011 is a way of writing the eleventh holding register; one remark stands for all."""
    text = MINE.replace("function_code = 3", f"function_code = {code}").replace("one-based", counting)
    text = text.replace("address = 1\n", f"address = {base + 11}\n").replace("address = 41", f"address = {base + 41}")
    mine.write_text(text, encoding="utf-8")
    _, *remarks = run("check", str(mine)).stdout.splitlines()
    start = f"  remark: voltage at {base + 11}, function code {code}: looks like the document's number: "
    assert remarks == [start + right]


def test_the_first_number_of_a_document_is_remarked_on_too(mine: Path) -> None:
    """In a file that counts from one, too, where 40001 is 40000 on the wire."""
    for counting, right in (("zero-based", "less than its last four digits, 0"), ("one-based", "four digits, 1")):
        text = MINE.replace("one-based", counting).replace("address = 1\n", "address = 40001\n")
        mine.write_text(text.replace("address = 41", "address = 40041"), encoding="utf-8")
        assert run("check", str(mine)).stdout.rstrip().endswith(right)


@pytest.mark.parametrize(("voltage", "energy"), [(1, 40_041), (45_057, 45_099), (50_001, 50_041)])
def test_addresses_that_are_none_of_a_document_cause_no_remark(mine: Path, voltage: int, energy: int) -> None:
    """Some below, a map numbered in hexadecimal (45056 = 0xB000), and beyond what four digits can say."""
    text = MINE.replace("address = 1\n", f"address = {voltage}\n").replace("address = 41", f"address = {energy}")
    mine.write_text(text, encoding="utf-8")
    assert "remark" not in run("check", str(mine)).stdout


def test_a_number_of_six_digits_is_a_fault_that_says_what_to_write(mine: Path) -> None:
    """No address is as large."""
    mine.write_text(MINE.replace("address = 41", "address = 400041"), encoding="utf-8")
    assert "of 300001 or 400001 in a manual the last five digits count, from one" in str(
        run("check", str(mine)).exception
    )


@pytest.mark.parametrize("name", profile_names())
def test_the_shipped_profiles_cause_no_remark(name: str) -> None:
    """Save that water is no energy."""
    profile = load_any_profile(name)
    assert list(remark_lines(profile, {*carriers(), "water"})) == []


def test_check_finds_every_fault_of_every_file(mine: Path, tmp_path: Path) -> None:
    """Each with file and line, whatever the other files are like."""
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(MINE.replace('"u16"', '"u17"').replace("address = 41", "address = 70_000"), encoding="utf-8")
    foreign = tmp_path / "foreign.toml"
    foreign.write_text(MINE.replace('carrier = "electricity"', 'carrier = "natural_gas"'), encoding="utf-8")
    broken = tmp_path / "broken.toml"
    broken.write_text("maker = \n", encoding="utf-8")
    result = run("check", str(wrong), str(mine), str(foreign), str(broken), str(tmp_path / "missing.toml"))
    assert result.stdout == f"{mine}: Example EM-3, 2 values, no fault\n"
    assert isinstance(result.exception, ConfigError)
    assert result.exception.exit_code == 78
    places = [(Path(fault.source).name, fault.line) for fault in result.exception.faults]
    assert places == [
        ("wrong.toml", 17),
        ("wrong.toml", 27),
        ("foreign.toml", 5),
        ("broken.toml", 1),
        ("missing.toml", 0),
    ]
    assert "cannot count natural_gas in m3" in result.exception.faults[2].message


def test_a_profile_that_shadows_another_is_a_fault(tmp_path: Path) -> None:
    """Nobody should read a meter by other facts than the name says."""
    (tmp_path / "eastron_sdm630.toml").write_text(MINE, encoding="utf-8")
    result = run("list", "--profile-dir", str(tmp_path))
    assert isinstance(result.exception, ConfigError)
    assert "exists already" in str(result.exception)
