"""What the demo writes is for its user alone: the database's password is in it."""

from __future__ import annotations

import stat
from pathlib import Path

from deploy.demo import demo
from deploy.demo.toml_files import write_settings
from energy.storage import StorageSettings


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_settings_are_closed_to_others(tmp_path: Path) -> None:
    """A file with a DSN is readable by its owner alone, one of an earlier version's among them."""
    path = tmp_path / "ingest.toml"
    path.touch(mode=0o644)
    assert write_settings(path, StorageSettings("postgresql://u:secret@127.0.0.1:1/x")) == path
    assert _mode(path) == 0o600
    assert "secret" in path.read_text(encoding="utf-8")


def test_the_directory_of_a_run_is_empty_and_closed_to_others(tmp_path: Path) -> None:
    """Files of the run before are gone, and so is the mode that they were open with."""
    directory = tmp_path / "demo"
    directory.mkdir(mode=0o755)
    (directory / "old").touch()
    assert demo._emptied(directory) == directory
    assert _mode(directory) == 0o700
    assert list(directory.iterdir()) == []
    assert _mode(demo._emptied(tmp_path / "new" / "demo")) == 0o700
