"""Data time is a pure function of the wall clock and the shared settings."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from energy.clocks import ClockSettings, DataClock

ORIGIN = datetime(2026, 3, 1, tzinfo=timezone(timedelta(hours=8)))
scales = st.floats(0.5, 10_000)


def clock(real: float, scale: float, real_origin: float = 1_000.0) -> DataClock:
    """A clock whose wall stands at `real` seconds."""
    return DataClock(ClockSettings(ORIGIN, real_origin, scale), wall=lambda: real)


@given(real=st.floats(1_000, 1e6), scale=scales)
def test_two_processes_agree(real: float, scale: float) -> None:
    """Two clocks with the same settings show the same time, whenever they were made."""
    assert clock(real, scale).now_ms() == clock(real, scale).now_ms()
    expected = ORIGIN.timestamp() + (real - 1_000) * scale
    assert clock(real, scale).now_ms() == int(expected * 1000)


@given(real=st.floats(0, 1_000), scale=scales)
def test_it_stands_still_until_the_real_origin(real: float, scale: float) -> None:
    """Before the real origin, data time stands at its origin."""
    assert clock(real, scale).now() == ORIGIN


@given(real=st.floats(0, 1e6), ahead_ms=st.integers(0, 10**9), scale=scales)
def test_waiting_until_gets_there(real: float, ahead_ms: int, scale: float) -> None:
    """After the real seconds that `until` names, data time has come to the moment asked for, within a millisecond."""
    at_ms = clock(max(real, 1_000), scale).now_ms() + ahead_ms
    later = clock(real + clock(real, scale).until(at_ms), scale)
    assert abs(later.now_ms() - at_ms) <= 1


def test_until_a_past_moment_is_no_time() -> None:
    """A moment that has passed is not waited for."""
    assert clock(2_000, 10).until(int(ORIGIN.timestamp() * 1000)) == 0.0
    assert DataClock(wall=lambda: 100.0).until(50_000) == 0.0


def test_without_settings_it_is_the_system_clock() -> None:
    """In production, data time is the machine's time."""
    system = DataClock(wall=lambda: 1_700_000_000.25)
    assert system.now() == datetime.fromtimestamp(1_700_000_000.25, UTC)
    assert system.until(1_700_000_001_250) == pytest.approx(1.0)


@pytest.mark.parametrize(
    "settings",
    [{"origin": ORIGIN}, {"real_origin": 1.0}, {"scale": 2.0}, {"origin": datetime(2026, 3, 1), "real_origin": 1.0}],  # noqa: DTZ001 - the naive one is to be refused
)
def test_half_given_settings_are_refused(settings: dict[str, object]) -> None:
    """Settings by which two processes could disagree are refused."""
    with pytest.raises(ValueError, match=r"origin|zone"):
        ClockSettings(**settings)  # type: ignore[arg-type]  # the wrong combination is the point
