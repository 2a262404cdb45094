"""What is known of streams after any commits and statuses in any order, against sets of numbers in Python."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

import pytest

from energy.queries import load_queries
from energy.registry.store import apply
from energy.storage import Connection
from energy.wire import Status
from ingest.following.fold import step
from tests.support import ingest_worker
from tests.support.follow_world import NOON, Sent, commit, follow, ledger, report, status, stream_name

GREATEST = 2**63 - 1


@pytest.fixture
def connection(undone: Connection) -> Connection:
    """One connection."""
    return undone


def numbers(ranges: Any) -> set[int]:
    """The numbers of a multirange as the driver gives it."""
    return {number for part in ranges for number in range(part.lower, part.upper)}


@dataclass
class Model:
    """One stream by its definition."""

    stored: set[int] = field(default_factory=set)
    refused: set[int] = field(default_factory=set)
    dropped: set[int] = field(default_factory=set)
    last_seq: int = 0
    kept_from: int = 1
    heard: dict[date, int] = field(default_factory=dict)

    def hear(self, day: date, seq: int) -> None:
        """A number was heard of on a day."""
        self.last_seq = max(self.last_seq, seq)
        self.heard[day] = max(self.heard.get(day, 0), seq)

    def part(self, number: int, *, superseded: bool) -> str:
        """What became of a number."""
        for name in ("stored", "refused", "dropped"):
            if number in getattr(self, name):
                return name
        return "to_come" if number >= self.kept_from and not superseded else "missing"

    def rows(self, *, superseded: bool) -> dict[date, dict[str, int]]:
        """The ledger: per day the numbers first heard of on it, by what became of them."""
        found, before = {}, 0
        for day in sorted(self.heard):
            row: dict[str, int] = defaultdict(int)
            for number in range(before + 1, self.heard[day] + 1):
                row[self.part(number, superseded=superseded)] += 1
            before = max(before, self.heard[day])
            found[day] = dict(row)
        return found


Event = tuple[str, Any]


def some_events(chance: random.Random, gateway: str) -> list[Event]:
    """Batches and statuses of one gateway with two streams, in no order that would make sense."""
    events: list[Event] = []
    for _ in range(chance.randrange(1, 12)):
        stream = stream_name(chance.choice([1, 1, 2]))
        at = NOON + timedelta(hours=chance.randrange(0, 60))
        if chance.random() < 0.6:
            envelopes = [
                Sent(gateway, stream, chance.randrange(1, 15), readings=chance.choice([0, 5, 5, 5]), rejected=2)
                for _ in range(chance.randrange(1, 6))
            ]
            events.append(("commit", (envelopes, at)))
        else:
            last = chance.randrange(0, 18)
            dropped = [
                (first, first + chance.randrange(-1, 4))
                for first in (chance.randrange(1, 15) for _ in range(chance.randrange(3)))
            ]
            kept = chance.choice([None, chance.randrange(1, 20)])
            told = status(stream, last, kept, dropped=[part for part in dropped if part[1] >= 1], at=at)
            events.append(("status", (told, at)))
    return events


def modelled(events: Sequence[Event]) -> tuple[dict[str, Model], str | None]:
    """The streams after `events`, and which of them the gateway has now."""
    streams: dict[str, Model] = defaultdict(Model)
    said: dict[str, set[str]] = {"status": set()}
    shown: Status | None = None
    for kind, (what, at) in events:
        day = (at + timedelta(hours=8)).date()
        if kind == "commit":
            for one in what:
                model = streams[one.stream]
                (model.stored if one.readings else model.refused).add(one.seq)
                model.hear(day, one.seq)
            continue
        model = streams[what.stream]
        known = what.stream in said["status"]
        said["status"].add(what.stream)
        model.hear(day, what.last_seq)
        for part in what.dropped:
            model.dropped.update(range(part.first, min(part.last, what.last_seq) + 1))
        floor = min(what.last_seq + 1, what.kept_from or GREATEST)
        model.kept_from = max(model.kept_from, floor)
        if shown is None or (
            (what.last_seq, what.kept_from or GREATEST) >= (shown.last_seq, shown.kept_from or GREATEST)
            if what.stream == shown.stream
            else what.at >= shown.at or not known
        ):
            shown = what
    return streams, shown.stream if shown else None


async def play(connection: Connection, gateway: str, events: Sequence[Event]) -> None:
    """Let `events` happen."""
    for kind, (what, at) in events:
        if kind == "commit":
            await commit(connection, what, at)
        else:
            await report(connection, gateway, what, at=at)


SEEDS = range(40)


async def test_every_number_is_in_the_right_part_and_the_parts_sum_up(connection: Connection) -> None:
    """Commits, repetitions, refusals, drops, late statuses and statuses of another stream in any order."""
    for seed in SEEDS:
        chance = random.Random(seed)  # noqa: S311 - a repeatable scenario, not a secret
        gateway = f"gw-{seed}"
        events = some_events(chance, gateway)
        for event in events:
            await play(connection, gateway, [event])
            if chance.random() < 0.3:
                await step(connection, 1, judge=True)
        await follow(connection, chance.choice([1, 2, 100]))
        await step(connection, 1, judge=True)  # an older stream is judged one look after it is first followed
        # Which streams the follower knew when a status came depends on when it followed; a model that follows at once
        # differs from it only in which stream is shown.
        streams, _ = modelled(events)
        shown = await connection.fetchval("select stream from gateway_status where gateway = $1", gateway)
        rows = await ledger(connection, gateway)
        assert [row["difference"] for row in rows] == [0] * len(rows)
        found: dict[str, dict[date, dict[str, int]]] = defaultdict(dict)
        for row in rows:
            parts = {name: int(row[name]) for name in ("stored", "refused", "dropped", "to_come", "missing")}
            found[row["stream"]][row["day"]] = {name: count for name, count in parts.items() if count}
            assert row["expected"] == sum(parts.values())
        assert found == {
            name: model.rows(superseded=shown is not None and shown != name) for name, model in streams.items()
        }, (seed, events)
        for name, model in streams.items():
            known = await connection.fetchrow(
                "select * from gateway_stream where gateway = $1 and stream = $2", gateway, name
            )
            assert known is not None
            got = {part: numbers(known[part]) for part in ("stored", "refused", "dropped")}
            assert got == {"stored": model.stored, "refused": model.refused, "dropped": model.dropped}
            assert (known["last_seq"], known["kept_from"]) == (model.last_seq, model.kept_from)


async def test_any_order_and_split_of_following_gives_the_same_rows(connection: Connection) -> None:
    """The same batches and statuses, shuffled, followed one by one or at once: streams and days are the same."""
    table = "select {} from {} where gateway = $1 order by stream, {}"
    streams = table.format(
        "stream, stored, refused, dropped, last_seq, kept_from, open, first_at, latest_at, reported_at",
        "gateway_stream",
        "stream",
    )
    days = table.format("stream, day, last_seq", "gateway_day", "day")
    for seed in range(20):
        chance = random.Random(1_000 + seed)  # noqa: S311 - a repeatable scenario, not a secret
        events = some_events(chance, "gw")
        outcomes = []
        for way in range(3):
            gateway = f"gw-{seed}-{way}"
            own = [
                (kind, ([replace(one, gateway=gateway) for one in what], at) if kind == "commit" else (what, at))
                for kind, (what, at) in events
            ]
            chance.shuffle(own)
            for event in own:
                await play(connection, gateway, [event])
                if way == 1:
                    await step(connection, 1, judge=True)
            await follow(connection, 2 if way == 2 else 100)
            count = await connection.fetchval(
                "select coalesce(sum(envelopes), 0)::int from gateway_day where gateway = $1", gateway
            )
            outcomes.append((await connection.fetch(streams, gateway), await connection.fetch(days, gateway), count))
        assert outcomes[0] == outcomes[1] == outcomes[2]
        every = {(one.stream, one.seq) for kind, (what, _) in events if kind == "commit" for one in what}
        assert outcomes[0][2] == len(every)


async def test_a_step_that_was_cut_off_is_repeated_and_counts_once(connection: Connection) -> None:
    """Rolled back as a killed worker's is; an envelope in two batches counts once, where it came first."""
    await commit(connection, [Sent("gw", stream_name(1), seq, 10, 3) for seq in (1, 2)])
    await commit(connection, [Sent("gw", stream_name(1), seq, 10, 3) for seq in (2, 3, 3)], NOON + timedelta(days=1))
    for _ in range(2):
        transaction = connection.transaction()
        await transaction.start()
        await step(connection, 1, judge=True)
        await transaction.rollback()
    assert await connection.fetchval("select count(*) from gateway_stream") == 0
    done = await follow(connection, 1)
    assert [progress.batches for progress in done] == [1, 1, 0]
    rows = await ledger(connection, "gw")
    assert [(r["expected"], r["stored"], r["envelopes"], r["readings"], r["rejected"]) for r in rows] == [
        (2, 2, 2, 20, 6),
        (1, 1, 1, 10, 3),
    ]


async def test_a_confirmed_envelope_is_never_taken_for_missing(connection: Connection) -> None:
    """A gateway forgets what is confirmed and says so at once; the follower is behind by any number of batches."""
    for seed in range(10):
        chance = random.Random(seed)  # noqa: S311 - a repeatable scenario, not a secret
        gateway, stream, kept, last = f"gw-{seed}", stream_name(seed), set[int](), 0
        for _ in range(40):
            match chance.randrange(4):
                case 0:
                    last += 1
                    kept.add(last)
                case 1 if kept:
                    taken = chance.sample(sorted(kept), chance.randrange(1, len(kept) + 1))
                    await commit(connection, [Sent(gateway, stream, seq) for seq in taken])
                    kept.difference_update(taken)
                case 2:
                    await report(connection, gateway, status(stream, last, min(kept, default=None)))
                case _:
                    progress = await step(connection, 1, judge=True)
                    assert not progress.missing
                    assert await connection.fetchval("select count(*) from gateway_stream where missing <> '{}'") == 0
        await report(connection, gateway, status(stream, last, min(kept, default=None)))
        assert not any(progress.missing for progress in await follow(connection))
        gap = await connection.fetchval("select open from gateway_stream where gateway = $1", gateway)
        assert numbers(gap) == kept


async def test_missing_numbers_are_named_once(connection: Connection) -> None:
    """When a status shows that the gateway keeps them no more; those that are found later are named then."""
    stream = stream_name(1)
    await commit(connection, [Sent("gw", stream, seq) for seq in (1, 2, 5, 9)])
    await report(connection, "gw", status(stream, 12, 6))
    (first,) = await follow(connection)
    assert [(one.gateway, one.stream, one.count, one.numbers) for one in first.missing] == [("gw", stream, 2, "3-4")]
    assert not (await follow(connection))[0].missing
    await report(connection, "gw", status(stream, 12, 9))
    (later,) = await follow(connection)
    assert [(one.count, one.numbers) for one in later.missing] == [(3, "6-8")]
    (gap,) = await connection.fetch("select * from board.gap")
    assert (gap["missing"], gap["missing_numbers"], gap["to_come"], gap["to_come_numbers"]) == (
        5,
        "3-4 6-8",
        3,
        "10-12",
    )
    await commit(connection, [Sent("gw", stream, seq) for seq in (3, 4, 6, 7, 8, 10, 11, 12)])
    assert not (await follow(connection))[0].missing
    assert not await connection.fetch("select * from board.gap")


async def test_a_lost_spool_leaves_its_old_numbers_missing_until_they_come(connection: Connection) -> None:
    """A new stream supersedes the old one; where the old spool comes back, its numbers are to come again."""
    old, new = stream_name(1), stream_name(2)
    await report(connection, "gw", status(old, 5, 3))
    await commit(connection, [Sent("gw", old, seq) for seq in (1, 2, 4)])
    await follow(connection)
    await report(connection, "gw", status(new, 1, 1, at=NOON - timedelta(days=9)))
    (progress,) = await follow(connection)
    assert [(one.stream, one.numbers) for one in progress.missing] == [(old, "3 5")]
    await report(connection, "gw", status(old, 6, 3, at=NOON - timedelta(hours=1)), at=NOON)
    await follow(connection)
    rows = {row["stream"]: row for row in await ledger(connection, "gw")}
    assert (rows[old]["to_come_numbers"], rows[new]["missing_numbers"]) == ("3 5-6", "1")


async def test_the_greatest_number_of_the_contract_breaks_nothing(connection: Connection) -> None:
    """A sender may write any number to 2^63 - 1; it is counted exactly, and holds up no other."""
    stream = stream_name(1)
    await commit(connection, [Sent("gw", stream, GREATEST), Sent("gw", stream, 1), Sent("other", stream, 1)])
    await report(connection, "gw", status(stream, GREATEST, GREATEST, dropped=[(5, GREATEST)]))
    await follow(connection)
    (row,) = await ledger(connection, "gw")
    assert (row["expected"], row["stored"], row["dropped"], row["missing"]) == (GREATEST, 2, GREATEST - 5, 3)
    assert (row["difference"], row["missing_numbers"]) == (0, "2-4")
    await report(connection, "gw", status(stream, GREATEST, None), at=NOON + timedelta(days=1))
    await commit(connection, [Sent("gw", stream, 2)], NOON + timedelta(days=2))
    await follow(connection)
    assert [int(row["expected"]) for row in await ledger(connection, "gw")] == [GREATEST, 0, 0]
    assert [row["missing_numbers"] for row in await connection.fetch("select * from board.gap")] == ["3-4"]
    assert len(await ledger(connection, "other")) == 1
    assert await connection.fetchval("select count(*) from board.gateway") == 0


async def test_days_are_those_of_the_units_zone(connection: Connection) -> None:
    """A unit elsewhere has its own midnight, also on the day on which the clock is set back; others have China's."""
    registry = ingest_worker.registry("gw-berlin", 1)
    unit = type(registry.units[0])(**{**_fields(registry.units[0]), "time_zone": "Europe/Berlin"})
    await apply(connection, type(registry)((unit,), registry.gateways, registry.meters, registry.points))
    hours = [NOON.replace(month=10, day=24, hour=21, minute=30) + timedelta(hours=hour) for hour in range(28)]
    for number, at in enumerate(hours, 1):
        await commit(
            connection, [Sent("gw-berlin", stream_name(1), number), Sent("gw-unknown", stream_name(1), number)], at
        )
    await follow(connection)
    berlin = {str(row["day"]): int(row["expected"]) for row in await ledger(connection, "gw-berlin")}
    assert berlin == {"2026-10-24": 1, "2026-10-25": 25, "2026-10-26": 2}
    unknown = {str(row["day"]): int(row["expected"]) for row in await ledger(connection, "gw-unknown")}
    assert unknown == {"2026-10-25": 19, "2026-10-26": 9}


def _fields(struct: Any) -> dict[str, Any]:
    return {name: getattr(struct, name) for name in struct.__struct_fields__}


async def test_what_upkeep_deletes_changes_no_later_day(connection: Connection) -> None:
    """Records of followed batches, and old days: also where a backlog came on a day after higher numbers."""
    for day, seqs in enumerate([(9,), range(1, 6), range(6, 9), (10, 12)]):
        await commit(connection, [Sent("gw", stream_name(1), seq) for seq in seqs], NOON + timedelta(days=day))
    await report(connection, "gw", status(stream_name(1), 12, None), at=NOON + timedelta(days=3))
    await follow(connection)
    last = (await ledger(connection, "gw"))[-1]
    assert (last["expected"], last["stored"], last["missing_numbers"]) == (3, 2, "11")
    records = load_queries("ingest.upkeep", "records.sql")
    await connection.execute(records.batches, NOON + timedelta(days=9), 100)
    await connection.execute(records.accounts, NOON + timedelta(days=3), 100)
    assert await connection.fetchval("select count(*) from batch_envelopes") == 0
    kept = await ledger(connection, "gw")
    assert kept[-1] == last
    assert len(kept) == 3
    await commit(connection, [Sent("gw", stream_name(1), seq) for seq in (9, 11)], NOON + timedelta(days=4))
    await follow(connection)
    assert [int(row["stored"]) for row in await ledger(connection, "gw")] == [9, 0, 3, 0]
