"""The script of the operating guide registers what it says, on a real database."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from collector.settings import CollectorSettings
from deploy.cli import root
from energy.config import load_toml
from energy.readings import Reading
from energy.storage import Pool
from energy.wire import Address
from tests.support.ingest_world import START_MS, message
from tests.support.rejects_world import keep

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """The page's script as a file of a user's own."""
    (text,) = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    path = tmp_path / "register.py"
    path.write_text(text, encoding="utf-8")
    return path


async def run(script: Path, dsn: str) -> None:
    """Run the script as a user does, on the database `dsn`."""
    environment = os.environ | {"QUOTAWATT_DSN": dsn}
    process = await asyncio.create_subprocess_exec(sys.executable, str(script), cwd=ROOT, env=environment)
    assert await process.wait() == 0


async def test_the_script_registers_the_points_of_the_example_collector(dsn: str, pool: Pool, script: Path) -> None:
    """Run twice, as one may; each point belongs to the gateway that will send it."""
    for _ in range(2):
        await run(script, dsn)
    (gateway,) = load_toml(ROOT / "docs" / "examples" / "collector.toml", CollectorSettings).gateways
    async with pool.acquire() as connection:
        points = await connection.fetch("select p.code, g.code from point p join gateway g using (gateway_id)")
    sent = {meter.point: gateway.code for line in gateway.lines for meter in line.meters}
    assert dict(map(tuple, points)) == sent


async def test_what_was_refused_before_comes_in_as_the_page_says(dsn: str, pool: Pool, script: Path) -> None:
    """Each command of the chapter on refused readings, as it stands there: after the script the reading is stored."""
    commands = re.findall(r"^\$ quotawatt (rejects [^#\n]+?)\s*(?:#.*)?$", PAGE, re.MULTILINE)
    assert len(commands) >= 5
    async with pool.acquire() as connection:
        reading = Reading("EXAMPLE-001-E1", START_MS, 1.5)
        await keep(connection, message([reading], sender=Address("610303", "gw-example-001")))
        await run(script, dsn)
        for command in commands:
            assert await connection.fetchval("select count(*) from readings") == 0
            runner = CliRunner(env={"QUOTAWATT_DSN": dsn})
            shown = await asyncio.to_thread(runner.invoke, root, command.split(), input="y\n", catch_exceptions=False)
            assert shown.exit_code == 0, shown.output
        assert await connection.fetchval("select value from readings") == 1.5


@pytest.fixture
def _among_quotas(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A directory with the page's file of quotas, where its commands are called."""
    (text,) = re.findall(r"^```toml\n# quotas.toml\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    (tmp_path / "quotas.toml").write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("_among_quotas")
async def test_quotas_are_set_as_the_page_says(dsn: str, pool: Pool, script: Path) -> None:
    """The page's file by the page's commands, for the unit of its script; the last of them ends the quota."""
    await run(script, dsn)
    commands = re.findall(r"^\$ quotawatt (quotas [^#\n]+?)\s*(?:#.*)?$", PAGE, re.MULTILINE)
    assert {command.split()[1] for command in commands} == {"check", "import", "list", "export", "end"}
    for command in commands:
        runner = CliRunner(env={"QUOTAWATT_DSN": dsn})
        shown = await asyncio.to_thread(runner.invoke, root, shlex.split(command), catch_exceptions=False)
        assert shown.exit_code == 0, shown.output
    row = await pool.fetchrow(
        "select u.code, g.region, q.limit_value, q.version, q.valid_to"
        " from quota q join unit u using (unit_id) join gateway g using (unit_id)"
    )
    assert row is not None
    assert tuple(map(str, row)) == ("example-001", "610303", "310", "2", "2027-01-01")
