"""The unpacked programs: one directory in the cache, there in full or not at all."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

from deploy.stack.files import exclusive, make_directory, remove_tree
from deploy.stack.packages import LEFT_OUT, PACKAGES, SUITE, architecture, download
from deploy.stack.programs import run
from deploy.stack.relocate import relocate
from energy.errors import SetupError

Progress = Callable[[str], None]

POSTGRES_MAJOR = 17

_RECIPE = 1  # raise it when unpacking or relocating changes, so that older trees are not taken for this one
_LOCK_SECONDS = 1800.0  # a slow line may take that long for 50 MB, and the other process may be on one
_REPORT_EVERY = 10
_UNPACKING = ".unpacking"
_NOT_NEEDED = ("usr/share/man", "usr/share/locale", "usr/share/lintian")


def tree_path(cache: Path, packages: Sequence[str] = PACKAGES) -> Path:
    """Where the finished tree lies, whether it is there or not: a change of what belongs to it changes its name."""
    content = repr((SUITE, tuple(packages), sorted(LEFT_OUT), _RECIPE))
    # The programs know their absolute place: a cache that was moved is another tree.
    digest = hashlib.sha256(f"{content} {cache}".encode()).hexdigest()[:12]
    return cache / "trees" / f"{SUITE}-{digest}"


def finished_tree(cache: Path, packages: Sequence[str] = PACKAGES) -> Path | None:
    """The tree if it has been fetched; a rename is the last step of a fetch, so what is there is whole."""
    path = tree_path(cache, packages)
    return path if path.is_dir() else None


def ensure_tree(cache: Path, progress: Progress, packages: Sequence[str] = PACKAGES) -> Path:
    """Return the tree, fetching it when it is not there; of several processes one fetches and the others wait.

    Args:
        cache: where trees and archives lie; other packages than the stack's need a cache of their own.
        progress: is told what is going on.
        packages: names of Debian packages.

    Raises:
        SetupError: it cannot be fetched; the advice names other ways to a stack.
    """
    if (found := finished_tree(cache, packages)) is not None:
        return found
    make_directory(cache, 0o755)
    with exclusive(cache / "fetch.lock", seconds=_LOCK_SECONDS, waiting="fetching the stack's programs"):
        return finished_tree(cache, packages) or _fetch(cache, progress, packages)


def _fetch(cache: Path, progress: Progress, packages: Sequence[str]) -> Path:
    final = tree_path(cache, packages)
    trees = make_directory(final.parent, 0o755)
    for leftover in trees.glob(f"*{_UNPACKING}"):  # we hold the lock: nobody is working on it
        remove_tree(leftover)
    archives = download(cache, progress, packages)
    staging = make_directory(trees / f"{final.name}{_UNPACKING}", 0o755)
    for number, archive in enumerate(archives):
        if number % _REPORT_EVERY == 0:
            progress(f"unpacking packages: {number} of {len(archives)}")
        _unpack(archive, staging)
    for place in _NOT_NEEDED:
        remove_tree(staging / place)
    progress("making the programs relocatable")
    relocate(staging, final)
    # A rename can reach the disk before the content does: after a power failure the name must not vouch for holes.
    run(["sync", "-f", str(staging)], seconds=600)
    staging.rename(final)
    progress(f"programs for {architecture()} are ready in {final}")
    return final


def _unpack(archive: Path, target: Path) -> None:
    try:
        run(["dpkg-deb", "-x", str(archive), str(target)])
    except SetupError:
        archive.unlink(
            missing_ok=True
        )  # apt checked it when it came; if it has rotted since, the next run fetches it anew
        raise
