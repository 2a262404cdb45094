"""Who may push: by token, by certificate, on the loopback without either; nobody in another's name."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from prometheus_client import REGISTRY

from collector.uplink.settings import HttpsPlatform, ResendSettings, UplinkSettings
from energy.clocks import ClockSettings, DataClock
from energy.readings import Reading
from energy.registry.store import apply
from energy.storage import Connection, StorageSettings
from energy.transport.mqtt import MqttSettings
from energy.transport.tls import TlsSettings
from energy.wire import Address, RefusalCode
from energy.wire.push import GATEWAY_HEADER, READINGS_PATH, STATUS_PATH
from ingest.receiving.http import files
from ingest.settings import IngestSettings
from tests.support import ingest_worker as worker
from tests.support.eventually import eventually
from tests.support.http_push import HOST, Authority, Pushing, envelope, head, pushing, raw, with_http, write_tokens
from tests.support.uplink_world import QUICK, open_spool, sending

IMPATIENT = UplinkSettings(resend=ResendSettings(first_s=0.2, most_s=1.0), reconnect=QUICK, drain_s=5)


@pytest.fixture
def settings(database: StorageSettings, mqtt: MqttSettings) -> IngestSettings:
    """A worker without HTTP push."""
    return worker.settings(database, mqtt)


@pytest.fixture
async def gateways(connection: Connection) -> tuple[Address, Address]:
    """Two registered gateways."""
    made = worker.address(), worker.address()
    for address in made:
        await apply(connection, worker.registry(address.gateway, 1))
    return made


async def written(connection: Connection) -> int:
    """All that a request may have left in the database; the broker may have kept statuses of other tests' gateways."""
    count: int = await connection.fetchval(
        "select (select count(*) from readings) + (select count(*) from rejects)"
        " + (select count(*) from gateway_status where carrier = 'http')"
    )
    return count


async def send_up(push: Pushing, address: Address, directory: Path, **options: Any) -> None:
    """Let the collector's own uplink send thirty envelopes, and wait until all are confirmed."""
    platform = HttpsPlatform(url=push.base, connections=4, timeout_s=10.0, **options)
    async with open_spool(directory, address.gateway) as spool, sending(spool, address, (platform,), IMPATIENT) as made:
        now = DataClock().now_ms()
        for number in range(30):
            await spool.append([Reading(f"{address.gateway}-0", now - number, float(number))])
        await eventually(lambda: spool.unconfirmed == 0, 30)
        await made.stop()


@pytest.mark.parametrize("gzip", [False, True])
async def test_a_collector_gets_in_by_its_token(
    tmp_path: Path,
    connection: Connection,
    settings: IngestSettings,
    gateways: tuple[Address, Address],
    gzip: bool,  # noqa: FBT001 - pytest passes it
) -> None:
    """Over TLS, through the uplink that collectors run; everything is stored, and its status is known."""
    gateway, _ = gateways
    authority = Authority(tmp_path)
    (tmp_path / "secret").write_text("t0ken\n", encoding="utf-8")
    tokens = write_tokens(tmp_path / "tokens.toml", {gateway.gateway: ["t0ken"]})
    now = msgspec.structs.replace(settings, clock=ClockSettings())
    async with pushing(with_http(now, tokens_file=tokens, tls=authority.server(), prefix="/push")) as push:
        options = {"token_file": tmp_path / "secret", "tls": TlsSettings(ca_file=authority.file), "gzip": gzip}
        await send_up(push, gateway, tmp_path, **options)
    assert await connection.fetchval("select count(*) from readings") == 30
    assert await connection.fetchval("select online from gateway_status where gateway = $1", gateway.gateway) is False


@pytest.mark.parametrize("by_common_name", [False, True])
async def test_a_collector_gets_in_by_its_certificate(
    tmp_path: Path,
    connection: Connection,
    settings: IngestSettings,
    gateways: tuple[Address, Address],
    by_common_name: bool,  # noqa: FBT001 - pytest passes it
) -> None:
    """Whose subject's common name, or one of whose DNS names, is the gateway's code."""
    gateway, _ = gateways
    ours, theirs = Authority(tmp_path), Authority(tmp_path, "gateways")
    names = ("box.example.org",) if by_common_name else ("box.example.org", gateway.gateway)
    tls = theirs.client(*names, common_name=gateway.gateway if by_common_name else None, trust=ours.file)
    now = msgspec.structs.replace(settings, clock=ClockSettings())
    async with pushing(with_http(now, tls=ours.server(theirs.file))) as push:
        await send_up(push, gateway, tmp_path, tls=tls)
    assert await connection.fetchval("select count(*) from readings") == 30


async def test_who_shows_no_certificate_is_cut_off(
    tmp_path: Path, connection: Connection, settings: IngestSettings, gateways: tuple[Address, Address]
) -> None:
    """Also who shows one of another authority; with tokens beside it, a certificate is not needed."""
    gateway, _ = gateways
    ours, theirs, nobody = Authority(tmp_path), Authority(tmp_path, "gateways"), Authority(tmp_path, "nobody")
    foreign = nobody.client(gateway.gateway, trust=ours.file).context("the test")
    without = ssl.create_default_context(cafile=ours.file)
    async with pushing(with_http(settings, tls=ours.server(theirs.file)), without) as push:
        for context in (without, foreign):
            try:
                answer = await raw(push.port, head(gateway), context=context)
            except OSError:  # a broken handshake shows in one way or the other
                answer = b""
            assert answer == b""
    tokens = write_tokens(tmp_path / "tokens.toml", {gateway.gateway: ["t0ken"]})
    both = with_http(settings, tls=ours.server(theirs.file), tokens_file=tokens)
    async with pushing(both, without) as push:
        assert (await push.post(gateway, envelope(gateway))).status == 401
        assert await written(connection) == 0
        assert (await push.post(gateway, envelope(gateway), Authorization="Bearer t0ken")).status == 200


async def test_nobody_sends_in_anothers_name(
    tmp_path: Path, connection: Connection, settings: IngestSettings, gateways: tuple[Address, Address]
) -> None:
    """403 where the proof is another gateway's, 401 where there is none; neither leaves anything behind."""
    one, other = gateways
    tokens = write_tokens(
        tmp_path / "tokens.toml", {one.gateway: ["of-one", "of-one-too"], other.gateway: ["of-other"]}
    )
    async with pushing(with_http(settings, tokens_file=tokens)) as push:
        for path in (READINGS_PATH, STATUS_PATH):
            for body in (envelope(other), b"nonsense"):
                answer = await push.post(other, body, path, Authorization="Bearer of-one")
                assert (answer.status, answer.headers.get("WWW-Authenticate")) == (403, None)
            for wrong in (
                "Bearer of-nobody",
                "Bearer ",
                "Bearer",
                "Basic of-other",
                "of-other",
                "",
                "Bearer of-ötherß",
            ):
                answer = await push.post(other, envelope(other), path, Authorization=wrong)
                assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, "Bearer"), wrong
            assert (await push.post(other, envelope(other), path)).status == 401
            assert (await push.post(None, envelope(other), path, Authorization="Bearer of-other")).status == 401
            # A stranger's connection is not kept for more of the same.
            assert b"\r\nconnection: close\r\n" in (await raw(push.port, head(other, path=path))).lower()
        assert await written(connection) == 0
        for token in ("of-one", "of-one-too"):
            assert (await push.post(one, envelope(one), Authorization=f"bearer {token}")).status == 200


async def test_a_header_that_names_nobody_is_not_believed(connection: Connection, settings: IngestSettings) -> None:
    """Region and gateway are well-formed, or nothing is taken."""
    async with pushing(with_http(settings)) as push:
        for header in ("610303", "61030/gw-1", "610303/", "610303/GW", "610303/gw-1/up", "/gw-1", "x" * 900):
            answer = await push.post(None, b"{}", **{GATEWAY_HEADER: header})
            assert answer.status == 401, header
        assert await written(connection) == 0


async def test_a_point_of_another_gateway_is_refused(
    connection: Connection, settings: IngestSettings, gateways: tuple[Address, Address]
) -> None:
    """Who is let in may still write its own points only."""
    one, other = gateways
    async with pushing(with_http(settings)) as push:
        answer = await push.post(one, envelope(other))
    assert [refusal.code for refusal in answer.acknowledgement.refused] == [RefusalCode.NOT_OWNER]
    assert await connection.fetchval("select count(*) from readings") == 0


async def test_tokens_and_certificates_change_while_we_run(
    tmp_path: Path, settings: IngestSettings, gateways: tuple[Address, Address], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new token is taken, an old one no more; a faulty file changes nothing; a renewed certificate is shown."""
    monkeypatch.setattr(files, "LOOK_S", 0.05)
    one, _ = gateways
    authority = Authority(tmp_path)
    tokens = write_tokens(tmp_path / "tokens.toml", {one.gateway: ["old"]})
    tls = authority.server()
    context = ssl.create_default_context(cafile=authority.file)
    async with pushing(with_http(settings, tokens_file=tokens, tls=tls), context) as push:

        async def status(token: str) -> int:
            return (await push.post(one, envelope(one), Authorization=f"Bearer {token}")).status

        assert (await status("old"), await status("new")) == (200, 401)
        write_tokens(tokens, {one.gateway: ["old", "new"]})
        await eventually(lambda: _is(200, status, "new"))
        faulty = unusable_files()
        tokens.write_text("gateways = 7", encoding="utf-8")
        await eventually(lambda: unusable_files() > faulty)
        assert (await status("old"), await status("new")) == (200, 200)
        write_tokens(tokens, {one.gateway: ["new"]})
        await eventually(lambda: _is(401, status, "old"))
        assert await status("new") == 200
        before = await _shown(push, context)
        authority.server()
        await eventually(lambda: _differs(before, push, context))


def unusable_files() -> float:
    """How many changed files could not be used so far, in this process."""
    return REGISTRY.get_sample_value("quotawatt_ingest_http_files_total", {"usable": "no"}) or 0.0


async def _is(expected: int, status: Callable[[str], Any], token: str) -> bool:
    return bool(await status(token) == expected)


async def _shown(push: Pushing, context: ssl.SSLContext) -> Any:
    """Which certificate the server shows now."""
    _, writer = await asyncio.open_connection(HOST, push.port, ssl=context)
    try:
        return writer.get_extra_info("peercert")["serialNumber"]
    finally:
        writer.transport.abort()


async def _differs(before: Any, push: Pushing, context: ssl.SSLContext) -> bool:
    return bool(await _shown(push, context) != before)
