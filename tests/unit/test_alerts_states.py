"""The life of an alert, step by step."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from alerts.quotas import QuotaRule
from alerts.states import AlertState, Seen, Standing, Transition, advance
from alerts.verdicts import CLEAR, EXCEEDED, ON_COURSE, UNKNOWN, Mark, Verdict

START = datetime(2026, 3, 1, tzinfo=UTC)
END = START + timedelta(days=1)
RULE = QuotaRule(for_s=1800, keep_s=8 * 3600)
MARKS: dict[Verdict, Mark] = {Verdict.OK: CLEAR, Verdict.ON_COURSE: ON_COURSE, Verdict.EXCEEDED: EXCEEDED}

Look = tuple[float, Verdict]


def seen(hours: float, verdict: Verdict, *, clear: bool | None = None) -> Seen:
    """What data up to `hours` after the start of the day says; the day is final when it is over."""
    at = START + timedelta(hours=hours)
    plain = verdict is Verdict.OK if clear is None else clear
    final = at >= END and verdict.known
    return Seen(verdict, MARKS.get(verdict, UNKNOWN), plain, final, min(at, END), END)


def life(
    looks: Sequence[Look | Seen], *, now: Sequence[float] | None = None
) -> tuple[list[AlertState], list[Transition]]:
    """The states and transitions of a series of looks, each at the time of its data unless `now` says otherwise."""
    states, moves, standing = [], [], None
    for position, one in enumerate(looks):
        what = one if isinstance(one, Seen) else seen(*one)
        hours = now[position] if now else one[0] if isinstance(one, tuple) else 0.0
        standing, move = advance(standing, what, RULE, START + timedelta(hours=hours))
        states.append(standing.state)
        moves += [move] if move else []
    return states, moves


OK, COURSE, OVER, STALE = Verdict.OK, Verdict.ON_COURSE, Verdict.EXCEEDED, Verdict.STALE
INACTIVE, PENDING, FIRING, RESOLVED, CORRECTED = AlertState


def test_a_pace_must_last_before_it_fires() -> None:
    """Half an hour of data on course, no less."""
    states, moves = life([(8, OK), (8.25, COURSE), (8.5, COURSE), (8.75, COURSE), (9, COURSE)])
    assert states == [INACTIVE, PENDING, PENDING, FIRING, FIRING]
    assert [(move.from_state, move.to_state) for move in moves] == [(INACTIVE, PENDING), (PENDING, FIRING)]


def test_looking_again_at_the_same_data_does_not_make_it_last() -> None:
    """`for` is measured on the data: an hour of repeated looks at one figure confirms nothing."""
    states, _ = life([(8, COURSE)] * 3, now=[8, 8.5, 9])
    assert states == [PENDING] * 3


def test_a_pending_pace_that_falls_never_fires() -> None:
    """It starts from nothing the next time."""
    states, _ = life([(8, COURSE), (8.25, OK), (8.5, COURSE), (8.75, COURSE)])
    assert states == [PENDING, INACTIVE, PENDING, PENDING]


def test_a_breach_fires_at_once() -> None:
    """What is used cannot be unused; there is nothing to wait for."""
    assert life([(8, OVER)])[0] == [FIRING]


def test_between_limit_and_clear_threshold_it_goes_on_firing() -> None:
    """Hysteresis: falling just below the limit does not end the alert, nor its colour."""
    looks = [seen(8, COURSE), seen(9, COURSE), seen(10, OK, clear=False), seen(11, OK, clear=True)]
    assert life(looks, now=[8, 9, 10, 11])[0] == [PENDING, FIRING, FIRING, RESOLVED]


def test_a_firing_pace_becomes_a_breach_without_firing_twice() -> None:
    """One transition says that the cause changed; the alert stays the same."""
    states, moves = life([(8, COURSE), (9, COURSE), (20, OVER), (21, OVER)])
    assert states == [PENDING, FIRING, FIRING, FIRING]
    assert [(move.to_state, move.verdict) for move in moves][1:] == [(FIRING, COURSE), (FIRING, OVER)]


def test_missing_data_neither_fires_nor_clears() -> None:
    """A pending alert waits, a firing one keeps firing in its colour."""
    assert life([(8, COURSE), (8, STALE), (8, STALE)], now=[8, 11.5, 15])[0] == [PENDING] * 3
    standing = Standing(FIRING, START, COURSE, None, COURSE, ON_COURSE)
    after, move = advance(standing, seen(9, STALE), RULE, START + timedelta(hours=13))
    assert (after.state, after.verdict, after.mark, move) == (FIRING, STALE, ON_COURSE, None)


def test_a_pace_ends_with_its_period_when_the_limit_held() -> None:
    """On course all day, yet within the limit at the end: resolved, and never again for that day."""
    states, _ = life([(8, COURSE), (9, COURSE), (24, OK), (24, OK)], now=[8, 9, 24.1, 40])
    assert states == [PENDING, FIRING, RESOLVED, RESOLVED]


def test_a_breach_fires_on_into_the_next_shift_and_then_closes() -> None:
    """Eight hours after midnight the day is closed."""
    looks = [(20, OVER), (24, OVER), (24, OVER), (24, OVER)]
    assert life(looks, now=[20, 31.9, 32, 50])[0] == [FIRING, FIRING, RESOLVED, RESOLVED]


def test_a_breach_found_late_fires_as_long_as_any_other() -> None:
    """Data that comes a day late still tells somebody, once."""
    looks = [(24, OK), (24, OVER), (24, OVER), (24, OVER), (24, OVER)]
    assert life(looks, now=[25, 60, 67.9, 68, 80])[0] == [INACTIVE, FIRING, FIRING, RESOLVED, RESOLVED]


def test_late_data_corrects_a_closed_breach_openly() -> None:
    """The correction is a transition of its own, and the other way round it is one too, not a new alarm."""
    states, moves = life([(20, OVER), (24, OVER), (24, OK), (24, OVER)], now=[20, 33, 50, 60])
    assert states == [FIRING, RESOLVED, CORRECTED, CORRECTED]
    assert [(move.to_state, move.verdict) for move in moves][2:] == [(CORRECTED, OK), (CORRECTED, OVER)]


def test_an_alert_whose_data_never_comes_ends_too() -> None:
    """Nobody can act on a pace of a day that is over, so no alert stays open for ever."""
    assert life([(8, COURSE), (9, COURSE), (9, STALE)], now=[8, 9, 32])[0] == [PENDING, FIRING, RESOLVED]
    assert life([(8, COURSE), (8, STALE)], now=[8, 24])[0] == [PENDING, INACTIVE]


def test_a_breach_after_a_resolved_pace_fires() -> None:
    """They are two things; the second is worse."""
    looks = [(8, COURSE), (9, COURSE), (10, OK), (23, OVER)]
    assert life(looks)[0] == [PENDING, FIRING, RESOLVED, FIRING]
