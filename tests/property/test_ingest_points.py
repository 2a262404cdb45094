"""Points are found the same way whether a list of codes was seen before or not."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ingest.checking.points import UNKNOWN, PointTable

CODES = [f"P-{number}" for number in range(6)]
TABLE = [(code, 100 + number, f"gw-{number // 3}") for number, code in enumerate(CODES)]

lists = st.lists(st.sampled_from([*CODES, "X-1"]), max_size=8)


@given(st.lists(lists, max_size=30))
def test_a_remembered_list_says_what_looking_up_says(named: list[list[str]]) -> None:
    """Repeated, shortened, contradicting lists, with unknown and doubled codes, in any order."""
    table = PointTable.of(TABLE)
    for codes in [*named, *named]:
        expected = [table.positions.get(code, UNKNOWN) for code in codes]
        fresh = ["".join(code) for code in codes]
        assert table.lineups.positions(fresh).tolist() == expected


def test_what_is_remembered_is_bounded() -> None:
    """Whoever names its points in ever new orders gains nothing, and takes no memory."""
    table = PointTable.of(TABLE)
    for start in range(len(CODES)):
        for length in range(1, 40):
            codes = [CODES[(start + step) % len(CODES)] for step in range(length)]
            assert len(table.lineups.positions(codes)) == length
            kept = sum(len(known) for known, _ in table.lineups._known.values())
            assert kept <= max(2 * len(CODES), length)
