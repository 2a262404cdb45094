"""Clients that misbehave towards simulated meters."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Sequence

import pytest

from energy.errors import SetupError, TransportError
from simulators.faults.schedule import ValueFault
from simulators.serving.line import Line, Reply, Unit
from simulators.serving.mbap import MbapFraming
from simulators.serving.pdu import Request
from simulators.serving.tcp import TcpServer
from tests.support.eventually import eventually
from tests.support.simulated import simulated


async def test_bytes_that_are_no_modbus_close_the_connection() -> None:
    """A browser that knocks is shown out; nothing else suffers."""
    async with simulated("eastron_sdm630") as line:
        reader, writer = await asyncio.open_connection("127.0.0.1", line.port)
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        async with asyncio.timeout(5):
            assert await reader.read() == b""
        writer.close()


class _Full:
    """A device with the longest answer of all, which takes no time to make."""

    def answer(self, request: Request, at_ms: int, faults: Sequence[ValueFault]) -> Reply:  # noqa: ARG002 - the contract
        """Always the same."""
        return Reply(bytes((request.function, 250)) + bytes(250))


async def test_a_client_that_never_reads_is_not_read_either() -> None:
    """Its answers do not pile up: the server stops taking requests until the client catches up, and then loses none."""
    requests, answer_bytes = 40_000, 259
    frame = struct.pack(">HHHBBHH", 1, 0, 6, 1, 3, 2999, 125)
    server = TcpServer(Line("line", MbapFraming(), {1: Unit(_Full())}), lambda: 0, "127.0.0.1", 0)
    await server.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    async with asyncio.timeout(100), asyncio.TaskGroup() as tasks:
        tasks.create_task(_send(writer, frame, requests))
        await eventually(lambda: _paused(server), within=30)
        for _ in range(requests):
            await reader.readexactly(answer_bytes)
    writer.close()
    await server.stop()


def _paused(server: TcpServer) -> bool:
    """Whether the server has stopped reading its only client."""
    return any(one._transport is not None and not one._transport.is_reading() for one in server._connections)


async def _send(writer: asyncio.StreamWriter, frame: bytes, count: int) -> None:
    for _ in range(count // 100):
        writer.write(frame * 100)
        await writer.drain()


async def test_a_client_that_leaves_before_its_answer_harms_nobody() -> None:
    """The late answer finds nobody, and the next client gets its own."""
    async with simulated("eastron_sdm630", latency_s=0.02) as line:
        _, leaving = await asyncio.open_connection("127.0.0.1", line.port)
        leaving.write(struct.pack(">HHHBBHH", 1, 0, 6, 1, 4, 0, 2))
        await eventually(lambda: line.faults["eastron_sdm630"].requests)
        leaving.close()
        reader, writer = await asyncio.open_connection("127.0.0.1", line.port)
        writer.write(struct.pack(">HHHBBHH", 2, 0, 6, 1, 4, 0, 2))
        async with asyncio.timeout(5):
            assert (await reader.readexactly(13))[:2] == b"\0\2"
        writer.close()


async def test_a_port_in_use_may_pass_and_a_wrong_host_may_not() -> None:
    """The two are told apart, so that only the first is tried again."""
    nobody = Line("line", MbapFraming(), {})
    async with simulated("eastron_sdm630") as line:
        with pytest.raises(TransportError, match="cannot be listened on"):
            await TcpServer(nobody, lambda: 0, "127.0.0.1", line.port).start()
    with pytest.raises(SetupError, match="cannot be listened on"):
        await TcpServer(nobody, lambda: 0, "no-such-host.invalid", 0).start()
