"""`quotawatt entries`, as a person at the bureau or at a plant calls it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from deploy.cli import root
from energy.errors import RejectedError
from energy.records import RecordError
from energy.storage import Pool
from tests.support.entries_world import populate

Call = Callable[..., "asyncio.Future[Result]"]
COAL = ("U", "purchase", "raw_coal", "--first-day", "2026-02-01", "--last-day", "2026-02-28")


@pytest.fixture
async def call(pool: Pool, dsn: str) -> Call:
    """Calls the command in a thread of its own, since it runs a loop of its own."""
    async with pool.acquire() as connection:
        await populate(connection)

    def run(*arguments: str) -> asyncio.Future[Result]:
        runner = CliRunner(env={"QUOTAWATT_DSN": dsn})
        return asyncio.ensure_future(asyncio.to_thread(runner.invoke, root, ("entries", *arguments)))

    return run


async def test_an_entry_is_added_replaced_listed_and_undone(call: Call) -> None:
    """From one end to the other."""
    first = await call(
        "add", *COAL, "--amount", "1500", "--unit-of-measure", "kg", "--author", "Li", "--document", "b 1"
    )
    assert first.stdout == "Taken: entry 1.\n"
    again = await call("add", *COAL, "--amount", "1.5", "--unit-of-measure", "t", "--author", "Wu", "--document", "b 1")
    assert again.stdout == "In force already: entry 1.\n"
    later = await call("add", *COAL, "--amount", "2", "--unit-of-measure", "t", "--author", "Wu")
    assert later.stdout == "Taken: entry 2.\nReplaced: entry 1.\n"
    heading, *lines = (await call("list")).stdout.splitlines()
    assert heading.split()[:5] == ["ID", "UNIT", "KIND", "SUBJECT", "DAYS"]
    assert [" ".join(line.split()) for line in lines] == [
        "2 U purchase raw_coal 2026-02-01 to 2026-02-28 2 t hand in force Wu - -",
        "1 U purchase raw_coal 2026-02-01 to 2026-02-28 1.5 t hand replaced by 2 Li b 1 -",
    ]
    undone = await call("undo", "2", "--author", "Li", "--reason", "slip")
    assert undone.stdout == "Undone: entry 2. Entry 1 counts again.\n"
    assert [one["entry_id"] for one in json.loads((await call("list", "--in-force", "--json")).stdout)] == [1]
    assert [one["entry_id"] for one in json.loads((await call("list", "--past", "--json")).stdout)] == [2]
    assert (await call("list", "--of-unit", "V")).stdout == "Nothing was entered, as far as it is asked for.\n"
    slip = await call("list", "--of-unit", "VV")
    assert isinstance(slip.exception, RejectedError)
    assert str(slip.exception) == "not registered: unit 'VV'"
    assert isinstance((await call("products", "--of-unit", "VV")).exception, RejectedError)
    assert json.loads((await call("list", "--to", "2026-01-31", "--json")).stdout) == []
    chinese = await call("list", "--in-force", "--json", "--kind", "购进", "--subject", "原煤")
    assert [one["entry_id"] for one in json.loads(chinese.stdout)] == [1]
    assert json.loads((await call("list", "--subject", "clinker", "--json")).stdout) == []
    unknown = await call("list", "--kind", "bought")
    assert (unknown.exit_code, "'bought': one of 购进" in unknown.stderr) == (2, True)
    assert "and more: --limit 1 was reached" in (await call("list", "--limit", "1")).stdout


async def test_a_file_is_taken_whole_or_not_at_all(call: Call, tmp_path: Path) -> None:
    """With every fault by line; then once."""
    file = tmp_path / "entries.csv"
    file.write_text(
        "用能单位,类别,品种,日期,数量,计量单位\nU,购进,原煤,2026/2/3,5,吨\nU,购进,原煤,2026/2/4,5,立方米\n", "gb18030"
    )
    refused = await call("import", str(file), "--author", "Li")
    assert isinstance(refused.exception, RecordError)
    assert str(refused.exception).splitlines()[1:] == [f"{file}:3: unit_of_measure: 'm3': kg, t expected"]
    assert "Nothing was entered" in (await call("list")).stdout
    file.write_text(file.read_text("gb18030").replace("立方米", "吨"), "utf-8")
    assert (await call("import", str(file), "--author", "Li")).stdout == "Taken: entries 1, 2.\n"
    assert (await call("import", str(file), "--author", "Li")).stdout == "In force already: entries 1, 2.\n"


async def test_who_says_it_is_obligatory(call: Call) -> None:
    """Of an entry and of its undoing."""
    for arguments in (
        ("add", *COAL, "--amount", "1", "--unit-of-measure", "t"),
        ("undo", "1", "--author", "Li"),
        ("undo", "1", "--reason", "slip"),
        ("import", "x.csv"),
    ):
        assert (await call(*arguments)).exit_code == 2
    assert isinstance((await call("undo", "1", "--author", "Li", "--reason", "slip")).exception, RejectedError)


async def test_products_are_registered_and_shown(call: Call) -> None:
    """With what they are measured in; faults name their field."""
    made = await call("product", "V", "glass", "--unit-of-measure", "吨", "--name-zh", "玻璃")
    assert made.stdout == "Registered: product glass of V.\n"
    wrong = await call("product", "V", "glass", "--unit-of-measure", "t", "--quota-key", "x")
    assert "glass: quota_key: 'x': one of cement_clinker_energy" in str(wrong.exception)
    lines = (await call("products", "--of-unit", "V")).stdout.splitlines()
    assert [line.split() for line in lines[1:]] == [["V", "glass", "t", "-", "-", "玻璃"]]


async def test_a_stock_that_cannot_be_is_taken_with_a_warning(call: Call) -> None:
    """900 t after 410 t with nothing bought between: the taking before is named; a purchase later ends the warning."""

    async def stock(day: str, amount: str) -> Result:
        what = ("U", "stock", "raw_coal", "--first-day", day, "--amount", amount, "--unit-of-measure", "t")
        return await call("add", *what, "--author", "Li")

    assert (await stock("2026-02-07", "410")).stderr == ""
    slip = await stock("2026-02-14", "900")
    assert (slip.exit_code, slip.stdout) == (0, "Taken: entry 2.\n")
    assert slip.stderr.startswith(
        "Warning: U raw_coal: 900 t on 2026-02-14 (entry 2) after 410 t on 2026-02-07 (entry 1) "
        "makes consumption between them -490 t"
    )
    between = await stock("2026-02-10", "400")  # the next taking cannot be, seen from this one
    assert "(entry 2) after 400 t on 2026-02-10 (entry 3)" in between.stderr
    month = ("--first-day", "2026-02-08", "--last-day", "2026-02-14", "--unit-of-measure", "t", "--author", "Li")
    assert (await call("add", "U", "purchase", "raw_coal", *month, "--amount", "1200")).stderr == ""
    assert (await stock("2026-02-14", "900")).stderr == ""
