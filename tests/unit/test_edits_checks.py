"""What an edit may say: each fault is named with its field and what was expected."""

from __future__ import annotations

from decimal import Decimal

import pytest

from energy.records import RecordError
from ingest.accounting.edits.checks import contradictions, edit_from
from ingest.accounting.edits.model import Edit, Given, Kind, Standing, milliseconds, touched
from tests.support.edits_world import NOW, edited, given

NOW_MS = milliseconds(NOW)
T = 1_772_294_400_000
"""2026-03-01 00:00 in Shanghai."""
HOUR = 3_600_000


def faults(kind: Kind | str, point: str = "P-E", **said: str) -> list[str]:
    """The faults as field and message."""
    with pytest.raises(RecordError) as error:
        edit_from(given(kind, point, **said), edited(point), NOW_MS)
    return [f"{fault.path}: {fault.message}" for fault in error.value.faults]


def edit(kind: Kind | str, point: str = "P-E", **said: str) -> Edit:
    """The edit."""
    return edit_from(given(kind, point, **said), edited(point), NOW_MS)


def standing(kind: Kind, since: int, until: int | None = None, ratio: str | None = None) -> Standing:
    """An edit in force."""
    end = since if until is None else until
    return Standing("edit 12", 12, kind, since, end, None, None, None if ratio is None else Decimal(ratio), None)


def test_a_replacement_says_when_and_the_states_of_both_registers() -> None:
    """Wall-clock times are of the unit's zone; without an end it is one moment; what nobody wrote down is not known."""
    assert edit(
        "replacement",
        since="2026-03-01 01:00",
        until="2026-02-28T18:30:00.25Z",
        old_end="99999.9",
        new_start="0",
        ratio="1.5",
    ) == Edit(Kind.REPLACEMENT, edited(), T + HOUR, T + 9_000_250, 99999.9, 0.0, Decimal("1.5"))
    assert edit("replacement", since="2026/3/1 1:00") == Edit(Kind.REPLACEMENT, edited(), T + HOUR, T + HOUR)


def test_an_amount_is_converted_exactly_to_the_base_unit() -> None:
    """In whole quanta of the point; of a net register it may be below zero."""
    times = {"since": "2026-03-01 00:15", "until": "2026-03-01 02:00"}
    assert edit("amount", amount="1.5", unit="MWh", **times).amount == Decimal(1500)
    assert edit("amount", amount="3.6", unit="GJ", **times).amount == Decimal(1000)
    assert edit("amount", "P-N", amount="-2.125", **times).amount == Decimal("-2.125")
    assert edit("amount", "P-R", amount="7", **times).amount == Decimal(7)
    assert faults("amount", amount="-1", **times) == ["amount: -1: must not be below 0"]
    assert faults("amount", amount="1", unit="m3", **times) == [
        "unit: m3 is gas volume, kWh is energy: no conversion leads there: a unit of measure that makes kWh expected"
    ]
    assert "unknown unit of measure 'MWH'" in faults("amount", amount="1", unit="MWH", **times)[0]
    assert faults("amount", amount="0.0016", **times) == [
        "amount: 0.0016 kWh is no multiple of the quantum, 0.001 kWh; the nearest one is 0.002 kWh"
    ]
    assert faults("amount", amount="99999999999999", **times) == [
        "amount: 99999999999999 kWh is more than can be counted"
    ]


def test_an_amount_is_for_whole_quarter_hours() -> None:
    """Both ends are looked at."""
    expected = "an amount is for whole quarter hours: :00, :15, :30 or :45 expected"
    assert faults("amount", since="2026-03-01 00:10", until="2026-03-01 00:30:01", amount="1") == [
        f"since: {expected}",
        f"until: {expected}",
    ]


def test_times_are_in_order_and_have_been() -> None:
    """An end before its start, none at all, the future, and a century that is a slip."""
    at = {"since": "2026-03-01 10:00"}
    assert faults("replacement", **at, until="2026-03-01 09:59") == ["until: lies before since"]
    assert faults("exclude", **at, until="2026-03-01 10:00") == ["until: must lie after since"]
    assert faults("accept", **at, until="2026-04-01 08:00:01") == ["until: lies in the future"]
    assert faults("ratio", since="2062-03-01 10:00", ratio="2") == ["since: lies in the future"]
    assert faults("ratio", since="1926-03-01 10:00Z", ratio="2") == ["since: lies before 2000"]
    assert faults("exclude", **at) == ["until: must not be empty"]
    assert faults("ratio", since="yesterday", ratio="2") == [
        (
            "since: 'yesterday': a time such as 2026-03-01T08:15:00+08:00, 2026-03-01 08:15 in Asia/Shanghai, "
            "or ms since 1970, expected"
        )
    ]


def test_a_wall_clock_time_that_was_twice_is_not_guessed() -> None:
    """In a zone whose clocks change; with its offset it is taken."""
    point = edited(zone="Europe/Berlin")
    with pytest.raises(RecordError, match="show this time twice"):
        edit_from(given("ratio", since="2025-10-26 02:30", ratio="2"), point, NOW_MS)
    assert (
        edit_from(given("ratio", since="2025-10-26 02:30+01:00", ratio="2"), point, NOW_MS).since == 1_761_442_200_000
    )


@pytest.mark.parametrize("ratio", ["0", "-1", "0.0000001", "1000001"])
def test_a_ratio_is_above_zero_and_no_slip(ratio: str) -> None:
    """Beyond a million, or below its reciprocal, somebody has slipped."""
    assert faults("ratio", since="2026-03-01 10:00", ratio=ratio) == [
        f"ratio: {ratio}: above 0, and from 1/1000000 to 1000000 expected"
    ]


def test_numbers_have_no_separators_and_are_numbers() -> None:
    """Whether 1,234 is a thousand nobody knows."""
    for text in ("1,234", "nan", "1e3", "", "٣"):
        (fault,) = faults("replacement", since="2026-03-01 10:00", old_end=text)
        assert fault.startswith(f"old_end: {text!r}: a number with a decimal point and no other separator expected")


def test_registers_that_only_rise_are_never_below_zero() -> None:
    """Net registers may be."""
    assert faults("replacement", since="2026-03-01 10:00", new_start="-1") == [
        "new_start: -1: a register that only rises is never below 0"
    ]
    assert edit("replacement", "P-N", since="2026-03-01 10:00", new_start="-1").new_start == -1.0


def test_a_point_is_edited_only_as_its_quantity_allows() -> None:
    """A power has no register; of a voltage nothing is derived."""
    at = {"since": "2026-03-01 10:00"}
    assert faults("replacement", "P-R", **at) == [
        "point: its quantity, rate, has no register to replace: give a ratio, or exclude readings"
    ]
    assert faults("ratio", "P-I", **at, ratio="2", old_end="5") == ["old_end: does not belong to ratio"]
    assert faults("exclude", "P-V", **at, until="2026-03-01 11:00") == [
        "point: no consumption is derived from its quantity, voltage, so that there is nothing to edit"
    ]
    assert edit("ratio", "P-R", **at, ratio="2").ratio == 2


def test_each_kind_has_its_fields_and_a_person_and_a_reason() -> None:
    """What is missing, and what does not belong, is named; texts hold no control characters."""
    at = {"since": "2026-03-01 10:00"}
    assert faults("ratio", **at) == ["ratio: must not be empty"]
    assert faults("exclude", **at, until="2026-03-01 11:00", ratio="2") == ["ratio: does not belong to exclude"]
    bare = Given(Kind.RATIO, "P-E", at | {"ratio": "2"}, " ", "a\nb", "x" * 300)
    with pytest.raises(RecordError) as error:
        edit_from(bare, edited(), NOW_MS)
    assert [f"{fault.path}: {fault.message}" for fault in error.value.faults] == [
        "author: must not be empty",
        "reason: a line break or another control character",
        "document: more than 256 characters",
    ]


def test_changes_of_a_meter_do_not_touch_each_other() -> None:
    """Not even at one moment; spans that are left out or accepted may overlap as they like."""
    one = standing(Kind.REPLACEMENT, T + HOUR, T + 2 * HOUR)
    spelled = "2026-03-01T01:00+08:00 to 2026-03-01T02:00+08:00: undo that one first"
    for since, until in (("01:00", "01:00"), ("02:00", "03:00"), ("00:30", "01:00"), ("00:30", "02:30")):
        changed = edit("replacement", since=f"2026-03-01 {since}", until=f"2026-03-01 {until}")
        assert list(contradictions(changed, [one])) == [("since", f"overlaps edit 12, a replacement at {spelled}")]
    within = edit("ratio", since="2026-03-01 01:30", ratio="2")
    assert next(why for _, why in contradictions(within, [one])).startswith("lies within edit 12")
    beside = edit("ratio", since="2026-03-01 02:00:00.001", ratio="2")
    assert not list(contradictions(beside, [one]))
    left_out = edit("exclude", since="2026-03-01 00:00", until="2026-03-01 05:00")
    assert not list(contradictions(left_out, [one, standing(Kind.EXCLUDE, T, T + HOUR)]))


def test_amounts_may_touch_and_not_overlap() -> None:
    """Two people's figures for one quarter hour are no sum."""
    one = standing(Kind.AMOUNT, T, T + HOUR)
    overlapping = edit("amount", since="2026-03-01 00:45", until="2026-03-01 02:00", amount="1")
    assert [name for name, _ in contradictions(overlapping, [one])] == ["since"]
    beside = edit("amount", since="2026-03-01 01:00", until="2026-03-01 02:00", amount="1")
    assert not list(contradictions(beside, [one]))


def test_a_ratio_touches_all_until_another_is_given() -> None:
    """A replacement without one does not end it; by itself it touches only its own span."""
    replaced = standing(Kind.REPLACEMENT, T + 2 * HOUR, T + 3 * HOUR)
    ratio = standing(Kind.RATIO, T + 5 * HOUR, ratio="3")
    new = edit("ratio", since="2026-03-01 00:00", ratio="2")
    assert touched(new, [replaced]) == (T, None)
    assert touched(new, [replaced, ratio, standing(Kind.RATIO, T - 1, ratio="9")]) == (T, T + 5 * HOUR)
    assert touched(replaced, [ratio]) == (T + 2 * HOUR, T + 3 * HOUR)
    left_out = edit("exclude", since="2026-03-01 00:00", until="2026-03-01 05:00")
    assert touched(left_out, [ratio]) == (T, T + 5 * HOUR)
