"""Quotas as somebody gave them: each with the place where it stands, so that every fault can be named there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from alerts.quotas.model import Group, QuotaSpec
from energy.errors import Fault


@dataclass(frozen=True, slots=True)
class Place:
    """Where a quota or group stands.

    Attributes:
        source: name of the file.
        line: from 1; 0 where there is none.
        prefix: what goes before the name of a field, such as `quota[3].`.
        lines: of the fields that stand on lines of their own.
    """

    source: str
    line: int = 0
    prefix: str = ""
    lines: Mapping[str, int] = field(default_factory=dict)

    def fault(self, name: str, message: str) -> Fault:
        """What is wrong with the field `name`."""
        return Fault(self.source, self.lines.get(name, self.line), f"{self.prefix}{name}", message)

    def __str__(self) -> str:
        """`file:line`, for messages about another place."""
        return f"{self.source}:{self.line}" if self.line else self.source


@dataclass(frozen=True, slots=True)
class Given:
    """Quotas and groups with their places, in their order."""

    quotas: tuple[tuple[QuotaSpec, Place], ...] = ()
    groups: tuple[tuple[Group, Place], ...] = ()


def given_by_hand(quotas: Iterable[QuotaSpec], groups: Iterable[Group] = ()) -> Given:
    """Quotas that stand in no file: their place is their code."""
    return Given(
        tuple((spec, Place(f"quota {spec.code}")) for spec in quotas),
        tuple((group, Place(f"group {group.code}")) for group in groups),
    )
