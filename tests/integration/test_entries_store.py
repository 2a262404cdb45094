"""Entries in the database: all or none, replaced and undone without a trace being lost, their days marked."""

from __future__ import annotations

import asyncio
from datetime import date

import pytest

from energy.errors import RejectedError, StorageRejectedError
from energy.records import RecordError
from energy.storage import Connection, Pool, translating
from ingest.accounting.entries.files import entries_in
from ingest.accounting.entries.model import Kind, Product, Source
from ingest.accounting.entries.products import listed, register
from ingest.accounting.entries.store import Chosen, Taken, enter, recorded, undo
from tests.support.entries_world import MARCH, NOW, given, in_force, marks, populate

FIRST, LAST = date(2026, 3, 1), date(2026, 3, 31)


@pytest.fixture(autouse=True)
async def _world(pool: Pool) -> None:
    async with pool.acquire() as connection:
        await populate(connection)


async def test_an_entry_stands_as_it_was_given_and_as_it_counts(connection: Connection) -> None:
    """With author, way and document; its days are marked."""
    one = given("购进", "原煤", "1234500", "公斤", document="bill 7", **MARCH)
    assert await enter(connection, [one], Source.FILE, NOW) == [Taken(1, new=True)]
    (found,) = await recorded(connection, Chosen(), 10)
    assert (found.unit, found.kind, found.subject, found.first_day, found.last_day) == (
        "U",
        Kind.PURCHASE,
        "raw_coal",
        FIRST,
        LAST,
    )
    assert (f"{found.amount.normalize():f}", found.unit_of_measure) == ("1234.5", "t")
    assert (f"{found.given:f}", found.given_unit, found.document) == ("1234500", "kg", "bill 7")
    assert (found.author, found.source, found.recorded_at, found.in_force) == ("Li Wei", "file", NOW, True)
    assert await marks(connection) == [("U", FIRST, LAST)]


async def test_the_same_again_changes_nothing_and_another_amount_replaces(connection: Connection) -> None:
    """The earlier one is kept, and counts again when the later one is undone."""
    coal = ("purchase", "raw_coal")
    await enter(connection, [given(*coal, "5", **MARCH)], Source.API, NOW)
    await marks(connection)
    assert await enter(connection, [given(*coal, "5000", "kg", **MARCH)], Source.HAND, NOW) == [Taken(1, new=False)]
    assert await marks(connection) == []
    assert await enter(connection, [given(*coal, "6", **MARCH)], Source.API, NOW) == [Taken(2, new=True, replaced=1)]
    assert await marks(connection) == [("U", FIRST, LAST)]
    await enter(connection, [given(*coal, "7", **MARCH)], Source.API, NOW)
    assert await in_force(connection) == {3: "7"}
    assert [(one.entry_id, one.replaces, one.replaced_by) for one in await recorded(connection, Chosen(), 10)] == [
        (3, 2, None),
        (2, 1, 3),
        (1, None, 2),
    ]
    await marks(connection)
    with pytest.raises(RejectedError, match="entry 2 is replaced by 3: undo that one"):
        await undo(connection, 2, author="Wu", reason="slip", now=NOW)
    assert await undo(connection, 3, author="Wu", reason="slip", now=NOW) == 2
    assert await marks(connection) == [("U", FIRST, LAST)]
    assert await in_force(connection) == {2: "6"}
    assert await undo(connection, 2, author="Wu", reason="slip", now=NOW) == 1
    assert await undo(connection, 1, author="Wu", reason="slip", now=NOW) is None
    assert await in_force(connection) == {}
    with pytest.raises(RejectedError, match="undone already, by Wu: slip"):
        await undo(connection, 1, author="Wu", reason="slip", now=NOW)
    for author, reason, match in (("", "r", "both are needed"), ("a", " ", "both are needed")):
        with pytest.raises(RejectedError, match=match):
            await undo(connection, 1, author=author, reason=reason, now=NOW)
    with pytest.raises(RejectedError, match="there is no entry 99"):
        await undo(connection, 99, author="Wu", reason="slip", now=NOW)
    assert await enter(connection, [given(*coal, "6", **MARCH)], Source.API, NOW) == [Taken(4, new=True)]


async def test_a_stock_marks_from_the_one_before_to_the_one_after(connection: Connection) -> None:
    """What was used between two takings depends on both; of other carriers and kinds it marks nothing."""

    async def stock(day: str, amount: str = "9", subject: str = "raw_coal") -> None:
        await enter(connection, [given("stock", subject, amount, first_day=day)], Source.HAND, NOW)

    for day in ("2026-01-31", "2026-03-31"):
        await stock(day)
    await stock("2026-03-10", subject="diesel")
    await marks(connection)
    await stock("2026-02-28")
    assert await marks(connection) == [("U", date(2026, 1, 31), LAST)]
    await stock("2026-03-31", "8")
    assert await marks(connection) == [("U", date(2026, 2, 28), LAST)]
    (last,) = [entry_id for entry_id, amount in (await in_force(connection)).items() if amount == "8"]
    await undo(connection, last, author="Wu", reason="slip", now=NOW)
    assert await marks(connection) == [("U", date(2026, 2, 28), LAST)]


async def test_marks_of_a_file_are_as_few_as_its_days_allow(connection: Connection) -> None:
    """Days that touch are one mark, others are not covered by it."""
    some = [
        given("purchase", "raw_coal", **MARCH),
        given("purchase", "diesel", first_day="2026-03-15"),
        given("output", "clinker", first_day="2026-01-01"),
        given("output_value", amount="5", unit_of_measure="万元", first_day="2026-01-02", unit="V"),
    ]
    await enter(connection, some, Source.FILE, NOW)
    assert await marks(connection) == [
        ("U", date(2026, 1, 1), date(2026, 1, 1)),
        ("U", FIRST, LAST),
        ("V", date(2026, 1, 2), date(2026, 1, 2)),
    ]


async def test_every_fault_of_a_file_is_listed_and_nothing_is_written(connection: Connection) -> None:
    """Whatever is right beside it; overlaps name the other, on record or in the file."""
    await enter(connection, [given("purchase", "raw_coal", **MARCH)], Source.HAND, NOW)
    await marks(connection)
    content = (
        "用能单位,类别,品种,起始日期,截止日期,数量,计量单位\n"
        "U,购进,柴油,2026-03-01,2026-03-31,5,吨\n"
        "X,购进,柴油,2026-03-01,,5,吨\n"
        "U,购进,天然气,2026-03-01,,5,吨\n"
        "U,产量,cement,2026-03-01,,x,吨\n"
        "U,购进,柴油,2026-03-02,,x,\n"
        "U,购进,柴油\n"
        ",购进,柴油,2026-03-03,,5,吨\n"
    )
    with pytest.raises(RecordError) as error:
        await enter(connection, entries_in(content.encode(), "f.csv", author="Li"), Source.FILE, NOW)
    assert [(fault.line, fault.path) for fault in error.value.faults] == [
        (3, "unit"),
        (4, "unit_of_measure"),
        (5, "subject"),
        (5, "amount"),
        (6, "unit_of_measure"),
        (6, "amount"),
        (7, ""),
        (8, "unit"),
    ]
    overlapping = (
        "unit,kind,subject,first_day,last_day,amount,unit_of_measure\n"
        "U,purchase,raw_coal,2026-03-31,2026-04-01,5,t\n"
        "U,sale,raw_coal,2026-03-05,2026-03-06,5,t\n"
        "U,sale,raw_coal,2026-03-01,2026-03-05,5,t\n"
        "U,sale,raw_coal,2026-03-05,2026-03-06,6,t\n"
    )
    with pytest.raises(RecordError) as error:
        await enter(connection, entries_in(overlapping.encode(), "f.csv", author="Li"), Source.FILE, NOW)
    assert [str(fault).split(":")[:4] for fault in error.value.faults] == [
        ["f.csv", "2", " first_day", " overlaps entry 1, for 2026-03-01 to 2026-03-31"],
        ["f.csv", "4", " first_day", " overlaps line 3, for 2026-03-05 to 2026-03-06"],
        ["f.csv", "5", " first_day", " line 3 has the same days"],
    ]
    assert list(await in_force(connection)) == [1]
    assert await marks(connection) == []


async def test_two_imports_at_once_are_one(pool: Pool) -> None:
    """Of the same content: each entry once, and each import says what became of it."""
    content = "unit,kind,subject,first_day,amount,unit_of_measure\n" + "".join(
        f"U,purchase,raw_coal,2026-03-{day:02d},{day},t\n" for day in range(1, 31)
    )

    async def one() -> list[Taken]:
        async with pool.acquire() as own:
            return await enter(own, entries_in(content.encode(), "f.csv", author="Li"), Source.FILE, NOW)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one()) for _ in range(3)]
    taken = [task.result() for task in tasks]
    assert sorted(sum(one.new for one in some) for some in taken) == [0, 0, 30]
    assert len({tuple(one.entry_id for one in some) for some in taken}) == 1
    async with pool.acquire() as connection:
        assert len(await in_force(connection)) == 30
        assert await marks(connection) == [("U", FIRST, date(2026, 3, 30))]


async def test_two_that_overlap_at_once_are_not_both_taken(pool: Pool) -> None:
    """Whoever comes second sees the first."""

    async def one(first: str) -> bool:
        async with pool.acquire() as own:
            try:
                days = {"first_day": first, "last_day": "2026-03-31"}
                await enter(own, [given("purchase", "raw_coal", **days)], Source.API, NOW)
            except RecordError:
                return False
            return True

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(f"2026-03-0{day}")) for day in range(1, 4)]
    assert sorted(task.result() for task in tasks) == [False, False, True]


async def test_entries_are_found_by_what_is_asked_for(connection: Connection) -> None:
    """Unit, kind, subject, days, and whether they count."""
    await enter(connection, [given("purchase", "raw_coal", "5", **MARCH)], Source.HAND, NOW)
    await enter(connection, [given("purchase", "raw_coal", "6", **MARCH)], Source.HAND, NOW)
    await enter(connection, [given("stock", "diesel", first_day="2026-02-28", unit="V")], Source.HAND, NOW)

    async def ids(chosen: Chosen, limit: int = 10) -> list[int]:
        return [one.entry_id for one in await recorded(connection, chosen, limit)]

    assert await ids(Chosen()) == [3, 2, 1]
    assert await ids(Chosen(), 1) == [3]
    assert await ids(Chosen(unit="V")) == [3]
    assert await ids(Chosen(kind="purchase", in_force=True)) == [2]
    assert await ids(Chosen(in_force=False)) == [1]
    assert await ids(Chosen(subject="diesel")) == [3]
    assert await ids(Chosen(first_day=FIRST)) == [2, 1]
    assert await ids(Chosen(last_day=date(2026, 2, 28))) == [3]


async def test_products_are_registered_and_keep_their_unit_once_filled_in(connection: Connection) -> None:
    """Others may change; a point that meters one must be the unit's own."""
    await register(connection, "U", Product("clinker", "kg", "熟料"))
    await register(connection, "U", Product("clinker", "t", "熟料"))
    await enter(connection, [given("output", "clinker", first_day="2026-03-01")], Source.HAND, NOW)
    with pytest.raises(RecordError, match="output was filled in in t"):
        await register(connection, "U", Product("clinker", "kg"))
    with pytest.raises(RecordError, match="'W' is not registered"):
        await register(connection, "W", Product("clinker", "t"))
    with pytest.raises(RecordError, match="'P-B' is no point of V"):
        await register(connection, "V", Product("clinker", "t", point="P-B"))
    await register(connection, "U", Product("coal", "t", point="P-B"))
    assert [(one.of_unit, one.code, one.unit, one.point) for one in await listed(connection, "U")] == [
        ("U", "clinker", "t", None),
        ("U", "coal", "t", "P-B"),
    ]
    with pytest.raises(RecordError, match="coal is metered by P-B"):
        await enter(connection, [given("output", "coal", first_day="2026-03-01")], Source.HAND, NOW)


async def test_the_database_itself_holds_one_entry_in_force(connection: Connection) -> None:
    """Whatever hand writes: two for the same days, a stock of a month, less than nothing, an undoing by nobody."""
    unit = await connection.fetchval("select unit_id from unit where code = 'U'")
    base = {"unit_id": str(unit), "kind": "'purchase'", "subject": "'raw_coal'", "first_day": "'2026-03-01'"}
    base |= {"last_day": "'2026-03-31'", "amount": "1", "unit": "'t'", "source": "'hand'", "author": "'a'"}
    base |= {"recorded_at": "'2026-03-01Z'"}
    await connection.execute(f"insert into entry ({', '.join(base)}) values ({', '.join(base.values())})")  # noqa: S608 - ours
    for wrong in (
        {},
        {"kind": "'stock'"},
        {"amount": "-1", "subject": "'x'"},
        {"amount": "'nan'", "subject": "'x'"},
        {"last_day": "'2026-02-01'"},
        {"undone_at": "'2026-03-02Z'"},
        {"author": "''", "subject": "'x'"},
    ):
        row = base | wrong
        with pytest.raises(StorageRejectedError), translating():
            await connection.execute(f"insert into entry ({', '.join(row)}) values ({', '.join(row.values())})")  # noqa: S608 - ours
