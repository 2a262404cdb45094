"""Small files and directories of the stack."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

import pytest

from deploy.stack import files


def test_what_a_killed_process_left_behind_still_writes_is_removed_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file appears while the directory is taken away; any other fault of the system is told at once."""
    doomed = tmp_path / "tree"
    doomed.mkdir()
    (doomed / "late").touch()
    really = shutil.rmtree
    faults = [errno.ENOTEMPTY, errno.ENOENT]

    def interrupted(path: Path) -> None:
        if faults:
            raise OSError(faults.pop(), "a file came meanwhile")
        really(path)

    monkeypatch.setattr(shutil, "rmtree", interrupted)
    files.remove_tree(doomed)
    assert not doomed.exists()
    doomed.mkdir()
    faults.append(errno.EACCES)
    with pytest.raises(OSError, match="meanwhile"):
        files.remove_tree(doomed)
