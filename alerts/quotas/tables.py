"""Quotas as tables of plain values, out of either sort of file: one by one, so that no fault hides another. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from alerts.quotas.given import Given, Place
from alerts.quotas.levels import filled
from alerts.quotas.model import Group, QuotaFields, QuotaSpec
from energy.config import dotted
from energy.errors import Fault
from energy.product_quotas import ProductQuota
from energy.toml_decode import FAULTY, TomlDecoder

T = TypeVar("T", bound=msgspec.Struct)


@dataclass(slots=True)
class Tables:
    """Gathers what can be read and what cannot.

    Args:
        standards: product quota standards, for limits by level.
    """

    standards: tuple[ProductQuota, ...]
    quotas: list[tuple[QuotaSpec, Place]] = field(default_factory=list)
    groups: list[tuple[Group, Place]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    def quota(self, raw: Mapping[str, Any], place: Place) -> None:
        """Read the table of a quota."""
        table, problems = filled(raw, self.standards)
        self.faults += [place.fault(*problem) for problem in problems]
        fields = self._decoded(table, QuotaFields, place)
        if fields is None:
            return
        if found := list(fields.problems()):
            self.faults += [place.fault(*problem) for problem in found]
        elif not problems:
            self.quotas.append((QuotaSpec(**msgspec.structs.asdict(fields)), place))

    def group(self, raw: Mapping[str, Any], place: Place) -> None:
        """Read the table of a group."""
        group = self._decoded(raw, Group, place)
        if group is not None:
            self.groups.append((group, place))

    def add(self, faults: Iterable[Fault]) -> None:
        """Note faults that were found elsewhere."""
        self.faults += faults

    def given(self) -> Given:
        """All of it."""
        return Given(tuple(self.quotas), tuple(self.groups), tuple(self.faults))

    def _decoded(self, raw: Mapping[str, Any], expected: type[T], place: Place) -> T | None:
        def report(path: tuple[str | int, ...], message: str) -> None:
            name = str(path[0]) if path else ""
            inside = dotted(path[1:])
            self.faults.append(place.fault(name, f"{inside}: {message}" if inside else message))

        found = TomlDecoder(report, Path()).decode(dict(raw), expected, ())
        return None if found is FAULTY else found
