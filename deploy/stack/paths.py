"""Where the stack keeps its things, and as whom its servers run.

The cache holds programs and can be deleted at any time; the state holds data. PostgreSQL refuses to run as root, so
root starts the servers as an unprivileged account, which must be able to walk to both directories.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from energy.errors import SetupError

ACCOUNTS = ("quotawatt", "postgres", "nobody")
CACHE_VARIABLE = "QUOTAWATT_CACHE"
STATE_VARIABLE = "QUOTAWATT_STATE"
NAME_VARIABLE = "QUOTAWATT_STACK"

_SYSTEM_CACHE = Path("/var/cache/quotawatt")
_SYSTEM_STATE = Path("/var/lib/quotawatt")
_INSIDE_PROJECTS = {".venv", "venv", ".env", "env"}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


@dataclass(frozen=True, slots=True)
class Account:
    """The user that the servers run as."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Places:
    """The two roots: `cache` for fetched programs, `state` for the data of every stack."""

    cache: Path
    state: Path


def server_account(uid: int | None = None, data: Path | None = None) -> Account | None:
    """The account to drop to: None unless we are root, then the owner of `data` or the first of `ACCOUNTS` there is.

    Args:
        uid: whose question it is; None means ours.
        data: a server's directory, if there is one already. An account that is created later does not take it over.

    Raises:
        SetupError: we are root and there is no such account.
    """
    if (os.geteuid() if uid is None else uid) != 0:
        return None
    if data is not None and data.is_dir() and (owner := data.stat()).st_uid != 0:
        return Account(f"#{owner.st_uid}", owner.st_uid, owner.st_gid)
    for name in ACCOUNTS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, entry.pw_uid, entry.pw_gid)
    raise SetupError(
        "PostgreSQL does not run as root, and there is no unprivileged account to run it as.",
        advice=f"Create one of these users: {', '.join(ACCOUNTS)}; or start the stack as an ordinary user.",
    )


def choose_places(environ: Mapping[str, str], account: Account | None) -> Places:
    """The directories to use: those of the QUOTAWATT_ variables, else XDG's, else the system's.

    The system's are root's choice only, where `account` cannot enter XDG's: /root is closed to it.
    """
    home = Path(environ.get("HOME") or "/")
    cache = Path(environ.get("XDG_CACHE_HOME") or home / ".cache") / "quotawatt"
    state = Path(environ.get("XDG_STATE_HOME") or home / ".local" / "state") / "quotawatt"
    if account is not None:
        cache = cache if can_walk_to(cache, account) else _SYSTEM_CACHE
        state = state if can_walk_to(state, account) else _SYSTEM_STATE
    return Places(
        Path(environ.get(CACHE_VARIABLE) or cache).absolute(), Path(environ.get(STATE_VARIABLE) or state).absolute()
    )


def can_walk_to(path: Path, account: Account) -> bool:
    """Whether `account` may pass through every directory above `path` that exists already."""
    return all(_may_enter(parent, account) for parent in path.absolute().parents if parent.exists())


def require_walkable(path: Path, account: Account | None) -> None:
    """Refuse a directory that the servers' account could never reach.

    Raises:
        SetupError: a directory above `path` is closed to `account`.
    """
    if account is not None and not can_walk_to(path, account):
        raise SetupError(
            f"The user {account.name}, who runs the servers, cannot enter {path.parent}.",
            advice=f"Choose directories that it can enter with {CACHE_VARIABLE} and {STATE_VARIABLE}.",
        )


def _may_enter(directory: Path, account: Account) -> bool:
    entry = directory.stat()
    if entry.st_uid == account.uid:
        return bool(entry.st_mode & 0o100)
    if entry.st_gid == account.gid:
        return bool(entry.st_mode & 0o010)
    return bool(entry.st_mode & 0o001)


def stack_name(environ: Mapping[str, str], installation: Path) -> str:
    """The stack's name: QUOTAWATT_STACK, or one derived from the installation, wherever the command is called.

    Two checkouts have two environments and get two names, so that their stacks run side by side.

    Args:
        environ: what stands for the environment.
        installation: the Python environment that we are installed in (`sys.prefix`). One inside a project, such as
            `.venv`, lends its stack the project's name.
    """
    if chosen := environ.get(NAME_VARIABLE):
        return check_name(chosen)
    prefix = installation.resolve()
    named = prefix.parent if prefix.name in _INSIDE_PROJECTS else prefix
    slug = re.sub(r"[^a-z0-9]+", "-", named.name.lower()).strip("-") or "stack"
    return f"{slug[:24]}-{hashlib.sha256(str(prefix).encode()).hexdigest()[:8]}"


def check_name(name: str) -> str:
    """`name` itself, if it can be a directory's name.

    Raises:
        SetupError: it cannot.
    """
    if not _NAME.fullmatch(name):
        raise SetupError(
            f"{name!r} cannot be the name of a stack.",
            advice="Use at most 63 letters, digits, dots, dashes and underscores; begin with a letter or a digit.",
        )
    return name
