"""What following costs, and what is kept of one gateway, does not grow with what it sends or with the years."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta

import pytest

from energy.storage import Connection
from ingest.following.fold import KEPT_PIECES, MOST_NEW_STREAMS, MOST_PIECES, step
from tests.support.follow_world import NOON, Sent, commit, follow, ledger, report, status, stream_name


@pytest.fixture
def connection(undone: Connection) -> Connection:
    """One connection."""
    return undone


async def test_the_ledger_of_a_day_does_not_read_the_days_before(connection: Connection) -> None:
    """After years it is as quick as after a week."""
    await connection.execute(
        "insert into gateway_stream (gateway, stream, stored, last_seq, first_at)"
        " select 'gw-' || n, md5(n::text), seq_span(1, 2000), 2000, $1 from generate_series(1, 20) as n",
        NOON,
    )
    await connection.execute(
        "insert into gateway_day"
        " select gateway, stream, $1::date + n, n from gateway_stream, generate_series(1, 2000) as n",
        NOON.date(),
    )
    await connection.execute("analyze gateway_day, gateway_stream")
    (explained,) = await connection.fetchrow(
        "explain (analyze, format json) select * from board.ledger where day = $1", NOON.date() + timedelta(days=2_000)
    ) or ("",)
    rows = [int(found) for found in re.findall(r'"Actual Rows": (\d+)', explained)]
    assert 20 <= max(rows) <= 100, explained


async def test_a_batch_of_many_gateways_takes_no_longer_for_each(connection: Connection) -> None:
    """As many as a batch can have: if each looked at all others, this would take half a minute."""
    await commit(connection, [Sent(f"gw-{number}", stream_name(number), 1) for number in range(10_000)])
    async with asyncio.timeout(10):
        progress = await step(connection, 1, judge=True)
    assert (progress.batches, progress.envelopes) == (1, 10_000)


async def test_a_stream_in_thousands_of_pieces_is_bounded_and_still_adds_up(connection: Connection) -> None:
    """Every other number is lost, refused or dropped, over days: the lower ones are counted, as what they were then."""
    stream, most, days = stream_name(1), 2 * MOST_PIECES, 3
    sizes = "select pg_column_size(s.*), settled_to from gateway_stream as s"
    for day in range(days):
        at = NOON + timedelta(days=day)
        own = range(1 + day * most, 1 + (day + 1) * most)
        await commit(connection, [Sent("gw", stream, n, readings=5 * (n % 4 != 3)) for n in own if n % 2], at)
        lost = [(n, n) for n in own if n % 8 == 2]
        await report(
            connection, "gw", status(stream, own[-1], own[-1], dropped=lost, total=len(lost) * (day + 1)), at=at
        )
        await follow(connection)
        await follow(connection)
        size, settled_to = await connection.fetchrow(sizes) or (0, 0)
        assert size < 60 * MOST_PIECES
        assert settled_to > (day + 1) * most - 5 * KEPT_PIECES
        rows = await ledger(connection, "gw")
        of_day = {"expected": most, "stored": most // 4, "refused": most // 4, "dropped": most // 8, "difference": 0}
        assert [{name: int(row[name]) for name in of_day} for row in rows] == [of_day] * (day + 1)
        assert [int(row["missing"] + row["to_come"]) for row in rows] == [most // 8 * 3] * (day + 1)
    (gap,) = await connection.fetch("select * from board.gap")
    assert gap["dropped_unnamed"] == 0
    before = await ledger(connection, "gw")
    # What comes after all is stored, and the account of it is closed; what was there before is no news either.
    await commit(connection, [Sent("gw", stream, n) for n in (1, 2, 4, 6)], NOON + timedelta(days=1))
    await report(
        connection, "gw", status(stream, days * most, days * most, dropped=[(1, most)]), at=NOON + timedelta(days=2)
    )
    await follow(connection)
    assert await ledger(connection, "gw") == before


async def test_a_follower_that_is_behind_settles_nothing(connection: Connection) -> None:
    """Two workers share a backlog: until the other one's batch is followed, every other number seems to be open."""
    for start in (1, 2):
        await commit(connection, [Sent("gw", stream_name(1), n) for n in range(start, 3 * MOST_PIECES, 2)])
    done = await follow(connection, 1)
    assert not any(progress.settled for progress in done)
    assert await connection.fetchval("select count(*) from gateway_stream where open = '{}' and settled_to = 0") == 1


async def test_ever_new_streams_of_a_gateway_are_bounded(connection: Connection) -> None:
    """Whether envelopes or statuses name them; nothing of it is lost from sight, and no other gateway is concerned."""
    await commit(connection, [Sent("old", stream_name(1), 1)])
    for start in range(0, 90, 30):
        await commit(connection, [Sent("gw", stream_name(n), 1, 7, 2) for n in range(start, start + 30)])
        await report(connection, "gw", status(stream_name(1_000 + start), 5, 1))
        await follow(connection, 1)
    await commit(connection, [Sent("gw", stream_name(0), 2), Sent("old", stream_name(2), 1)])
    await follow(connection)
    rows = await ledger(connection, "gw")
    assert len(rows) == MOST_NEW_STREAMS + 1
    assert sum(row["envelopes"] for row in rows) == 91
    (others,) = (row for row in rows if row["stream"] == "others")
    assert (others["expected"], others["difference"], others["readings"]) == (0, 0, 7 * others["envelopes"])
    assert sum(row["stored"] + row["to_come"] for row in rows) + others["envelopes"] in {91, 96}
    assert [row["stored"] for row in await ledger(connection, "old")] == [1, 1]
    tomorrow = NOON + timedelta(days=2)
    await commit(connection, [Sent("gw", stream_name(n), 1) for n in (500, 501)], tomorrow)
    await report(connection, "gw", status(stream_name(502), 1, 1), at=tomorrow)
    await follow(connection)
    assert len(await ledger(connection, "gw")) == MOST_NEW_STREAMS + 4
