"""The nation's points fit into one worker, however often the registry changes."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest

from energy.storage import Pool

NATION = 2_550_000
REGISTER = """
insert into unit (code, name_zh, name_en, district, industry)
select 'U-' || n, '', '', '610303', '32' from generate_series(0, 16999) n;
insert into gateway (code, region, unit_id)
select 'gw-' || n, '610303', unit_id from generate_series(0, 16999) n join unit on code = 'U-' || n;
insert into meter (code, unit_id, carrier, level, profile)
select 'M-' || n, unit_id, 'electricity', 2, ''
from generate_series(0, 2549999) n join unit on unit.code = 'U-' || n / 150;
insert into point (code, meter_id, gateway_id, unit, low, max_rate)
select '610303-' || lpad((n / 150)::text, 5, '0') || '-E' || n % 150, meter_id, gateway_id, 'kWh', 0, n % 500 + 1
from generate_series(0, 2549999) n
join meter on meter.code = 'M-' || n join gateway on gateway.code = 'gw-' || n / 150;
"""
"""The database makes the registry itself: 150 points to a gateway, with 500 different bounds."""
MOST_MB = 250.0
"""What a worker may take in all."""
LONGEST_BLOCK_S = 0.5
ROOT = Path(__file__).parents[2]


@pytest.mark.long
async def test_the_nations_points_are_read_again_and_again_within_the_bound(pool: Pool, dsn: str) -> None:
    """Two and a half million points: the old table and the new one at once, no growth, and others have their turn."""
    await pool.execute(REGISTER)
    command = [sys.executable, "-m", "tests.support.registry_reader", dsn, "4"]
    reader = await asyncio.to_thread(subprocess.run, command, cwd=ROOT, check=True, capture_output=True, text=True)
    rounds = [json.loads(line) for line in reader.stdout.splitlines() if line.startswith("{")]
    assert [one["points"] for one in rounds] == [NATION] * 4
    assert max(one["peak_mb"] for one in rounds) < MOST_MB
    assert max(one["longest_block_s"] for one in rounds) < LONGEST_BLOCK_S
    assert rounds[-1]["resident_mb"] < rounds[1]["resident_mb"] * 1.05
