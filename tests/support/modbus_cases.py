"""Values of every data type in every order of bytes, laid out by hand: what any Modbus server can serve."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any, NamedTuple

from collector.drivers.modbus.line import ModbusLine
from collector.planning.limits import Limits
from collector.planning.planner import plan
from collector.profiles import Confidence, Register, RegisterBlock
from collector.registers import DataType, WordOrder

FIRST = 16
"""Address of the first value."""
BITS = (1, 0, 0, 1, 1, 1, 0, 1, 0, 1)
"""Coils and inputs, from address `FIRST`."""
LIMITS = Limits(max_words=60, max_hole=0)
"""Several reads for all of it."""


class Case(NamedTuple):
    """A register, the words that stand in it, and the raw number that they mean."""

    register: Register
    words: tuple[int, ...]
    number: Any


def cases(function_code: int) -> list[Case]:
    """One value after the other in the registers of function code 3 or 4."""
    found: list[Case] = []
    at = FIRST
    for type_, big_endian, number, more in _VALUES:
        for order in WordOrder:
            words = on_the_wire(big_endian, order)
            found.append(
                Case(_register(f"{type_}_{order}_{at}", function_code, at, type_, order=order, **more), words, number)
            )
            at += len(words)
    return found


def bit_cases(function_code: int) -> list[Case]:
    """Single coils or inputs, of function code 1 or 2."""
    return [
        Case(_register(f"bit_{at}", function_code, FIRST + at, DataType.BIT), (bit,), bit)
        for at, bit in enumerate(BITS)
    ]


def on_the_wire(big_endian: bytes, order: WordOrder) -> tuple[int, ...]:
    """The words that hold a value whose bytes are, most significant first, `big_endian`: as manuals explain it."""
    words = [big_endian[at : at + 2] for at in range(0, len(big_endian), 2)]
    if order in (WordOrder.CDAB, WordOrder.DCBA):
        words.reverse()
    if order in (WordOrder.BADC, WordOrder.DCBA):
        words = [word[::-1] for word in words]
    return tuple(int.from_bytes(word, "big") for word in words)


async def read_all(line: ModbusLine, unit: int, registers: Sequence[Register]) -> dict[str, Any]:
    """The raw numbers of registers, by name, as the collector reads them."""
    found: dict[str, Any] = {}
    for request in plan(registers, LIMITS):
        answer = await line.ask(unit, request)
        raws = RegisterBlock(request.registers, request.address).decode(answer.data)
        found |= {register.name: raw for register, raw in zip(request.registers, raws, strict=True)}
    return found


def _register(name: str, function_code: Any, address: int, type_: DataType, **more: Any) -> Register:
    return Register(
        name=name,
        quantity="test",
        unit="1",
        function_code=function_code,
        address=address,
        type=type_,
        confidence=Confidence.INVENTED,
        **more,
    )


_VALUES: tuple[tuple[DataType, bytes, Any, dict[str, Any]], ...] = (
    (DataType.U16, struct.pack(">H", 0xBEEF), 0xBEEF, {}),
    (DataType.I16, struct.pack(">h", -12_345), -12_345, {}),
    (DataType.U32, struct.pack(">I", 0xDEAD_BEEF), 0xDEAD_BEEF, {}),
    (DataType.I32, struct.pack(">i", -123_456_789), -123_456_789, {}),
    (DataType.U64, struct.pack(">Q", 0xFEDC_BA98_7654_3210), 0xFEDC_BA98_7654_3210, {}),
    (DataType.I64, struct.pack(">q", -1_234_567_890_123_456_789), -1_234_567_890_123_456_789, {}),
    (DataType.F32, struct.pack(">f", 1234.5), 1234.5, {}),
    (DataType.F64, struct.pack(">d", -98_765.4321), -98_765.4321, {}),
    (DataType.SM16, bytes.fromhex("84d2"), -1234, {}),
    (DataType.SM32, bytes.fromhex("8001e240"), -123_456, {}),
    (DataType.BCD16, bytes.fromhex("1234"), 1234, {}),
    (DataType.BCD32, bytes.fromhex("12345678"), 12_345_678, {}),
    (DataType.BCD48, bytes.fromhex("123456789012"), 123_456_789_012, {}),
    (DataType.BCD64, bytes.fromhex("1234567890123456"), 1_234_567_890_123_456, {}),
    (DataType.MOD10K_2, struct.pack(">2H", 1234, 5678), 12_345_678, {}),
    (DataType.MOD10K_3, struct.pack(">3H", 1234, 5678, 9012), 123_456_789_012, {}),
    (DataType.MOD10K_4, struct.pack(">4H", 1234, 5678, 9012, 3456), 1_234_567_890_123_456, {}),
    (DataType.STRING, b"ABB B23\0", "ABB B23", {"words": 4}),
    (DataType.BITS, struct.pack(">H", 0b1011_0110_1010_0101), 0b10100, {"bit": 3, "bits": 5}),
    (DataType.BITS, struct.pack(">I", 0xDEAD_BEEF), 0xDB, {"bit": 12, "bits": 8}),
)
