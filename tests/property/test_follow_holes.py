"""Who is asked to send again, for what and how often: never a storm, and nobody who is at it anyway."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ingest.following.holes import MOST_NUMBERS, MOST_RANGES, Holes, Range, Requests
from ingest.following.settings import FollowSettings

KEY = ("gw", "0" * 32)
SETTINGS = FollowSettings(check_s=10, ask_after_s=60, ask_most_s=480)


def looks(requests: Requests, until: int, to_come: list[Range], *, start: int = 0) -> list[tuple[int, list[Range]]]:
    """Look every ten seconds from `start`; each request with its time."""
    asked = []
    for now in range(start, until, 10):
        for key, ranges in requests.due([Holes(KEY, to_come)], now):
            requests.asked(key, ranges, now)
            asked.append((now, ranges))
    return asked


def test_an_unchanged_range_is_asked_for_with_growing_pauses() -> None:
    """First after a minute, then after one, two, four, eight more, and every eight."""
    asked = looks(Requests(SETTINGS), 3_000, [(7, 9)])
    assert [now for now, _ in asked] == [60, 120, 240, 480, 960, 1_440, 1_920, 2_400, 2_880]
    assert {tuple(ranges) for _, ranges in asked} == {((7, 9),)}


def test_a_backlog_that_moves_is_left_alone() -> None:
    """It shrinks from below or above, or breaks in two; and the newest number is always on its way."""
    requests = Requests(SETTINGS)
    for now in range(0, 6_000, 10):
        step = now // 10
        ways: list[list[Range]] = [[(1 + step, 9_000), (10_000 + step, 10_000 + step)], [(1, 9_000 - step)]]
        for way in ways[step // 300 :][:1]:
            assert not requests.due([Holes(KEY, way)], now)


def test_what_stays_behind_of_a_backlog_is_asked_for() -> None:
    """A lost envelope in the middle of a backlog stands alone when the rest has come, while live ones go on."""
    requests, asked = Requests(SETTINGS), []
    for now in range(0, 900, 10):
        first = 1 + now // 2
        holes: list[Range] = [(100, 100)] if first > 100 else []
        live: Range = (5_000 + now, 5_000 + now)
        for key, ranges in requests.due([Holes(KEY, [*holes, (first, 4_000), live])], now):
            requests.asked(key, ranges, now)
            asked.append((now, ranges))
    assert [ranges for _, ranges in asked] == [[(100, 100)]] * len(asked)
    assert [now for now, _ in asked] == [260, 320, 440, 680]


def test_a_new_gap_does_not_wait_for_the_pause_of_an_old_one() -> None:
    """A gateway that never sends one number is still asked for the next ones."""
    requests = Requests(SETTINGS)
    looks(requests, 2_000, [(7, 9)])
    asked = looks(requests, 2_130, [(7, 9), (20, 20)], start=2_000)
    assert asked[0] == (2_060, [(7, 9), (20, 20)])


def test_pauses_begin_anew_when_what_was_asked_for_has_come() -> None:
    """A stream that was asked often is treated like any other once its gap is closed."""
    requests = Requests(SETTINGS)
    looks(requests, 2_000, [(7, 9)])
    assert [now for now, _ in looks(requests, 2_300, [(20, 20)], start=2_000)] == [2_060, 2_120, 2_240]


def test_a_gateway_that_was_away_gets_time_to_send_by_itself() -> None:
    """While it is away it is not among the holes; then its ranges count anew."""
    requests = Requests(SETTINGS)
    looks(requests, 50, [(1, 5)])
    requests.due([], 50)
    assert len(requests) == 0
    assert looks(requests, 200, [(1, 5)], start=60)[0][0] == 120


def test_a_gateway_that_could_not_be_asked_gets_time_too() -> None:
    """While the broker is away ranges grow no older; when it is back they count anew."""
    requests = Requests(SETTINGS)
    for now in range(0, 600, 10):
        for key, _ in requests.due([Holes(KEY, [(1, 5)])], now):
            requests.forget(key)
    back = looks(requests, 800, [(1, 5)], start=600)[0][0]
    assert 600 <= back <= 600 + SETTINGS.ask_after_s + SETTINGS.check_s


def test_missing_numbers_are_asked_for_at_once() -> None:
    """The caller leaves out those that were asked for before."""
    requests = Requests(SETTINGS)
    assert requests.due([Holes(KEY, [(9, 9)], [(1, 3)])], 0) == [(KEY, [(1, 3)])]


def test_many_gateways_are_asked_bit_by_bit() -> None:
    """At most so many a look, those first that have waited longest; all in the end."""
    settings = FollowSettings(ask_after_s=60, ask_gateways=10)
    requests, asked = Requests(settings), set()
    keys = [(f"gw-{number}", "0" * 32) for number in range(35)]
    for now in range(0, 100, 10):
        due = requests.due([Holes(key, [(1, 1)]) for key in keys], now)
        assert len(due) <= 10
        for key, ranges in due:
            requests.asked(key, ranges, now)
            asked.add(key)
    assert asked == set(keys)


ranges = st.lists(
    st.tuples(st.integers(1, 60), st.integers(0, 5_000)), max_size=60, unique_by=lambda pair: pair[0]
).map(lambda pairs: [(10_000 * place, 10_000 * place + length) for place, length in sorted(pairs)])


@given(st.lists(st.tuples(ranges, ranges, st.integers(0, 300)), max_size=30))
def test_requests_are_bounded_and_name_only_what_is_open(history: list[tuple[list[Range], list[Range], int]]) -> None:
    """Whatever is open when: each command is small, names open numbers, and none comes twice within the least pause."""
    requests, now = Requests(SETTINGS), 0
    last_asked = -1_000
    for to_come, missing, passed in history:
        now += passed
        for key, asked in requests.due([Holes(KEY, to_come[:MOST_RANGES], missing[:MOST_RANGES])], now):
            assert key == KEY
            assert 0 < len(asked) <= MOST_RANGES
            kept = [part for part in asked if part not in missing]
            assert sum(last - first + 1 for first, last in kept) <= MOST_NUMBERS
            assert all(any(first <= a <= b <= last for first, last in to_come) for a, b in kept)
            if kept:
                assert now - last_asked >= SETTINGS.ask_after_s
            last_asked = now
            requests.asked(key, asked, now)
    assert len(requests) <= 1
