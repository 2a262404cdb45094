"""Findings, and the rules of checks, as text for a terminal. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from deploy.cli.columns import columns, shown

if TYPE_CHECKING:
    from ingest.accounting.validation.find import Found
    from ingest.accounting.validation.loading import Checks
    from ingest.accounting.validation.parameters import Rules


def finding_lines(found: Sequence[Found], width: int | None) -> Iterator[str]:
    """A line for each finding, below headings; `width` is the terminal's, None for no terminal."""
    rows = [("DAY", "UNIT", "POINT", "CHECK", "SEVERITY", "FROM", "TO", "FIGURES")]
    rows += [
        (
            one.day.isoformat(),
            one.unit,
            one.point,
            one.check,
            one.severity,
            _local(one.since, one),
            _local(one.until, one),
            ", ".join(f"{name} {_figure(value)}" for name, value in sorted(one.detail.items())),
        )
        for one in found
    ]
    return columns(rows, set(), width)


def rule_lines(checks: Checks) -> Iterator[str]:
    """The default's parameters, check by check, and of each class what is different."""
    yield "default"
    for name, parameters in _rules(checks.default).items():
        yield f"  {name}: {_parameters(parameters)}"
    for class_, rules in sorted(checks.classes.items()):
        yield shown(class_)
        default = _rules(checks.default)
        for name, parameters in _rules(rules).items():
            other = {key: value for key, value in parameters.items() if default[name][key] != value}
            if other:
                yield f"  {name}: {_parameters(other)}"


def class_lines(named: Sequence[tuple[str, str, int]], checks: Checks) -> Iterator[str]:
    """Classes that points name and that have no rules."""
    for class_, carrier, count in named:
        if class_ not in checks.classes:
            instead = carrier if carrier in checks.classes else "default"
            points = "1 point" if count == 1 else f"{count} points"
            yield f"{points} of {carrier} name class {shown(class_)!r}, which has no rules: {instead} holds for them"


def _rules(rules: Rules) -> dict[str, dict[str, Any]]:
    import msgspec  # noqa: PLC0415 - loaded when called

    found: dict[str, dict[str, Any]] = msgspec.to_builtins(rules)
    return found


def _parameters(parameters: dict[str, Any]) -> str:
    words = {True: "on", False: "off"}
    return ", ".join(
        words[value] if key == "enabled" else f"{key} {_figure(value)}" for key, value in parameters.items()
    )


def _figure(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _local(moment: datetime, one: Found) -> str:
    return moment.astimezone(ZoneInfo(one.time_zone)).isoformat(timespec="minutes")
