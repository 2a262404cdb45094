"""`quotawatt edits`, as a person at the bureau calls it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from deploy.cli import root
from energy.errors import RejectedError, SetupError
from energy.records import RecordError
from energy.storage import Pool
from tests.support.edits_world import populate
from tests.support.register_world import shown, store

Call = Callable[..., "asyncio.Future[Result]"]
SIGNED = ("--author", "Li Wei", "--reason", "work order 17")
FROM, TO = ("--since", "2026-03-01 08:00"), ("--until", "2026-03-01T02:00:00Z")


@pytest.fixture
async def call(pool: Pool, dsn: str) -> Call:
    """Calls the command in a thread of its own, since it runs a loop of its own."""
    async with pool.acquire() as connection:
        await populate(connection)

    def run(*arguments: str, **options: Any) -> asyncio.Future[Result]:
        runner = CliRunner(env={"QUOTAWATT_DSN": dsn})
        arguments = ("edits", *arguments)
        return asyncio.ensure_future(asyncio.to_thread(runner.invoke, root, arguments, **options))

    return run


async def test_each_kind_is_added_shown_and_undone(call: Call) -> None:
    """From one end to the other, in times of the unit's zone."""
    states = ("--old-end", "999.5", "--new-start", "0.25", "--ratio", "1.50")
    added = await call("add", "replacement", "P-E", *FROM, *TO, *states, *SIGNED, "--document", "W-17")
    assert added.stdout == "Taken: edit 1. What this touches is derived anew.\n"
    for arguments in (
        ("ratio", "P-N", *FROM, "--ratio", "2"),
        ("exclude", "P-E", *FROM, *TO),
        ("amount", "P-E", *FROM, *TO, "--amount", "1.5", "--unit", "MWh"),
        ("accept", "P-E", *FROM, *TO),
    ):
        assert (await call("add", *arguments, *SIGNED)).exit_code == 0
    again = await call("add", "accept", "P-E", *FROM, *TO, *SIGNED)
    assert again.stdout == "In force already: edit 5.\n"
    assert (await call("show", "1")).stdout.splitlines() == [
        "edit:     1",
        "point:    P-E (meter M-P-E, unit U)",
        "kind:     replacement",
        "since:    2026-03-01T08:00+08:00",
        "until:    2026-03-01T10:00+08:00",
        "says:     old register ended at 999.5, new one began at 0.25, readings times 1.5",
        "author:   Li Wei",
        "reason:   work order 17",
        "document: W-17",
        *(line for line in (await call("show", "1")).stdout.splitlines() if line.startswith("recorded:")),
        "state:    in force",
    ]
    undone = await call("undo", "1", "--author", "Wu", "--reason", "another meter")
    assert undone.stdout == "Undone: edit 1. What it touched is derived anew.\n"
    assert "by Wu: another meter" in (await call("show", "1")).stdout
    heading, *lines = (await call("list")).stdout.splitlines()
    assert heading.split() == ["ID", "POINT", "KIND", "SINCE", "UNTIL", "SAYS", "STATE", "AUTHOR", "REASON"]
    assert [line.split()[:3] for line in lines] == [
        ["5", "P-E", "accept"],
        ["4", "P-E", "amount"],
        ["3", "P-E", "exclude"],
        ["2", "P-N", "ratio"],
        ["1", "P-E", "replacement"],
    ]
    assert "1500 kWh" in lines[1]
    assert "undone" in lines[4]


async def test_lists_are_chosen_and_bounded(call: Call) -> None:
    """By point, unit and state; a list that is cut says so."""
    assert (await call("list")).stdout == "Nobody has edited anything, as far as it is asked for.\n"
    for point in ("P-E", "P-N", "P-N"):
        await call(
            "add", "ratio", point, "--since", f"2026-03-0{'EN'.index(point[-1]) + 1} 08:00", "--ratio", "2", *SIGNED
        )
    await call("undo", "1", *SIGNED)

    async def ids(*arguments: str) -> list[int]:
        return [one["edit_id"] for one in json.loads((await call("list", "--json", *arguments)).stdout)]

    assert await ids() == [2, 1]
    assert await ids("--point", "P-N") == [2]
    assert await ids("--of-unit", "U", "--undone") == [1]
    assert await ids("--in-force") == [2]
    for slip, told in ((("--of-unit", "V"), "unit 'V'"), (("--point", "P-X"), "point 'P-X'")):
        refused = await call("list", *slip)
        assert isinstance(refused.exception, RejectedError)
        assert str(refused.exception) == f"not registered: {told}"
    assert await ids("--limit", "1") == [2]
    assert "and more: --limit 1 was reached" in (await call("list", "--limit", "1")).stdout


async def test_who_and_why_are_obligatory_and_faults_name_their_field(call: Call) -> None:
    """Before anything is written."""
    for missing in (("--author", "Li Wei"), ("--reason", "work order 17")):
        refused = await call("add", "ratio", "P-E", *FROM, "--ratio", "2", *missing)
        assert refused.exit_code == 2
        assert "Missing option" in refused.stderr
        assert (await call("undo", "1", *missing)).exit_code == 2
    wrong = await call("add", "ratio", "P-E", *FROM, "--ratio", "0", "--author", "Li", "--reason", " ")
    assert isinstance(wrong.exception, RecordError)
    assert str(wrong.exception).splitlines() == [
        "2 faults, so that nothing was taken:",
        "P-E: ratio: 0: above 0, and from 1/1000000 to 1000000 expected",
        "P-E: reason: must not be empty",
    ]
    unknown = await call("add", "ratio", "P-X", *FROM, "--ratio", "2", *SIGNED)
    assert str(unknown.exception).splitlines()[1:] == ["P-X: point: 'P-X' is not registered"]
    assert isinstance((await call("undo", "9", *SIGNED)).exception, RejectedError)
    assert "there is no edit 9" in (await call("show", "9")).stderr
    assert "nothing" not in (await call("list")).stdout


async def test_states_that_do_not_fit_the_readings_are_taken_with_a_warning(call: Call, pool: Pool) -> None:
    """Nobody else saw the meter; but a slip counts as energy."""
    async with pool.acquire() as connection:
        await store(connection, [shown("P-E", 8 * 60 - 15, 16_121.0), shown("P-E", 10 * 60, 7.0)])
    states = ("--old-end", "5000", "--new-start", "12")
    added = await call("add", "replacement", "P-E", *FROM, *TO, *states, *SIGNED)
    assert (added.exit_code, added.stdout.splitlines()) == (
        0,
        [
            "Taken: edit 1. What this touches is derived anew.",
            "Warning: edit 1: old_end 5000 lies below the last reading before, 16121. If that is a slip, undo it.",
            "Warning: edit 1: new_start 12 lies above the first reading after, 7. If that is a slip, undo it.",
        ],
    )
    await call("undo", "1", *SIGNED)
    fits = await call("add", "replacement", "P-E", *FROM, *TO, "--old-end", "16122", "--new-start", "6", *SIGNED)
    assert fits.stdout == "Taken: edit 2. What this touches is derived anew.\n"


async def test_a_file_of_replacements_is_taken_whole_or_not_at_all(call: Call, tmp_path: Path) -> None:
    """Once; and the same again is known."""
    file = tmp_path / "replacements.csv"
    file.write_text(
        "测点,拆表时间,装表时间,旧表止码,新表起码,原因\n"
        "P-E,2026/3/1 8:00,2026/3/1 9:30,999.5,0,周期轮换\n"
        "P-N,2026/3/1 8:00,,,,\n",
        encoding="gb18030",
    )
    refused = await call("import", str(file), "--author", "Li Wei")
    assert str(refused.exception).splitlines()[1:] == [f"{file}:3: reason: must not be empty"]
    assert (await call("import", str(file), *SIGNED)).stdout.startswith("Taken: 2 edits, 1, 2.")
    assert (await call("import", str(file), *SIGNED)).stdout == "In force already: 2 edits, 1, 2.\n"
    reasons = [one["reason"] for one in json.loads((await call("list", "--json")).stdout)]
    assert reasons == ["work order 17", "周期轮换"]
    absent = await call("import", str(tmp_path / "none.csv"), *SIGNED)
    assert isinstance(absent.exception, SetupError)
