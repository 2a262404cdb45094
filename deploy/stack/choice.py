"""Decides which programs serve a stack: this machine's own, else fetched ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from deploy.stack import discover
from deploy.stack.files import load, save
from deploy.stack.packages import WAYS
from deploy.stack.postgres import PostgresPrograms
from deploy.stack.tree import POSTGRES_MAJOR, ensure_tree, finished_tree
from energy.errors import SetupError

_ZONES = "usr/share/zoneinfo"


def postgres_programs(cache: Path, kept: Path, major: int | None, progress: Callable[[str], None]) -> PostgresPrograms:
    """The programs of PostgreSQL to start.

    Args:
        cache: where fetched programs lie.
        kept: the file that remembers the choice. Data that were made with one TimescaleDB do not open with an older
            one, so that what was chosen stays chosen while it is there.
        major: the version that the data belong to, when there are data.
        progress: told what is being done.

    Raises:
        SetupError: none can be had; the advice names ways to get them.
    """
    known = load(kept, PostgresPrograms)
    if known is not None and Path(known.directory, "postgres").is_file():
        return known
    programs = _machine_programs(major) or _fetched_programs(cache, major, progress)
    save(kept, programs)
    return programs


def mosquitto_executable(cache: Path, progress: Callable[[str], None]) -> Path:
    """Mosquitto's program to start: this machine's, else a fetched one.

    Raises:
        SetupError: none can be had; the advice names ways to get one.
    """
    return discover.machine_mosquitto() or ensure_tree(cache, progress) / "usr/sbin/mosquitto"


def postgres_origin(cache: Path, kept: Path, major: int | None) -> str:
    """In a word where the database's programs come from: `machine`, `cache`, or `to be fetched`."""
    known = load(kept, PostgresPrograms)
    if known is not None and Path(known.directory, "postgres").is_file():
        return "machine" if known.zones is None else "cache"
    return "machine" if discover.machine_postgres(major=major) else _cache_origin(cache)


def mosquitto_origin(cache: Path) -> str:
    """In a word where the broker's program comes from: `machine`, `cache`, or `to be fetched`."""
    return "machine" if discover.machine_mosquitto() else _cache_origin(cache)


def _cache_origin(cache: Path) -> str:
    return "cache" if finished_tree(cache) is not None else "to be fetched"


def _machine_programs(major: int | None) -> PostgresPrograms | None:
    directory = discover.machine_postgres(major=major)
    return PostgresPrograms(str(directory)) if directory else None


def _fetched_programs(cache: Path, major: int | None, progress: Callable[[str], None]) -> PostgresPrograms:
    if major not in (None, POSTGRES_MAJOR):
        raise SetupError(
            f"The data are PostgreSQL {major}'s, and its programs with TimescaleDB are not on this machine any more.",
            advice=f"Install them again, or start a stack of another name. {WAYS}",
        )
    tree = ensure_tree(cache, progress)
    return PostgresPrograms(str(tree / f"usr/lib/postgresql/{POSTGRES_MAJOR}/bin"), str(tree / _ZONES))
