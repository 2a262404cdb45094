"""The way up by HTTP POST, as the section on HTTP push of `docs/wire-protocol.md` has it."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from collector.errors import BusyPlatformError
from collector.uplink.channel import Heard
from collector.uplink.settings import HttpsPlatform
from energy.config import read_secret
from energy.errors import PermissionRefusedError, QuotawattError, SetupError, TransportError, WireError
from energy.transport.http import Answer, HttpClient, http_client
from energy.wire import MAX_COMMANDS, Address, Kind, decode_status_answer
from energy.wire.push import GATEWAY_HEADER, READINGS_PATH, STATUS_PATH, gateway_header

_OK = 200
_REFUSES_ENVELOPE = frozenset({400, 413, 422})
_REFUSES_US = frozenset({401, 403})
_BUSY = frozenset({429, 503})
_SERVER_FAULT = 500


@asynccontextmanager
async def open_https(platform: HttpsPlatform, address: Address) -> AsyncIterator[HttpsChannel]:
    """Prepare the channel; the first status tells whether the platform is there.

    Raises:
        SetupError: a file of the settings cannot be used.
    """
    headers = {GATEWAY_HEADER: gateway_header(address), "Content-Type": "application/json"}
    if platform.token_file is not None:
        headers["Authorization"] = f"Bearer {read_secret(platform.token_file)}"
    if platform.gzip:
        headers["Content-Encoding"] = "gzip"
    async with (
        http_client(
            platform.url,
            headers=headers,
            connections=platform.connections + 1,  # the status goes beside the envelopes
            timeout_s=platform.timeout_s,
            context=platform.tls.context(platform.label) if platform.tls else None,
        ) as client,
        asyncio.TaskGroup() as group,
    ):
        channel = HttpsChannel(client, platform)
        workers = [group.create_task(channel.work()) for _ in range(platform.connections)]
        try:
            yield channel
        finally:
            for worker in workers:
                worker.cancel()


class HttpsChannel:
    """Envelopes as requests, answered when they are committed; made by `open_https`."""

    def __init__(self, client: HttpClient, platform: HttpsPlatform) -> None:
        self.places = platform.connections
        # A request ends by itself, so this is never reached; it covers two, since a broken connection is tried twice.
        self.patience = 2 * platform.timeout_s + 1
        self._client = client
        self._platform = platform
        self._requests: asyncio.Queue[tuple[bytes, asyncio.Future[None]]] = asyncio.Queue(platform.connections)
        self._heard: asyncio.Queue[Heard | None] = asyncio.Queue(platform.connections + MAX_COMMANDS + 1)
        self._loss: QuotawattError | None = None

    def send(self, body: bytes) -> asyncio.Future[None]:
        """Post an envelope; the future ends with the answer."""
        if self._loss is not None:
            raise self._loss
        taken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        try:
            self._requests.put_nowait((body, taken))
        except asyncio.QueueFull as error:
            raise TransportError(f"{self._platform.label}: more envelopes than connections") from error
        return taken

    async def tell(self, status: bytes) -> None:
        """Post the status; commands in the answer are heard."""
        answer = await self._post(STATUS_PATH, status)
        if answer.status != _OK:
            raise self._fault(STATUS_PATH, answer)
        try:
            commands = decode_status_answer(answer.body).commands
        except WireError as error:
            raise TransportError(f"{self._platform.label} does not speak the contract: {error}") from error
        for command in commands:
            if not self._heard.full():  # the next status brings what is left out
                self._heard.put_nowait(Heard(Kind.COMMAND, bytes(command)))

    async def heard(self) -> AsyncIterator[Heard]:
        """The acknowledgements in the answers, and commands."""
        while self._loss is None or not self._heard.empty():
            message = await self._heard.get()
            if message is not None:
                yield message
        raise self._loss

    async def work(self) -> None:
        """Post envelopes one after the other, until cancelled."""
        while True:
            body, taken = await self._requests.get()
            try:
                await self._hand_over(body)
            except BusyPlatformError as error:
                _fail(taken, error)
            except QuotawattError as error:
                self._lose(error)
                _fail(taken, error)
            else:
                taken.set_result(None)

    async def _hand_over(self, body: bytes) -> None:
        answer = await self._post(READINGS_PATH, body)
        if answer.status != _OK and answer.status not in _REFUSES_ENVELOPE:
            raise self._fault(READINGS_PATH, answer)
        # Heard before the future ends, so that nobody waits for a confirmation that is here. An answer that is no
        # acknowledgement is counted where it is decoded, and confirms nothing.
        await self._heard.put(Heard(Kind.ACK, answer.body))

    async def _post(self, path: str, body: bytes) -> Answer:
        return await self._client.post(path, gzip.compress(body, mtime=0) if self._platform.gzip else body)

    def _lose(self, error: QuotawattError) -> None:
        self._loss = self._loss or error
        if not self._heard.full():
            self._heard.put_nowait(None)

    def _fault(self, path: str, answer: Answer) -> QuotawattError:
        """What an answer means that is none of the contract's good ones."""
        what = f"{self._platform.label}{path} answers HTTP {answer.status}"
        if answer.status in _REFUSES_US:
            advice = "Check token_file, cert_file and the gateway's registration."
            return PermissionRefusedError(what, advice=advice)
        if answer.status in _BUSY:
            return BusyPlatformError(what, answer.retry_after)
        if answer.status >= _SERVER_FAULT:
            return TransportError(what)
        return SetupError(what, advice="Check the url.")


def _fail(taken: asyncio.Future[None], error: QuotawattError) -> None:
    taken.set_exception(error)
    taken.exception()  # read once: whoever sent may have gone, and asyncio would complain about that
