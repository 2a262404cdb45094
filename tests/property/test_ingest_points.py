"""Points are found the same way whether a list of codes was seen before or not, and nothing passes for another."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from energy.registry.store import PointKey
from ingest.checking.code_index import UNKNOWN, CodeIndex, CodeKeys, KeysCollideError
from ingest.checking.lineups import SHORTEST, Lineups
from ingest.checking.points import PointTable, TableBuilder
from ingest.checking.value_bounds import NO_BOUNDS

CODES = [f"P-{number}" for number in range(6)]
TABLE = [(code, 100 + number, f"gw-{number // 3}") for number, code in enumerate(CODES)]
LATE = {"L-1": PointKey(200, 7, "gw-late"), "L-2": PointKey(201, 0, "gw-0")}
IDS = {**{code: point for code, point, _ in TABLE}, **{code: key.point_id for code, key in LATE.items()}}

alphabet = "Aa0.-_"
codes = st.text(alphabet, min_size=1, max_size=64)
near = st.sampled_from(["", "P-0\0", "P-1 ", "\0P-2", "P-3" + "\0" * 61 + "x", "P", "P-\u0664", "P-\ud800", "X" * 65])
lists = st.lists(st.one_of(st.sampled_from([*IDS]), near), max_size=2 * SHORTEST)


def found_ids(table: PointTable, named: list[list[str]]) -> list[int]:
    """The point id of each code, `UNKNOWN` for none."""
    return [UNKNOWN if one == UNKNOWN else int(table.ids[one]) for one in table.positions(named)]


@given(st.lists(lists, max_size=20))
def test_a_remembered_list_says_what_looking_up_says(named: list[list[str]]) -> None:
    """Repeated, shortened, contradicting lists, in one batch or one by one, with codes that are nearly one of ours."""
    table = PointTable.of(TABLE).having(LATE)
    expected = [IDS.get(code, UNKNOWN) for codes in named for code in codes]
    assert found_ids(table, named) == expected
    assert found_ids(table, named) == expected
    one_by_one = PointTable.of(TABLE).having(LATE)
    fresh = [["".join(code) for code in codes] for codes in named]
    for _ in range(2):
        assert [one for codes in fresh for one in found_ids(one_by_one, [codes])] == expected


@given(st.lists(codes, unique=True, max_size=40), st.lists(codes, max_size=20))
def test_every_registered_code_is_found_and_no_other(registered: list[str], asked: list[str]) -> None:
    """Codes of any length that is allowed, many alike."""
    table = PointTable.of((code, number, "gw") for number, code in enumerate(registered, 1))
    ids = {code: number for number, code in enumerate(registered, 1)}
    for code in [*registered, *asked]:
        assert found_ids(table, [[code]]) == [ids.get(code, UNKNOWN)]


def test_equal_keys_never_map_to_another_point() -> None:
    """Keys that tell no code apart are refused when the table is made; of half a key, the other half decides."""
    blind = CodeKeys(np.zeros((16, 3), np.uint64), np.zeros(3, np.uint64))
    with pytest.raises(KeysCollideError):
        CodeIndex(blind, np.zeros(2, np.uint64), np.array([1, 2], np.uint32))
    index = CodeIndex(blind, np.zeros(1, np.uint64), np.ones(1, np.uint32))
    assert index.find(["A-1", "B-1"]).tolist() == [UNKNOWN, UNKNOWN]


def test_a_table_that_lacks_points_is_refused() -> None:
    """A stream that ended early must not pass for the whole registry."""
    with pytest.raises(ValueError, match="0 of 1 points"):
        TableBuilder(CodeKeys.drawn(), 1).table({}, version=1)


def test_what_is_remembered_is_bounded_and_what_comes_again_stays() -> None:
    """Whoever names its points in ever new orders takes no memory, and pushes out nobody who is regular."""
    room = 20_000
    lineups = Lineups(room)
    regular = lineups.digest(["P-1", "P-2"])
    lineups.remember(regular, b"12345678")
    for number in range(2_000):
        lineups.remember(lineups.digest([f"X-{number}"]), bytes(4 * (number % 50)))
        assert lineups.kept_bytes <= 2 * room
        assert lineups.get(regular, 2) == b"12345678"
    assert lineups.get(regular, 3) is None
    assert lineups.get(lineups.digest(["X-0"]), 0) is None


def test_a_list_with_a_code_that_was_unknown_is_looked_up_again() -> None:
    """Once its point is found, not only for those who name it alone."""
    table = PointTable.of(TABLE)
    named = [*CODES, *CODES, "L-1"]
    assert found_ids(table, [named])[-1] == UNKNOWN
    assert found_ids(table.having(LATE), [named])[-1] == LATE["L-1"].point_id
    assert table.having(LATE).found_late(LATE) == {
        "L-1": PointKey(200, 7, "gw-late", *NO_BOUNDS),
        "L-2": PointKey(201, 0, "gw-0", *NO_BOUNDS),
    }


def test_lists_that_read_alike_when_joined_are_told_apart() -> None:
    """A code that holds the separator must not pass for two codes."""
    table = PointTable.of(TABLE)
    known = CODES * 2
    assert UNKNOWN not in table.positions([known])
    joined = ["\0".join(known[:2]), *known[2:]]
    assert table.positions([joined])[0] == UNKNOWN


def test_a_point_takes_little_memory() -> None:
    """Twenty bytes or so, however long its code: the nation's points fit into one worker."""
    count = 50_000
    rows = [(f"610303-{number // 150:05d}-E{number % 150}", number, f"gw-{number // 150}") for number in range(count)]
    table = PointTable.of(rows)
    parts = (table.index.upper, table.index.lower, table.ids, table.owners, table.classes)
    assert len(table) == count
    assert sum(part.nbytes for part in parts) <= 24 * count
