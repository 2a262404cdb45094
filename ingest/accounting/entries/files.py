"""A file of entries: what stands in it. Pure."""

from __future__ import annotations

from energy.records import Column, read_rows
from ingest.accounting.entries.model import Given

COLUMNS = (
    Column(("unit", "用能单位"), required=True),
    Column(("kind", "类别"), required=True),
    Column(("subject", "品种", "产品")),
    Column(("first_day", "起始日期", "日期"), required=True),
    Column(("last_day", "截止日期")),
    Column(("amount", "数量"), required=True),
    Column(("unit_of_measure", "计量单位"), required=True),
    Column(("document", "凭证")),
    Column(("reason", "备注")),
)
"""The file's columns."""
FIELDS = tuple(column.names[0] for column in COLUMNS)
"""What an entry may say."""


def entries_in(content: bytes, source: str, *, author: str, unit: str | None = None) -> list[Given]:
    """The entries of a file.

    Args:
        content: CSV, as `read_rows` says.
        source: its name in faults.
        author: who says all of it.
        unit: code of the unit that each row is about where it names none.

    Raises:
        RecordError: the file as a whole, or its header, is wrong.
    """
    columns = COLUMNS if unit is None else (Column(COLUMNS[0].names), *COLUMNS[1:])
    own = {} if unit is None else {"unit": unit}
    return [
        Given(own | dict(row.cells), author, source, row.line, row.faults)
        for row in read_rows(content, source, columns)
    ]
