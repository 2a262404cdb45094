"""The command line's root: lean help, and clear words where a package is missing."""

from __future__ import annotations

import subprocess
import sys

import pytest

import deploy.cli


def test_help_names_every_command_and_loads_none() -> None:
    """`--help` is quick: it knows all commands without importing the platform."""
    code = "import sys; from deploy.cli import root; root(['--help'], standalone_mode=False); print(*sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    for command in ("accounting", "alerts", "collector", "demo", "ingest", "migrate", "profiles", "simulate", "stack"):
        assert f"  {command}" in shown
    assert "asyncpg" not in shown.split()
    assert "numpy" not in shown.split()


def fail_with(error: Exception) -> object:
    """A root command that fails."""

    def run(**_: object) -> None:
        raise error

    return run


def test_a_missing_package_of_others_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On a gateway the platform's packages are not there: the message says what to install."""
    monkeypatch.setattr(deploy.cli, "root", fail_with(ModuleNotFoundError("no", name="asyncpg.pool")))
    with pytest.raises(SystemExit) as ended:
        deploy.cli.main()
    assert ended.value.code == 69
    told = capsys.readouterr().err
    assert "needs the package asyncpg.pool, which the extra `platform` brings" in told
    assert "docs/operating.md" in told


def test_a_missing_module_of_ours_is_a_bug_and_shown_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """A broken installation must not be explained away as a missing extra."""
    monkeypatch.setattr(deploy.cli, "root", fail_with(ModuleNotFoundError("no", name="energy.wire")))
    with pytest.raises(ModuleNotFoundError):
        deploy.cli.main()
