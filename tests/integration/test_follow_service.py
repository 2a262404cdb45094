"""The follower at work: gaps are asked for, on the way on which the gateway is reached, and close."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import msgspec

from energy.clocks import DataClock
from energy.errors import TransportError
from energy.readings import Reading
from energy.registry.store import apply
from energy.services import run_services
from energy.storage import Connection, StorageSettings
from energy.transport.mqtt import MqttSettings, connect
from energy.wire import Address, Command, decode_command, decode_status_answer, encode, encode_envelope
from energy.wire.push import STATUS_PATH
from ingest.following.commands import Commands
from ingest.following.follower import Follower
from ingest.following.holes import MOST_RANGES
from ingest.following.settings import FollowSettings
from tests.support import ingest_worker as worker
from tests.support.eventually import eventually, never_within
from tests.support.follow_world import NOON, REGION, Sent, commit, ledger, report, status, stream_name
from tests.support.http_push import envelope, pushing, with_http
from tests.support.ingest_world import START_MS

STREAM = stream_name(7)
QUICK = FollowSettings(pause_s=0.01, timer_s=0.1, check_s=0.05, ask_after_s=0.2, ask_most_s=60.0, silent_s=60.0)
IMPATIENT = msgspec.structs.replace(QUICK, silent_s=0.4)


@dataclass
class Told:
    """What a follower told gateways to do."""

    commands: list[tuple[Address, Command]] = field(default_factory=list)
    away: bool = False

    def __call__(self, address: Address, command: Command) -> None:
        """Remember a command; while the broker is away none can be sent."""
        if self.away:
            raise TransportError("the broker is away")
        self.commands.append((address, command))


@asynccontextmanager
async def following(
    database: StorageSettings, told: Told, settings: FollowSettings = QUICK, clock: DataClock | None = None
) -> AsyncIterator[asyncio.Event]:
    """Run a follower for the length of the block; yields what stops it earlier."""
    stop = asyncio.Event()
    follower = Follower(database, settings, clock or DataClock(), told)
    async with asyncio.TaskGroup() as group:
        group.create_task(run_services([follower], grace=5, stop=stop))
        try:
            yield stop
        finally:
            stop.set()


async def with_gap(connection: Connection, *, carrier: str = "mqtt", gateway: str = "gw") -> None:
    """Envelopes 1, 2 and 5 came; the gateway keeps what is from 3 on."""
    await commit(connection, [Sent(gateway, STREAM, seq) for seq in (1, 2, 5)])
    await report(connection, gateway, status(STREAM, 5, 3), carrier=carrier)


async def test_an_envelope_that_was_lost_on_the_way_is_asked_for_and_comes(
    connection: Connection, database: StorageSettings, mqtt: MqttSettings
) -> None:
    """A gateway whose broker threw a message away learns of it on its command topic, sends it, and the gap closes."""
    address = worker.address()
    await apply(connection, worker.registry(address.gateway, 1))
    envelopes = {
        seq: encode_envelope(STREAM, seq, [Reading(f"{address.gateway}-0", START_MS + seq, 1.0)]) for seq in range(1, 6)
    }
    settings = msgspec.structs.replace(worker.settings(database, mqtt), follow=QUICK)
    async with worker.running(settings), connect(mqtt) as link, asyncio.timeout(30):
        await link.subscribe(address.command)
        for seq in (1, 2, 5):
            await link.publish(address.up, envelopes[seq])
        await link.publish(address.status, encode(status(STREAM, 5, 3)))
        command = decode_command((await anext(aiter(link.messages))).payload)
        assert (command.command, command.stream, command.ranges) == ("resend", STREAM, [(3, 4)])
        for first, last in command.ranges:
            for seq in range(first, last + 1):
                await link.publish(address.up, envelopes[seq])

        async def closed() -> bool:
            return not await connection.fetch("select * from board.gap where gateway = $1", address.gateway)

        await eventually(closed, 20)
    (row,) = await ledger(connection, address.gateway)
    assert (row["expected"], row["stored"], row["missing"], row["readings"]) == (5, 5, 0, 5)


async def test_a_gateway_that_never_answers_is_asked_ever_more_seldom(
    connection: Connection, database: StorageSettings
) -> None:
    """With a first pause of a fifth of a second, the first second and a half holds no more than four requests."""
    await with_gap(connection)
    told = Told()
    async with following(database, told):
        await eventually(lambda: len(told.commands) >= 2, 20)
        try:
            await never_within(1.0, lambda: len(told.commands) > 4)
        finally:
            asked = await connection.fetchval("select asked from gateway_stream")
    assert {command.stream for _, command in told.commands} == {STREAM}
    assert {tuple(command.ranges) for _, command in told.commands} == {((3, 4),)}
    assert asked == len(told.commands)


async def test_nobody_is_asked_who_is_away(connection: Connection, database: StorageSettings) -> None:
    """Neither a gateway that is offline, nor anyone on a broker that is away; over HTTP they are meanwhile."""
    await with_gap(connection)
    await report(connection, "gw", status(None, online=False))
    told = Told()
    async with following(database, told):
        await never_within(0.6, lambda: told.commands)
        told.away = True
        await report(connection, "gw", status(STREAM, 5, 3))
        await with_gap(connection, carrier="http", gateway="gw-http")

        async def asked() -> bool:
            return bool(await connection.fetchval("select asked > 0 from gateway_stream where gateway = 'gw-http'"))

        await eventually(asked, 20)
        await never_within(0.3, lambda: told.commands)
        assert await connection.fetchval("select asked from gateway_stream where gateway = 'gw'") == 0
        told.away = False
        await eventually(lambda: told.commands, 20)


async def test_what_is_kept_no_more_is_asked_for_once(connection: Connection, database: StorageSettings) -> None:
    """The platform may have been restored from a backup; also a new leader does not ask again."""
    await commit(connection, [Sent("gw", STREAM, seq) for seq in (1, 9)])
    await report(connection, "gw", status(STREAM, 9, None))
    told = Told()
    for _ in range(2):
        async with following(database, told):
            await eventually(lambda: told.commands, 20)
            await never_within(0.5, lambda: len(told.commands) > 1)
    assert [command.ranges for _, command in told.commands] == [[(2, 8)]]


async def test_a_gateway_over_http_is_asked_in_the_answer_to_its_status(
    connection: Connection, database: StorageSettings
) -> None:
    """Nothing goes to its topic; any worker hands the command out, once, without what has come meanwhile."""
    await with_gap(connection, carrier="http")
    told, commands, address = Told(), Commands(database), Address(REGION, "gw")
    assert await commands.commands_for(address) == []
    async with following(database, told, msgspec.structs.replace(QUICK, ask_most_s=0.2)):

        async def waits() -> bool:
            return bool(await connection.fetchval("select wanted is not null from gateway_stream"))

        await eventually(waits, 20)
        assert await commands.commands_for(Address(REGION, "other")) == []
        assert [command.ranges for command in await commands.commands_for(address)] == [[(3, 4)]]
        await eventually(waits, 20)
        await commit(connection, [Sent("gw", STREAM, 3)])

        async def narrower() -> bool:
            return bool(await connection.fetchval("select not open @> 3::int8 from gateway_stream"))

        await eventually(narrower, 20)
        await eventually(waits, 20)
        handed = await asyncio.gather(*(commands.commands_for(address) for _ in range(8)))
    assert [command.ranges for some in handed for command in some] == [[(4, 4)]]
    assert told.commands == []


async def test_what_waits_for_a_gateway_is_handed_out_in_parts(
    connection: Connection, database: StorageSettings
) -> None:
    """A gateway that seldom posts a status is asked for much at last: no command is larger than others are."""
    numbers = range(2, 2 * MOST_RANGES + 12, 2)
    await commit(connection, [Sent("gw", STREAM, seq) for seq in range(1, numbers[-1] + 2, 2)])
    await report(connection, "gw", status(STREAM, numbers[-1] + 1, None), carrier="http")
    async with following(database, Told()):

        async def all_wait() -> bool:
            found = await connection.fetchval("select seq_count(wanted)::int from gateway_stream")
            return bool(found == len(numbers))

        await eventually(all_wait, 20)
    commands, address = Commands(database), Address(REGION, "gw")
    handed = [[command.ranges for command in await commands.commands_for(address)] for _ in range(3)]
    assert [len(one) for (one,) in handed[:2]] == [MOST_RANGES, len(numbers) - MOST_RANGES]
    assert [part for some in handed for one in some for part in one] == [(number, number) for number in numbers]


async def test_one_follows_and_another_takes_over(connection: Connection, database: StorageSettings) -> None:
    """Two workers ask no more often than one; when the one that leads loses its connection, following goes on."""
    await with_gap(connection)
    first, second = Told(), Told()
    async with following(database, first), following(database, second):
        await eventually(lambda: first.commands or second.commands, 20)
        await never_within(0.5, lambda: first.commands and second.commands)
        assert await connection.fetchval("select count(*) from pg_locks where locktype = 'advisory' and granted") == 1
        for seq in range(6, 12):
            await connection.execute(
                "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and granted"
            )
            await commit(connection, [Sent("gw", STREAM, seq)])

            async def stored(seq: int = seq) -> bool:
                return bool(await connection.fetchval("select stored @> $1::int8 from gateway_stream", seq))

            await eventually(stored, 20)
    (row,) = await ledger(connection, "gw")
    assert (row["expected"], row["stored"], row["to_come"], row["envelopes"]) == (11, 9, 2, 9)


async def test_a_gateway_over_http_that_is_silent_is_offline(connection: Connection, database: StorageSettings) -> None:
    """Not one whose envelopes come, and not one on MQTT, which has a last will; and not before we have listened."""
    clock = DataClock()
    now = clock.now()
    for gateway, carrier in (("gw-silent", "http"), ("gw-sends", "http"), ("gw-mqtt", "mqtt")):
        await report(connection, gateway, status(STREAM, 0, None, at=NOON), at=NOON, carrier=carrier)
    await commit(connection, [Sent("gw-sends", STREAM, 1)], now + timedelta(minutes=1))
    loop = asyncio.get_running_loop()

    async def online() -> set[str]:
        return {row["gateway"] for row in await connection.fetch("select gateway from gateway_status where online")}

    async def gone() -> bool:
        return await online() == {"gw-sends", "gw-mqtt"}

    began = loop.time()
    async with following(database, Told(), IMPATIENT, clock):
        await eventually(gone, 20)
        assert loop.time() - began >= IMPATIENT.silent_s
        await report(connection, "gw-silent", status(STREAM, 0, None), at=clock.now(), carrier="http")
        assert "gw-silent" in await online()


async def test_a_backlog_of_batches_is_followed_to_the_end(connection: Connection, database: StorageSettings) -> None:
    """After being away the follower takes many at a time until nothing is left."""
    for start in range(1, 301, 3):
        await commit(connection, [Sent("gw", STREAM, seq) for seq in range(start, start + 3)])
    settings = msgspec.structs.replace(QUICK, batches=7, timer_s=600.0)
    async with following(database, Told(), settings):

        async def all_stored() -> bool:
            return bool(await connection.fetchval("select seq_count(stored) = 300 from gateway_stream"))

        await eventually(all_stored, 20)
    assert await connection.fetchval("select count(*) from batch_envelopes where not followed") == 0


async def test_the_answer_to_a_posted_status_carries_the_command(
    connection: Connection, database: StorageSettings, mqtt: MqttSettings
) -> None:
    """The whole way over HTTP: envelopes with a gap, the command in the answer to a status, the gap closed."""
    address = worker.address()
    await apply(connection, worker.registry(address.gateway, 1))
    told = encode(status("a" * 32, 3, 2))
    settings = with_http(msgspec.structs.replace(worker.settings(database, mqtt), follow=QUICK))
    async with pushing(settings) as platform, asyncio.timeout(60):
        for seq in (1, 3):
            assert (await platform.post(address, envelope(address, seq))).status == 200

        async def asked() -> list[bytes]:
            answer = await platform.post(address, told, STATUS_PATH)
            return [bytes(command) for command in decode_status_answer(answer.body).commands]

        (command,) = await eventually(asked, 30)
        assert decode_command(command).ranges == [(2, 2)]
        assert (await platform.post(address, envelope(address, 2))).status == 200

        async def closed() -> bool:
            return not await connection.fetch("select * from board.gap where gateway = $1", address.gateway)

        await eventually(closed, 20)
    assert await connection.fetchval("select carrier from board.gateway") == "http"
