"""Finds programs that are on this machine already and can serve us.

They are preferred over fetched ones. An installation of PostgreSQL without TimescaleDB is of no use and is passed
over, and so are versions on which nothing of ours is tested.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from deploy.stack.programs import run
from energy.errors import SetupError

_POSTGRES_AT_LEAST = 17
_MOSQUITTO_AT_LEAST = (2, 0)
_POSTGRES_PLACES = ("usr/lib/postgresql/*/bin", "usr/pgsql-*/bin", "usr/local/pgsql/bin")
_MOSQUITTO_PLACES = ("usr/sbin/mosquitto", "usr/local/sbin/mosquitto", "usr/bin/mosquitto")


def machine_postgres(root: Path = Path("/"), path: str | None = None, major: int | None = None) -> Path | None:
    """The directory of PostgreSQL's programs on this machine, the newest that has TimescaleDB; None without one.

    Args:
        root: where the file system begins.
        path: the PATH to look at besides; None means ours.
        major: the only version that will do, when there are data already.
    """
    usable: dict[int, Path] = {}
    for directory in _postgres_directories(root, path):
        version = _usable_version(directory)
        if version is not None and major in (None, version):
            usable.setdefault(version, directory)
    return usable[max(usable)] if usable else None


def machine_mosquitto(root: Path = Path("/"), path: str | None = None) -> Path | None:
    """Mosquitto's program on this machine, if it is new enough (MQTT 5, shared subscriptions, 2.0's settings)."""
    on_path = shutil.which("mosquitto", path=path)
    places = [*([Path(on_path)] if on_path else []), *(root / place for place in _MOSQUITTO_PLACES)]
    return next((place for place in places if place.is_file() and _is_recent(place)), None)


def parse_major(printed: str) -> int | None:
    """17 from `PostgreSQL 17.11 (Debian 17.11-0+deb13u1)`; None when it is not that."""
    match = re.match(r"PostgreSQL (\d+)", printed)
    return int(match[1]) if match else None


def parse_mosquitto(printed: str) -> tuple[int, int] | None:
    """(2, 0) from `mosquitto version 2.0.21`; None when it is not that."""
    match = re.match(r"mosquitto version (\d+)\.(\d+)", printed)
    return (int(match[1]), int(match[2])) if match else None


def _postgres_directories(root: Path, path: str | None) -> Iterator[Path]:
    found: Iterable[Path] = (directory for place in _POSTGRES_PLACES for directory in sorted(root.glob(place)))
    yield from found
    for program in ("postgres", "pg_config"):
        if (on_path := shutil.which(program, path=path)) is not None:
            yield Path(on_path).resolve().parent


def _usable_version(directory: Path) -> int | None:
    """The major version in `directory`, if all that we need is there."""
    if not all((directory / program).is_file() for program in ("postgres", "initdb", "pg_config")):
        return None
    try:
        share = Path(run([str(directory / "pg_config"), "--sharedir"]).strip())
        version = parse_major(run([str(directory / "pg_config"), "--version"]))
    except SetupError:  # a wrapper whose server is gone, or programs of another architecture
        return None
    has_extension = (share / "extension" / "timescaledb.control").is_file()
    return version if has_extension and version is not None and version >= _POSTGRES_AT_LEAST else None


def _is_recent(program: Path) -> bool:
    try:
        version = parse_mosquitto(run([str(program), "-h"], accept=(0, 1, 3)))
    except SetupError:
        return False
    return version is not None and version >= _MOSQUITTO_AT_LEAST
