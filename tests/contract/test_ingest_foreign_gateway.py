"""A gateway in another language, written from the document of the wire contract alone, checks what we promise."""

from __future__ import annotations

import json
import math
import shlex
import shutil
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from energy.clocks import ClockSettings
from energy.registry.model import Registry
from energy.registry.store import apply
from energy.storage import Pool, StorageSettings
from energy.transport.mqtt import MqttSettings
from energy.wire import Address
from ingest.following.settings import FollowSettings
from tests.support import ingest_worker, node
from tests.support.http_push import pushing, with_http, write_tokens

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "tests" / "conformance" / "gateway"
TOKEN = "a-token-of-the-gateway"  # noqa: S105 - it opens nothing but this test's worker
MOST = 1_000.0
IMPATIENT = FollowSettings(pause_s=0.1, timer_s=1.0, check_s=0.2, ask_after_s=0.3, ask_most_s=1.0)
LEAST = 150
"""Checks that there are at least: a runner that lost its cases would pass, too."""

pytestmark = pytest.mark.skipif(shutil.which("npm") is None, reason="there is no Node here")


@dataclass(frozen=True)
class Played:
    """What came of a run of the checks: its exit code, its report, and what it says the platform must have."""

    code: int
    report: dict[str, Any]
    ledger: dict[str, list[list[Any]]]

    @property
    def failed(self) -> list[str]:
        """The checks that failed, and why."""
        return [f"{one['name']}: {one['note']}" for one in self.report["checks"] if one["outcome"] == "FAILED"]


async def register(pool: Pool, gateway: Address, other: Address) -> None:
    """Two gateways; the last point of the first one has a greatest value."""
    own = ingest_worker.registry(gateway.gateway, 3)
    *plain, bounded = own.points
    async with pool.acquire() as connection:
        await apply(
            connection,
            Registry(own.units, own.gateways, own.meters, (*plain, msgspec.structs.replace(bounded, high=MOST))),
        )
        await apply(connection, ingest_worker.registry(other.gateway, 1))


async def play(database: StorageSettings, mqtt: MqttSettings, pool: Pool, directory: Path) -> Played:
    """Start a worker that takes both ways, and let the foreign gateway make its checks of it."""
    gateway, other = ingest_worker.address(), ingest_worker.address()
    await register(pool, gateway, other)
    tokens = write_tokens(directory / "tokens.toml", {gateway.gateway: [TOKEN]})
    worker = with_http(ingest_worker.settings(database, mqtt), prefix="/push", tokens_file=tokens)
    worker = msgspec.structs.replace(worker, clock=ClockSettings(), follow=IMPATIENT)
    holding = shlex.join(
        ["env", f"PYTHONPATH={ROOT}", sys.executable, "-m", "tests.support.hold_commits", database.dsn]
    )
    ledger = directory / "ledger.json"
    async with pushing(worker) as push:
        code, out, errors = await node.run(
            node.program(SOURCE, directory) / "run.mjs",
            *("--mqtt", f"mqtt://{mqtt.host}:{mqtt.port}", "--http", push.base),
            *("--region", gateway.region, "--gateway", gateway.gateway),
            *("--points", f"{gateway.gateway}-0,{gateway.gateway}-1", "--foreign-point", f"{other.gateway}-0"),
            *("--range-point", f"{gateway.gateway}-2", "--range-most", str(MOST)),
            *("--hold", holding, "--held-ms", "500", "--asked-within", "30", "--within", "10"),
            *("--ledger", str(ledger), "--json"),
            environment={"QUOTAWATT_TOKEN": TOKEN},
        )
    assert code < 2, errors
    return Played(code, json.loads(out), json.loads(ledger.read_text(encoding="utf-8")))


def milliseconds(ts: datetime) -> int:
    """A time of the database as the wire has it."""
    return round((ts - datetime.fromtimestamp(0, UTC)).total_seconds() * 1_000)


async def effective(pool: Pool) -> dict[tuple[str, int], tuple[float | None, int]]:
    """What counts, by point and time."""
    rows = await pool.fetch("select code, ts, value, quality from readings_effective join point using (point_id)")
    return {
        (code, milliseconds(ts)): (None if math.isnan(value) else value, quality) for code, ts, value, quality in rows
    }


def counting(committed: list[list[Any]]) -> dict[tuple[str, int], tuple[float | None, int]]:
    """What counts of what was committed: the lower quality number, then the smaller value."""
    counts: dict[tuple[str, int], tuple[float | None, int]] = {}
    for point, at, value, quality in committed:
        new = (value, quality)
        old = counts.setdefault((point, at), new)
        counts[point, at] = min(old, new, key=lambda one: (one[1], math.inf if one[0] is None else one[0]))
    return counts


async def test_a_foreign_gateway_finds_every_promise_kept(
    database: StorageSettings, mqtt: MqttSettings, pool: Pool, tmp_path: Path
) -> None:
    """Every check of both ways passes, and the database has what the gateway says, no more and no less."""
    played = await play(database, mqtt, pool, tmp_path)

    assert not played.failed, "\n".join(played.failed)
    assert played.code == 0
    assert played.report["skipped"] == 0
    assert played.report["ok"] >= LEAST
    assert await effective(pool) == counting(played.ledger["committed"])
    rejected = await pool.fetch(
        "select code, convert_from(payload, 'UTF8') from rejects where reading_index is not null"
    )
    assert {(code, *json.loads(reading)[:2]) for code, reading in rejected} == {
        (code, point, at) for point, at, code in played.ledger["rejected"]
    }
