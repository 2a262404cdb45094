"""Alertmanager, amtool and promtool: a set of programs of its own, found or fetched only by those who need it.

They belong to no stack: a site has its Alertmanager already, and the tests start one of their own. They are this
machine's where they will do, else packages of Debian, fetched and unpacked as those of the stack are, into a cache of
their own, so that the stack can be had without them.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from enum import Enum
from pathlib import Path

from deploy.stack.programs import run
from deploy.stack.tree import ensure_tree
from energy.errors import SetupError

PACKAGES = ("prometheus-alertmanager", "promtool")
DIRECTORY = "alerting"
"""Where they lie below the cache."""

_VERSION = re.compile(r"\w+, version (\d+)\.(\d+)")
_WAYS = (
    "Ways to get Alertmanager, amtool and promtool:\n"
    "  - on Debian: apt install prometheus-alertmanager prometheus (they are found by themselves);\n"
    "  - from their makers' releases: put the programs on the PATH;\n"
    "  - a machine with apt, dpkg-deb and Debian's keyring (package debian-archive-keyring), and a mirror in reach."
)


class Tool(Enum):
    """A program.

    Attributes:
        names: its names, Debian's last.
        least: the first version that will do.
    """

    ALERTMANAGER = (("alertmanager", "prometheus-alertmanager"), (0, 25))
    AMTOOL = (("amtool",), (0, 25))
    PROMTOOL = (("promtool",), (2, 42))  # keep_firing_for came with 2.42

    def __init__(self, names: tuple[str, ...], least: tuple[int, int]) -> None:
        self.names = names
        self.least = least


def executable(tool: Tool, cache: Path, progress: Callable[[str], None], path: str | None = None) -> Path:
    """The program to run: this machine's, else a fetched one.

    Args:
        tool: which one.
        cache: the cache of the stack.
        progress: told what is being done.
        path: the PATH to look at; None means ours.

    Raises:
        SetupError: it cannot be had; the advice names ways to get it.
    """
    if (found := machine_tool(tool, path)) is not None:
        return found
    try:
        tree = ensure_tree(cache / DIRECTORY, progress, PACKAGES)
    except SetupError as error:
        raise SetupError(str(error), advice=_WAYS) from error
    return tree / "usr/bin" / tool.names[-1]


def working_directory(program: Path) -> Path:
    """Where to start a program: a fetched Alertmanager finds its default templates from there only."""
    shared = program.parents[1] / "share/prometheus"
    return shared if shared.is_dir() else Path("/")


def machine_tool(tool: Tool, path: str | None = None) -> Path | None:
    """The program on this machine's PATH, if it is new enough."""
    found = (Path(place) for name in tool.names if (place := shutil.which(name, path=path)) is not None)
    return next((program for program in found if (_version(program) or (0, 0)) >= tool.least), None)


def parse_version(printed: str) -> tuple[int, int] | None:
    """(0, 28) from `alertmanager, version 0.28.1+ds (branch: …)`; None when it is not that."""
    match = _VERSION.match(printed)
    return (int(match[1]), int(match[2])) if match else None


def _version(program: Path) -> tuple[int, int] | None:
    try:
        return parse_version(run([str(program), "--version"]))
    except SetupError:
        return None
