"""Edits in the database: all or none of them, marks for what each change touches, nothing of a raw reading altered."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from energy.errors import RejectedError, StorageRejectedError
from energy.records import RecordError
from energy.storage import Connection, Pool, translating
from ingest.accounting.edits.loading import edits_of
from ingest.accounting.edits.model import Kind
from ingest.accounting.edits.replacements import replacements
from ingest.accounting.edits.store import Chosen, Taken, add, recorded, undo
from tests.support.edits_world import NOW, clear_marks, given, marks, populate

HOUR = timedelta(hours=1)
T = datetime(2026, 2, 28, 16, tzinfo=UTC)
"""2026-03-01 00:00 in Shanghai."""


@pytest.fixture
async def ids(connection: Connection) -> dict[str, int]:
    """The points."""
    return await populate(connection)


async def column(connection: Connection, query: str) -> list[Any]:
    """The first column of a query."""
    return [row[0] for row in await connection.fetch(query)]


async def test_an_edit_stands_with_author_reason_and_mark(connection: Connection, ids: dict[str, int]) -> None:
    """In one transaction; the batch number is a new one, and whoever derives is told."""
    heard: asyncio.Queue[object] = asyncio.Queue()

    def hear(*told: object) -> None:
        heard.put_nowait(told[-1])

    await connection.add_listener("readings", hear)
    one = given("amount", since="2026-03-01 01:00", until="2026-03-01 02:00", amount="1.5", unit="MWh")
    (taken,) = await add(connection, [one], NOW)
    (found,) = await recorded(connection, Chosen(), 10)
    assert (found.edit_id, found.kind, found.point, found.unit) == (taken.edit_id, Kind.AMOUNT, "P-E", "U")
    assert (found.since, found.until, found.amount, found.unit_of_measure) == (
        T + HOUR,
        T + 2 * HOUR,
        Decimal(1500),
        "kWh",
    )
    assert (found.author, found.reason, found.recorded_at, found.in_force) == ("Li Wei", "work order", NOW, True)
    assert await marks(connection) == [(ids["P-E"], T + HOUR, T + 2 * HOUR)]
    async with asyncio.timeout(30):
        told = await heard.get()
    await connection.remove_listener("readings", hear)
    assert [told] == await column(connection, "select batch::text from derivation_dirty")
    assert await column(connection, "select nextval('batch_id') > max(batch) from derivation_dirty") == [True]


async def test_a_ratio_and_its_undoing_mark_until_the_next_one(connection: Connection, ids: dict[str, int]) -> None:
    """To the next change that gives a ratio, without one for good; a replacement that gives none marks its own span."""
    (first,) = await add(connection, [given("ratio", since="2026-03-01 01:00", ratio="2")], NOW)
    await add(connection, [given("replacement", since="2026-03-01 05:00", until="2026-03-01 06:00")], NOW)
    (third,) = await add(connection, [given("ratio", since="2026-03-01 09:00", ratio="3")], NOW)
    await undo(connection, first.edit_id, author="Wu", reason="wrong meter", now=NOW)
    await undo(connection, third.edit_id, author="Wu", reason="wrong meter", now=NOW)
    rows = await connection.fetch(
        "select m.began, m.ended = 'infinity' as open, m.ended from derivation_dirty d"
        " cross join unnest(d.points, d.since, d.until) as m (point_id, began, ended) order by batch"
    )
    assert [(row["began"] - T, row["open"] or row["ended"] - T) for row in rows] == [
        (HOUR, True),
        (5 * HOUR, 6 * HOUR),
        (9 * HOUR, True),
        (HOUR, 9 * HOUR),
        (9 * HOUR, True),
    ]
    assert {mark[0] for mark in await marks(connection)} == {ids["P-E"]}


async def test_several_edits_of_a_point_are_one_mark(connection: Connection, ids: dict[str, int]) -> None:
    """Of one batch, each point stands once."""
    spans = [("01:00", "02:00"), ("05:00", "06:00")]
    some = [given("exclude", since=f"2026-03-01 {a}", until=f"2026-03-01 {b}") for a, b in spans]
    await add(connection, [*some, given("exclude", "P-R", since="2026-03-01 03:00", until="2026-03-01 04:00")], NOW)
    assert sorted(await marks(connection)) == sorted(
        [(ids["P-E"], T + HOUR, T + 6 * HOUR), (ids["P-R"], T + 3 * HOUR, T + 4 * HOUR)]
    )
    assert await column(connection, "select count(*) from derivation_dirty") == [1]


async def test_all_faults_are_listed_and_nothing_is_written(connection: Connection, ids: dict[str, int]) -> None:
    """Of many edits, with what each contradicts, be it on record or in the same file."""
    assert ids
    await add(connection, [given("replacement", since="2026-03-01 01:00", until="2026-03-01 02:00")], NOW)
    await clear_marks(connection)
    (edit_id,) = await column(connection, "select edit_id from edit")
    content = (
        "测点,换表时间,装表时间,旧表止码,新表起码,凭证\n"
        "P-E,2026-03-02 01:00,2026-03-02 02:00,99999.9,0,W-17\n"
        "P-X,2026-03-02 01:00,,,,\n"
        "P-E,2026-03-01 01:30,,12,13,\n"
        "P-N,2026-03-02 01:00,,-12,x,\n"
        "P-E,2026-03-02 01:30,,1,0,\n"
        "P-N,,,x,0,\n"
        "P-N\n"
        ",2026-03-02 01:30,,1,0,\n"
    )
    with pytest.raises(RecordError) as error:
        await add(connection, replacements(content.encode("gb18030"), "r.csv", author="Li", reason="换表"), NOW)
    assert [(fault.source, fault.line, fault.path) for fault in error.value.faults] == [
        ("r.csv", 3, "point"),
        ("r.csv", 4, "since"),
        ("r.csv", 5, "new_start"),
        ("r.csv", 6, "since"),
        ("r.csv", 7, "since"),
        ("r.csv", 7, "old_end"),
        ("r.csv", 8, ""),
        ("r.csv", 9, "point"),
    ]
    assert f"overlaps edit {edit_id}, a replacement at 2026-03-01T01:00+08:00" in str(error.value)
    assert "r.csv:6: since: overlaps line 2, a replacement at 2026-03-02T01:00+08:00" in str(error.value)
    assert await column(connection, "select count(*) from edit") == [1]
    assert not await marks(connection)


async def test_the_same_file_again_changes_nothing(connection: Connection, ids: dict[str, int]) -> None:
    """What is in force already is named and not written twice; what is new beside it is."""
    assert ids
    line = "P-E,2026-03-02 01:00,99.5,0,1.5,work order 9\n"
    content = f"point,since,old_end,new_start,ratio,reason\n{line}"
    first = await add(connection, replacements(content.encode(), "r.csv", author="Li", reason=""), NOW)
    await clear_marks(connection)
    longer = f"{content}P-N,2026-03-02 01:00,99.5,0,,work order 10\n"
    again = await add(connection, replacements(longer.encode(), "r.csv", author="Li", reason=""), NOW)
    assert again[0] == Taken(first[0].edit_id, new=False)
    assert again[1].new
    assert [mark[0] for mark in await marks(connection)] == [ids["P-N"]]
    await add(connection, replacements(longer.encode(), "r.csv", author="Li", reason=""), NOW)
    assert len(await marks(connection)) == 1


async def test_two_people_at_once_do_not_contradict_each_other(pool: Pool, ids: dict[str, int]) -> None:
    """Whoever comes second sees what the first one said: one is written, the others are refused."""
    assert ids

    async def one(minute: int) -> str:
        async with pool.acquire() as own:
            try:
                await add(own, [given("replacement", since=f"2026-03-01 01:{minute}", until="2026-03-01 02:00")], NOW)
            except RecordError:
                return "refused"
            return "written"

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(minute)) for minute in (10, 20, 30)]
    assert sorted(task.result() for task in tasks) == ["refused", "refused", "written"]


async def test_an_edit_is_undone_once_and_stays(connection: Connection, ids: dict[str, int]) -> None:
    """With author and reason, in force no more; then the same may be said again."""
    one = given("ratio", since="2026-03-01 01:00", ratio="2")
    (first,) = await add(connection, [one], NOW)
    for author, reason in ((" ", "why"), ("Wu", "")):
        with pytest.raises(RejectedError, match="both are needed"):
            await undo(connection, first.edit_id, author=author, reason=reason, now=NOW)
    await undo(connection, first.edit_id, author="Wu", reason="wrong meter", now=NOW + HOUR)
    with pytest.raises(RejectedError, match="undone already, by Wu: wrong meter"):
        await undo(connection, first.edit_id, author="Li", reason="likewise", now=NOW)
    with pytest.raises(RejectedError, match="there is no edit 99"):
        await undo(connection, 99, author="Li", reason="likewise", now=NOW)
    (second,) = await add(connection, [one], NOW)
    assert second.edit_id != first.edit_id
    found = await recorded(connection, Chosen(point="P-E"), 10)
    assert [(one.edit_id, one.in_force, one.undone_by) for one in found] == [
        (second.edit_id, True, None),
        (first.edit_id, False, "Wu"),
    ]
    assert [one.edit_id for one in await recorded(connection, Chosen(in_force=False, unit="U"), 10)] == [first.edit_id]
    with pytest.raises(RejectedError, match="not registered: unit 'V'"):
        await recorded(connection, Chosen(unit="V"), 10)
    assert ids


async def test_what_is_loaded_is_what_is_in_force(connection: Connection, ids: dict[str, int]) -> None:
    """In whole quanta, with times in ms; undone ones leave no trace; without edits there are empty columns."""
    point, since, until = (np.array([value], np.int64) for value in (ids["P-E"], 0, 2_000_000_000_000))
    none = await edits_of(connection, point, since, until)
    assert not len(none.changes.series)
    said = {"since": "2026-03-01 01:00", "until": "2026-03-01 02:00"}
    await add(
        connection, [given("amount", amount="1.5", **said), given("exclude", **said), given("accept", **said)], NOW
    )
    (ratio,) = await add(connection, [given("ratio", since="2026-03-01 04:00:00.001", ratio="1.25")], NOW)
    found = await edits_of(connection, point, since, until)
    assert (found.amounts.quanta.tolist(), len(found.excluded.series), len(found.accepted.series)) == ([1500], 1, 1)
    assert found.changes.since.tolist() == [1_772_294_400_000 + 4 * 3_600_000 + 1]
    assert found.changes.ratio.tolist() == [1.25]
    await undo(connection, ratio.edit_id, author="Wu", reason="wrong meter", now=NOW)
    assert not len((await edits_of(connection, point, since, until)).changes.series)


async def test_the_database_itself_refuses_what_makes_no_sense(connection: Connection, ids: dict[str, int]) -> None:
    """Whatever hand writes it: a ratio of nothing, an end before the start, an undoing by nobody."""
    base = {"kind": "'ratio'", "since": "'2026-03-01Z'", "until": "'2026-03-01Z'", "ratio": "2", "author": "'a'"}
    base |= {"reason": "'r'", "recorded_at": "'2026-03-01Z'", "point_id": str(ids["P-E"])}
    for wrong in (
        {"ratio": "0"},
        {"ratio": "null"},
        {"until": "'2026-02-01Z'"},
        {"until": "'infinity'", "since": "'infinity'"},
        {"author": "''"},
        {"undone_at": "'2026-03-02Z'"},
        {"kind": "'exclude'"},
        {"amount": "1"},
        {"kind": "'amount'", "ratio": "null", "until": "'2026-03-02Z'"},
    ):
        row = base | wrong
        with pytest.raises(StorageRejectedError), translating():
            await connection.execute(f"insert into edit ({', '.join(row)}) values ({', '.join(row.values())})")  # noqa: S608 - ours
