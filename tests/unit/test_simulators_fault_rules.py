"""Rules of faults: what a table may say, and when a rule holds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from energy.config import decode_toml
from energy.errors import ConfigError
from simulators.faults.kinds import FaultKind
from simulators.faults.schedule import Moment, UnitFaults
from simulators.faults.settings import FaultSettings
from simulators.settings import SimulatorSettings

T0 = datetime(2026, 3, 1, tzinfo=UTC)
T0_MS = int(T0.timestamp() * 1000)
DAY_MS = 86_400_000


def rule(kind: str, **keys: Any) -> FaultSettings:
    """One fault."""
    return FaultSettings(kind=FaultKind(kind), **keys)


@pytest.mark.parametrize(
    ("kind", "keys", "message"),
    [
        ("silence", {"code": 5}, "code does not belong to it"),
        ("exception", {"delay_s": 1.0}, r"delay_s does not belong to it \(code does\)"),
        ("forbidden", {}, "needs ranges"),
        ("silence", {"since": T0, "from_s": 1.0}, "not in several"),
        ("silence", {"since": datetime(2026, 3, 1)}, "need a zone"),  # noqa: DTZ001 - the fault under test
        ("silence", {"from_request": 5, "until_request": 5}, "until_request must be later"),
        ("silence", {"per_day": 3.0}, "give probability"),
        ("frozen", {"probability": 0.5}, "give per_day"),
        ("frozen", {"per_day": 1.0, "from_s": 1.0}, "window in data time"),
        ("reset", {}, "needs a moment"),
        ("reset", {"since": T0, "until": T0 + timedelta(days=1)}, "has no until"),
        ("reset", {"per_day": 1.0, "lasts_s": 5.0}, "has no lasts_s"),
        ("wrap", {"from_s": 5.0}, "needs the moment"),
    ],
)
def test_a_table_that_contradicts_itself_is_refused(kind: str, keys: dict[str, Any], message: str) -> None:
    """The message names the kind and what is wrong."""
    with pytest.raises(ValueError, match=message) as caught:
        rule(kind, **keys)
    assert str(caught.value).startswith(f"{kind}: ")


def test_the_tables_of_a_file_are_understood() -> None:
    """`from` is the key of data time, and an unknown kind is told with its line."""
    text = """
    [[lines]]
    name = "hall"
    meters = [{ unit_id = 1, profile = "eastron_sdm630" }]
    [[faults]]
    kind = "dip"
    from = 2026-03-01T00:00:00Z
    by = 2.5
    """
    (fault,) = decode_toml(text, SimulatorSettings, "x.toml").faults
    assert (fault.kind, fault.since, fault.by) == (FaultKind.DIP, T0, 2.5)
    with pytest.raises(ConfigError, match=r"x.toml:6: faults\[0\].kind"):
        decode_toml(text.replace('"dip"', '"dipp"'), SimulatorSettings, "x.toml")


def struck(faults: UnitFaults, at_ms: int = T0_MS, real_s: float = 0.0) -> Sequence[str]:
    """The kinds that strike one request."""
    found = faults.strike(Moment(at_ms, real_s))
    return [one.kind for one in found.answer] + [one.kind for one in found.values]


def test_a_window_in_data_time_is_half_open() -> None:
    """It holds at `from` and no longer at `until`."""
    faults = UnitFaults([rule("busy", since=T0, until=T0 + timedelta(seconds=1))])
    assert [struck(faults, T0_MS + by) for by in (-1, 0, 999, 1000)] == [[], ["busy"], ["busy"], []]


def test_a_window_in_real_seconds_is_half_open() -> None:
    """Likewise, from when serving began."""
    faults = UnitFaults([rule("busy", from_s=2.0, until_s=3.0)])
    assert [struck(faults, real_s=at) for at in (1.9, 2.0, 2.9, 3.0)] == [[], ["busy"], ["busy"], []]


def test_chance_strikes_as_often_as_it_says() -> None:
    """Of ten thousand requests about a tenth; and a stroke lasts as many requests as it should."""
    faults = UnitFaults([rule("busy", probability=0.1)], seed=1)
    assert 900 < sum(bool(struck(faults)) for _ in range(10_000)) < 1100
    lasting = UnitFaults([rule("busy", probability=0.01, lasts_requests=5)], seed=1)
    row = "".join("x" if struck(lasting) else "." for _ in range(2000))
    lengths = [len(run) for run in row.strip("x").split(".") if run]
    assert lengths
    assert all(length % 5 == 0 for length in lengths)


def test_values_are_struck_along_data_time() -> None:
    """On average so many times a day, each for as long as it says, whether anybody asks or not."""
    asked_often, asked_seldom = (
        UnitFaults([rule("frozen", per_day=10.0, lasts_s=600.0)], seed=3, start_ms=T0_MS) for _ in range(2)
    )
    for minute in range(10 * 24 * 60):
        struck(asked_often, T0_MS + minute * 60_000)
    assert 70 < len(asked_often.record.injected) < 130
    begins = [one.at_ms for one in asked_often.record.injected]
    assert struck(asked_seldom, begins[-1]) == ["frozen"]
    assert struck(asked_seldom, begins[-1] + 600_000 - 1) == ["frozen"]


def test_units_have_chances_of_their_own() -> None:
    """Two meters do not fail together, and one's faults do not depend on how often the other is asked."""
    chance = [rule("busy", probability=0.5)]
    one, other = (UnitFaults(chance, place=("line", unit), seed=1) for unit in (1, 2))
    again = UnitFaults(chance, place=("line", 1), seed=1)
    first = [struck(one) for _ in range(50)]
    assert first != [struck(other) for _ in range(50)]
    assert first == [struck(again) for _ in range(50)]


def test_the_last_of_several_moments_decides() -> None:
    """A meter replaced after a reset counts from the new start."""
    faults = UnitFaults(
        [
            rule("replacement", since=T0 + timedelta(days=1), start=5.0),
            rule("reset", since=T0),
        ]
    )
    assert struck(faults, T0_MS - 1) == []
    assert struck(faults, T0_MS) == ["reset"]
    assert sorted(struck(faults, T0_MS + DAY_MS)) == ["replacement", "reset"]
    assert [one.kind for one in faults.record.injected] == ["reset", "replacement"]


def test_faults_can_be_added_and_cleared_while_serving() -> None:
    """From the next request on; the record keeps what was."""
    faults = UnitFaults()
    assert struck(faults) == []
    faults.add(rule("frozen"))
    assert struck(faults) == ["frozen"]
    faults.clear()
    assert struck(faults) == []
    assert [(one.request, one.kind) for one in faults.record.injected] == [(2, "frozen")]
