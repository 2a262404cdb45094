"""What a report says of each line is what became of it, whatever was stored, and whoever else wrote meanwhile."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from energy.readings import Quality, Reading, content_order
from energy.wire import Refusal, RefusalCode
from ingest.receiving.csv.decoder import Record
from ingest.receiving.csv.outcomes import Content, Key, outcomes, would_be
from ingest.receiving.csv.report import Conflict, RefusedLine, Totals

keys = st.tuples(st.sampled_from("AB"), st.integers(0, 2))
contents = st.one_of(
    st.tuples(st.sampled_from([1.0, 2.0]), st.sampled_from([0, 2])), st.just((None, int(Quality.NOT_AVAILABLE)))
)
tables = st.dictionaries(keys, contents, max_size=4)
lines = st.lists(st.tuples(keys, contents, st.booleans()), max_size=12)


def records_and_refusals(
    given_lines: list[tuple[Key, Content, bool]],
) -> tuple[list[Record], dict[int, Refusal]]:
    """Lines of a file from line 2 on, some of them refused."""
    records = [
        Record(index + 2, b"", Reading(point, at, value, quality))
        for index, ((point, at), (value, quality), _) in enumerate(given_lines)
    ]
    refusals = {
        index: Refusal(None, 0, RefusalCode.UNKNOWN_POINT, "why")
        for index, (_, _, refused) in enumerate(given_lines)
        if refused
    }
    return records, refusals


def committed(before: Mapping[Key, Content], given_lines: list[tuple[Key, Content, bool]]) -> dict[Key, Content]:
    """What the table holds after one batch of these: of a new key the effective content, of an old one what it was."""
    after = dict(before)
    for key in {key for key, _, refused in given_lines if not refused} - set(before):
        offered = [content for other, content, refused in given_lines if other == key and not refused]
        after[key] = min(offered, key=lambda content: content_order(content[1], content[0]))
    return after


@given(tables, lines)
def test_a_dry_run_foretells_what_a_commit_does(
    before: dict[Key, Content], given_lines: list[tuple[Key, Content, bool]]
) -> None:
    """The same table."""
    records, refusals = records_and_refusals(given_lines)
    accepted = [record.reading for i, record in enumerate(records) if record.reading and i not in refusals]
    assert would_be(accepted, before) == committed(before, given_lines)


@given(tables, lines, tables)
def test_every_line_is_counted_once_and_as_what_it_is(
    before: dict[Key, Content], given_lines: list[tuple[Key, Content, bool]], others: dict[Key, Content]
) -> None:
    """Also where another sender was quicker with some keys: conflicts are judged by what is stored in the end."""
    records, refusals = records_and_refusals(given_lines)
    after = committed({**others, **before}, given_lines)
    totals = Totals()
    entries = list(outcomes(records, refusals, before, after, totals))
    good = [(index + 2, key, content) for index, (key, content, refused) in enumerate(given_lines) if not refused]
    conflicting = [line for line, key, content in good if after[key] != content]
    agreeing = [(key, content) for _, key, content in good if after[key] == content]
    new = {key for key, content in agreeing if before.get(key) != content}
    assert [entry.line for entry in entries if isinstance(entry, Conflict)] == conflicting
    assert [entry.line for entry in entries if isinstance(entry, RefusedLine)] == [index + 2 for index in refusals]
    assert [entry.line for entry in entries if isinstance(entry, Conflict | RefusedLine)] == sorted(
        [*conflicting, *(index + 2 for index in refusals)]
    )
    assert (totals.stored, totals.repeated) == (len(new), len(agreeing) - len(new))
    assert totals.lines == len(given_lines)
    summary = totals.summary()
    assert sum(summary.points.values()) == len(good)
    assert (summary.first_at, summary.last_at) == (
        min((key[1] for _, key, _ in good), default=None),
        max((key[1] for _, key, _ in good), default=None),
    )


def test_points_are_counted_at_bounded_memory() -> None:
    """Those beyond the bound together."""
    totals = Totals()
    for number in range(2_500):
        totals.accept(f"P{number % 1_250}", number)
    summary = totals.summary("why")
    assert len(summary.points) == 1_000
    assert set(summary.points.values()) == {2}
    assert (summary.other_points, summary.complete, summary.problem) == (500, False, "why")
