"""The Modbus line with TLS: whom it trusts, and whom it shows itself to."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Coroutine
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import trustme
import uvloop

from collector.drivers.modbus.line import ModbusLine, modbus_line
from collector.drivers.modbus.settings import ModbusMeter, ModbusTlsLine
from collector.errors import LineError, LostLineError, MismatchError, SilentUnitError
from collector.planning.planner import Read
from energy.transport.tls import TlsSettings
from tests.support.modbus_peer import modbus_peer, reply

TWO_WORDS = Read(3, 10, 2, ())
METERS = (ModbusMeter(unit_id=1, profile="generic_belt_scale", point="a"),)


class Certificates:
    """A plant's authority, and another one that nobody should trust."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._ours, self._others = trustme.CA(), trustme.CA()
        self.ca_file = self._write("ca", self._ours.cert_pem)
        self.other_ca_file = self._write("other_ca", self._others.cert_pem)

    def server(self, name: str = "127.0.0.1", *, asks: bool = False) -> ssl.SSLContext:
        """A server's side, which may ask for the client's certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._ours.issue_cert(name).configure_cert(context)
        if asks:
            context.verify_mode = ssl.CERT_REQUIRED
            self._ours.configure_trust(context)
        return context

    def client(self, *, foreign: bool = False) -> TlsSettings:
        """Settings with a certificate of the client's own."""
        issued = (self._others if foreign else self._ours).issue_cert("gateway.plant")
        return TlsSettings(
            ca_file=self.ca_file,
            cert_file=self._write("client", issued.cert_chain_pems[0]),
            key_file=self._write("client_key", issued.private_key_pem),
        )

    def _write(self, name: str, blob: trustme.Blob) -> Path:
        path = self._directory / f"{name}.pem"
        blob.write_to_path(str(path))
        return path


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    """New ones for each test."""
    return Certificates(tmp_path)


def tls_line(port: int, tls: TlsSettings, *, time_out: float = 5) -> ModbusLine:
    """A line to that port."""
    settings = ModbusTlsLine(host="127.0.0.1", port=port, tls=tls, time_out_s=time_out, meters=METERS)
    return modbus_line(settings, lambda: 1_000)


def right(request: bytes) -> bytes:
    """The right answer."""
    return reply(request, [0x1234, 0x5678])


async def test_a_verified_server_is_read(certificates: Certificates) -> None:
    """One connection serves all reads."""
    async with modbus_peer(right, tls=certificates.server()) as peer:
        with closing(tls_line(peer.port, TlsSettings(ca_file=certificates.ca_file))) as line:
            for _ in range(3):
                assert (await line.ask(1, TWO_WORDS)).data == b"\x12\x34\x56\x78"
        assert peer.connections == 1


async def test_answers_are_judged_as_without_tls(certificates: Certificates) -> None:
    """Pymodbus itself takes whatever one read from the socket brings for one answer."""
    async with modbus_peer(lambda request: right(request) * 2, tls=certificates.server()) as peer:
        with closing(tls_line(peer.port, TlsSettings(ca_file=certificates.ca_file))) as line:
            with pytest.raises(MismatchError, match="bytes after the end"):
                await line.ask(1, TWO_WORDS)
            assert not line.connected
            peer.answer = right
            assert (await line.ask(1, TWO_WORDS)).data == b"\x12\x34\x56\x78"


@pytest.mark.parametrize("trusted", ["other", "system"])
async def test_a_server_of_another_authority_is_not_read(certificates: Certificates, trusted: str) -> None:
    """Nothing is sent to it; the message says why."""
    tls = TlsSettings(ca_file=certificates.other_ca_file if trusted == "other" else None)
    async with modbus_peer(right, tls=certificates.server()) as peer:
        with closing(tls_line(peer.port, tls)) as line, pytest.raises(LineError, match="certificate verify failed"):
            await line.ask(1, TWO_WORDS)
        assert not peer.requests


async def test_a_server_of_another_name_is_not_read(certificates: Certificates) -> None:
    """A certificate of the right authority that was made for another machine."""
    async with modbus_peer(right, tls=certificates.server("meter.plant")) as peer:
        with (
            closing(tls_line(peer.port, TlsSettings(ca_file=certificates.ca_file))) as line,
            pytest.raises(LineError, match="IP address mismatch"),
        ):
            await line.ask(1, TWO_WORDS)
        assert not peer.requests


async def test_a_client_certificate_is_shown_where_the_server_asks(certificates: Certificates) -> None:
    """The server knows the collector by it."""
    async with modbus_peer(right, tls=certificates.server(asks=True)) as peer:
        with closing(tls_line(peer.port, certificates.client())) as line:
            assert (await line.ask(1, TWO_WORDS)).data == b"\x12\x34\x56\x78"


@pytest.mark.parametrize("shown", ["none", "foreign"])
async def test_without_the_right_client_certificate_nothing_is_read(certificates: Certificates, shown: str) -> None:
    """With TLS 1.3 the server refuses after the handshake: the connection is lost with the first read."""
    tls = TlsSettings(ca_file=certificates.ca_file) if shown == "none" else certificates.client(foreign=True)
    async with modbus_peer(right, tls=certificates.server(asks=True)) as peer:
        with closing(tls_line(peer.port, tls)) as line, pytest.raises((LineError, LostLineError)):
            await line.ask(1, TWO_WORDS)
        assert not peer.requests


async def test_a_server_without_tls_is_not_read(certificates: Certificates) -> None:
    """Nothing goes out in the clear."""
    async with modbus_peer(lambda _: None) as peer:
        line = tls_line(peer.port, TlsSettings(ca_file=certificates.ca_file), time_out=0.3)
        with closing(line), pytest.raises(LineError, match="no connection"):
            await line.ask(1, TWO_WORDS)


async def test_certificates_that_cannot_be_used_are_an_error_of_the_line(tmp_path: Path) -> None:
    """The others are read on; the message names the line, and once the file is there it works without a restart."""
    tls = TlsSettings(ca_file=tmp_path / "missing.pem")
    certificates = Certificates(tmp_path)
    async with modbus_peer(right, tls=certificates.server()) as peer:
        with closing(tls_line(peer.port, tls)) as line:
            with pytest.raises(LineError, match=rf"the line 127\.0\.0\.1:{peer.port} cannot be used: .*No such file"):
                await line.ask(1, TWO_WORDS)
            certificates.ca_file.rename(tmp_path / "missing.pem")
            assert (await line.ask(1, TWO_WORDS)).data == b"\x12\x34\x56\x78"


async def test_a_silent_server_is_dropped(certificates: Certificates) -> None:
    """Cancelled reads and time-outs are those of the line without TLS."""
    async with modbus_peer(lambda _: None, tls=certificates.server()) as peer:
        with closing(tls_line(peer.port, TlsSettings(ca_file=certificates.ca_file), time_out=0.3)) as line:
            with pytest.raises(SilentUnitError):
                await line.ask(1, TWO_WORDS)
            assert not line.connected


@pytest.mark.parametrize(
    "scenario",
    [
        test_a_verified_server_is_read,
        test_a_client_certificate_is_shown_where_the_server_asks,
        test_a_server_of_another_name_is_not_read,
        test_a_silent_server_is_dropped,
    ],
)
def test_the_same_holds_on_uvloop(
    scenario: Callable[[Certificates], Coroutine[Any, Any, None]], certificates: Certificates
) -> None:
    """It has a TLS of its own."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(scenario(certificates))
