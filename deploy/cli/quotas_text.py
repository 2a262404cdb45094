"""Quotas as text for a terminal. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from deploy.cli.columns import columns, shown

if TYPE_CHECKING:
    from alerts.quotas.store import Recorded, Taken
    from energy.errors import Fault

_HEADINGS = ("CODE", "OF", "KEY", "KIND", "MEASURE", "PERIOD", "LIMIT", "OF MEASURE", "VALID", "VERSION", "SOURCE")


def list_lines(quotas: Sequence[Recorded], width: int | None) -> Iterator[str]:
    """A line for each, below headings; `width` is the terminal's, None for no terminal."""
    rows = [_HEADINGS]
    for one in quotas:
        spec = one.quota
        whom = (spec.code, spec.subject, spec.key, spec.kind)
        what = (" ".join(filter(None, (spec.measure, spec.product))), spec.period, f"{spec.limit:f}", spec.limit_unit)
        until = f"before {spec.valid_to}" if spec.valid_to else "on"
        rows.append((*whom, *what, f"{spec.valid_from} {until}", str(one.version), spec.source))
    return columns(rows, {6, 9}, width)


def taken_lines(taken: Taken) -> Iterator[str]:
    """What became of quotas that were given."""
    for codes, what in ((taken.new, "new"), (taken.changed, "changed"), (taken.same, "as they stood")):
        if codes:
            yield f"{len(codes)} {what}"
    if not (taken.new or taken.changed or taken.same):
        yield "No quotas."


def warning_lines(warnings: Iterable[Fault]) -> Iterator[str]:
    """What is seldom meant, a line for each."""
    return (shown(f"warning: {one}") for one in warnings)
