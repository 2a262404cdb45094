"""The script of the operating guide registers what it says, on a real database."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from pathlib import Path

import pytest

from collector.settings import CollectorSettings
from energy.config import load_toml
from energy.storage import Pool

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


async def test_the_script_registers_the_quota(dsn: str, pool: Pool, script: Path) -> None:
    """With the unit that it is for, and the region of the gateway's topics."""
    await run(script, dsn)
    row = await pool.fetchrow(
        "select u.code, g.region, q.limit_value from quota q join unit u using (unit_id) join gateway g using (unit_id)"
    )
    assert row is not None
    assert tuple(map(str, row)) == ("example-001", "610303", "310")
