"""Gateways that push to a real worker, and the certificates and tokens by which they prove who they are."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import trustme

from energy.readings import Reading
from energy.storage import Connection
from energy.transport.tls import TlsSettings
from energy.wire import Acknowledgement, Address, decode_acknowledgement, encode_envelope
from energy.wire.push import GATEWAY_HEADER, READINGS_PATH, gateway_header
from ingest.receiving.http.server import HttpServer
from ingest.receiving.http.settings import HttpLimits, HttpSettings
from ingest.receiving.http.tls import ServerTlsSettings
from ingest.receiving.http.tokens import digest_of
from ingest.settings import IngestSettings
from tests.support import ingest_worker
from tests.support.ingest_world import START_MS

HOST = "127.0.0.1"
GENEROUS = HttpLimits(requests_per_s=100_000, bytes_per_s=10**9, strangers_per_s=100_000)


def with_http(worker: IngestSettings, limits: HttpLimits = GENEROUS, *, port: int = 0, **http: Any) -> IngestSettings:
    """The settings of a worker that takes HTTP push, on any free port unless one is given."""
    return msgspec.structs.replace(worker, http=HttpSettings(port=port, limits=limits, **http))


@dataclass(frozen=True)
class Answered:
    """What a test's own client got."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def acknowledgement(self) -> Acknowledgement:
        """The body; a test fails where it is none."""
        return decode_acknowledgement(self.body)


@dataclass(frozen=True)
class Pushing:
    """A running worker that takes HTTP push; made by `pushing`."""

    server: HttpServer
    client: aiohttp.ClientSession
    base: str

    @property
    def port(self) -> int:
        """Where it listens."""
        assert self.server.port is not None
        return self.server.port

    async def post(self, address: Address | None, body: Any, path: str = READINGS_PATH, **headers: str) -> Answered:
        """Post `body` in the name of `address`; underscores in names of headers stand for hyphens."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if address is not None:
            named[GATEWAY_HEADER] = gateway_header(address)
        async with self.client.post(self.base + path, data=body, headers=named) as response:
            return Answered(response.status, response.headers, await response.read())


def envelope(gateway: Address, seq: int = 1) -> bytes:
    """An envelope of one reading of the gateway's first point."""
    return encode_envelope("a" * 32, seq, [Reading(f"{gateway.gateway}-0", START_MS + seq, 1.0)])


def head(gateway: Address, *lines: str, path: str = READINGS_PATH, host: str = "Host: x") -> bytes:
    """The head of a request."""
    first = (f"POST {path} HTTP/1.1", host, f"{GATEWAY_HEADER}: {gateway_header(gateway)}")
    return "\r\n".join([*first, *lines, "", ""]).encode()


@asynccontextmanager
async def locked(connection: Connection) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """Keeps every commit waiting until the end of the block, or until what it yields is called."""
    transaction = connection.transaction()
    await transaction.start()
    await connection.execute("lock table readings in access exclusive mode")
    async with AsyncExitStack() as held:
        held.push_async_callback(transaction.rollback)
        yield held.aclose


@asynccontextmanager
async def pushing(worker: IngestSettings, context: ssl.SSLContext | None = None) -> AsyncIterator[Pushing]:
    """Run a worker with a client of the test's own beside it; the worker's end is orderly, and comes first."""
    assert worker.http is not None
    connector = aiohttp.TCPConnector(limit=0, ssl=context if context is not None else True)
    async with (
        aiohttp.ClientSession(connector=connector, auto_decompress=False) as client,
        ingest_worker.running(worker) as services,
    ):
        server = next(service for service in services if isinstance(service, HttpServer))
        scheme = "https" if worker.http.tls else "http"
        yield Pushing(server, client, f"{scheme}://{HOST}:{server.port}{worker.http.prefix}")


class Authority:
    """Issues certificates into files.

    Args:
        directory: where to.
        name: of its own file.
    """

    def __init__(self, directory: Path, name: str = "authority") -> None:
        self._directory = directory
        self._authority = trustme.CA()
        self.file = directory / f"{name}.pem"
        self._authority.cert_pem.write_to_path(self.file)

    def server(self, client_ca: Path | None = None) -> ServerTlsSettings:
        """The worker's own."""
        cert, key = self._issue(HOST, file="server")
        return ServerTlsSettings(cert_file=cert, key_file=key, client_ca_file=client_ca)

    def client(self, *names: str, common_name: str | None = None, trust: Path | None = None) -> TlsSettings:
        """A gateway's, for these DNS names."""
        cert, key = self._issue(*names, file=f"client-{names[0]}", common_name=common_name)
        return TlsSettings(ca_file=trust or self.file, cert_file=cert, key_file=key)

    def _issue(self, *names: str, file: str = "server", common_name: str | None = None) -> tuple[Path, Path]:
        issued = self._authority.issue_cert(*names, common_name=common_name)
        cert, key = self._directory / f"{file}.pem", self._directory / f"{file}.key"
        issued.private_key_pem.write_to_path(key)
        cert.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
        return cert, key


def write_tokens(path: Path, tokens: Mapping[str, list[str]]) -> Path:
    """A file of tokens."""
    lines = [f'"{gateway}" = {[digest_of(token) for token in of]}' for gateway, of in tokens.items()]
    path.write_text("\n".join(["[gateways]", *lines, ""]), encoding="utf-8")
    return path


async def raw(port: int, request: bytes, *, context: ssl.SSLContext | None = None, eof: bool = False) -> bytes:
    """Send bytes as they are, and return all that comes back until the other end closes."""
    reader, writer = await asyncio.open_connection(HOST, port, ssl=context)
    try:
        writer.write(request)
        if eof:
            writer.write_eof()
        async with asyncio.timeout(30):
            return await reader.read()
    finally:
        writer.close()
