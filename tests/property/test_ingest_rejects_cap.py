"""How the room for rejects is divided."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ingest.rejects.bounds import cap

SIZES = st.lists(st.integers(0, 10_000), max_size=30)


@given(SIZES, st.integers(0, 100_000))
def test_what_is_left_fits_and_no_room_is_wasted(sizes: list[int], room: int) -> None:
    """One byte more for each that is cut would be too much; nobody is cut where all fit."""
    most = cap(sizes, room)
    assert sum(min(size, most) for size in sizes) <= room or not sizes
    if sum(sizes) <= room:
        assert most == max(sizes, default=0)
    else:
        assert sum(min(size, most + 1) for size in sizes) > room


@given(SIZES, st.integers(0, 10_000), st.integers(0, 1_000_000))
def test_a_flood_takes_no_room_of_those_within_an_even_share(sizes: list[int], room: int, flood: int) -> None:
    """However much one sends: whoever has no more than an even share keeps all."""
    most = cap([*sizes, flood], room)
    even = room // (len(sizes) + 1)
    assert all(min(size, most) == size for size in sizes if size <= even)
