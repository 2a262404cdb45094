"""The uplink over HTTP push, against a platform that keeps to the contract or breaks it as a test tells it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from collector.spool.settings import SpoolSettings
from collector.uplink.settings import HttpsPlatform, ReconnectSettings, ResendSettings, UplinkSettings
from energy.clocks import DataClock
from energy.metrics import exposition
from energy.wire import Acknowledgement, Command, Refusal, RefusalCode, encode
from tests.support.eventually import eventually, never_within
from tests.support.http_platform import HttpPlatform, answer, cut, cut_after_commit, http_platform, wrong_stream
from tests.support.uplink_world import QUICK, SLOW, Sending, keep, new_address, open_spool, sending

PATIENT = UplinkSettings(resend=SLOW, reconnect=QUICK, drain_s=0)


@asynccontextmanager
async def world(
    path: Path, settings: UplinkSettings = PATIENT, *, keep_confirmed: bool = False, before: int = 0, **options: Any
) -> AsyncIterator[tuple[Sending, HttpPlatform]]:
    """An uplink and a platform that it posts to; `before` envelopes are spooled first."""
    address = new_address()
    spool_settings = SpoolSettings(keep_confirmed=keep_confirmed)
    async with open_spool(path, address.gateway, spool_settings) as spool, http_platform() as platform:
        await keep(spool, before)
        async with sending(spool, address, (HttpsPlatform(url=platform.url, **options),), settings) as made:
            yield made, platform


@pytest.mark.parametrize("gzip", [False, True])
async def test_an_answer_takes_and_confirms(tmp_path: Path, gzip: bool) -> None:  # noqa: FBT001 - pytest passes it
    """Everything arrives once, in requests beside each other, with the gateway's name and token."""
    secret = tmp_path / "token"
    secret.write_text("s3cret\n", encoding="utf-8")
    async with world(tmp_path, token_file=secret, gzip=gzip, connections=3) as (made, platform):
        platform.token = "s3cret"  # noqa: S105 - a test's own
        await eventually(lambda: made.uplink.online)
        await made.keep(30)
        await eventually(lambda: made.spool.unconfirmed == 0)
        assert set(platform.times) == set(range(1, 31))
        assert set(platform.times.values()) == {1}
        assert 1 <= platform.most_at_once <= 3
        assert platform.gateways == {f"610303/{made.uplink.gateway}"}
        await made.stop()
        assert [status.online for status in platform.statuses] == [True, False]


async def test_no_more_is_on_the_way_than_there_are_connections(tmp_path: Path) -> None:
    """A platform that is slow to commit holds up as many envelopes as requests, and loses none."""
    async with world(tmp_path, connections=2) as (made, platform):
        await eventually(lambda: made.uplink.online)
        platform.gate.clear()
        await made.keep(8)
        await eventually(lambda: platform.most_at_once == 2)
        await never_within(0.2, lambda: platform.most_at_once > 2)
        platform.gate.set()
        await eventually(lambda: made.spool.unconfirmed == 0)


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(answer(200, b"<html>Welcome</html>"), id="a 200 of somebody else"),
        pytest.param(answer(200), id="an empty 200"),
        pytest.param(answer(422, b"no"), id="a refusal that is none"),
        pytest.param(wrong_stream, id="another stream"),
    ],
)
async def test_a_status_code_alone_confirms_nothing(tmp_path: Path, fault: Callable[..., Any]) -> None:
    """Without an acknowledgement of the very number the envelope stays, and is sent again."""
    settings = UplinkSettings(resend=ResendSettings(first_s=0.3, most_s=0.3), reconnect=QUICK, drain_s=0)
    async with world(tmp_path, settings) as (made, platform):
        await eventually(lambda: made.uplink.online)
        platform.fail(fault)
        await made.keep(1)
        await never_within(0.2, lambda: made.spool.unconfirmed == 0)
        assert made.uplink.online
        await eventually(lambda: made.spool.unconfirmed == 0)
        assert platform.times == {1: 1}


async def test_answers_that_are_none_do_not_fill_the_log(tmp_path: Path) -> None:
    """Whatever stands in the way answers every envelope for weeks: one line, and every answer counted."""
    with capture_logs() as logs:
        async with world(
            tmp_path, UplinkSettings(resend=ResendSettings(first_s=0.05, most_s=0.2), reconnect=QUICK, drain_s=0)
        ) as (made, platform):
            platform.fail(*[answer(400, b"<html>no</html>")] * 5)
            await made.keep(1)
            await eventually(lambda: made.spool.unconfirmed == 0)
            counter = f'quotawatt_collector_unreadable_messages_total{{gateway="{made.uplink.gateway}",kind="ack"}} 5.0'
            assert counter in exposition()[0].decode()
    told = [(log["kind"], log["count"]) for log in logs if log["event"] == "message_unreadable"]
    assert told == [("ack", 1)]


async def test_an_envelope_refused_whole_leaves(tmp_path: Path) -> None:
    """A 400 with an acknowledgement that confirms the number is the platform's word, as on MQTT."""
    async with world(tmp_path) as (made, platform):
        await eventually(lambda: made.uplink.online)
        body = encode(Acknowledgement(1, made.spool.stream, [1], [Refusal(1, None, RefusalCode.TOO_LARGE, "too long")]))
        platform.fail(answer(400, body))
        await made.keep(1)
        await eventually(lambda: made.spool.unconfirmed == 0)
        assert not platform.times
        assert made.uplink.online


@pytest.mark.parametrize("status", [429, 503])
async def test_a_busy_platform_is_left_alone_as_long_as_it_says(tmp_path: Path, status: int) -> None:
    """Nothing more is sent before `Retry-After` is over, and the connection is not given up."""
    async with world(tmp_path, connections=2) as (made, platform):
        await eventually(lambda: made.uplink.online)
        loop = asyncio.get_running_loop()
        platform.fail(answer(status, Retry_After="1"))
        began = loop.time()
        await made.keep(6)
        await eventually(lambda: len(platform.times) > 2)  # one may have been on the way already, and one more
        assert loop.time() - began >= 0.99
        await eventually(lambda: made.spool.unconfirmed == 0)
        assert set(platform.times) == set(range(1, 7))
        assert [status.online for status in platform.statuses] == [True]


async def test_who_is_not_let_in_does_not_knock_all_the_time(tmp_path: Path) -> None:
    """The next attempt comes after the longest delay, since trying again seldom helps."""
    settings = UplinkSettings(resend=SLOW, reconnect=ReconnectSettings(first_s=0.01, most_s=600.0), drain_s=0)
    async with world(tmp_path, settings) as (_, platform):
        platform.token = "right"  # noqa: S105 - a test's own
        await eventually(lambda: platform.turned_away)
        await never_within(0.4, lambda: platform.turned_away > 1)


async def test_a_wait_may_be_given_as_a_time(tmp_path: Path) -> None:
    """It is compared with the answer's own date, since nobody's clock need be right."""
    later = format_datetime(DataClock().now().replace(year=2040, microsecond=0), usegmt=True)
    date = format_datetime(DataClock().now().replace(year=2040, microsecond=0), usegmt=True)
    async with world(tmp_path) as (made, platform):
        platform.fail(answer(503, Retry_After=later, Date=date))
        await made.keep(1)
        await eventually(lambda: made.spool.unconfirmed == 0)


@pytest.mark.parametrize("is_committed", [False, True])
async def test_an_answer_cut_in_the_middle_costs_a_repetition(
    tmp_path: Path,
    is_committed: bool,  # noqa: FBT001 - pytest passes it
) -> None:
    """Whether it was committed is unknown, so it is sent again, byte for byte."""
    async with world(tmp_path, connections=1) as (made, platform):
        await eventually(lambda: made.uplink.online)
        platform.fail(cut_after_commit(platform) if is_committed else cut)
        await made.keep(3)
        await eventually(lambda: made.spool.unconfirmed == 0)
        assert set(platform.times) == {1, 2, 3}
        assert all(len(bodies) == 1 for bodies in platform.committed.values())
        assert sum(platform.times.values()) == 3 + is_committed


async def test_who_is_not_let_in_says_so_once_and_tries_slowly(tmp_path: Path) -> None:
    """One line in the log; the readings wait on the disk."""
    settings = UplinkSettings(resend=SLOW, reconnect=ReconnectSettings(first_s=0.01, most_s=0.2), drain_s=0)
    secret = tmp_path / "token"
    secret.write_text("wrong", encoding="utf-8")
    with capture_logs() as lines:
        async with world(tmp_path, settings, token_file=secret) as (made, platform):
            platform.token = "right"  # noqa: S105 - a test's own
            await made.keep(1)
            await eventually(lambda: platform.tokens == {"Bearer wrong"})
            secret.write_text("right", encoding="utf-8")
            await eventually(lambda: made.spool.unconfirmed == 0)
    told = [line for line in lines if line["event"].startswith("platform_")]
    assert [line["event"] for line in told] == ["platform_lost", "platform_back"]
    assert "HTTP 401" in told[0]["reason"]
    assert "token_file" in told[0]["advice"]


@pytest.mark.parametrize("status", [302, 404, 500])
async def test_an_address_that_is_none_is_tried_again(tmp_path: Path, status: int) -> None:
    """No redirect is followed; the connection counts as lost, and nothing is confirmed."""
    async with world(tmp_path) as (made, platform):
        await eventually(lambda: made.uplink.online)
        platform.fail(answer(status, Location="https://example.org/"))
        await made.keep(2)
        await eventually(lambda: made.spool.unconfirmed == 0)
        assert set(platform.times) == {1, 2}


async def test_a_platform_that_is_too_slow_gets_it_again(tmp_path: Path) -> None:
    """Nobody waits for ever for an answer; that it was committed after all does no harm."""
    async with world(tmp_path, timeout_s=0.3, connections=1) as (made, platform):
        await eventually(lambda: made.uplink.online)
        platform.gate.clear()
        await made.keep(1)
        await eventually(lambda: not made.uplink.online)
        assert made.spool.unconfirmed == 1
        platform.gate.set()
        await eventually(lambda: made.spool.unconfirmed == 0)
        assert len(platform.committed[1]) == 1


async def test_envelopes_do_not_wait_for_the_status(tmp_path: Path) -> None:
    """A status that nobody answers holds up nothing."""
    settings = UplinkSettings(resend=SLOW, reconnect=QUICK, drain_s=0, status_interval_s=0.05)
    async with world(tmp_path, settings) as (made, platform):
        await eventually(lambda: len(platform.statuses) > 1)
        platform.status_gate.clear()
        told = len(platform.statuses)
        await never_within(0.2, lambda: len(platform.statuses) > told)
        await made.keep(3)
        await eventually(lambda: made.spool.unconfirmed == 0)
        assert len(platform.statuses) == told
        platform.status_gate.set()
        await eventually(lambda: len(platform.statuses) > told)


async def test_commands_come_in_the_answer_to_a_status(tmp_path: Path) -> None:
    """What was confirmed and kept for an audit is sent again."""
    settings = UplinkSettings(resend=SLOW, reconnect=QUICK, drain_s=0, status_interval_s=0.1)
    async with world(tmp_path, settings, keep_confirmed=True) as (made, platform):
        await made.keep(4)
        await eventually(lambda: made.spool.unconfirmed == 0)
        platform.commands = [
            Command(1, "resend", "f" * 32, [(1, 4)]),
            Command(1, "resend", made.spool.stream, [(2, 3)]),
        ]
        await eventually(lambda: platform.times[3] == 2)
        assert platform.times == {1: 1, 2: 2, 3: 2, 4: 1}


async def test_what_is_under_way_is_not_sent_beside_itself(tmp_path: Path) -> None:
    """A slow platform that asks again and again gets one request for each envelope, and the connection lasts."""
    settings = UplinkSettings(resend=SLOW, reconnect=QUICK, drain_s=0, status_interval_s=0.02)
    with capture_logs() as logs:
        async with world(tmp_path, settings, connections=1) as (made, platform):
            platform.gate.clear()
            await made.keep(1)
            for _ in range(3):
                platform.commands = [Command(1, "resend", made.spool.stream, [(1, 1)])]
                await eventually(lambda: not platform.commands)
            count = len(platform.statuses)
            await eventually(lambda: len(platform.statuses) > count + 1)
            platform.gate.set()
            await eventually(lambda: made.spool.unconfirmed == 0)
            assert platform.times == {1: 1}
    assert [log["event"] for log in logs if log["event"] == "platform_lost"] == []


async def test_a_clock_that_is_wrong_is_told_once(tmp_path: Path) -> None:
    """Each answer tells the platform's time; the log has one line when they part, and one when they agree."""
    with capture_logs() as lines:
        async with world(tmp_path) as (made, platform):
            platform.skew_ms = 120_000
            await made.keep(3)
            await eventually(lambda: made.spool.unconfirmed == 0)
            platform.skew_ms = 0
            await made.keep(3)
            await eventually(lambda: made.spool.unconfirmed == 0)
    told = [(line["event"], round(line["ahead_seconds"])) for line in lines if line["event"].startswith("clock_")]
    assert told == [("clock_skewed", -120), ("clock_agrees", 0)]
