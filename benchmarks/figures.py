"""What a benchmark reports, and how it is shown and kept."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Column, Table

LATEST = Path(__file__).with_name("latest.json")


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure.

    Attributes:
        name: what it is called in `latest.json`.
        value: what was measured.
        unit: of the value; a ratio's is "1".
        settings: all that one needs to know to measure it again.
    """

    name: str
    value: float
    unit: str
    settings: Mapping[str, object] = field(default_factory=dict)


def show(figures: Iterable[Figure]) -> None:
    """Print a table."""
    name = Column("figure", no_wrap=True, overflow="fold")
    value = Column("value", justify="right", no_wrap=True)
    table = Table(name, value, "unit", "settings")
    for figure in figures:
        settings = ", ".join(f"{key} {value}" for key, value in figure.settings.items())
        table.add_row(figure.name, f"{figure.value:,.3f}".rstrip("0").rstrip("."), figure.unit, settings)
    Console().print(table)


def keep(figures: Iterable[Figure], path: Path = LATEST) -> None:
    """Write the figures beside those of other benchmarks, in place of earlier ones of the same name."""
    known: dict[str, object] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    for figure in figures:
        known[figure.name] = {"value": figure.value, "unit": figure.unit, "settings": dict(figure.settings)}
    path.write_text(json.dumps(known, indent=2, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
