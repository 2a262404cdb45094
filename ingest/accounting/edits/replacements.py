"""A file of replacements (换表记录): what stands in it. Pure."""

from __future__ import annotations

from energy.records import Column, read_rows
from ingest.accounting.edits.model import Given, Kind

COLUMNS = (
    Column(("point", "测点"), required=True),
    Column(("since", "拆表时间", "换表时间"), required=True),
    Column(("until", "装表时间")),
    Column(("old_end", "旧表止码")),
    Column(("new_start", "新表起码")),
    Column(("ratio", "倍率修正")),
    Column(("document", "凭证")),
    Column(("reason", "原因")),
)
"""The file's columns."""
_SAID = ("since", "until", "old_end", "new_start", "ratio")


def replacements(content: bytes, source: str, *, author: str, reason: str) -> list[Given]:
    """The replacements of a file.

    Args:
        content: CSV, as `read_rows` says.
        source: its name in faults.
        author: who says all of it.
        reason: why, in rows that give no reason of their own.

    Raises:
        RecordError: the file as a whole, or its header, is wrong.
    """
    return [
        Given(
            Kind.REPLACEMENT,
            row.cells.get("point", ""),
            {name: row.cells[name] for name in _SAID if name in row.cells},
            author,
            row.cells.get("reason", reason),
            row.cells.get("document", ""),
            source,
            row.line,
            row.faults,
        )
        for row in read_rows(content, source, COLUMNS)
    ]
