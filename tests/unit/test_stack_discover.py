"""Which of this machine's programs will do, and what is preferred to them."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.stack.choice import postgres_origin, postgres_programs
from deploy.stack.discover import machine_mosquitto, machine_postgres, parse_major, parse_mosquitto
from deploy.stack.files import save
from deploy.stack.postgres import PostgresPrograms
from energy.errors import SetupError


def _program(path: Path, script: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def _install_postgres(root: Path, major: int, *, extension: bool) -> Path:
    directory, share = root / f"usr/lib/postgresql/{major}/bin", root / f"usr/share/postgresql/{major}"
    _program(
        directory / "pg_config",
        f'case "$1" in --sharedir) echo {share};; --version) echo "PostgreSQL {major}.1 (Debian)";; esac',
    )
    for name in ("postgres", "initdb"):
        _program(directory / name, "exit 0")
    if extension:
        (share / "extension").mkdir(parents=True)
        (share / "extension" / "timescaledb.control").touch()
    return directory


def test_an_installation_without_the_extension_is_passed_over(tmp_path: Path) -> None:
    """PostgreSQL alone is of no use to us, however new it is."""
    _install_postgres(tmp_path, 18, extension=False)
    assert machine_postgres(tmp_path, path="") is None


def test_the_newest_installation_with_the_extension_is_taken(tmp_path: Path) -> None:
    """Of several usable versions the newest serves new data."""
    _install_postgres(tmp_path, 17, extension=True)
    newest = _install_postgres(tmp_path, 18, extension=True)
    assert machine_postgres(tmp_path, path="") == newest


def test_data_are_served_by_their_own_version(tmp_path: Path) -> None:
    """Data of version 17 are never given to a server of version 18."""
    older = _install_postgres(tmp_path, 17, extension=True)
    _install_postgres(tmp_path, 18, extension=True)
    assert machine_postgres(tmp_path, path="", major=17) == older


def test_versions_that_are_too_old_are_passed_over(tmp_path: Path) -> None:
    """A version on which nothing of ours is tested is not taken, with or without the extension."""
    _install_postgres(tmp_path, 15, extension=True)
    assert machine_postgres(tmp_path, path="") is None


def test_an_installation_on_the_path_is_found_behind_its_link(tmp_path: Path) -> None:
    """A link in a directory of the PATH leads to the programs beside its target."""
    directory = _install_postgres(tmp_path / "opt", 17, extension=True)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "postgres").symlink_to(directory / "postgres")
    assert machine_postgres(tmp_path, path=str(tmp_path / "bin")) == directory


@pytest.mark.parametrize(("version", "usable"), [("2.0.21", True), ("1.6.9", False)])
def test_mosquitto_must_be_of_version_2(tmp_path: Path, version: str, *, usable: bool) -> None:
    """Older brokers do not know the settings that we write."""
    program = tmp_path / "usr/sbin/mosquitto"
    _program(program, f'echo "mosquitto version {version}"; exit 3')  # the real one ends its help with 3
    assert machine_mosquitto(tmp_path, path="") == (program if usable else None)


def test_versions_are_read_from_what_programs_print() -> None:
    """Text that is something else is no version."""
    assert parse_major("PostgreSQL 17.11 (Debian 17.11-0+deb13u1)") == 17
    assert parse_major("no server here") is None
    assert parse_mosquitto("mosquitto version 2.0.21\n\nmosquitto is …") == (2, 0)
    assert parse_mosquitto("") is None


def test_what_was_chosen_for_data_stays_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A newer installation does not take over data; when the chosen one is gone, only the same version will do."""
    machine = _install_postgres(tmp_path / "machine", 18, extension=True)
    monkeypatch.setattr(
        "deploy.stack.choice.discover.machine_postgres", lambda major: machine if major in (None, 18) else None
    )
    kept, chosen = tmp_path / "kept.json", _install_postgres(tmp_path / "chosen", 17, extension=True)
    save(kept, PostgresPrograms(str(chosen)))
    assert postgres_programs(tmp_path, kept, 17, print).directory == str(chosen)
    assert postgres_origin(tmp_path, kept, 17) == "machine"
    kept.unlink()
    assert postgres_programs(tmp_path, kept, 18, print) == PostgresPrograms(str(machine))
    kept.unlink()
    with pytest.raises(SetupError, match="PostgreSQL 16's"):
        postgres_programs(tmp_path, kept, 16, print)
    assert postgres_origin(tmp_path, kept, 16) == "to be fetched"
