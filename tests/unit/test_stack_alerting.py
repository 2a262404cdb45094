"""Which Alertmanager, amtool and promtool of this machine will do."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.stack.alerting import Tool, executable, machine_tool, parse_version
from deploy.stack.relocate import with_own_templates
from energy.errors import SetupError


def _program(path: Path, printed: str) -> Path:
    path.write_text(f"#!/bin/sh\necho '{printed}'\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("tool", "name", "version", "usable"),
    [
        (Tool.ALERTMANAGER, "alertmanager", "0.28.1", True),
        (Tool.ALERTMANAGER, "prometheus-alertmanager", "0.25.0", True),
        (Tool.ALERTMANAGER, "alertmanager", "0.24.0", False),
        (Tool.AMTOOL, "amtool", "1.0.0", True),
        (Tool.PROMTOOL, "promtool", "2.42.0", True),
        (Tool.PROMTOOL, "promtool", "2.41.0", False),
    ],
)
def test_a_program_on_the_path_is_taken_if_it_is_new_enough(
    tmp_path: Path, tool: Tool, name: str, version: str, *, usable: bool
) -> None:
    """An existing installation is preferred; one on which nothing of ours is tested is passed over."""
    program = _program(tmp_path / name, f"{name.rpartition('-')[2]}, version {version}+ds (branch: debian/sid)")
    assert machine_tool(tool, str(tmp_path)) == (program if usable else None)


def test_an_old_program_does_not_hide_a_usable_one(tmp_path: Path) -> None:
    """Both of Alertmanager's names are looked at."""
    _program(tmp_path / "alertmanager", "alertmanager, version 0.15.3")
    usable = _program(tmp_path / "prometheus-alertmanager", "alertmanager, version 0.28.1")
    assert executable(Tool.ALERTMANAGER, tmp_path, lambda _: None, str(tmp_path)) == usable


def test_a_program_that_says_something_else_is_not_taken(tmp_path: Path) -> None:
    """A program of the same name that is another one has no such version."""
    _program(tmp_path / "amtool", "amtool: the archive manager")
    assert parse_version("amtool: the archive manager") is None
    assert machine_tool(Tool.AMTOOL, str(tmp_path)) is None


def test_default_templates_are_found_from_the_working_directory() -> None:
    """The compiled-in place becomes a relative one of the same length; an unknown build is refused."""
    code = b"a/usr/share/prometheus/alertmanagerb/usr/share/prometheus/alertmanager/uic"
    changed = with_own_templates(code)
    assert len(changed) == len(code)
    assert [str(Path(part)) for part in changed.decode().removeprefix("a").split("b")] == [
        "alertmanager",
        "alertmanager/uic",
    ]
    with pytest.raises(SetupError, match="put together in another way"):
        with_own_templates(b"/usr/share/alertmanager")
