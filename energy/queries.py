"""Named queries: SQL lives in `.sql` files, each query under a line `-- name: xyz` and one that says what for."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources
from types import SimpleNamespace

_NAME = re.compile(r"^-- name: ([a-z][a-z0-9_]*)\s*$", re.MULTILINE)


class Queries(SimpleNamespace):
    """The queries of one file, each an attribute of its name with its text."""

    def __getattr__(self, name: str) -> str:
        """Only for the type checker and a clear message: known names never get here."""
        raise AttributeError(f"no query named {name!r}")


@cache
def load_queries(package: str, file: str) -> Queries:
    """Read the queries of `file` in the folder `sql` of `package`.

    Raises:
        ValueError: a name is given twice, or the file has none.
    """
    text = (resources.files(package) / "sql" / file).read_text(encoding="utf-8")
    parts = _NAME.split(text)[1:]
    names, bodies = parts[::2], parts[1::2]
    if not names or len(set(names)) != len(names):
        raise ValueError(f"{package}/sql/{file}: every query needs one name of its own, found {names}")
    return Queries(**{name: body.strip() for name, body in zip(names, bodies, strict=True)})
