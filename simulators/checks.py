"""What the tables of a simulators' file must satisfy among each other: every fault at once, each with its line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path as FilePath
from typing import Any

from collector.profiles import Library
from energy.config import load_document
from energy.errors import QuotawattError
from energy.toml_lines import Path
from simulators.faults.kinds import NOT_SERIAL, ONLY_SERIAL
from simulators.loads.catalogue import shape_files
from simulators.settings import SimulatorSettings

Found = Iterator[tuple[Path, str]]
Table = dict[str, Any]


def load_settings(path: FilePath) -> SimulatorSettings:
    """The settings in a file.

    Raises:
        ConfigError: all that is wrong with it, each with its line.
    """
    document = load_document(path)
    return document.decode(SimulatorSettings, across=cross_faults(document.content, document.directory))


def cross_faults(content: Table, directory: FilePath) -> Found:
    """Every fault that no single value shows, as (path, message); values of the wrong type are left to decoding.

    Args:
        content: the parsed file.
        directory: where relative paths in it start.
    """
    lines = list(_tables(content, "lines"))
    profiles = _profiles(content, directory)
    for at, line in lines:
        for index, meter in _tables(line, "meters"):
            yield from _meter_faults(("lines", at, "meters", index), meter, profiles)
    for at, fault in _tables(content, "faults"):
        yield from _fault_faults(("faults", at), fault, [line for _, line in lines])


def _profiles(content: Table, directory: FilePath) -> Library:
    """The shipped profiles, and those of the file's directories as far as they can be read."""
    named = content.get("profile_dirs")
    directories = [directory / name for name in named if isinstance(name, str)] if isinstance(named, list) else []
    try:
        return Library(directories)
    except QuotawattError:
        # What is wrong with them is said when the meters are built; here it must hide nothing else.
        return Library()


def _meter_faults(place: Path, meter: Table, profiles: Library) -> Found:
    name = meter.get("profile")
    if isinstance(name, str) and name not in profiles.names:
        yield (*place, "profile"), f"no such profile {name!r} (known: {', '.join(profiles.names)})"
    load = meter.get("load")
    shape = load.get("shape") if isinstance(load, dict) else None
    if isinstance(shape, str) and shape not in shape_files():
        yield (*place, "load", "shape"), f"unknown load shape {shape!r} (known: {', '.join(shape_files())})"


def _fault_faults(place: Path, fault: Table, lines: list[Table]) -> Found:
    name, unit, kind = fault.get("line"), fault.get("unit_id"), fault.get("kind")
    if name and name not in [line.get("name") for line in lines]:
        yield (*place, "line"), f"no line is called {name!r}"
        return
    concerned = [line for line in lines if name in (None, "", line.get("name"))]
    units = [meter.get("unit_id") for line in concerned for _, meter in _tables(line, "meters")]
    if unit is not None and unit not in units and not any("replay" in line for line in concerned):
        yield (*place, "unit_id"), f"no meter has unit id {unit}"
    serial = {line.get("transport", "tcp") != "tcp" for line in concerned}
    if kind in NOT_SERIAL and serial == {True}:
        yield (*place, "kind"), f"{kind}: a serial frame has no transaction"
    if kind in ONLY_SERIAL and serial == {False}:
        yield (*place, "kind"), f"{kind}: a frame of Modbus TCP has no checksum"


def _tables(table: Table, key: str) -> Iterator[tuple[int, Table]]:
    """The tables in an array of tables, with their places; nothing where it is something else."""
    rows = table.get(key)
    if isinstance(rows, list):
        yield from ((at, row) for at, row in enumerate(rows) if isinstance(row, dict))
