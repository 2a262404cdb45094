"""The uplink while something is being broken: lines cut in the middle of an envelope, certificates that do not fit."""

from __future__ import annotations

import gc
import random
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import msgspec
import pytest
import trustme
from structlog.testing import capture_logs

from collector.uplink.settings import HttpsPlatform, MqttPlatform, Platform, UplinkSettings
from energy.clocks import DataClock
from energy.readings import Reading
from energy.transport.mqtt import MqttSettings
from energy.transport.tls import TlsSettings
from tests.support.eventually import eventually
from tests.support.http_platform import http_platform
from tests.support.private_broker import private_broker
from tests.support.tcp_proxy import TcpProxy, tcp_proxy
from tests.support.uplink_world import (
    QUICK,
    SLOW,
    Sending,
    broker_platform,
    new_address,
    open_spool,
    platform_of,
    sending,
)

SETTINGS = UplinkSettings(resend=SLOW, reconnect=QUICK, drain_s=0, window=8)
CUTS = 12


async def cut_in_the_middle(made: Sending, proxy: TcpProxy) -> int:
    """Spool large envelopes while the line breaks after some bytes again and again; returns how many."""
    chance = random.Random(11)  # noqa: S311 - a seed, so that a failure can be repeated
    await eventually(lambda: made.uplink.online)
    for cut in range(CUTS):
        proxy.cut_after = chance.randint(1, 9_000)  # an envelope of this test has some 4 000 bytes
        for part in range(3):
            at = DataClock().now_ms() - cut * 10 - part
            await made.spool.append([Reading(f"P-{number:03}", at, 1.0 / 3) for number in range(100)])
        await eventually(partial(has_broken, made, proxy))
    await eventually(lambda: made.spool.unconfirmed == 0, within=20)
    return made.spool.state().last_seq


def has_broken(made: Sending, proxy: TcpProxy) -> bool:
    """Whether the line broke, or everything got through before."""
    return proxy.cut_after is None or made.spool.unconfirmed == 0


async def test_an_mqtt_line_cut_in_the_middle_of_envelopes_loses_nothing(tmp_path: Path, mqtt: MqttSettings) -> None:
    """Half an envelope is none: the whole is sent again, byte for byte."""
    address = new_address()
    async with (
        tcp_proxy(mqtt.host, mqtt.port) as proxy,
        broker_platform(address, mqtt) as platform,
        open_spool(tmp_path, address.gateway) as spool,
    ):
        through = platform_of(msgspec.structs.replace(mqtt, host=proxy.host, port=proxy.port))
        async with sending(spool, address, (through,), SETTINGS) as made:
            last = await cut_in_the_middle(made, proxy)
            assert proxy.connections > 3
            assert platform.has_seen(set(range(1, last + 1)))
            assert all(len(bodies) == 1 for bodies in platform.bodies.values())


async def test_an_http_line_cut_in_the_middle_of_envelopes_loses_nothing(tmp_path: Path) -> None:
    """Half a request is none, and half an answer confirms nothing."""
    address = new_address()
    async with http_platform() as platform, open_spool(tmp_path, address.gateway) as spool:
        port = int(platform.url.rsplit(":", 1)[1].partition("/")[0])
        async with tcp_proxy("127.0.0.1", port) as proxy:
            through = HttpsPlatform(url=platform.url.replace(str(port), str(proxy.port)))
            async with sending(spool, address, (through,), SETTINGS) as made:
                last = await cut_in_the_middle(made, proxy)
                assert proxy.connections > 3
                assert set(platform.committed) == set(range(1, last + 1))
                assert all(len(bodies) == 1 for bodies in platform.committed.values())


class Certificates:
    """An authority with a server's and a gateway's certificate, as files.

    Attributes:
        ours: what a gateway needs that is trusted.
        without: the same without a certificate of its own.
        stranger: one that trusts another authority, and has its certificate from it.
    """

    def __init__(self, directory: Path) -> None:
        authority, other = trustme.CA(), trustme.CA()
        self._server = authority.issue_cert("127.0.0.1")
        self._authority = authority
        self.ca, self.cert, self.key = (directory / name for name in ("ca.pem", "server.pem", "server.key"))
        authority.cert_pem.write_to_path(self.ca)
        self._server.private_key_pem.write_to_path(self.key)
        for blob in self._server.cert_chain_pems:
            blob.write_to_path(self.cert, append=True)
        self.ours = self._client(directory, authority, "ours")
        self.without = TlsSettings(ca_file=self.ca)
        self.stranger = self._client(directory, other, "stranger")

    def server_context(self) -> ssl.SSLContext:
        """A server that lets in only who shows a certificate of the authority."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=self.ca)
        context.verify_mode = ssl.CERT_REQUIRED
        self._server.configure_cert(context)
        return context

    @staticmethod
    def _client(directory: Path, authority: trustme.CA, name: str) -> TlsSettings:
        made = authority.issue_cert(f"{name}.example.org")
        ca, cert, key = (directory / f"{name}-{part}.pem" for part in ("ca", "cert", "key"))
        authority.cert_pem.write_to_path(ca)
        made.cert_chain_pems[0].write_to_path(cert)
        made.private_key_pem.write_to_path(key)
        return TlsSettings(ca_file=ca, cert_file=cert, key_file=key)


async def arrives(path: Path, platform: Platform) -> tuple[bool, str]:
    """Whether an envelope gets through, else why the platform counts as lost."""
    address = new_address()
    with capture_logs() as lines:
        async with (
            open_spool(path, address.gateway, name=address.gateway) as spool,
            sending(spool, address, (platform,), SETTINGS) as made,
        ):
            await made.keep(1)
            await eventually(lambda: made.uplink.online or any(line["event"] == "platform_lost" for line in lines))
    return next(((False, str(line["reason"])) for line in lines if line["event"] == "platform_lost"), (True, ""))


@asynccontextmanager
async def tls_broker(path: Path, certificates: Certificates) -> AsyncIterator[MqttPlatform]:
    """A broker that speaks TLS only, and wants certificates."""
    lines = (
        "allow_anonymous true",
        f"cafile {certificates.ca}",
        f"certfile {certificates.cert}",
        f"keyfile {certificates.key}",
        "require_certificate true",
    )
    async with private_broker(path, *lines) as plain:
        yield platform_of(plain)


# paho leaves the socket of a failed handshake to the garbage collector, which closes it.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_a_broker_with_certificates(tmp_path: Path) -> None:
    """Both ends prove who they are; a wrong authority, or no certificate, and the line does not open."""
    certificates = Certificates(tmp_path)
    async with tls_broker(tmp_path, certificates) as plain:
        assert await arrives(tmp_path, msgspec.structs.replace(plain, tls=certificates.ours)) == (True, "")
        wrong, reason = await arrives(tmp_path, msgspec.structs.replace(plain, tls=certificates.stranger))
        assert not wrong
        assert "CERTIFICATE_VERIFY_FAILED" in reason
        assert not (await arrives(tmp_path, msgspec.structs.replace(plain, tls=certificates.without)))[0]
        assert not (await arrives(tmp_path, plain))[0]
    gc.collect()  # here, where the warning about those sockets is expected, and not in the next test


async def test_a_server_with_certificates(tmp_path: Path) -> None:
    """The same over HTTPS: a certificate is always verified."""
    certificates = Certificates(tmp_path)
    async with http_platform(context=certificates.server_context()) as platform:
        assert platform.url.startswith("https://")
        good = HttpsPlatform(url=platform.url, tls=certificates.ours)
        assert await arrives(tmp_path, good) == (True, "")
        assert platform.statuses
        told = len(platform.statuses)
        for tls in (certificates.stranger, None, certificates.without):
            through, reason = await arrives(tmp_path, msgspec.structs.replace(good, tls=tls))
            assert not through
            assert tls is certificates.without or "CERTIFICATE_VERIFY_FAILED" in reason
        assert len(platform.statuses) == told
