"""Entries as text for a terminal. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from deploy.cli.columns import columns

if TYPE_CHECKING:
    from ingest.accounting.entries.products import Listed
    from ingest.accounting.entries.store import Recorded, Taken
    from ingest.accounting.entries.takings import NegativeUse

_MOST = 10
"""More numbers than these are told by the first and the last one."""
_HEADINGS = (
    "ID",
    "UNIT",
    "KIND",
    "SUBJECT",
    "DAYS",
    "AMOUNT",
    "OF MEASURE",
    "BY",
    "STATE",
    "AUTHOR",
    "DOCUMENT",
    "REASON",
)
_PRODUCTS = ("UNIT", "PRODUCT", "OF MEASURE", "QUOTA", "METERED BY", "NAME")


def list_lines(entries: Sequence[Recorded], width: int | None) -> Iterator[str]:
    """A line for each, below headings; `width` is the terminal's, None for no terminal."""
    rows = [_HEADINGS]
    for one in entries:
        days = str(one.first_day) + ("" if one.last_day == one.first_day else f" to {one.last_day}")
        what = (one.kind, one.subject or "-", days, _plain(one.amount), one.unit_of_measure)
        who = (one.source, _state(one), one.author, one.document or "-", one.reason or "-")
        rows.append((str(one.entry_id), one.unit, *what, *who))
    return columns(rows, {0, 5}, width)


def product_lines(products: Sequence[Listed], width: int | None) -> Iterator[str]:
    """A line for each, likewise."""
    rows = [_PRODUCTS]
    for one in products:
        names = " ".join(name for name in (one.name_zh, one.name_en) if name)
        rows.append((one.of_unit, one.code, one.unit, one.quota_key or "-", one.point or "-", names or "-"))
    return columns(rows, set(), width)


def taken_lines(taken: Sequence[Taken]) -> Iterator[str]:
    """What became of entries that were given."""
    new = [one for one in taken if one.new]
    replaced = [one.replaced for one in new if one.replaced is not None]
    if new:
        yield f"Taken: {_numbers([one.entry_id for one in new])}."
    if replaced:
        yield f"Replaced: {_numbers(replaced)}."
    if len(new) < len(taken):
        yield f"In force already: {_numbers([one.entry_id for one in taken if not one.new])}."
    if not taken:
        yield "Nothing was given."


def warning_lines(doubtful: Sequence[NegativeUse]) -> Iterator[str]:
    """What cannot be by what was entered, and which taking came before; corrections may follow."""
    for one in doubtful:
        unit = one.unit_of_measure
        yield (
            f"Warning: {one.unit} {one.carrier}: {_plain(one.stock)} {unit} on {one.stock_day} (entry {one.stock_id}) "
            f"after {_plain(one.before)} {unit} on {one.before_day} (entry {one.before_id}) makes consumption between "
            f"them {_plain(one.used)} {unit}, by the purchases and sales known so far: is a purchase or a figure wrong?"
        )


def _numbers(ids: Sequence[int]) -> str:
    if len(ids) == 1:
        return f"entry {ids[0]}"
    return (
        f"{len(ids)} entries, {min(ids)} to {max(ids)}" if len(ids) > _MOST else f"entries {', '.join(map(str, ids))}"
    )


def _state(one: Recorded) -> str:
    if one.in_force:
        return "in force"
    return f"replaced by {one.replaced_by}" if one.replaced_by is not None else f"undone by {one.undone_by}"


def _plain(amount: Decimal) -> str:
    return f"{amount.normalize():f}"
