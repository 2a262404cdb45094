"""The life of an alert, case by case."""

from __future__ import annotations

import pytest

from alerts.life.commands import acknowledge, unacknowledge, withdraw
from alerts.life.machine import advance
from alerts.life.model import AlertState, Look, Reason, Standing, Transition
from alerts.rules.model import Timing
from energy.errors import RejectedError
from tests.support.alert_life import CLEAR, END, HELD, ORANGE, RAISED, RED, UNKNOWN, Life, after

DAY = 24 * 60


def test_what_was_never_raised_is_not_remembered() -> None:
    """Seventeen thousand quiet units have no rows."""
    life = Life()
    assert [life.look(condition, 0) for condition in (CLEAR, HELD, UNKNOWN)] == ["nothing"] * 3


def test_for_lasts_on_the_time_of_the_data() -> None:
    """Looking again at the same data adds nothing up, however late it is; exactly `for` is long enough."""
    life = Life(Timing(for_s=1800))
    assert life.look(RAISED, 0) == "pending: raised"
    assert life.look(RAISED, 600, at=0) == "pending"
    assert life.look(RAISED, 601, at=29) == "pending"
    assert life.look(RAISED, 602, at=30) == "firing: lasted"


def test_without_for_it_fires_at_once() -> None:
    """As Prometheus does."""
    assert Life().look(RAISED, 0) == "firing: raised"


def test_pending_starts_anew_after_clear_but_not_after_held_or_unknown() -> None:
    """Hysteresis holds what is; absence neither clears nor confirms."""
    life = Life(Timing(for_s=1800))
    looks = [
        (RAISED, 0),
        (CLEAR, 10),
        (RAISED, 20),
        (UNKNOWN, 30),
        (HELD, 45),
        (UNKNOWN, 55),
        (RAISED, 49),
        (RAISED, 50),
    ]
    assert [life.look(condition, minutes) for condition, minutes in looks] == [
        "pending: raised",
        "inactive: cleared",
        "pending: raised",
        "pending",
        "pending",
        "pending",
        "pending",
        "firing: lasted",
    ]


def test_keep_firing_starts_anew_when_the_condition_comes_back() -> None:
    """As Prometheus does; what is held or not known neither ends nor restarts it."""
    life = Life(Timing(keep_firing_s=600))
    life.look(RAISED, 0)
    looks = [(CLEAR, 1), (CLEAR, 10), (RAISED, 10.5), (CLEAR, 12), (UNKNOWN, 30), (HELD, 30), (CLEAR, 21), (CLEAR, 22)]
    assert [life.look(condition, minutes) for condition, minutes in looks][:-1] == ["firing"] * 7
    assert life.moves[-1].reason == "cleared"


def test_held_and_unknown_keep_it_firing_as_loud_as_it_was() -> None:
    """Between the thresholds, and without data, nothing changes, not even the colour."""
    life = Life()
    life.look(RAISED, 0, mark=RED)
    assert [life.look(condition, 9, mark=ORANGE) for condition in (HELD, UNKNOWN)] == ["firing", "firing"]
    assert life.standing is not None
    assert life.standing.mark == RED


def test_severity_changes_in_place() -> None:
    """A higher band is no new alert."""
    life = Life()
    life.look(RAISED, 0, mark=ORANGE)
    assert life.look(RAISED, 5, mark=RED) == "firing: severity"
    assert life.standing is not None
    assert (life.standing.firings, life.standing.fired_at) == (1, after(0))


def test_a_clock_that_is_put_back_changes_nothing() -> None:
    """Looks before the last transition say nothing, and after it all goes on."""
    life = Life(corrects=True, end=END)
    life.look(RAISED, 60)
    assert life.look(CLEAR, 0) == "firing"
    assert life.look(CLEAR, 61) == "corrected: corrected"


def test_a_closed_period_is_told_for_the_next_shift_and_then_resolves() -> None:
    """And remembers what it said, so that only another final answer is told, openly and once."""
    life = Life(Timing(keep_closed_s=8 * 3600), end=END, corrects=True)
    life.look(RAISED, 60)
    assert life.look(RAISED, DAY + 479) == "firing"
    assert life.look(RAISED, DAY + 480) == "resolved: period_closed"
    assert life.look(CLEAR, DAY + 500) == "resolved"
    assert life.look(UNKNOWN, DAY + 500, final=True) == "resolved"
    assert life.look(CLEAR, DAY + 510, final=True) == "corrected: corrected"
    assert life.look(CLEAR, DAY + 520, final=True) == "corrected"
    assert life.look(RAISED, DAY + 530) == "corrected: corrected"
    assert life.standing is not None
    assert (life.standing.firings, life.standing.said) == (1, True)


def test_a_clear_look_after_the_period_needs_no_more_keeping() -> None:
    """It said no at last: raised final figures are a correction then, and no second alarm."""
    life = Life(Timing(keep_firing_s=9999), end=END)
    life.look(RAISED, 60)
    assert life.look(CLEAR, DAY) == "firing"
    assert life.look(CLEAR, DAY + 1, final=True) == "resolved: cleared"
    assert life.look(RAISED, DAY + 9, final=True) == "corrected: corrected"
    assert life.look(RAISED, DAY + 10, final=True) == "corrected"


def test_what_corrects_need_not_last_on_final_figures() -> None:
    """No more data comes that could last."""
    life = Life(Timing(for_s=1800), end=END, corrects=True)
    assert life.look(RAISED, DAY + 1) == "pending: raised"
    assert life.look(RAISED, DAY + 2, final=True) == "firing: lasted"


def test_unknown_does_not_keep_a_closed_period_firing_for_ever() -> None:
    """It waits a day for the rest of its data, and what corrects, certain as it is, does not wait."""
    life = Life(end=END)
    life.look(RAISED, 60)
    assert life.look(UNKNOWN, DAY + DAY - 1) == "firing"
    assert life.look(UNKNOWN, DAY + DAY) == "resolved: period_closed"
    breach = Life(end=END, corrects=True)
    breach.look(RAISED, 60)
    assert breach.look(UNKNOWN, DAY) == "resolved: period_closed"


def test_a_forecast_that_its_last_hour_did_not_bear_out_is_over_and_no_correction() -> None:
    """Data is a little late every night: only what final figures said can be corrected."""
    life = Life(end=END)
    life.look(RAISED, 60)
    assert life.look(RAISED, DAY) == "firing"
    assert life.look(CLEAR, DAY + 15, final=True) == "resolved: cleared"
    assert life.look(RAISED, DAY + 600, final=True) == "corrected: corrected"


def test_a_fall_of_what_corrects_is_a_correction_and_fires_again_only_when_raised_anew() -> None:
    """What was used does not shrink by itself."""
    life = Life(end=END, corrects=True)
    assert [life.look(condition, minute) for minute, condition in enumerate([RAISED, CLEAR, CLEAR, UNKNOWN, HELD])] == [
        "firing: raised",
        "corrected: corrected",
        "corrected",
        "corrected",
        "corrected",
    ]
    assert life.look(RAISED, 9) == "firing: raised"
    assert life.standing is not None
    assert life.standing.firings == 2


def test_a_breach_that_late_data_shows_fires_after_its_period_and_is_kept() -> None:
    """People have to know of it; a course that is over does not matter any more."""
    late = Life(Timing(keep_closed_s=3600), end=END, corrects=True)
    assert late.look(RAISED, 3 * DAY) == "firing: raised"
    assert late.look(RAISED, 3 * DAY + 60) == "firing"
    assert late.look(RAISED, 3 * DAY + 61) == "resolved: period_closed"
    course = Life(Timing(for_s=1800), end=END)
    assert course.look(RAISED, DAY - 20) == "pending: raised"
    assert course.look(RAISED, DAY + 20, final=True) == "inactive: period_closed"
    assert course.look(RAISED, DAY + 30, final=True) == "inactive"


def test_a_level_is_told_after_its_period_when_its_figures_are_final() -> None:
    """Output is often filled in after the month has ended."""
    life = Life(Timing(keep_closed_s=3600), end=END)
    assert life.look(RAISED, DAY + 1) == "nothing"
    assert life.look(RAISED, DAY + 2, final=True) == "firing: raised"


def test_final_figures_between_the_thresholds_end_it() -> None:
    """Nothing is left to wait for."""
    life = Life(Timing(keep_closed_s=8 * 3600, keep_firing_s=9999), end=END)
    life.look(RAISED, 60)
    assert life.look(HELD, DAY + 1) == "firing"
    assert life.look(HELD, DAY + 2, final=True) == "resolved: cleared"


def test_what_closed_between_the_thresholds_is_not_corrected_by_the_same_figures() -> None:
    """A pace of 0.98 at midnight, and 0.98 when the last data is in; a breach that is none is corrected."""
    life = Life(end=END)
    life.look(RAISED, 60)
    assert life.look(HELD, DAY) == "firing"
    assert life.look(HELD, DAY + 30, final=True) == "resolved: period_closed"
    assert life.look(CLEAR, DAY + 60, final=True) == "corrected: corrected"
    life = Life(end=END, corrects=True)
    life.look(RAISED, 60)
    assert life.look(UNKNOWN, DAY) == "resolved: period_closed"
    assert life.look(HELD, DAY + 30, final=True) == "corrected: corrected"


def test_it_escalates_once_unless_somebody_has_it() -> None:
    """Severity stays what the figures say."""
    life = Life(Timing(escalate_s=3600))
    life.look(RAISED, 0)
    assert [life.look(RAISED, minutes) for minutes in (59, 60, 120)] == ["firing", "firing: escalated", "firing"]
    taken = Life(Timing(escalate_s=3600))
    taken.look(RAISED, 0)
    assert taken.standing is not None
    taken.standing, _ = acknowledge(taken.standing, "Li Wei", after(30))
    assert taken.look(RAISED, 200) == "acknowledged"
    taken.standing, move = unacknowledge(taken.standing, after(210))
    assert move is not None
    assert [taken.look(UNKNOWN, minutes) for minutes in (269, 270)] == ["firing", "firing: escalated"]
    taken.standing, _ = acknowledge(taken.standing, "Wu", after(280))
    taken.standing, _ = unacknowledge(taken.standing, after(290))
    assert [taken.look(UNKNOWN, minutes) for minutes in (349, 350)] == ["firing", "firing: escalated"]


def test_a_window_silences_and_its_end_calls() -> None:
    """Time in the window counts nothing towards an escalation; who has acknowledged keeps it."""
    life = Life(Timing(escalate_s=3600))
    assert life.look(RAISED, 0, silenced=True) == "silenced: raised"
    assert life.standing is not None
    assert life.standing.called_from is None
    assert life.look(UNKNOWN, 90) == "firing: window_ended"
    assert life.look(RAISED, 100) == "firing"
    assert life.look(RAISED, 110, silenced=True, mark=RED) == "silenced: window"
    assert life.standing.mark == RED
    life.standing, _ = acknowledge(life.standing, "Li Wei", after(115))
    assert life.look(RAISED, 120, silenced=True, mark=RED) == "acknowledged"
    assert life.look(RAISED, 130, mark=RED) == "acknowledged"
    assert life.look(CLEAR, 140, silenced=True) == "resolved: cleared"


def test_an_acknowledgement_is_the_first_ones_and_ends_with_the_alert() -> None:
    """The next firing is another matter."""
    life = Life()
    life.look(RAISED, 10)
    assert life.standing is not None
    standing, move = acknowledge(life.standing, "Li Wei", after(5))
    assert move == Transition(AlertState.FIRING, AlertState.ACKNOWLEDGED, after(10), ORANGE, Reason.ACKNOWLEDGED)
    assert acknowledge(standing, "Wu", after(20)) == (standing, None)
    life.standing = standing
    assert life.look(RAISED, 30, mark=RED) == "acknowledged: severity"
    assert life.look(CLEAR, 40) == "resolved: cleared"
    assert life.standing is not None
    assert (life.standing.acknowledged_by, life.standing.acknowledged_at) == ("", None)
    with pytest.raises(RejectedError, match="the alert is resolved"):
        acknowledge(life.standing, "Wu", after(50))
    with pytest.raises(RejectedError, match="the alert is resolved"):
        unacknowledge(life.standing, after(50))


@pytest.mark.parametrize(
    ("state", "expected"),
    [("firing", "resolved"), ("acknowledged", "resolved"), ("silenced", "resolved"), ("pending", "inactive")],
)
def test_an_alert_whose_rule_is_gone_ends(state: str, expected: str) -> None:
    """Otherwise it would fire for ever."""
    after_, move = withdraw(Standing(AlertState(state), after(0), ORANGE, fired_at=after(0)), after(5))
    assert (after_.state, move is not None and move.reason) == (expected, "withdrawn")
    assert withdraw(after_, after(6)) == (after_, None)


def test_without_a_time_of_data_the_clock_counts() -> None:
    """What the clock drives, such as a lag, has no other."""
    look, timing = Look(RAISED, ORANGE, None), Timing(for_s=600)
    pending, _ = advance(None, look, timing, after(0))
    fired, _ = advance(pending, look, timing, after(10))
    assert fired is not None
    assert fired.state is AlertState.FIRING
