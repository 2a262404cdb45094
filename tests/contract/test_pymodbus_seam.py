"""What `collector.drivers.modbus.connection` relies on in pymodbus and its documentation does not promise."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pymodbus.client import AsyncModbusTcpClient

from tests.support.eventually import eventually
from tests.support.modbus_peer import Peer, modbus_peer, reply

REQUEST = b"\0\1\0\0\0\6\1\3\0\0\0\1"


class Seam:
    """A client whose hooks note what they see.

    Attributes:
        heard: what came, as the hook saw it.
        states: what it said of the connection.
        client: the client.
    """

    def __init__(self, port: int) -> None:
        self.heard: list[bytes] = []
        self.states: list[bool] = []
        self.client = AsyncModbusTcpClient(
            "127.0.0.1", port=port, reconnect_delay=0, trace_packet=self._packet, trace_connect=self.states.append
        )

    def connected(self) -> bool:
        """Whether the client says so."""
        return bool(self.client.connected)

    def forget(self) -> None:
        """Empty the buffer."""
        self.client.ctx.recv_buffer = b""

    def ask(self) -> None:
        """Send a request."""
        self.client.ctx.send(REQUEST)

    def _packet(self, sending: bool, data: bytes) -> bytes:  # noqa: FBT001 - pymodbus's signature
        if not sending:
            self.heard.append(data)
        return b""


@asynccontextmanager
async def seam() -> AsyncIterator[tuple[Seam, Peer]]:
    """A connected client and a silent peer."""
    async with modbus_peer(lambda _: None) as peer:
        made = Seam(peer.port)
        transport, _ = await made.client.ctx.call_create()
        assert made.client.ctx.transport is transport
        try:
            yield made, peer
        finally:
            made.client.close()


async def test_making_a_connection_is_told() -> None:
    """`call_create` makes it, and the hook hears of it and of its loss, but not when we close it ourselves."""
    async with seam() as (made, peer):
        assert made.states == [True]
        assert made.connected()
        await eventually(lambda: peer.connections == 1)
        peer.hang_up()
        await eventually(lambda: made.states == [True, False])
        assert not made.connected()
    async with seam() as (made, _):
        made.client.close()
        assert not made.connected()
        await asyncio.sleep(0)
        assert made.states == [True]


async def test_frames_go_out_as_they_are_and_answers_pile_up() -> None:
    """`ctx.send` adds nothing; a hook that returns nothing sees all bytes since then, again with each new one."""
    async with seam() as (made, peer):
        made.ask()
        await eventually(lambda: peer.requests == [REQUEST])
        answer = reply(REQUEST, [7])
        peer.write(answer[:5])
        await eventually(lambda: made.heard == [answer[:5]])
        peer.write(answer[5:])
        await eventually(lambda: made.heard == [answer[:5], answer])


async def test_what_came_can_be_forgotten() -> None:
    """By emptying `ctx.recv_buffer`, and with the next `ctx.send`."""
    async with seam() as (made, peer):
        made.ask()
        await eventually(lambda: peer.requests)
        for forget in (made.forget, made.ask):
            peer.write(b"old")
            await eventually(lambda: made.heard[-1:] == [b"old"])
            forget()
            made.heard.clear()
        peer.write(b"new")
        await eventually(lambda: made.heard == [b"new"])


async def test_the_limit_of_a_frame_can_be_lifted() -> None:
    """As it comes, the client drops more than 264 bytes at once without a word."""
    async with seam() as (made, peer):
        assert made.client.ctx.max_buffer_size == 264
        made.client.ctx.max_buffer_size = 10_000
        made.ask()
        await eventually(lambda: peer.requests)
        peer.write(bytes(300))
        await eventually(lambda: made.heard == [bytes(300)])
