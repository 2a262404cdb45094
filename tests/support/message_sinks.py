"""A mail server and a WeChat Work server that take what Alertmanager sends, and show it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiohttp import web


class MailServer:
    """Takes every mail, as far as SMTP (RFC 5321) is needed for that.

    Attributes:
        port: where it listens.
        mails: what came.
    """

    def __init__(self) -> None:
        self.port = 0
        self.mails: list[EmailMessage] = []

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[MailServer]:
        """Listen on any free port."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            await server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 sink\r\n")
        while line := await reader.readline():
            verb = line[:4].upper()
            if verb == b"DATA":
                writer.write(b"354 go on\r\n")
                self.mails.append(await self._mail(reader))
            writer.write(b"221 bye\r\n" if verb == b"QUIT" else b"250 fine\r\n")
            if verb == b"QUIT":
                break
        writer.close()

    @staticmethod
    async def _mail(reader: asyncio.StreamReader) -> EmailMessage:
        lines = []
        while (line := await reader.readline()) not in {b".\r\n", b""}:
            lines.append(line.removeprefix(b"."))
        mail = message_from_bytes(b"".join(lines), policy=policy.default)
        assert isinstance(mail, EmailMessage)
        return mail


class WeChatWork:
    """Takes every message of an application.

    Attributes:
        url: of its interface.
        messages: what came.
    """

    def __init__(self) -> None:
        self.url = ""
        self.messages: list[dict[str, Any]] = []

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[WeChatWork]:
        """Listen on any free port."""
        app = web.Application()
        app.router.add_get("/gettoken", self._token)
        app.router.add_post("/message/send", self._message)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
        try:
            yield self
        finally:
            await runner.cleanup()

    async def _token(self, _: web.Request) -> web.Response:
        return web.json_response({"errcode": 0, "errmsg": "ok", "access_token": "t", "expires_in": 7200})

    async def _message(self, request: web.Request) -> web.Response:
        self.messages.append(await request.json())
        return web.json_response({"errcode": 0, "errmsg": "ok"})
