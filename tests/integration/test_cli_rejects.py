"""`quotawatt rejects`, as an operator calls it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result

from deploy.cli import root
from energy.readings import Reading
from energy.storage import Pool
from tests.support.ingest_world import GATEWAY, OTHER_GATEWAY, START_MS, message, received
from tests.support.rejects_world import keep, register, table, unknown

Call = Callable[..., "asyncio.Future[Result]"]


@pytest.fixture
def call(dsn: str) -> Call:
    """Calls the command in a thread of its own, since it runs a loop of its own."""

    def run(*arguments: str, answer: str = "") -> asyncio.Future[Result]:
        environment = {"QUOTAWATT_DSN": dsn}
        runner = CliRunner(env=environment)
        return asyncio.ensure_future(
            asyncio.to_thread(runner.invoke, root, ["rejects", *arguments], input=answer, catch_exceptions=False)
        )

    return run


@pytest.fixture
async def refused(pool: Pool) -> None:
    """Three readings of a point of gw-a, one of gw-b that would command a terminal, and a message that is none."""
    async with pool.acquire() as connection:
        await keep(connection, message(unknown(3)), received(GATEWAY.up, b"\x00 nonsense"))
        await keep(connection, message([Reading("\x07\u202e", START_MS, 1.0)], seq=7, sender=OTHER_GATEWAY))


@pytest.mark.usefixtures("refused")
async def test_the_list_counts_by_gateway_code_and_point(call: Call) -> None:
    """The latest first, below headings, in columns."""
    heading, *lines = (await call("list")).stdout.splitlines()
    assert heading.split()[:5] == ["OPEN", "OF", "GATEWAY", "CODE", "POINT"]
    found = [line.split()[:5] for line in lines]
    assert found[0][:4] == ["1", "1", "gw-b", "unknown_point"]
    assert sorted(found[1:]) == [["1", "1", "gw-a", "malformed", "-"], ["3", "3", "gw-a", "unknown_point", "gw-a-0"]]
    assert len({line.index("gw-") for line in lines}) == 1


@pytest.mark.usefixtures("refused")
async def test_no_sender_commands_the_terminal(call: Call) -> None:
    """Control characters of codes and details are replaced."""
    for arguments in (["list"], ["list", "--each"], ["replay", "--dry-run"]):
        assert not {"\x07", "\u202e"} & set((await call(*arguments)).stdout)


@pytest.mark.usefixtures("refused")
async def test_filters_choose(call: Call) -> None:
    """By gateway, code, point, way in and time; open or replayed."""

    async def ids(*arguments: str) -> int:
        return len(json.loads((await call("list", "--each", "--json", *arguments)).stdout))

    assert await ids() == 5
    assert await ids("--gateway", "gw-a", "--code", "unknown_point") == 3
    assert await ids("--point", "gw-a-0", "--limit", "2") == 2
    assert await ids("--carrier", "http") == 0
    assert await ids("--since", "2026-03-01T00:00+08:00") == 5
    assert await ids("--since", "2026-02-28T16:00:01") == 0
    assert await ids("--until", "2026-02-28") == 0
    assert await ids("--open") == 5
    assert await ids("--replayed") == 0
    wrong = await call("list", "--since", "yesterday")
    assert wrong.exit_code == 2
    assert "'yesterday' is no time such as 2026-03-01" in wrong.stderr


@pytest.mark.usefixtures("refused")
async def test_a_limit_that_is_reached_is_said(call: Call) -> None:
    """Nobody takes the part for the whole."""
    assert "and more: --limit 1 was reached" in (await call("list", "--limit", "1")).stdout
    assert "and more" not in (await call("list", "--limit", "3")).stdout


@pytest.mark.usefixtures("refused")
async def test_a_payload_comes_out_byte_by_byte(call: Call) -> None:
    """As it was kept; one that is not there is said."""
    (one,) = json.loads((await call("list", "--each", "--json", "--code", "malformed")).stdout)
    assert (await call("list", "--payload", str(one["reject_id"]))).stdout_bytes == b"\x00 nonsense"
    missing = await call("list", "--payload", "999999")
    assert missing.exit_code == 1
    assert "there is no reject 999999" in missing.stderr


@pytest.mark.usefixtures("refused")
async def test_replay_asks_first_and_says_what_became_of_them(call: Call, pool: Pool) -> None:
    """No is no; yes stores what passes, by the name of who did it; what would help the others is said."""
    async with pool.acquire() as connection:
        await register(connection)
        asked = await call("replay", answer="n\n")
        assert "Replay 5 rejects?" in asked.stdout
        assert asked.exit_code == 1
        assert "3 of 5 rejects would be replayed" in (await call("replay", "--dry-run")).stdout
        assert await connection.fetchval("select count(*) from readings") == 0
        done = (await call("replay", "--by", "alice", answer="y\n")).stdout
        assert await connection.fetchval("select count(*) from readings") == 3
        assert await table(connection, "select worker from ingest_batch where stored > 0") == [("replay-alice",)]
    assert "3 of 5 rejects are replayed, in batch " in done
    assert "3 readings stored, 0 there already, 0 contradict others" in done
    assert "1 refused still, unknown_point" in done
    assert "register the point, then replay again" in done
    assert "0 of 2 rejects are replayed" in (await call("replay", "--yes")).stdout


async def test_an_empty_list_says_so(call: Call) -> None:
    """Not just headings; and JSON stays JSON."""
    assert (await call("list")).stdout == "Nothing was refused, as far as it is asked for and kept.\n"
    assert json.loads((await call("list", "--json")).stdout) == []
    assert "0 of 0 rejects are replayed" in (await call("replay", "--yes")).stdout


def test_without_a_database_it_says_what_to_give() -> None:
    """Neither an option nor the environment."""
    result = CliRunner(env={"QUOTAWATT_DSN": ""}).invoke(root, ["rejects", "list"])
    assert result.exit_code == 2
    assert "give --config or --dsn, or set QUOTAWATT_DSN" in result.stderr
