"""Faults on an answer's way: from one right answer to the bytes that a client gets, and when. Pure."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import NamedTuple

from simulators.faults.kinds import FaultKind
from simulators.faults.settings import FaultSettings
from simulators.serving.framing import Frame, Framing
from simulators.serving.pdu import (
    ERROR_BIT,
    READ_COILS,
    READ_DISCRETE_INPUTS,
    READ_HOLDING_REGISTERS,
    READ_INPUT_REGISTERS,
)

_OTHER_FUNCTION = {
    READ_COILS: READ_DISCRETE_INPUTS,
    READ_DISCRETE_INPUTS: READ_COILS,
    READ_HOLDING_REGISTERS: READ_INPUT_REGISTERS,
    READ_INPUT_REGISTERS: READ_HOLDING_REGISTERS,
}


class Sent(NamedTuple):
    """One piece of bytes for the client, `delay_s` real seconds after the request."""

    delay_s: float
    data: bytes


class Way(NamedTuple):
    """What is known on an answer's way.

    Attributes:
        framing: of the line.
        before: the line's previous answer as it left, empty at first.
        chance: for garbage.
    """

    framing: Framing
    before: bytes
    chance: random.Random


def wrong_transaction(frame: Frame) -> Frame:
    """The same answer under the number of another request."""
    return frame._replace(transaction=(frame.transaction - 1) % 0x1_0000)


def wrong_unit(frame: Frame) -> Frame:
    """The same answer from the next unit."""
    return frame._replace(unit=(frame.unit + 1) % 0x100)


def wrong_function(frame: Frame) -> Frame:
    """The same answer to another function; an answer that refuses keeps refusing."""
    refused, function = frame.pdu[0] & ERROR_BIT, frame.pdu[0] & ~ERROR_BIT
    return frame._replace(pdu=bytes((refused | _OTHER_FUNCTION.get(function, function ^ 1),)) + frame.pdu[1:])


def truncated(data: bytes, missing: int) -> bytes:
    """All but the last `missing` bytes, and one at least."""
    return data[: max(1, len(data) - missing)]


def broken_crc(data: bytes) -> bytes:
    """The last byte with all its bits inverted."""
    return data[:-1] + bytes((data[-1] ^ 0xFF,))


def garbage(data: bytes, count: int, chance: random.Random) -> bytes:
    """Bytes by chance before the answer."""
    return chance.randbytes(count) + data


_ON_FRAMES: dict[FaultKind, Callable[[Frame], Frame]] = {
    FaultKind.WRONG_TRANSACTION: wrong_transaction,
    FaultKind.WRONG_UNIT: wrong_unit,
    FaultKind.WRONG_FUNCTION: wrong_function,
}
_ON_BYTES: dict[FaultKind, Callable[[bytes, FaultSettings, Way], bytes]] = {
    FaultKind.TRUNCATED: lambda data, fault, _: truncated(data, fault.bytes),
    FaultKind.CRC: lambda data, _, __: broken_crc(data),
    FaultKind.GARBAGE: lambda data, fault, way: garbage(data, fault.bytes, way.chance),
    FaultKind.MERGED: lambda data, _, __: data + data,
    FaultKind.STALE: lambda data, _, way: way.before + data,
}


def send(frame: Frame, faults: Sequence[FaultSettings], way: Way) -> list[Sent]:
    """What the client gets of an answer, after all `faults`, each in its turn.

    Faults of other kinds than those of frames change nothing.
    """
    if any(fault.kind is FaultKind.SILENCE for fault in faults):
        return []
    for fault in faults:
        if fault.kind in _ON_FRAMES:
            frame = _ON_FRAMES[fault.kind](frame)
    data = way.framing.encode(frame)
    for fault in faults:
        if fault.kind in _ON_BYTES:
            data = _ON_BYTES[fault.kind](data, fault, way)
    return [Sent(sum(fault.delay_s for fault in faults if fault.kind is FaultKind.DELAY), data)]
