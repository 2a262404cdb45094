"""asyncpg's errors become ours, split by what the caller does next.

The SQLSTATE class decides (PostgreSQL documentation, appendix A), most specific first.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg

from energy.errors import (
    PermissionRefusedError,
    QuotawattError,
    SchemaError,
    SetupError,
    StorageError,
    StorageRejectedError,
)


class KeyConflictError(StorageRejectedError):
    """A row with the same unique key is already there."""


_KINDS: tuple[tuple[frozenset[str], type[QuotawattError]], ...] = (
    (frozenset({"28000", "28P01", "42501"}), PermissionRefusedError),
    (frozenset({"3D000"}), SetupError),  # no such database
    (frozenset({"23505"}), KeyConflictError),  # unique violation
    (frozenset({"42P01", "42703", "42883", "3F000"}), SchemaError),  # no such table, column, function, schema
    (frozenset({"22", "23"}), StorageRejectedError),  # classes: data exception, integrity constraint
)
"""SQLSTATEs, or their two-digit classes, and what they mean; everything else passes by itself or is worth a try:
connection (08), resources (53), read-only during a failover (25006), deadlock (40), shutdown (57P), I/O (58)."""

_ADVICE: dict[type[QuotawattError], str] = {
    PermissionRefusedError: "Check the user and password in the DSN.",
    SetupError: "Create the database, then run `quotawatt migrate`.",
    SchemaError: "Run `quotawatt migrate` with this version.",
}


@contextmanager
def translating() -> Iterator[None]:
    """Translate what asyncpg raises inside the block.

    Raises:
        StorageError: passes by itself; try again.
        KeyConflictError: a unique key is taken.
        StorageRejectedError: the data is at fault.
        PermissionRefusedError: password or rights.
        SetupError: the database does not exist.
        SchemaError: a table or column is not there: another version.
    """
    try:
        yield
    except asyncpg.PostgresError as error:
        raise _translated(error) from error
    except asyncpg.ClientConfigurationError as error:
        raise SetupError(f"the DSN cannot be used: {error}", advice=_ADVICE[PermissionRefusedError]) from error
    except (asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError) as error:
        raise StorageError(f"the database cannot be reached: {str(error) or type(error).__name__}") from error


def _translated(error: asyncpg.PostgresError) -> QuotawattError:
    state = getattr(error, "sqlstate", None) or ""
    message = f"{error} (SQLSTATE {state})"
    kind = next((kind for states, kind in _KINDS if state in states or state[:2] in states), StorageError)
    return kind(message, advice=_ADVICE.get(kind, ""))
