"""The mapping of metrics to points, from a file to the database and back, by the command line."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from click.testing import CliRunner

from deploy.cli import root
from energy.errors import ConfigError, Fault
from energy.registry.store import apply
from energy.storage import StorageSettings, connect
from tests.support import ingest_worker as worker

FILE = """\
[[nodes]]
group = "plant"
edge_node = "hall-1"
gateway = "gw-a"

[[nodes.metrics]]
metric = "总电量"
point = "gw-a-1"

[[nodes.metrics]]
device = "press"
metric = "Energy/Import"
point = "gw-a-0"
scale = 0.001

[[nodes]]
group = "plant"
edge_node = "hall-2"
gateway = "gw-b"

[[nodes.metrics]]
metric = "Energy/Import"
point = "gw-b-0"
"""
HALL_2 = FILE[FILE.index('[[nodes]]\ngroup = "plant"\nedge_node = "hall-2"') :]
FAULTY = """\
[[nodes]]
group = "plant"
edge_node = "hall-1"
gateway = "gw-c"

[[nodes.metrics]]
metric = "a"
point = "gw-b-0"

[[nodes.metrics]]
metric = "b"
point = "gw-b-0"

[[nodes.metrics]]
metric = "b"
point = "unheard-of"

[[nodes]]
group = "plant"
edge_node = "hall-1"
gateway = "gw-b"
"""
WRONG = """\
[[nodes]]
group = "plant/1"
gateway = "gw-a"

[[nodes.metrics]]
metric = "a"
point = "gw-a-0"
scale = 0

[[nodes.metrics]]
metric = "b"
point = "gw-a-1"
unit = "kWh"
"""


@pytest.fixture
def mapped(dsn: str, tmp_path: Path) -> Database:
    """A database with two gateways of three points each."""

    async def prepare() -> None:
        async with connect(StorageSettings(dsn)) as connection:
            for gateway in ("gw-a", "gw-b"):
                await apply(connection, worker.registry(gateway, 3))

    asyncio.run(prepare())
    return Database(dsn, tmp_path / "mapping.toml")


class Database:
    """A database and a file to import."""

    def __init__(self, dsn: str, file: Path) -> None:
        self.dsn = dsn
        self.file = file

    def imports(self, text: str, *options: str) -> str:
        """Import a file that says this."""
        self.file.write_text(text, encoding="utf-8")
        return self.quotawatt("import", str(self.file), *options)

    def faults(self, text: str, *options: str) -> list[Fault]:
        """What is wrong with a file that says this."""
        with pytest.raises(ConfigError) as caught:
            self.imports(text, *options)
        return list(caught.value.faults)

    def quotawatt(self, *arguments: str) -> str:
        """What a command prints."""
        done = CliRunner().invoke(root, ["sparkplug", *arguments, "--dsn", self.dsn])
        if done.exception:
            raise done.exception
        return done.stdout

    def execute(self, query: str) -> None:
        """Run a statement."""

        async def run() -> None:
            async with connect(StorageSettings(self.dsn)) as connection:
                await connection.execute(query)

        asyncio.run(run())


def test_what_is_imported_is_exported(mapped: Database) -> None:
    """The same file, and importing it again changes nothing."""
    assert mapped.imports(FILE) == "Edge nodes: 2, metrics: 3.\n"
    assert mapped.quotawatt("export") == FILE
    mapped.imports(FILE)
    assert mapped.quotawatt("export") == FILE


def test_an_import_rules_its_own_edge_nodes_alone(mapped: Database) -> None:
    """Metrics that it leaves out go; edge nodes that it leaves out go only when that is asked for."""
    mapped.imports(FILE)
    without = HALL_2.replace("Energy/Import", "Energy/Total")
    mapped.imports(without)
    assert mapped.quotawatt("export") == FILE.replace(HALL_2, without)
    mapped.imports(without, "--replace")
    assert mapped.quotawatt("export") == without


def test_points_change_hands_in_one_import(mapped: Database) -> None:
    """What one metric showed another one shows now."""
    mapped.imports(FILE)
    swapped = FILE.replace("gw-a-0", "?").replace("gw-a-1", "gw-a-0").replace("?", "gw-a-1")
    mapped.imports(swapped)
    assert mapped.quotawatt("export") == swapped


def test_every_fault_is_named_with_its_line(mapped: Database) -> None:
    """What is registered is looked up; nothing is written."""
    mapped.imports(HALL_2)
    assert [(one.line, one.path, one.message) for one in mapped.faults(FAULTY)] == [
        (12, "nodes[0].metrics[1].point", "gw-b-0 stands here a second time (first: nodes[0].metrics[0].point)"),
        (15, "nodes[0].metrics[2].metric", "b stands here a second time (first: nodes[0].metrics[1].metric)"),
        (20, "nodes[1].edge_node", "plant/hall-1 stands here a second time (first: nodes[0].edge_node)"),
    ]
    unregistered = FAULTY[: FAULTY.index('[[nodes.metrics]]\nmetric = "b"')]
    unregistered += '[[nodes.metrics]]\nmetric = "b"\npoint = "unheard-of"\n'
    assert [(one.line, one.path, one.message) for one in mapped.faults(unregistered)] == [
        (4, "nodes[0].gateway", "'gw-c' is not registered"),
        (8, "nodes[0].metrics[0].point", "'gw-b-0' belongs to gateway gw-b, not gw-c"),
        (8, "nodes[0].metrics[0].point", "'gw-b-0' is a metric of plant/hall-2 already"),
        (12, "nodes[0].metrics[1].point", "'unheard-of' is not registered"),
    ]
    assert len(mapped.faults(unregistered, "--replace")) == 3
    assert mapped.quotawatt("export") == HALL_2


def test_what_cannot_be_is_refused_before_the_database_is_asked(mapped: Database) -> None:
    """A name with a slash, a missing key, an unknown one, a scale of 0."""
    assert [(one.line, one.path) for one in mapped.faults(WRONG)] == [
        (1, "nodes[0].edge_node"),
        (2, "nodes[0].group"),
        (5, "nodes[0].metrics[0]"),
        (13, "nodes[0].metrics[1].unit"),
    ]


def test_edge_nodes_are_listed_with_their_state(mapped: Database) -> None:
    """Those never heard of, those online, and devices that went; what is not mapped any more is forgotten."""
    mapped.imports(FILE)
    mapped.execute(
        "insert into sparkplug_state values ('plant', 'hall-1', '', true, '2026-03-01T00:00:00Z'),"
        " ('plant', 'hall-1', 'press', false, '2026-03-02T00:00:00Z')"
    )
    assert mapped.quotawatt("nodes").splitlines() == [
        "plant/hall-1  gw-a  metrics: 1  online since 2026-03-01T00:00:00+00:00",
        "plant/hall-1/press  gw-a  metrics: 1  offline since 2026-03-02T00:00:00+00:00",
        "plant/hall-2  gw-b  metrics: 1  never heard",
    ]
    mapped.imports(HALL_2, "--replace")
    mapped.imports(FILE)
    assert "never heard" in mapped.quotawatt("nodes").splitlines()[0]
