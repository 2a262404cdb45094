"""A what-if as text for a terminal. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from deploy.cli.columns import columns

if TYPE_CHECKING:
    from alerts.trying.whatif import End, Outcome

_HEADINGS = ("QUOTA", "ENDS", "USED", "LIMIT", "EXPECTED", "80 % WITHIN", "OF LIMIT", "USED UP", "NEEDED CUT", "METHOD")
_RIGHT = {2, 3, 4, 5, 6, 8}


def lines(found: Sequence[Outcome], width: int | None) -> Iterator[str]:
    """Two lines a quota, without and with the change, below headings; `width` is the terminal's, None for none."""
    rows = [_HEADINGS]
    for one in found:
        amounts = ("unknown" if one.used is None else f"{one.used:,.1f}", f"{one.limit:,.1f} {one.limit_unit}")
        rows.append((one.quota, f"{one.ends}", *amounts, *_end(one.before), _cut(one), one.method or "none"))
        rows.append(("  with the change", "", "", "", *_end(one.after), "", ""))
    return columns(rows, _RIGHT, width)


def _end(end: End) -> tuple[str, str, str, str]:
    if end.projected is None or end.share is None:
        return "unknown", "", "", ""
    within = "unknown" if end.low is None or end.high is None else f"{end.low:,.1f} to {end.high:,.1f}"
    return f"{end.projected:,.1f}", within, f"{end.share:.1%}", f"{end.exhausted_on or ''}"


def _cut(one: Outcome) -> str:
    share = one.needed_cut
    if one.before.projected is None:
        return "unknown"
    if share is None or share > 1:
        return "not enough"
    return f"{share:.1%}" if share else "none"
