"""Files of policies: the one that the project ships, and a deployment's own."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from datetime import date
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from alerts.consequences.model import ConsequencesSettings, Policies, Policy
from energy.config import Document, load_document, parse_document
from energy.errors import ConfigError, Fault
from energy.toml_tables import Found, tables, text_of

_ADVICE = "docs/alert-life.md explains the kinds of policies; alerts/consequences/policies.toml has one of each."


@cache
def shipped_policies() -> tuple[Policy, ...]:
    """The policies that the project ships."""
    resource = files("alerts.consequences") / "policies.toml"
    return decode_policies(parse_document(resource.read_text(encoding="utf-8"), "policies.toml"))


def load_policies(path: Path) -> tuple[Policy, ...]:
    """Read a file of policies; raises ConfigError with all its faults."""
    return decode_policies(load_document(path))


def decode_policies(document: Document) -> tuple[Policy, ...]:
    """Decode a parsed file; raises ConfigError with all its faults, two editions in force on one day among them."""
    return document.decode(Policies, across=_cross_faults(document.content), advice=_ADVICE).policy


def policies_of(settings: ConsequencesSettings) -> tuple[Policy, ...]:
    """The shipped policies and the deployment's own, which takes the place of shipped ones of its code.

    Raises:
        ConfigError: the file with all its faults; or a region that switches a policy on that there is not.
    """
    own = () if settings.file is None else load_policies(settings.file)
    mine = {policy.code for policy in own}
    known = (*(policy for policy in shipped_policies() if policy.code not in mine), *own)
    codes = {policy.code for policy in known}
    unknown = [
        Fault("consequences", 0, f"region[{at}].policies", f"no policy {code!r}: known are {', '.join(sorted(codes))}")
        for at, region in enumerate(settings.region)
        for code in region.policies
        if code not in codes
    ]
    if unknown:
        raise ConfigError(tuple(unknown), advice=_ADVICE)
    return known


def _cross_faults(content: dict[str, Any]) -> Found:
    """What no single value shows: steps that do not rise or fall, and editions that overlap."""
    listed = list(tables((), content, "policy"))
    for place, policy in listed:
        yield from (((*place, key), message) for key, message in _order_faults(policy))
    for (_, one), (place, other) in itertools.combinations(listed, 2):
        same = text_of(one, "code") is not None and (one.get("code"), one.get("region")) == (
            other.get("code"),
            other.get("region"),
        )
        if same and _overlap(one, other):
            yield (*place, "valid_from"), f"{other['code']} is in force already by {one.get('source')}"


def _order_faults(policy: dict[str, Any]) -> Iterator[tuple[str, str]]:
    if not _rising(_numbers(policy, "steps", "above")):
        yield "steps", "steps must rise: each `above` higher than the one before"
    if not _rising(-gap for gap in _numbers(policy, "levels", "gap")):
        yield "levels", "levels must fall: each `gap` below the one before"
    least, most = policy.get("least_yuan_per_kwh"), policy.get("most_yuan_per_kwh")
    if isinstance(least, float | int) and isinstance(most, float | int) and most < least:
        yield "most_yuan_per_kwh", "must not be below least_yuan_per_kwh"


def _numbers(policy: dict[str, Any], key: str, field: str) -> list[float]:
    found = [row.get(field) for _, row in tables((), policy, key)]
    return [float(number) for number in found if isinstance(number, float | int)]


def _rising(numbers: Iterable[float]) -> bool:
    return all(low < high for low, high in itertools.pairwise(numbers))


def _overlap(one: dict[str, Any], other: dict[str, Any]) -> bool:
    bounds = [(table.get("valid_from"), table.get("valid_to", date.max)) for table in (one, other)]
    if not all(isinstance(bound, date) for pair in bounds for bound in pair):
        return False  # decoding reports it
    (start, end), (later_start, later_end) = bounds
    return bool(start < later_end and later_start < end)
