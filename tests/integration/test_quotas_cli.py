"""`quotawatt quotas`, as a person at the bureau calls it."""

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

Call = Callable[..., "asyncio.Future[Result]"]
EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
_REGISTRY = """
insert into unit (code, name_zh, name_en, district, industry)
select 'example-00' || n, '虚构', 'Fictional', '610303', '32' from generate_series(1, 3) as n;
insert into product (unit_id, code, unit) select unit_id, 'clinker', 't' from unit where code = 'example-002';
"""


@pytest.fixture
async def call(pool: Pool, dsn: str) -> Call:
    """Calls the command in a thread of its own, since it runs a loop of its own."""
    async with pool.acquire() as connection:
        await connection.execute(_REGISTRY)

    def run(*arguments: str) -> asyncio.Future[Result]:
        runner = CliRunner(env={"QUOTAWATT_DSN": dsn})
        return asyncio.ensure_future(asyncio.to_thread(runner.invoke, root, ("quotas", *arguments)))

    return run


async def test_the_example_is_checked_imported_exported_and_imported_again(call: Call, tmp_path: Path) -> None:
    """From the file of one sort through the database into the other sort, in Chinese, and back: nothing changed."""
    toml, csv = str(EXAMPLES / "quotas.toml"), tmp_path / "out.csv"
    assert (await call("check", toml)).stdout == "11 quotas: no fault, also against the database.\n"
    assert (await call("import", toml, "--author", "Li")).stdout == "11 new\n"
    assert (await call("import", str(EXAMPLES / "quotas.csv"), "--author", "Li")).stdout == "11 as they stood\n"
    assert (await call("export", str(csv), "--chinese")).stdout == f"11 quotas written to {csv}.\n"
    assert csv.read_text(encoding="utf-8-sig").startswith("限额编号,")
    assert (await call("import", str(csv), "--author", "Wu")).stdout == "11 as they stood\n"
    shown = (await call("list", "--of-unit", "example-002", "--day", "2026-02-01")).stdout.splitlines()
    assert shown[0].split()[:4] == ["CODE", "OF", "KIND", "MEASURE"]
    assert [line.split()[0] for line in shown[1:]] == [
        "6103.assessed-year", "610303.tce-quarter", "example-metals.tce-year", "32.gas-year", "example-002.clinker",
        "example-002.co2-day", "example-002.value",
    ]  # fmt: skip
    exported = tmp_path / "one.toml"
    exported.write_text((await call("export", "--code", "example-metals.tce-year")).stdout, encoding="utf-8")
    exported.write_text(exported.read_text(encoding="utf-8").replace("92000", "91000"), encoding="utf-8")
    assert (await call("import", str(exported), "--author", "Wu")).stdout == "1 changed\n"
    (listed,) = json.loads((await call("list", "--code", "example-metals.tce-year", "--json")).stdout)
    assert (listed["version"], listed["author"], listed["quota"]["limit"]) == (2, "Wu", "91000")
    ended = await call("end", "example-metals.tce-year", "2026-07-01", "--author", "Wu")
    assert ended.stdout == "Quota example-metals.tce-year ends on 2026-07-01.\n"
    assert "... and more: --limit 2 was reached" in (await call("list", "--limit", "2")).stdout
    assert (await call("list", "--code", "zz")).stdout == "There are no quotas, as far as it is asked for.\n"


async def test_a_file_is_taken_whole_or_not_at_all(call: Call, tmp_path: Path) -> None:
    """Its faults and those against the database are told together; what is seldom meant is a warning."""
    file = tmp_path / "q.csv"
    head = "code,key,measure,period,limit,limit_unit,valid_from,source\n"
    good = "m,example-001,tce,month,100,tce,2026-01-01,d\n"
    file.write_text(head + good + "x,nobody,tce,month,1,tce,2026-01-01,d\ny,example-001,tce,week,1,tce,2026-01-01,d\n")
    for command in (["check", str(file)], ["import", str(file), "--author", "Li"]):
        refused = await call(*command)
        assert isinstance(refused.exception, RecordError)
        assert [(fault.line, fault.path) for fault in refused.exception.faults] == [(3, "key"), (4, "period")]
    assert (await call("list", "--json")).stdout.strip() == "[]"
    file.write_text(head + good + "y,example-001,tce,year,1100,tce,2026-01-01,d\n")
    taken = await call("import", str(file), "--author", "Li")
    assert taken.stdout == "2 new\n"
    assert taken.stderr.startswith(f"warning: {file}:3: limit: y allows 1100 in the year of 2026-01-01")
    offline = CliRunner(env={"QUOTAWATT_DSN": ""}).invoke(root, ["quotas", "check", str(file)])
    assert offline.stdout == "2 quotas: no fault.\n"
    other = await call("check", str(tmp_path / "q.xlsx"))
    assert other.exit_code != 0
    (tmp_path / "q.xlsx").write_bytes(b"")
    assert isinstance((await call("check", str(tmp_path / "q.xlsx"))).exception, RejectedError)
