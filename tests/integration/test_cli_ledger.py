"""`quotawatt ledger`, as an operator calls it."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from deploy.cli import root
from deploy.demo.toml_files import write_settings
from energy.clocks import ClockSettings
from energy.registry.model import Gateway, Meter, Point, Registry, Unit
from energy.registry.store import apply
from energy.storage import Connection, StorageSettings
from energy.transport.mqtt import MqttSettings
from ingest.settings import IngestSettings
from tests.support.follow_world import NOON, REGION, Sent, commit, follow, report, status, stream_name

Call = Callable[..., "asyncio.Future[Result]"]
OLD, NEW = stream_name(0xA1 << 120), stream_name(0xB2 << 120)
DAY = datetime(2026, 3, 1, tzinfo=UTC) - timedelta(hours=8)
"""The start of 2026-03-01 in China."""


@pytest.fixture
def call(dsn: str) -> Call:
    """Calls the command in a thread of its own, since it runs a loop of its own."""

    def run(*arguments: str) -> asyncio.Future[Result]:
        runner = CliRunner(env={"QUOTAWATT_DSN": dsn})
        return asyncio.ensure_future(
            asyncio.to_thread(runner.invoke, root, ["ledger", *arguments], catch_exceptions=False)
        )

    return run


async def register(connection: Connection, zone: str = "Asia/Shanghai", interval_s: int = 900) -> list[int]:
    """A unit with gateway gw-a and points P-0 to P-3; their ids."""
    codes = [f"P-{number}" for number in range(4)]
    registry = Registry(
        (Unit("U-1", "虚构单位", "Invented unit", REGION, "32", zone),),
        (Gateway("gw-a", REGION, "U-1"),),
        tuple(Meter(f"M-{code}", "U-1", "electricity", 1, "none") for code in codes),
        tuple(Point(code, f"M-{code}", "gw-a", "kWh", interval_s=interval_s) for code in codes),
    )
    await apply(connection, registry)
    return [row["point_id"] for row in await connection.fetch("select point_id from point order by code")]


async def store(
    connection: Connection, point: int, offsets: list[float], *, quality: int = 0, day: datetime = DAY
) -> None:
    """Readings of a point so many seconds after the start of a day."""
    await connection.executemany(
        "insert into readings values ($1, $2, 1, $3, 1)",
        [(day + timedelta(seconds=seconds), point, quality) for seconds in offsets],
    )


@pytest.fixture
async def history(connection: Connection) -> None:
    """Two days of two gateways: one lost its spool, dropped some and has some to come; of the other one is missing."""
    await register(connection)
    await commit(connection, [Sent("gw-a", OLD, seq, 10, seq == 3) for seq in range(1, 9)], NOON)
    await commit(connection, [Sent("gw-a", OLD, 9, 0)], NOON)
    await report(connection, "gw-a", status(OLD, 14, 13, dropped=[(10, 11)]), at=NOON)
    await commit(connection, [Sent("gw-a", NEW, seq) for seq in (1, 2)], NOON + timedelta(days=1))
    await report(connection, "gw-a", status(NEW, 4, 3, at=NOON + timedelta(days=1)), at=NOON + timedelta(days=1))
    await commit(connection, [Sent("gw-b", OLD, seq) for seq in (1, 2, 4, 5)], NOON + timedelta(days=1))
    await report(connection, "gw-b", status(OLD, 5, None, at=NOON + timedelta(days=1)), at=NOON + timedelta(days=1))
    await follow(connection)
    await connection.execute(
        "insert into rejects (received_at, carrier, gateway, source, code, detail, payload) "
        "values ($1, 'mqtt', 'gw-a', 'x', 'unknown_point', '', '')",
        NOON,
    )


@pytest.mark.usefixtures("history")
async def test_every_line_sums_to_zero_and_names_its_numbers(call: Call) -> None:
    """By day, gateway and stream, with a sum; the numbers that did not come, and what was refused, below."""
    result = await call("--from", "2026-03-01", "--to", "2026-03-02", "--check")
    assert result.exit_code == 1
    table, numbers, refused = result.stdout.split("\n\n")
    assert [" ".join(line.split()) for line in table.splitlines()] == [
        "DAY GATEWAY EXPECTED STORED REFUSED DROPPED TO COME MISSING DIFF READINGS REJECTED",
        "2026-03-01 gw-a 14 8 1 2 0 3 0 80 1",
        "2026-03-02 gw-a 4 2 0 0 2 0 0 20 0",
        "2026-03-02 gw-b 5 4 0 0 0 1 0 40 0",
        "all 23 14 1 2 2 4 0 140 1",
    ]
    assert [" ".join(line.split()) for line in numbers.splitlines()] == [
        "2026-03-01 gw-a a1000000 missing 12-14",
        "2026-03-02 gw-b a1000000 missing 3",
        "2026-03-02 gw-a b2000000 to come 3-4",
        "2026-03-01 gw-a a1000000 dropped 10-11",
    ]
    assert refused.splitlines()[1].split() == ["2026-03-01", "gw-a", "unknown_point", "1"]


@pytest.mark.usefixtures("history")
async def test_days_and_gateways_are_chosen(call: Call, connection: Connection) -> None:
    """One day, one gateway; two streams on one day are told apart; what cannot be meant is said."""
    one = await call("--day", "2026-03-02", "--gateway", "gw-a", "--check")
    assert one.exit_code == 0
    assert "gw-b" not in one.stdout
    await commit(connection, [Sent("gw-a", OLD, 15)], NOON + timedelta(days=1))
    await follow(connection)
    two = (await call("--day", "2026-03-02", "--gateway", "gw-a")).stdout.splitlines()
    assert [line.split()[2] for line in two[:4]] == ["STREAM", "a1000000", "b2000000", "3"]
    assert (await call("--day", "2026-03-05")).stdout == "Nothing was heard of any envelope on these days.\n"
    assert "Nothing was heard" in (await call()).stdout
    for wrong in (["--day", "2026-03-01", "--to", "2026-03-02"], ["--from", "2026-03-03", "--to", "2026-03-02"]):
        assert (await call(*wrong)).exit_code == 2


@pytest.mark.usefixtures("history")
async def test_what_is_not_followed_yet_is_said(call: Call, connection: Connection) -> None:
    """It still counts as to come; nobody is to take that for a loss."""
    await commit(connection, [Sent("gw-a", NEW, 3)], NOON + timedelta(days=1))
    assert (await call("--day", "2026-03-02")).stdout.startswith("1 batch is not followed yet")


@pytest.mark.usefixtures("history")
async def test_json_and_csv_say_the_same(call: Call, connection: Connection) -> None:
    """With names for machines; numbers beyond 2^53 stay exact."""
    await report(connection, "gw-c", status(OLD, 2**63 - 1, 2**63 - 1), at=NOON)
    await follow(connection)
    found = json.loads((await call("--day", "2026-03-01", "--json", "--points")).stdout)
    assert [(line["gateway"], line["expected"], line["missing"]) for line in found["lines"]] == [
        ("gw-a", 14, 3),
        ("gw-c", 2**63 - 1, 2**63 - 2),
    ]
    assert found["gateways"] == [
        {"gateway": "gw-a", "day": "2026-03-01", "expected": 384, "received": 0, "points": 4, "complete_points": 0}
    ]
    assert len(found["points"]) == 4
    lines = list(csv.DictReader(io.StringIO((await call("--day", "2026-03-01", "--csv")).stdout)))
    assert [lines[0][name] for name in ("gateway", "expected", "missing_numbers")] == ["gw-a", "14", "12-14"]
    points = list(csv.DictReader(io.StringIO((await call("--day", "2026-03-01", "--csv", "--points")).stdout)))
    assert [point["point"] for point in points] == ["P-0", "P-1", "P-2", "P-3"]


async def test_completeness_counts_intervals_with_a_value(call: Call, connection: Connection) -> None:
    """Jitter makes no hole, double readings and readings without value count nothing, contradictions once."""
    all_day = [900.0 * number for number in range(96)]
    jitter, drift, nine_tenths, broken = await register(connection)
    await store(connection, jitter, [max(0.0, at + (-1) ** number * 5) for number, at in enumerate(all_day)])
    await store(connection, drift, [300 + 900.1 * number for number in range(95)])
    await store(connection, nine_tenths, all_day[:87])
    await store(connection, nine_tenths, [at + 1 for at in all_day[:40]])
    await store(connection, nine_tenths, all_day[87:], quality=3)
    await store(connection, broken, all_day[:85])
    await store(connection, broken, all_day[85:87], quality=3)
    await connection.execute(
        "insert into reading_conflicts select point_id, ts, 2, 1, 9 from readings where point_id = $1 and ts >= $2",
        broken,
        DAY + timedelta(seconds=all_day[84]),
    )
    await connection.execute("delete from reading_conflicts where ts = $1", DAY + timedelta(seconds=all_day[86]))
    await store(connection, broken, all_day, day=DAY + timedelta(days=1))
    result = await call("--day", "2026-03-01", "--points", "--check")
    assert result.exit_code == 1
    rows = [line.split() for line in result.stdout.splitlines()]
    assert [row[3:8] for row in rows[-4:]] == [
        ["P-0", "900", "s", "96", "96"],
        ["P-1", "900", "s", "96", "95"],
        ["P-2", "900", "s", "96", "87"],
        ["P-3", "900", "s", "96", "86"],
    ]
    await store(connection, broken, [all_day[90]])
    assert (await call("--day", "2026-03-01", "--gateway", "gw-a", "--completeness")).exit_code == 0
    board = "select point, expected, received, complete from board.completeness where day = '2026-03-01'"
    assert await connection.fetch(board) == []
    await commit(connection, [Sent("gw-a", OLD, 1)], NOON)
    await follow(connection)
    assert {row["expected"] for row in await connection.fetch(board)} == {48}
    await commit(connection, [Sent("gw-a", OLD, 2)], NOON + timedelta(days=3))
    await follow(connection)
    seen = {row["point"]: tuple(row)[1:] for row in await connection.fetch(board)}
    assert seen == {"P-0": (96, 96, True), "P-1": (96, 95, True), "P-2": (96, 87, True), "P-3": (96, 87, True)}


async def test_a_gateway_that_was_never_heard_of_is_not_complete(call: Call, connection: Connection) -> None:
    """Absence is no all-clear: its share is nought, in red, and the check fails."""
    await register(connection)
    result = await call("--day", "2026-03-01", "--completeness", "--check")
    assert result.exit_code == 1
    assert "2026-03-01  gw-a" in result.stdout
    assert "0.0 %, 4 of 4 under 90 %" in result.stdout


async def test_the_length_of_a_day_is_that_of_its_zone(call: Call, connection: Connection) -> None:
    """On the day on which the clock is set back 100 quarter hours are due, and 92 when it is set forward."""
    await register(connection, "Europe/Berlin")
    for day, due in (("2025-10-26", 100), ("2025-03-30", 92), ("2024-02-29", 96)):
        points = json.loads((await call("--day", day, "--points", "--json")).stdout)["points"]
        assert {point["expected"] for point in points} == {due}


async def test_today_is_judged_up_to_now_by_the_clock_of_the_workers(
    call: Call, connection: Connection, database: StorageSettings, mqtt: MqttSettings, tmp_path: Path
) -> None:
    """With a worker's file its data time counts, and its database is taken."""
    points = await register(connection)
    await store(connection, points[0], [900.0 * number for number in range(24)])
    settings = IngestSettings(database, mqtt, clock=ClockSettings(DAY + timedelta(hours=6), time.time()))
    file = write_settings(tmp_path / "ingest.toml", settings)
    rows = json.loads((await call("--config", str(file), "--points", "--json")).stdout)["points"]
    assert [(row["day"], row["expected"], row["received"]) for row in rows if row["point"] == "P-0"] == [
        ("2026-02-28", 96, 0),
        ("2026-03-01", 24, 24),
    ]


async def test_a_point_that_is_read_less_than_daily_is_due_on_no_day(call: Call, connection: Connection) -> None:
    """No share can be told, and none is missed."""
    await register(connection, interval_s=7 * 86_400)
    result = await call("--day", "2026-03-01", "--points", "--check")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1].split()[-1] == "-"
