"""asyncpg's errors become ours, split by what the caller does next: retry, reject, stop.

The server's SQLSTATE decides (PostgreSQL documentation, appendix A): the whole code first, then its class, which is the
first two digits.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import asyncpg

from energy.errors import (
    FatalError,
    PermissionRefusedError,
    QuotawattError,
    SchemaError,
    SetupError,
    StorageError,
    StorageRejectedError,
)


class KeyConflictError(StorageRejectedError):
    """A row with the same unique key is already there.

    Attributes:
        constraint: the constraint or unique index that says so, of a hypertable that of the chunk; empty where the
            server does not name it.
    """

    constraint = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a SQLSTATE means to us.

    Attributes:
        kind: the error that is raised; whether it is retryable, rejected or fatal says what the caller does next.
        reason: why so.
    """

    kind: type[QuotawattError]
    reason: str


VERDICTS: dict[str, Verdict] = {
    # Retry: nothing is acknowledged meanwhile, the senders keep what they sent, and a person or time mends it.
    "08": Verdict(StorageError, "the connection failed"),
    "25": Verdict(StorageError, "the transaction was ended for us, or the session; a new one starts clean"),
    "25006": Verdict(StorageError, "a standby, or a primary that was demoted: the DSN leads to the new one in a while"),
    "26": Verdict(StorageError, "a prepared statement is gone, as behind a pooler; a new connection prepares it anew"),
    "40": Verdict(StorageError, "rolled back because of another transaction: deadlock, serialization failure"),
    "42704": Verdict(StorageError, "a chunk that was dropped at that moment; the next attempt makes it anew"),
    "53": Verdict(StorageError, "resources ran out: memory, connections; who frees them need not tell us"),
    "53100": Verdict(StorageError, "the disk is full; writing goes on by itself once there is room"),
    "55": Verdict(StorageError, "something is locked or in use by somebody else"),
    "57": Verdict(StorageError, "cancelled, or the server shuts down, crashed or starts"),
    "58": Verdict(StorageError, "the server's system failed: an I/O error, a file"),
    "XX": Verdict(StorageError, "the server failed within; it may have been the one statement"),
    # Reject: the data themselves; the rows at fault are looked for and kept apart, all others are stored.
    "0A": Verdict(StorageRejectedError, "what these rows ask for cannot be done, as in a chunk that takes no more"),
    "22": Verdict(StorageRejectedError, "a value does not fit its type"),
    "23": Verdict(StorageRejectedError, "a constraint does not hold"),
    "23505": Verdict(KeyConflictError, "the key is taken: resent, or contradicting"),
    "44": Verdict(StorageRejectedError, "a view's condition does not hold"),
    "54": Verdict(StorageRejectedError, "larger than the server takes"),
    "P0": Verdict(StorageRejectedError, "a trigger of the site's own refuses the rows"),
    # Stop: every further attempt fails in the same way, or does harm, until a person acts.
    "22P03": Verdict(SchemaError, "a column has another type than the one that is written"),
    "22P04": Verdict(SchemaError, "a table has other columns than those that are written"),
    "28": Verdict(PermissionRefusedError, "the server does not know us, or the password was changed"),
    "3D": Verdict(SetupError, "there is no such database"),
    "3F": Verdict(SchemaError, "there is no such schema"),
    "42": Verdict(SchemaError, "our statements do not fit what is there: table, column, function"),
    "42501": Verdict(PermissionRefusedError, "a right is missing"),
    "XX001": Verdict(FatalError, "stored data are damaged, and writing on spreads it"),
    "XX002": Verdict(FatalError, "an index is damaged: what is written now may be stored twice or not found"),
}
"""Every SQLSTATE, or class of them, that has a verdict of its own."""

_OTHER = Verdict(StorageError, "not foreseen; to wait loses nothing, and is counted and logged")

_ADVICE: dict[type[QuotawattError], str] = {
    PermissionRefusedError: "Check the user and password in the DSN, and the user's rights.",
    SetupError: "Create the database, then run `quotawatt migrate`.",
    SchemaError: "Run `quotawatt migrate` with this version.",
    FatalError: "Check the disk, then `reindex` (an index) or restore from a backup (a table).",
}


def verdict_of(state: str) -> Verdict:
    """What SQLSTATE `state` (five characters, or empty where the server gave none) means to us."""
    return VERDICTS.get(state) or VERDICTS.get(state[:2]) or _OTHER


@contextmanager
def translating() -> Iterator[None]:
    """Translate what asyncpg raises inside the block.

    Raises:
        StorageError: passes by itself; try again.
        KeyConflictError: a unique key is taken.
        StorageRejectedError: the data is at fault.
        PermissionRefusedError: password or rights.
        SetupError: the database does not exist.
        SchemaError: a table or column is not there, or is another one: another version.
        FatalError: the database says that it is damaged.
    """
    try:
        yield
    except asyncpg.InvalidCachedStatementError as error:
        raise StorageError(f"the schema changed meanwhile: {error}") from error  # 0A000 too, but of the statement
    except asyncpg.PostgresError as error:
        raise _translated(error) from error
    except asyncpg.ClientConfigurationError as error:
        raise SetupError(f"the DSN cannot be used: {error}", advice=_ADVICE[PermissionRefusedError]) from error
    except (asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError) as error:
        if isinstance(error.__context__, asyncpg.PostgresError):
            # A transaction that ends because the server closed the connection complains of that; the cause counts.
            raise _translated(error.__context__) from error
        if type(error) is asyncpg.InternalClientError:  # the driver's own state, such as "cannot switch to state 11"
            raise StorageError("the connection to the database broke off in the middle of a statement") from error
        raise StorageError(f"the database cannot be reached: {str(error) or type(error).__name__}") from error


def _translated(error: asyncpg.PostgresError) -> QuotawattError:
    if isinstance(error.__cause__, asyncpg.PostgresError):  # what the server said before the connection was closed
        error = error.__cause__
    state = getattr(error, "sqlstate", None) or ""
    kind = verdict_of(state).kind
    translated = kind(f"{error} (SQLSTATE {state})", advice=_ADVICE.get(kind, ""))
    if isinstance(translated, KeyConflictError):
        translated.constraint = getattr(error, "constraint_name", None) or ""
    return translated
