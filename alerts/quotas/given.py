"""Quotas as somebody gave them: each with the place where it stands, so that every fault can be named there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from alerts.quotas.model import Group, Quotas, QuotaSpec
from energy.errors import Fault


@dataclass(frozen=True, slots=True)
class Place:
    """Where a quota or group stands.

    Attributes:
        source: name of the file.
        line: from 1; 0 where there is none.
        path: of the table in the file, such as `quota[3]`; empty for a row.
        lines: of the fields that stand on lines of their own.
    """

    source: str
    line: int = 0
    path: str = ""
    lines: Mapping[str, int] = field(default_factory=dict)

    def fault(self, name: str, message: str) -> Fault:
        """What is wrong with the field `name`, or with the whole where that is empty."""
        path = ".".join(filter(None, (self.path, name)))
        return Fault(self.source, self.lines.get(name, self.line), path, message)

    def __str__(self) -> str:
        """`file:line`, for messages about another place."""
        return f"{self.source}:{self.line}" if self.line else self.source


@dataclass(frozen=True, slots=True)
class Given:
    """Quotas and groups with their places, in their order.

    Attributes:
        quotas, groups: those that could be read.
        faults: what could not.
    """

    quotas: tuple[tuple[QuotaSpec, Place], ...] = ()
    groups: tuple[tuple[Group, Place], ...] = ()
    faults: tuple[Fault, ...] = ()

    @property
    def content(self) -> Quotas:
        """The quotas and groups without their places."""
        return Quotas(tuple(group for group, _ in self.groups), tuple(spec for spec, _ in self.quotas))


def given_by_hand(quotas: Iterable[QuotaSpec], groups: Iterable[Group] = ()) -> Given:
    """Quotas that stand in no file: their place is their code."""
    return Given(
        tuple((spec, Place(f"quota {spec.code}")) for spec in quotas),
        tuple((group, Place(f"group {group.code}")) for group in groups),
    )
