"""How `quotawatt quality` shows what it found."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence

import msgspec

from ingest.accounting.quality.evaluation import Criterion, Evaluation, Judged, Verdict

_SHARES = {Criterion.COMPLETENESS, Criterion.AGREEMENT, Criterion.DAY_BORDER, Criterion.TRUST}
_AT_MOST = {Criterion.AGREEMENT, Criterion.MONTH_BORDER, Criterion.REPAIR}
_MOST_NAMED = 3


def lines(found: Sequence[Evaluation]) -> Iterator[str]:
    """A block per unit: the verdict, then a line per criterion with its figure, its bound, and what fails it."""
    if not found:
        yield "No unit is registered here."
    for one in found:
        yield f"{one.unit}  {one.month}  {one.verdict}"
        for judged in one.judged:
            sign = "<=" if judged.criterion in _AT_MOST else ">="
            value, bound = _figure(judged, judged.value), _figure(judged, judged.bound)
            line = f"  {judged.criterion:<13} {judged.verdict:<10} {value:>9}  {sign} {bound:<9} {_named(judged)}"
            yield line.rstrip()


def as_json(found: Sequence[Evaluation]) -> str:
    """The same with all culprits; shares from 0, borders in seconds, repair in working days."""
    rows = [
        {
            "unit": one.unit,
            "month": one.month,
            "verdict": one.verdict,
            "criteria": [_row(judged) for judged in one.judged],
        }
        for one in found
    ]
    return msgspec.json.format(msgspec.json.encode(rows), indent=2).decode()


def as_csv(found: Sequence[Evaluation]) -> str:
    """One line per unit and criterion."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["unit", "month", "criterion", "verdict", "value", "bound", "culprits"])
    for one in found:
        for judged in one.judged:
            row = _row(judged)
            row["culprits"] = "; ".join(judged.culprits)
            writer.writerow([one.unit, one.month, *row.values()])
    return out.getvalue()


def _row(judged: Judged) -> dict[str, object]:
    return {
        "criterion": str(judged.criterion),
        "verdict": str(judged.verdict),
        "value": judged.value,
        "bound": judged.bound,
        "culprits": judged.culprits,
    }


def _figure(judged: Judged, value: float | None) -> str:
    if value is None:
        return "-"
    if judged.criterion in _SHARES:
        return f"{value:.1%}"
    if judged.criterion is Criterion.MONTH_BORDER:
        return f"{value / 3600:.1f} h"
    return f"{value:.0f} d"


def _named(judged: Judged) -> str:
    if judged.verdict is Verdict.NOT_JUDGED:
        return ""
    rest = len(judged.culprits) - _MOST_NAMED
    return ", ".join(judged.culprits[:_MOST_NAMED]) + (f" and {rest} more" if rest > 0 else "")
