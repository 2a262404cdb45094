"""The log tells when a refusal begins and when it ends; the counter has every one."""

from __future__ import annotations

from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from collector.uplink import metrics
from collector.uplink.refusals import QUIET_S, Began, Ended, Refusals
from energy.readings import Reading
from energy.wire import Refusal, RefusalCode, decode_acknowledgement, encode_envelope

UNKNOWN, LATE = RefusalCode.UNKNOWN_POINT, RefusalCode.TOO_OLD


def envelope(seq: int, *points: str) -> dict[int, bytes]:
    """An envelope with one reading of each point, as the window gives it."""
    return {seq: encode_envelope("0" * 32, seq, [Reading(point, 1, 1.0) for point in points])}


def test_a_lasting_refusal_is_told_once_and_its_end_once() -> None:
    """A hundred envelopes with a point that nobody registered cost one line; the count comes with the end."""
    refusals = Refusals()
    changes = [
        change
        for seq in range(1, 101)
        for change in refusals.take([Refusal(seq, 1, UNKNOWN, "d")], envelope(seq, "A", "B"), 60.0 * seq)
    ]
    assert changes == [Began("unknown_point", "B", 1, "d")]
    mended = 60.0 * 100 + QUIET_S
    assert refusals.take([], envelope(101, "A"), mended) == []
    assert refusals.take([], envelope(102, "B"), mended) == [Ended("unknown_point", "B", 100, 60.0 * 99)]
    assert refusals.take([], envelope(103, "B"), mended) == []


def test_each_point_and_each_code_is_told_apart() -> None:
    """One point's success ends no other's refusal, and another reason is news."""
    refusals = Refusals()
    both = [Refusal(1, 0, UNKNOWN, ""), Refusal(1, 1, UNKNOWN, "")]
    assert [change.point for change in refusals.take(both, envelope(1, "A", "B"), 0.0)] == ["A", "B"]
    assert refusals.take([Refusal(2, 0, LATE, "")], envelope(2, "A"), 1.0) == [Began("too_old", "A", 2, "")]
    ended = refusals.take([Refusal(3, 1, UNKNOWN, "")], envelope(3, "A", "B"), 1.0 + QUIET_S)
    assert [(change.code, change.point) for change in ended] == [("unknown_point", "A"), ("too_old", "A")]


def test_a_point_that_comes_and_goes_is_told_at_a_bounded_rate() -> None:
    """A meter whose clock is at the bound is refused in every second envelope: still one line."""
    refusals = Refusals()
    changes = [
        change
        for seq in range(1, 200)
        for change in refusals.take([Refusal(seq, 0, LATE, "")] if seq % 2 else [], envelope(seq, "A"), seq * 1.0)
    ]
    assert changes == [Began("too_old", "A", 1, "")]


def test_whole_envelopes_and_unreadable_messages_are_the_gateways() -> None:
    """They name no point; they end when an envelope is accepted."""
    refusals = Refusals()
    unreadable = Refusal(None, None, RefusalCode.MALFORMED, "")
    assert refusals.take([unreadable], {}, 0.0) == [Began("malformed", "", None, "")]
    whole = Refusal(1, None, RefusalCode.UNSUPPORTED_VERSION, "")
    assert refusals.take([whole], envelope(1, "A"), QUIET_S) == [Began("unsupported_version", "", 1, "")]
    ended = refusals.take([], envelope(2, "A"), 2 * QUIET_S)
    assert [(change.code, change.point) for change in ended] == [("malformed", ""), ("unsupported_version", "")]


def test_what_was_heard_before_or_names_no_reading_begins_nothing() -> None:
    """An acknowledgement may come twice, and a number may be nonsense."""
    refusals = Refusals()
    assert refusals.take([Refusal(1, 0, UNKNOWN, ""), Refusal(1, None, UNKNOWN, "")], {}, 0.0) == []
    assert refusals.take([Refusal(2, 7, UNKNOWN, ""), Refusal(2, -1, UNKNOWN, "")], envelope(2, "A"), 0.0) == []
    assert refusals.take([Refusal(3, 0, UNKNOWN, "")], {3: b"of a later version"}, 0.0) == []


def test_every_refusal_is_counted_and_only_changes_are_logged() -> None:
    """The counter and the log of the same acknowledgements."""
    refusals, labels = Refusals(), {"gateway": "gw-refusals", "code": "unknown_point"}
    with capture_logs() as lines:
        for seq in range(1, 6):
            refused = [Refusal(seq, 0, UNKNOWN, "x" * 500)] if seq < 5 else []
            metrics.refused("gw-refusals", refused)
            metrics.refusals_changed("gw-refusals", refusals.take(refused, envelope(seq, "A"), seq * QUIET_S))
    assert REGISTRY.get_sample_value("quotawatt_collector_refusals_total", labels) == 4
    assert [(line["event"], line["log_level"], line["point"]) for line in lines] == [
        ("refusal_began", "warning", "A"),
        ("refusal_ended", "info", "A"),
    ]
    assert len(lines[0]["detail"]) == 160
    assert (lines[1]["count"], lines[1]["lasted_seconds"]) == (4, 3 * QUIET_S)


def test_a_code_of_a_later_version_is_told_and_confirms_all_the_same() -> None:
    """Who could not read the answer would never see what it confirms, and send for ever; as a label it is bounded."""
    answer = decode_acknowledgement(
        b'{"v":1,"stream":"%s","confirmed":[7],"refused":[{"seq":7,"index":0,"code":"of_2031","detail":"d"}]}'
        % (b"0" * 32)
    )
    assert answer.confirmed == [7]
    assert Refusals().take(answer.refused, envelope(7, "A"), 0.0) == [Began("of_2031", "A", 7, "d")]
    metrics.refused("gw-later", answer.refused)
    labels = {"gateway": "gw-later", "code": "other"}
    assert REGISTRY.get_sample_value("quotawatt_collector_refusals_total", labels) == 1
