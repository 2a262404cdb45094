"""Who may import whom, and which module is the one that knows an outside library."""

from __future__ import annotations

import sys
from fnmatch import fnmatch
from graphlib import TopologicalSorter

import pytest

from tests.support.source_tree import PACKAGES, Module, modules, own_modules

# What each package may import of ours, as prefixes of module names.
ALLOWED = {
    "energy": (),
    "collector": ("energy",),
    "ingest": ("energy",),
    "alerts": ("energy",),
    # The simulated meters speak the register layouts that the collector reads: the profiles are data for both.
    "simulators": ("energy", "collector.profiles", "collector.registers"),
    "deploy": ("energy", "collector", "ingest", "alerts", "simulators"),
}

# Which modules may import which library, as patterns. All others go through these, so that each library's errors are
# translated in one place and an upgrade touches one file.
LIBRARIES = {
    # The vocabulary of every package: typed values, logs.
    "msgspec": ("*",),
    "structlog": ("*",),
    # One metrics module per package; the board reads what they export.
    "prometheus_client": ("energy.metrics", "*.metrics", "deploy.demo.board_source"),
    "aiomqtt": ("energy.transport.mqtt",),
    "paho": ("energy.transport.mqtt",),
    "uvloop": ("energy.services",),
    # A server in each process; a client for the uplink, and where the demo asks those servers.
    "aiohttp": (
        "energy.health",
        "energy.transport.http",
        "ingest.receiving.http.server",
        "ingest.receiving.http.connection",
        "ingest.receiving.http.requests",
        "deploy.demo.*",
    ),
    # Zstandard: of the standard library from Python 3.14 on, before that its backport.
    "backports": ("ingest.receiving.http.decompression",),
    "compression": ("ingest.receiving.http.decompression",),
    # The storage package as a whole is the adapter: it opens, listens and translates.
    "asyncpg": ("energy.storage.*",),
    # Alembic calls its env.py; psycopg and SQLAlchemy serve Alembic alone, and the stack's first connection.
    "alembic": ("energy.storage.migrate", "energy.storage.migrations.env"),
    "sqlalchemy": ("energy.storage.migrate", "energy.storage.migrations.env"),
    "psycopg": ("energy.storage.migrate", "deploy.stack.database"),
    # Columns are the language of ingest and alerts, not a library behind an interface: no object per reading or quota.
    # The forecast of the demo judges by the alerts' own columns.
    "numpy": ("ingest.*", "alerts.*", "energy.storage.binary", "deploy.demo.forecast", "deploy.demo.forecast_use"),
    "pymodbus": ("collector.drivers.modbus.connection",),
    "serial": ("collector.drivers.serial_port",),
    "jmespath": ("collector.drivers.mqtt.json_path",),
    "google": ("energy.sparkplug.payload",),  # protobuf
    "chinese_calendar": ("energy.working_days",),
    "jinja2": ("ingest.accounting.reports.page",),
    "markupsafe": ("ingest.accounting.reports.page",),
    "simpleeval": ("alerts.rules.expressions",),
    "yaml": ("alerts.trying.yaml_lines",),
    "sqlite3": ("collector.spool.database",),
    # What a person sees in the terminal.
    "click": ("deploy.cli", "deploy.cli.*"),
    "rich": ("deploy.cli.*", "deploy.demo.*"),
    "filelock": ("deploy.stack.files",),
    "tomli_w": ("deploy.demo.toml_files",),
}


def test_every_package_is_known() -> None:
    """A new package gets its line in the table."""
    assert set(ALLOWED) == set(PACKAGES)


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_imports_only_what_it_may(package: str) -> None:
    """The vocabulary imports none of ours; the parts know the vocabulary, not each other; nobody imports tests."""
    offences = [
        f"{module.place}:{line} imports {name}"
        for module in modules(package)
        for name, line in module.imports()
        if _is_ours(name) and not _may_import(package, name)
    ]
    assert not offences


def test_imports_are_absolute() -> None:
    """The name of a module says where it lives."""
    offences = [
        f"{module.place}:{line}" for module in own_modules() for name, line in module.imports() if name.startswith(".")
    ]
    assert not offences


def test_each_library_is_imported_where_the_table_says() -> None:
    """A library's errors and quirks stay behind one module of a package."""
    offences = [
        f"{module.place}:{line} imports {name}"
        for module in own_modules()
        for name, line in module.imports()
        if (library := _library(name)) and not _may_use(module, library)
    ]
    assert not offences


def test_the_table_names_no_library_that_is_not_used() -> None:
    """A dependency that nobody imports any more is struck off here, and from pyproject.toml."""
    used = {_library(name) for module in own_modules() for name, _ in module.imports()}
    assert set(LIBRARIES) <= used


def test_modules_do_not_import_each_other_in_circles() -> None:
    """A circle would make two modules one."""
    names = {module.name for module in own_modules()}
    graph = {
        module.name: {own for name, _ in module.imports() if (own := _existing(name, names)) and own != module.name}
        for module in own_modules()
    }
    TopologicalSorter(graph).prepare()


def _is_ours(name: str) -> bool:
    return name.partition(".")[0] in {*PACKAGES, "tests", "benchmarks"}


def _may_import(package: str, name: str) -> bool:
    return any(name == prefix or name.startswith(f"{prefix}.") for prefix in (package, *ALLOWED[package]))


def _library(name: str) -> str | None:
    """The outside library that an import belongs to; of the standard library only what the table names."""
    root = name.partition(".")[0]
    if root in LIBRARIES:
        return root
    return None if _is_ours(name) or root in sys.stdlib_module_names or not root else root


def _may_use(module: Module, library: str) -> bool:
    return any(fnmatch(module.name, pattern) for pattern in LIBRARIES.get(library, ()))


def _existing(name: str, names: set[str]) -> str | None:
    """The module that an import loads: `a.b.c` itself, or `a.b` where c is a name inside it."""
    parent = name.rpartition(".")[0]
    return name if name in names else parent if parent in names else None
