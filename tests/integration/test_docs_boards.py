"""The page on boards lists the views that the database has, with their comments and columns."""

from __future__ import annotations

import re
from pathlib import Path

from energy.storage import Pool

PAGE = (Path(__file__).parents[2] / "docs" / "boards.md").read_text(encoding="utf-8")

_VIEWS = """
select c.relname as name, obj_description(c.oid) as comment, array_agg(a.attname::text order by a.attnum) as columns
from pg_class c
join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
where c.relnamespace = 'board'::regnamespace and c.relkind = 'v'
group by c.oid, c.relname
"""

View = tuple[str, list[str]]
"""Comment and columns."""


async def views(pool: Pool) -> dict[str, View]:
    """The views of schema `board` by name, as the database has them."""
    return {f"board.{row['name']}": (row["comment"], row["columns"]) for row in await pool.fetch(_VIEWS)}


def page_views() -> dict[str, View]:
    """The views of the page: a heading, the comment as a quotation, a paragraph that begins with "Columns:"."""
    found = re.findall(r"^### `(board\.\w+)`\n\n> (.+)\n\nColumns: (.+)\n", PAGE, re.MULTILINE)
    return {name: (comment, re.findall(r"`(\w+)`", columns)) for name, comment, columns in found}


async def test_the_page_has_the_views_of_the_database(pool: Pool) -> None:
    """Names, comments and columns: whoever builds a board can rely on the page."""
    assert page_views() == await views(pool)


async def test_every_view_has_a_comment(pool: Pool) -> None:
    """A view without one would be no interface."""
    assert all(comment for comment, _ in (await views(pool)).values())
