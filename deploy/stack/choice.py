"""Decides what serves a stack: an address that was given, else this machine's own programs, else fetched ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from deploy.stack import discover
from deploy.stack.files import load, save
from deploy.stack.packages import WAYS
from deploy.stack.postgres import PostgresPrograms
from deploy.stack.tree import POSTGRES_MAJOR, ensure_tree, finished_tree
from energy.errors import SetupError

DSN_VARIABLE = "QUOTAWATT_DSN"
MQTT_VARIABLE = "QUOTAWATT_MQTT"

_MQTT_PORT = 1883
_ZONES = "usr/share/zoneinfo"


@dataclass(frozen=True, slots=True)
class Given:
    """The servers that were named from outside; None where there is none."""

    dsn: str | None = None
    mqtt: tuple[str, int] | None = None


def given(environ: Mapping[str, str], dsn: str | None = None, mqtt: str | None = None) -> Given:
    """What was named by argument, or else by environment variable.

    Raises:
        SetupError: the broker's address is not one.
    """
    address = mqtt or environ.get(MQTT_VARIABLE)
    return Given(dsn or environ.get(DSN_VARIABLE) or None, parse_address(address) if address else None)


def parse_address(text: str) -> tuple[str, int]:
    """Host and port from `host`, `host:port` or `mqtt://host:port`; the port is 1883 when none is named.

    Raises:
        SetupError: it is something else.
    """
    try:
        parts = urlsplit(text if "://" in text else f"mqtt://{text}")
        port = parts.port or _MQTT_PORT
    except ValueError:
        parts, port = urlsplit(""), 0
    if parts.scheme != "mqtt" or not parts.hostname or parts.username or parts.path.strip("/"):
        raise SetupError(
            f"{text!r} is not the address of a broker.",
            advice=f"Write host:port or mqtt://host:port, as an option or in {MQTT_VARIABLE}.",
        )
    return parts.hostname, port


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
