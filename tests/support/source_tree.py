"""The project's own source as data, for the tests of its architecture."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
PACKAGES = ("energy", "collector", "ingest", "alerts", "simulators", "deploy")


@dataclass(frozen=True)
class Module:
    """One Python file.

    Attributes:
        name: as it is imported, e.g. `energy.config`.
        path: where it lies.
        text: its source.
        tree: its syntax.
    """

    name: str
    path: Path
    text: str
    tree: ast.Module

    @property
    def package(self) -> str:
        """The first part of its name."""
        return self.name.partition(".")[0]

    @property
    def place(self) -> str:
        """Its path from the root of the project."""
        return str(self.path.relative_to(ROOT))

    @cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        """All of its syntax: walked once, for most rules look at all of it."""
        return tuple(ast.walk(self.tree))

    def imports(self) -> Iterator[tuple[str, int]]:
        """Every module that it imports, anywhere in the file, with the line; `from a import b` counts as `a.b`."""
        for node in self.nodes:
            if isinstance(node, ast.Import):
                yield from ((alias.name, node.lineno) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                prefix = "." * node.level + (node.module or "")
                yield from ((f"{prefix}.{alias.name}", node.lineno) for alias in node.names)


@cache
def modules(folder: str) -> tuple[Module, ...]:
    """All Python files below a folder of the project."""
    return tuple(_read(path) for path in sorted((ROOT / folder).rglob("*.py")))


def own_modules() -> Iterator[Module]:
    """All Python files of the packages that are shipped."""
    for package in PACKAGES:
        yield from modules(package)


def _read(path: Path) -> Module:
    parts = path.relative_to(ROOT).with_suffix("").parts
    name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    text = path.read_text(encoding="utf-8")
    return Module(name, path, text, ast.parse(text))
