"""The page on ingest says what the code does: its tables are the code's, its commands and keys exist."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import msgspec
import pytest

from deploy.cli import root
from energy.config import decode_toml
from energy.errors import (
    FatalError,
    PermissionRefusedError,
    QuotawattError,
    RejectedError,
    RetryableError,
    SchemaError,
    SetupError,
    StorageRejectedError,
)
from energy.storage.errors import VERDICTS
from energy.wire import RefusalCode
from ingest.checking.verdicts import CODES
from ingest.following.fold import MOST_NEW_STREAMS, MOST_PIECES
from ingest.receiving.csv.pieces import CsvCarrier
from ingest.receiving.csv.route import MOST_UPLOADS
from ingest.receiving.http.readings import HttpCarrier
from ingest.receiving.http.settings import HttpLimits
from ingest.receiving.http.tokens import TokenFile, line_of
from ingest.receiving.mqtt.broker_limits import PACKET_BYTES
from ingest.receiving.mqtt.probe import MESSAGES
from ingest.receiving.mqtt.receiver import MqttCarrier
from ingest.receiving.sparkplug.carrier import SparkplugCarrier
from ingest.receiving.sparkplug.settings import SparkplugSettings
from ingest.rejects.candidates import ReplayCarrier
from ingest.settings import IngestSettings
from ingest.upkeep.edition import FIRST_PASSING

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "ingest.md").read_text(encoding="utf-8")
TELEMETRY = (ROOT / "docs" / "telemetry.md").read_text(encoding="utf-8")
SOURCES = {
    path: path.read_text(encoding="utf-8")
    for path in (*(ROOT / "ingest").rglob("*.py"), *(ROOT / "energy").glob("*.py"))
    if "accounting" not in path.parts
}


def chapter(heading: str) -> str:
    """What stands below a heading, up to the next one of its level."""
    marks = heading.partition(" ")[0]
    return re.split(rf"^{marks} ", PAGE.split(f"\n{heading}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]


def cells(text: str, column: int = 0) -> list[str]:
    """The names in backticks of a column of the tables in `text`."""
    rows = [line.strip("|").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    return [name for row in rows if column < len(row) for name in re.findall(r"`([^`]+)`", row[column])]


def test_the_carriers_are_those_of_the_code() -> None:
    """Each way in by its name."""
    carriers = (MqttCarrier, HttpCarrier, SparkplugCarrier, CsvCarrier, ReplayCarrier)
    table = chapter("## The ways in").split("\n### ", 1)[0]
    assert [name for name in cells(table) if not name.startswith("quotawatt")] == [kind.name for kind in carriers]


def test_every_refusal_is_explained_in_the_order_in_which_it_is_given() -> None:
    """Whole messages first, then readings, then what the database refuses."""
    whole = [RefusalCode.MALFORMED, RefusalCode.UNSUPPORTED_VERSION, RefusalCode.TOO_LARGE]
    assert cells(chapter("## What is checked")) == [*whole, *CODES, RefusalCode.STORAGE_REFUSED]
    assert {*whole, *CODES, RefusalCode.STORAGE_REFUSED} == set(RefusalCode)


def test_every_reason_to_turn_a_request_away_is_explained() -> None:
    """With its status where it has one."""
    text = "\n".join(SOURCES.values())
    with_status = set(re.findall(r'(?:TurnedAwayError|super\(\).__init__)\(\s*([45]\d\d),\s*"(\w+)"', text))
    rows = re.findall(r"^\| ([\d, ]+|closed) \| `(\w+)` \|", chapter("### HTTP push"), re.MULTILINE)
    told = {(status, reason) for row, reason in rows for status in row.split(", ")}
    assert with_status <= told
    others = set(re.findall(r'(?:turned_away|drop|self\.drop,)\(?\s*"(\w+)"', text)) | {"fault"}
    assert {reason for _, reason in told} == {reason for _, reason in with_status} | others


def test_every_event_of_the_log_is_explained() -> None:
    """And none that does not exist; what is for debugging alone is left out."""
    text = "\n".join(SOURCES.values())
    logged = set(re.findall(r'(?:_log\.(?:info|warning|error|exception)|\btell)\(\s*"(\w+)"', text))
    pairs = set(re.findall(r'Availability\(_log, "(\w+)"\)', text))
    migration = (ROOT / "energy/storage/migrations/sql/0009_upkeep.sql").read_text(encoding="utf-8")
    done = set(re.findall(r"'(\w+)'", migration.split("check (action in (", 1)[1].split("))", 1)[0]))
    expected = logged | done | {f"{name}_{end}" for name in pairs for end in ("lost", "back")}
    told = cells(chapter("## The log"))
    assert sorted(told) == sorted(set(told) - {"grace_s", "on conflict do nothing"})
    assert set(told) == expected


def test_every_metric_of_the_page_exists() -> None:
    """As the page on telemetry lists it."""
    named = set(re.findall(r"quotawatt_[a-z]+_\w+", PAGE))
    assert named
    assert named <= set(re.findall(r"^\| `(\w+)` \|", TELEMETRY, re.MULTILINE))


def commands() -> Iterator[list[str]]:
    """The words of every command of ours on the page, in consoles and in sentences."""
    for line in re.findall(r"^\$ quotawatt (.+)$", PAGE, re.MULTILINE):
        yield shlex.split(line)
    for line in re.findall(r"`quotawatt ([a-z][^`]*)`", PAGE):
        yield shlex.split(line)


@pytest.mark.parametrize("words", list(commands()), ids=" ".join)
def test_every_command_exists_with_its_options(words: list[str]) -> None:
    """Down to the last group, and each option of the last command."""
    command: click.Command = root
    left = list(words)
    while left and isinstance(command, click.Group):
        found = command.get_command(click.Context(command), left.pop(0))
        assert found is not None, words
        command = found
    known = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    assert {word for word in left if word.startswith("-")} <= known


def test_every_key_of_the_page_exists() -> None:
    """Each table, and each key that stands with its table."""
    for names, key in re.findall(r"`\[([a-z.]+)\](?: (\w+))?", PAGE):
        if names == "gateways":  # of the file of tokens
            continue
        kind: type[msgspec.Struct] = IngestSettings
        for name in names.split("."):
            kind = table_of(kind, name)
        assert not key or key in kind.__struct_fields__, (names, key)


def table_of(kind: type[msgspec.Struct], name: str) -> type[msgspec.Struct]:
    """The struct that a key holds."""
    fields = msgspec.inspect.type_info(kind)
    assert isinstance(fields, msgspec.inspect.StructType)
    (field,) = (one for one in fields.fields if one.name == name)
    parts = field.type.types if isinstance(field.type, msgspec.inspect.UnionType) else (field.type,)
    (found,) = (part.cls for part in parts if isinstance(part, msgspec.inspect.StructType))
    return found


def test_bounds_are_those_of_the_code() -> None:
    """Of the table of limits, and of what the broker has to allow."""
    made = decode_toml('[database]\ndsn = "d"\n[mqtt]\n', IngestSettings, "test")
    limits = HttpLimits()
    told = dict(re.findall(r"^\| ([^|]+) \| ([^|]+) \| [^|]*\|$", chapter("## Limits and sizing"), re.MULTILINE))
    assert told["messages of MQTT that are not committed"] == spaced(made.receive.window)
    assert told["envelopes of HTTP, and their bytes"] == f"{limits.window}, {limits.window_bytes >> 20} MiB"
    assert told["of these, one gateway's"] == spaced(limits.gateway_window)
    assert told["connections over HTTP"] == spaced(limits.connections)
    assert told["uploads of files at once"] == spaced(MOST_UPLOADS)
    assert told["readings of Sparkplug that are not committed"] == spaced(SparkplugSettings(host_id="h").window)
    assert told["readings in a batch"] == spaced(made.batch.readings)
    assert told["batches written at once"] == spaced(made.batch.writers)
    kept = made.rejects
    assert told["rejects kept"] == f"{kept.keep_days:g} days, {spaced(kept.keep_megabytes)} MB"
    assert f"| `max_packet_size` | {spaced(PACKET_BYTES)} |" in PAGE
    assert f"tries out with {spaced(MESSAGES)} messages" in PAGE
    assert f"below {'.'.join(map(str, FIRST_PASSING))}\n" in PAGE
    assert f"more than {spaced(MOST_PIECES)} pieces" in PAGE
    assert f"never used before {MOST_NEW_STREAMS} a day" in PAGE


def spaced(number: int) -> str:
    """With a space between thousands."""
    return f"{number:,}".replace(",", " ")


@pytest.mark.parametrize(
    ("verdict", "kind"), [("retry", RetryableError), ("reject", RejectedError), ("stop", FatalError)]
)
def test_each_sqlstate_stands_with_its_verdict(verdict: str, kind: type[Exception]) -> None:
    """All that the code names, and no other."""
    (row,) = re.findall(rf"^\| {verdict} \| (`.+) \|$", PAGE, re.MULTILINE)
    assert re.findall(r"`(\w+)`", row) == [state for state, one in VERDICTS.items() if issubclass(one.kind, kind)]


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        ("a batch that the database refuses, but none of its rows", StorageRejectedError),
        ("a unique constraint or index of the site's own refuses a row", SchemaError),
        ("password changed, right taken away", PermissionRefusedError),
        ("schema of another version", SchemaError),
        ("no such database", SetupError),
        ("damaged table or index", FatalError),
        ("broker refuses name, password or rights", PermissionRefusedError),
    ],
)
def test_what_stops_a_worker_has_the_exit_code_of_its_error(failure: str, kind: type[QuotawattError]) -> None:
    """As the table of failures says."""
    assert re.search(rf"^\| {failure} \| stop, exit code {kind.exit_code}\b", PAGE, re.MULTILINE)


def test_the_line_of_a_token_is_the_one_that_belongs_to_it() -> None:
    """In the console, and in the file."""
    (token,) = re.findall(r"^token: (\S+)$", PAGE, re.MULTILINE)
    line = line_of("gw-example-001", token)
    assert f"line:  {line}\n" in PAGE
    (file,) = re.findall(r"```toml\n(# tokens\.toml\n.*?)```", PAGE, re.DOTALL)
    assert line in file
    assert decode_toml(file, TokenFile, "tokens.toml").gateways


@pytest.mark.parametrize(("package", "heading"), [("ingest", "Ingest's"), ("alerts", "Alerts'")])
def test_the_map_has_every_folder(package: str, heading: str) -> None:
    """The page on architecture lists them, each way in by itself."""
    page = (ROOT / "docs" / "ARCHITECTURE.md").read_text(encoding="utf-8")
    table = re.split(r"\n## |\n### Alerts' ", page.split(f"\n### {heading} folders\n", 1)[1])[0]
    listed = re.findall(r"^\| `([a-z_/]+)/` \|", table, re.MULTILINE)
    found = {path.parent.relative_to(ROOT / package).as_posix() for path in (ROOT / package).rglob("__init__.py")}
    assert sorted(listed) == sorted(found - {"."})


def test_the_map_has_every_table_of_the_database() -> None:
    """Of all migrations, but for those that a later one dropped; Alembic keeps its own."""
    page = (ROOT / "docs" / "ARCHITECTURE.md").read_text(encoding="utf-8")
    table = page.split("\n## Storage\n", 1)[1].split("\n## ", 1)[0]
    files = (ROOT / "energy" / "storage" / "migrations" / "sql").glob("*.sql")
    text = "".join(file.read_text("utf-8") for file in files)
    made = set(re.findall(r"^create table (\w+)", text, re.MULTILINE))
    made -= set(re.findall(r"\w+", " ".join(re.findall(r"^drop table ([\w, ]+);", text, re.MULTILINE))))
    assert {name for line in table.splitlines() for name in re.findall(r"`(\w+)`", line.split(" | ")[0])} >= made
