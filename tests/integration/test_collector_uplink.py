"""The uplink against a real broker and a platform that answers as a test tells it."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import msgspec
import pytest
from structlog.testing import capture_logs

from collector.spool.file import SpoolFile
from collector.spool.settings import SpoolSettings
from collector.spool.spool import Spool
from collector.uplink.outgoing import Outgoing
from collector.uplink.settings import ReconnectSettings, ResendSettings, UplinkSettings
from energy.clocks import DataClock
from energy.readings import Reading
from energy.transport.mqtt import MqttSettings
from energy.wire import Command, Refusal, RefusalCode, encode
from tests.support.eventually import eventually, never_within
from tests.support.tcp_proxy import tcp_proxy
from tests.support.uplink_world import QUICK, SLOW, world


async def test_everything_spooled_arrives_once(tmp_path: Path, mqtt: MqttSettings) -> None:
    """What is confirmed at once is sent once, new ones in their order, and the spool is empty at the end."""
    async with world(tmp_path, mqtt, UplinkSettings(window=4, resend=SLOW)) as made:
        await eventually(lambda: made.uplink.online)
        await made.keep(50)
        await eventually(lambda: made.spool.unconfirmed == 0)
        assert made.platform.order == list(range(1, 51))
        assert set(made.platform.times.values()) == {1}


async def test_the_brokers_own_acknowledgement_frees_nothing(tmp_path: Path, mqtt: MqttSettings) -> None:
    """Without ingest's word the window stays full, and no more than the window is on the way.

    Trap: acknowledged on receipt, stored never.
    """
    async with world(tmp_path, mqtt, UplinkSettings(window=3, resend=SLOW, drain_s=0)) as made:
        made.platform.confirming = False
        await eventually(lambda: made.uplink.online)
        await made.keep(10)
        await eventually(lambda: len(made.platform.times) == 3)
        await never_within(0.3, lambda: len(made.platform.times) > 3)
        assert made.spool.unconfirmed == 10
        await made.platform.confirm(made.spool.stream, [2, 7, 99])
        await eventually(lambda: set(made.platform.times) == {1, 2, 3, 4})
        assert made.spool.unconfirmed == 9


async def test_what_is_not_confirmed_is_sent_again_byte_for_byte(tmp_path: Path, mqtt: MqttSettings) -> None:
    """The same bytes, with growing delay, until somebody is done with them."""
    async with world(tmp_path, mqtt, UplinkSettings(resend=ResendSettings(first_s=0.05, most_s=0.2))) as made:
        made.platform.confirming = False
        await made.keep(2)
        await eventually(lambda: made.platform.times[1] > 3 and made.platform.times[2] > 3)
        assert all(len(bodies) == 1 for bodies in made.platform.bodies.values())
        made.platform.confirming = True
        await eventually(lambda: made.spool.unconfirmed == 0)


async def test_an_outage_in_the_middle_loses_nothing(tmp_path: Path, mqtt: MqttSettings) -> None:
    """After a cut line everything unconfirmed is sent again, and all arrives."""
    async with tcp_proxy(mqtt.host, mqtt.port) as proxy:
        through = msgspec.structs.replace(mqtt, host=proxy.host, port=proxy.port)
        settings = UplinkSettings(window=8, resend=SLOW, reconnect=QUICK)
        async with world(tmp_path, mqtt, settings, through=through) as made:
            await made.keep(20)
            await eventually(lambda: made.platform.times)
            await proxy.cut()
            await eventually(lambda: not made.uplink.online)
            await made.keep(20)
            await proxy.restore()
            await eventually(lambda: made.spool.unconfirmed == 0, within=20)
            assert set(made.platform.times) == set(range(1, 41))
            assert all(len(bodies) == 1 for bodies in made.platform.bodies.values())


async def test_the_status_tells_what_is_kept_and_what_was_dropped(tmp_path: Path, mqtt: MqttSettings) -> None:
    """On connecting, when a bound drops, and at the end that the gateway is gone."""
    bound = SpoolSettings(max_bytes=262_144)
    settings = UplinkSettings(window=2, resend=SLOW, drain_s=0)
    async with world(tmp_path, mqtt, settings, spool_settings=bound) as made:
        made.platform.confirming = False
        await eventually(lambda: made.platform.statuses)
        first = made.platform.statuses[0]
        assert (first.online, first.stream, first.last_seq, first.kept_from) == (True, made.spool.stream, 0, None)
        now = DataClock().now_ms()
        readings = [Reading("P-1", now, float(number)) for number in range(100)]
        while not made.spool.state().dropped:
            await made.spool.append(readings)
        await eventually(lambda: made.platform.statuses[-1].dropped)
        assert made.platform.statuses[-1].dropped[0].first == 1
        assert made.platform.statuses[-1].kept_from == made.spool.state().kept_from
        await made.stop()
        await eventually(lambda: not made.platform.statuses[-1].online)
        assert made.platform.statuses[-1].stream == made.spool.stream


async def test_a_spool_that_drops_all_the_time_does_not_tell_all_the_time(tmp_path: Path, mqtt: MqttSettings) -> None:
    """At most one status a second tells of drops, and the last of them tells all."""
    bound = SpoolSettings(max_bytes=262_144)
    settings = UplinkSettings(window=2, resend=SLOW, drain_s=0)
    async with world(tmp_path, mqtt, settings, spool_settings=bound) as made:
        made.platform.confirming = False
        await eventually(lambda: made.platform.statuses)
        began = asyncio.get_running_loop().time()
        readings = [Reading("P-1", DataClock().now_ms(), float(number)) for number in range(100)]
        for _ in range(200):
            await made.spool.append(readings)
        told_of_all = made.spool.state().dropped
        await eventually(lambda: tuple(made.platform.statuses[-1].dropped) == told_of_all)
        assert len(made.platform.statuses) - 1 <= 1 + asyncio.get_running_loop().time() - began


async def test_a_refused_envelope_leaves_and_a_foreign_stream_is_ignored(tmp_path: Path, mqtt: MqttSettings) -> None:
    """A refusal is ingest's word too; the acknowledgement of an earlier stream frees nothing.

    Trap: what cannot be read fills the window.
    """
    async with world(tmp_path, mqtt, UplinkSettings(resend=SLOW, drain_s=0)) as made:
        made.platform.confirming = False
        await made.keep(2)
        await eventually(lambda: len(made.platform.times) == 2)
        await made.platform.confirm("f" * 32, [1, 2])
        # An answer to a message that could not be read names no stream, and so confirms nothing.
        await made.platform.confirm(None, [2])
        await made.platform.link.publish(made.platform.address.ack, b"not json")
        refusal = Refusal(1, 0, RefusalCode.UNKNOWN_POINT, "P-1")
        await made.platform.confirm(made.spool.stream, [1], (refusal,))
        await eventually(lambda: made.spool.unconfirmed <= 1)
        assert [number for number, _ in await made.spool.fetch(0, 9)] == [2]


async def test_a_lasting_refusal_is_logged_once(tmp_path: Path, mqtt: MqttSettings) -> None:
    """Every envelope is refused and leaves; the log tells it of the point, once."""
    with capture_logs() as lines:
        async with world(tmp_path, mqtt, UplinkSettings(resend=SLOW, drain_s=0)) as made:
            made.platform.confirming = False
            await made.keep(5)
            await eventually(lambda: len(made.platform.times) == 5)
            for number in range(1, 6):
                refusal = Refusal(number, 0, RefusalCode.UNKNOWN_POINT, "nobody knows it")
                await made.platform.confirm(made.spool.stream, [number], (refusal,))
            await eventually(lambda: made.spool.unconfirmed == 0)
    told = [(line["event"], line["point"], line["seq"]) for line in lines if line["event"].startswith("refus")]
    assert told == [("refusal_began", "P-1", 1)]


async def test_the_platform_may_ask_again(tmp_path: Path, mqtt: MqttSettings) -> None:
    """What is still unconfirmed is sent at once; what was confirmed and kept for an audit comes back too."""
    audit = SpoolSettings(keep_confirmed=True)
    settings = UplinkSettings(window=4, resend=SLOW, drain_s=0)
    async with world(tmp_path, mqtt, settings, spool_settings=audit) as made:
        await made.keep(6)
        await eventually(lambda: made.spool.unconfirmed == 0)
        made.platform.confirming = False
        await made.keep(1)
        await eventually(lambda: made.platform.times[7] == 1)
        command = encode(Command(1, "resend", made.spool.stream, [(2, 3), (7, 9)]))
        await made.platform.link.publish(made.platform.address.command, command)
        await eventually(lambda: made.platform.times[7] == 2 and made.platform.times[3] == 2)
        assert {number: times for number, times in made.platform.times.items() if times > 1} == {2: 2, 3: 2, 7: 2}
        foreign = encode(Command(1, "resend", "f" * 32, [(1, 9)]))
        await made.platform.link.publish(made.platform.address.command, foreign)
        await made.platform.link.publish(made.platform.address.command, b"{}")
        await never_within(0.2, lambda: made.platform.times[1] > 1)


async def fill(outgoing: Outgoing) -> None:
    """Take all that may be taken."""
    while await outgoing.take_next(0.0):
        pass


class SlowSpool(Spool):
    """A spool whose readers wait at a gate with what they fetched."""

    def __init__(self, path: Path, thread: ThreadPoolExecutor) -> None:
        super().__init__("gw-1", SpoolFile(path, SpoolSettings(keep_confirmed=True)), DataClock(), thread)
        self.gate, self.fetching = asyncio.Event(), asyncio.Event()

    async def fetch(
        self, after: int, limit: int, *, until: int | None = None, border: bool | None = None
    ) -> list[tuple[int, bytes]]:
        """Fetch, and hand over when the gate is open."""
        rows = await super().fetch(after, limit, until=until, border=border)
        self.fetching.set()
        await self.gate.wait()
        return rows


async def test_a_command_in_the_middle_of_a_fetch_is_not_lost(tmp_path: Path) -> None:
    """What the platform asks for again is sent, although the reading of newer envelopes was under way."""
    with ThreadPoolExecutor(1) as thread:
        spool = SlowSpool(tmp_path / "spool.sqlite3", thread)
        await spool.open()
        try:
            outgoing = Outgoing(spool, UplinkSettings(), DataClock())
            for _ in range(3):
                await spool.append([Reading("P-1", DataClock().now_ms(), 1.0)])
            await spool.confirm([1, 2])
            outgoing.restart(1_000, 1.0)
            async with asyncio.TaskGroup() as group:
                group.create_task(fill(outgoing))
                await spool.fetching.wait()
                await outgoing.on_command(Command(1, "resend", spool.stream, [(1, 2)]))
                spool.gate.set()
            assert [envelope.number for envelope in outgoing.take_due(0.0)] == [1, 2, 3]
        finally:
            await spool.close()


async def test_a_disk_that_refuses_does_not_stop_the_uplink(tmp_path: Path, mqtt: MqttSettings) -> None:
    """What is on disk already is sent, all of it; only the writing down of the confirmations waits."""
    settings = UplinkSettings(
        window=4, resend=SLOW, reconnect=ReconnectSettings(first_s=600.0, most_s=600.0), status_interval_s=0.1
    )
    async with world(tmp_path, mqtt, settings) as made:
        made.platform.confirming = False
        await eventually(lambda: made.uplink.online)
        await made.keep(150)
        await eventually(lambda: len(made.platform.times) == 4)
        execute = made.spool._file._database.execute
        await made.spool._do(execute, "pragma query_only = on")
        made.platform.confirming = True
        await made.platform.confirm(made.spool.stream, [1, 2, 3, 4])
        await eventually(lambda: made.platform.has_seen(set(range(1, 151))), within=20)
        await eventually(lambda: made.spool.unconfirmed == 0)
        assert made.spool.state().kept == 150
        await made.spool._do(execute, "pragma query_only = off")
        await eventually(lambda: made.spool.state().kept == 0)
        assert made.uplink.online


async def test_a_stop_waits_for_the_last_confirmations(tmp_path: Path, mqtt: MqttSettings) -> None:
    """An orderly stop leaves an empty spool where the platform answers."""
    async with world(tmp_path, mqtt, UplinkSettings(window=2, resend=SLOW)) as made:
        await eventually(lambda: made.uplink.online)
        await made.keep(30)
        await made.stop()
        assert made.spool.unconfirmed == 0
        assert len(made.platform.times) == 30


async def test_a_stop_does_not_wait_for_ever(tmp_path: Path, mqtt: MqttSettings) -> None:
    """Where nobody confirms, what is unconfirmed stays on disk."""
    async with world(tmp_path, mqtt, UplinkSettings(resend=SLOW, drain_s=0.1)) as made:
        made.platform.confirming = False
        await made.keep(3)
        await eventually(lambda: len(made.platform.times) == 3)
        await made.stop()
        assert made.spool.unconfirmed == 3


async def test_a_stop_without_broker_is_quick(tmp_path: Path, mqtt: MqttSettings) -> None:
    """The delay before the next attempt is not waited for."""
    async with tcp_proxy(mqtt.host, mqtt.port) as proxy:
        await proxy.cut()
        through = msgspec.structs.replace(mqtt, host=proxy.host, port=proxy.port)
        async with world(
            tmp_path, mqtt, UplinkSettings(reconnect=ReconnectSettings(first_s=600.0, most_s=600.0)), through=through
        ) as made:
            await made.keep(1)
            assert not made.uplink.online
            await made.stop()
        assert made.spool.unconfirmed == 1


async def test_a_stop_does_not_wait_for_a_broker_that_says_nothing(tmp_path: Path, mqtt: MqttSettings) -> None:
    """An attempt to connect that hangs is given up."""
    async with tcp_proxy(mqtt.host, mqtt.port) as proxy:
        proxy.stall()
        through = msgspec.structs.replace(mqtt, host=proxy.host, port=proxy.port, timeout=60.0)
        async with world(tmp_path, mqtt, UplinkSettings(), through=through) as made:
            await eventually(lambda: proxy.connections)
            async with asyncio.timeout(5):
                await made.stop()


@pytest.mark.parametrize("rounds", [3])
async def test_the_window_starts_over_where_the_spool_stands(tmp_path: Path, mqtt: MqttSettings, rounds: int) -> None:
    """Restart after restart without a confirmation, the numbers go on and nothing is forgotten."""
    for number in range(1, rounds + 1):
        async with world(tmp_path, mqtt, UplinkSettings(resend=SLOW, drain_s=0)) as made:
            made.platform.confirming = False
            await made.keep(2)
            await eventually(partial(made.platform.has_seen, set(range(1, 2 * number + 1))))
