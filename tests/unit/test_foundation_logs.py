"""Logs: JSON lines, the libraries' warnings among them, and transitions instead of attempts."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog
from structlog.testing import capture_logs

from energy.errors import PermissionRefusedError
from energy.logs import SUMMARY_S, Availability, Seldom, configure_logs


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Logs go to this stream during the test, and then back to where they went."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers = []
    out = io.StringIO()
    configure_logs(stream=out)
    yield out
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()


def test_each_line_is_one_json_object(stream: io.StringIO) -> None:
    """Event, level, time in UTC and the fields; Chinese stays readable; debug is left out."""
    log = structlog.get_logger()
    log.debug("detail")
    log.info("unit_flagged", unit="宝鸡示例一厂", used=1.5)
    (line,) = stream.getvalue().splitlines()
    event = json.loads(line)
    assert event.pop("timestamp").endswith("Z")
    assert event == {"event": "unit_flagged", "level": "info", "unit": "宝鸡示例一厂", "used": 1.5}
    assert "宝鸡" in line


def test_an_exception_is_one_field_of_its_line(stream: io.StringIO) -> None:
    """A traceback must not break the one-object-a-line rule."""
    try:
        int("lost")
    except ValueError:
        structlog.get_logger().exception("unforeseen")
    (line,) = stream.getvalue().splitlines()
    assert "ValueError: invalid literal" in json.loads(line)["exception"]


def test_warnings_of_libraries_come_out_alike_and_their_chatter_does_not(stream: io.StringIO) -> None:
    """Who reads the log has one format to parse."""
    library = logging.getLogger("some.library")
    library.info("connected")
    library.warning("odd %s", "packet")
    (line,) = stream.getvalue().splitlines()
    event = json.loads(line)
    assert (event["event"], event["level"], event["logger"]) == ("odd packet", "warning", "some.library")


def test_a_terminal_gets_text() -> None:
    """A person does not read JSON."""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    handlers = logging.getLogger().handlers[:]
    out = Terminal()
    logging.getLogger().handlers = []
    try:
        configure_logs(stream=out)
        structlog.get_logger().info("ready", port=1)
    finally:
        logging.getLogger().handlers = handlers
        structlog.reset_defaults()
    assert "ready" in out.getvalue()
    assert not out.getvalue().startswith("{")


def test_only_transitions_are_logged() -> None:
    """Ten failures in a row are one line, and the recovery tells how long it took; each device has its own state."""
    seconds = iter([100.0, 130.5])
    with capture_logs() as events:
        log = structlog.get_logger()
        gateway = Availability(log, "gateway", clock=lambda: next(seconds), gateway="gw-1")
        assert not gateway.back()
        assert [gateway.lost("refused") for _ in range(10)] == [True] + [False] * 9
        states = [gateway.is_lost]
        assert [gateway.back(), gateway.back()] == [True, False]
        assert [*states, gateway.is_lost] == [True, False]
    assert events == [
        {"event": "gateway_lost", "log_level": "warning", "reason": "refused", "gateway": "gw-1"},
        {"event": "gateway_back", "log_level": "info", "after_seconds": 30.5, "gateway": "gw-1"},
    ]


def test_what_happens_all_the_time_is_told_at_once_and_then_summed_up() -> None:
    """Weeks of it are a line in ten minutes, and the lines together leave nothing out."""
    now = 0.0
    seldom = Seldom(clock=lambda: now)
    told = [seldom.add(0), seldom.add(3), seldom.add(4)]
    for _ in range(7 * 144):
        now += SUMMARY_S / 2
        told += [seldom.add(1), seldom.add(0)]
    assert told[:3] == [0, 3, 0]
    assert len([count for count in told if count]) == 1 + 7 * 72
    assert seldom.add(1) == 0
    assert sum(told) + seldom.rest() == 3 + 4 + 7 * 144 + 1
    assert (seldom.rest(), seldom.add(2)) == (0, 0)
    now += 3 * SUMMARY_S
    assert (seldom.add(0), seldom.add(5)) == (2, 0)


def test_a_loss_that_a_person_can_mend_comes_with_its_advice() -> None:
    """A service that goes on trying tells what would help, as a command that ends does."""
    with capture_logs() as events:
        Availability(structlog.get_logger(), "broker").lost(PermissionRefusedError("refused", advice="Check username."))
    assert events == [
        {"event": "broker_lost", "log_level": "warning", "reason": "refused", "advice": "Check username."},
    ]


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        """It is."""
        return True


def test_a_traceback_on_a_terminal_shows_no_variables() -> None:
    """Variables of a traceback hold passwords: neither a terminal nor a file gets to see them."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    out = Terminal()
    try:
        configure_logs(stream=out)
        fail_with_a_secret()
    finally:
        root.handlers, root.level = handlers, level
        structlog.reset_defaults()
    assert "ZeroDivisionError" in out.getvalue()
    assert "hunter2" not in out.getvalue()


def fail_with_a_secret() -> None:
    """Log an exception from a frame that holds a secret."""
    password = "hunter2"  # noqa: S105 - a made-up one
    try:
        _ = len(password) / 0
    except ZeroDivisionError:
        logging.getLogger("some.library").exception("it failed")
