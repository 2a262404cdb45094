"""What becomes of the values of a message, and what is said about it."""

from __future__ import annotations

import uuid

import pytest
from structlog.testing import capture_logs

from collector.drivers.mqtt.complaints import QUIET_S
from collector.drivers.mqtt.intake import Intake
from collector.drivers.mqtt.mapping import Taken, Value
from collector.drivers.mqtt.settings import MqttListenerSettings, TopicSettings, ValueSettings
from energy.errors import MessageError
from energy.readings import Reading
from tests.support.plant import metric

NOW = 1_771_898_400_000
SETTINGS = MqttListenerSettings(topics=(TopicSettings(topic="a", values=(ValueSettings(point="P", path="p"),)),))


class Case:
    """An intake that expects a point within ten seconds."""

    def __init__(self) -> None:
        self.gateway = uuid.uuid4().hex[:8]
        self.intake = Intake(self.gateway, "mqtt", SETTINGS, {"P": 10.0}, 0.0)

    def say(self, value: float, now: float, *, live: bool = True) -> list[Reading]:
        """A message with one value of the point."""
        reading = Reading("P", NOW + round(now * 1000), value)
        return self.intake.take(Taken("a", [Value(reading, True, live, 10.0)], []), NOW + round(now * 1000), now)

    def refuse(self, reason: str, now: float) -> None:
        """A message in which something makes no sense."""
        assert self.intake.take(Taken("a", [], [MessageError(reason, "what came")]), NOW, now) == []

    @property
    def stale(self) -> float:
        """Points that are stale."""
        return metric("collector_stale_points", gateway=self.gateway, kind="mqtt")


@pytest.fixture
def case() -> Case:
    """One of the test's own."""
    return Case()


def test_a_point_that_never_comes_is_stale(case: Case) -> None:
    """It is expected from the start; told once."""
    with capture_logs() as logs:
        for now in (9.0, 11.0, 12.0, 100.0):
            case.intake.tick(now)
    assert [(entry["event"], entry["points"]) for entry in logs] == [("points_stale", ["P"])]
    assert case.stale == 1
    case.intake.close()
    assert case.stale == 0


def test_what_was_kept_does_not_show_that_a_point_lives(case: Case) -> None:
    """A retained or historical value is taken, and the point stays stale until a live one comes."""
    case.intake.tick(11.0)
    assert case.say(1.0, 12.0, live=False)
    assert case.stale == 1
    with capture_logs() as logs:
        assert case.say(2.0, 13.0)
    assert [entry["event"] for entry in logs] == ["points_fresh"]
    assert case.stale == 0


def test_dead_points_are_stale_at_once_and_told_once(case: Case) -> None:
    """Whoever declares it is named."""
    with capture_logs() as logs:
        case.intake.died(["P"], "NDEATH of G/E")
        case.intake.died(["P"], "NDEATH of G/E")
        case.intake.tick(100.0)
    assert [entry["reason"] for entry in logs] == ["NDEATH of G/E"]
    assert case.stale == 1


def test_refusals_are_told_at_their_beginning_and_end(case: Case) -> None:
    """However many there are; what belongs to daily life is only counted."""
    with capture_logs() as logs:
        for second in range(50):
            case.refuse("time", float(second))
            case.refuse("absent", float(second))
        case.intake.tick(49.0 + QUIET_S)
        case.intake.tick(50.0 + QUIET_S)
    told = [entry for entry in logs if entry["event"].startswith("messages_refused")]
    assert [entry["event"] for entry in told] == ["messages_refused", "messages_refused_no_more"]
    assert (told[0]["detail"], told[1]["count"]) == ("what came", 50)
    refusals = {
        reason: metric("collector_heard_refusals_total", gateway=case.gateway, kind="mqtt", reason=reason)
        for reason in ("time", "absent")
    }
    assert refusals == {"time": 50, "absent": 50}


def test_a_value_out_of_bounds_costs_no_other(case: Case) -> None:
    """The next value of the same message is taken."""
    values = [Value(Reading(point, at, 1.0), True, True, None) for point, at in (("P", NOW + 90_000), ("Q", NOW))]
    assert [reading.point for reading in case.intake.take(Taken("a", values, []), NOW, 0.0)] == ["Q"]
