"""Arrays of millions of entries that give their memory back when they go.

The allocator keeps freed blocks of some megabytes for later, in pieces that the next table may not fit into: a worker
would grow with every change of the registry. So these arrays are mapped each by itself, and worked on in small parts.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T", bound=np.generic)

_PART = 65_536


def zeros(count: int, kind: type[T] | np.dtype[T]) -> NDArray[T]:
    """`count` zeros; memory is taken when they are first written to."""
    pages = mmap.mmap(-1, max(1, count * np.dtype(kind).itemsize))
    return np.frombuffer(pages, kind, count)


def joined(first: NDArray[T], second: NDArray[T]) -> NDArray[T]:
    """The one behind the other."""
    both = zeros(len(first) + len(second), first.dtype)
    both[: len(first)], both[len(first) :] = first, second
    return both


def sorted_places(content: NDArray[T]) -> tuple[NDArray[T], NDArray[np.uint32]]:
    """`content` sorted, and for each of its entries, which are distinct, its place in there."""
    ordered = joined(content, content[:0])
    ordered.sort()
    place = zeros(len(content), np.uint32)
    for part in _parts(len(content)):
        place[part] = np.searchsorted(ordered, content[part])
    return ordered, place


def placed(content: NDArray[T], place: NDArray[np.uint32]) -> NDArray[T]:
    """`content` with each entry at its `place`."""
    found = zeros(len(content), content.dtype)
    for part in _parts(len(content)):
        found[place[part]] = content[part]
    return found


def _parts(count: int) -> Iterator[slice]:
    return (slice(start, start + _PART) for start in range(0, count, _PART))
