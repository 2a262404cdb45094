"""Hundreds of answers damaged at random on the wire: none becomes a wrong value, and the line always recovers."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from collector.drivers.line import Line
from collector.drivers.modbus.line import modbus_line
from collector.drivers.modbus.settings import ModbusTcpLine
from collector.errors import SilentUnitError
from collector.planning.planner import Read
from energy.errors import TransportError
from tests.support.modbus_peer import modbus_peer, reply, rtu_reply
from tests.support.modbus_rtu import KINDS, METERS, Lines

READ = Read(3, 10, 5, ())
RIGHT = [0x1234, 0, 0xFFFF, 0x0A0D, 0x8000]
DATA = b"".join(word.to_bytes(2, "big") for word in RIGHT)
TIMES = 120
HEADER = 9
"""Bytes of an answer in Modbus TCP ahead of its data, which only TCP itself protects."""


def damaged(frame: bytes, chance: random.Random, *, until: int) -> bytes:
    """The frame with one to three changes that begin before the byte `until`."""
    came = bytearray(frame)
    for _ in range(chance.randint(1, 3)):
        place = chance.randrange(min(until, len(came) + 1))
        what = chance.randbytes(chance.randint(1, 8))
        match chance.choice(["flip", "cut", "insert", "again"]):
            case "flip" if place < len(came):
                came[place] ^= what[0] or 1
            case "cut":
                del came[place:]
            case "insert":
                came[place:place] = what
            case _:
                came += frame
    return bytes(came)


async def ask_often(line: Line, sent: Iterator[bool]) -> tuple[int, int]:
    """Ask again and again; returns how many answers were right and how many were refused."""
    good = bad = 0
    for intact in sent:
        data = await (_ask_patiently(line) if intact else _ask(line))
        assert data == DATA or (data is None and not intact)
        good += data is not None
        bad += data is None
    return good, bad


async def _ask(line: Line) -> bytes | None:
    try:
        return (await line.ask(1, READ)).data
    except TransportError:
        return None


async def _ask_patiently(line: Line) -> bytes | None:
    """A machine under load may be late with an answer that nothing is wrong with."""
    for _ in range(3):
        with suppress(SilentUnitError):
            return (await line.ask(1, READ)).data
    return None


class Turns:
    """Damaged and intact answers in turn, as the asking side counts them."""

    def __init__(self) -> None:
        self.intact = False

    def __iter__(self) -> Iterator[bool]:
        for at in range(TIMES):
            self.intact = at % 2 == 1
            yield self.intact


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_damaged_answers_in_modbus_tcp(seed: int) -> None:
    """The header may be damaged: the right data comes, or none; after each fault the next read is served."""
    chance, turns = random.Random(seed), Turns()  # noqa: S311 - repeatable on purpose

    def answer(request: bytes) -> bytes:
        frame = reply(request, RIGHT)
        return frame if turns.intact else damaged(frame, chance, until=HEADER)

    async with modbus_peer(answer) as peer:
        settings = ModbusTcpLine(host="127.0.0.1", port=peer.port, time_out_s=0.1, meters=METERS)
        line = modbus_line(settings, lambda: 0)
        good, bad = await ask_often(line, iter(turns))
        line.close()
    assert good >= TIMES / 2
    assert bad > TIMES / 4


@pytest.mark.parametrize("kind", KINDS)
async def test_damaged_answers_on_a_serial_line(kind: str, tmp_path: Path) -> None:
    """Any byte may be damaged."""
    chance, turns = random.Random(7), Turns()  # noqa: S311 - repeatable on purpose

    def answer(request: bytes) -> bytes:
        frame = rtu_reply(request, RIGHT)
        return frame if turns.intact else damaged(frame, chance, until=len(frame))

    async with Lines(kind, tmp_path).to(answer, time_out=0.1, quiet=0.005) as (line, _):
        good, bad = await ask_often(line, iter(turns))
    assert good >= TIMES / 2
    assert bad > TIMES / 4
