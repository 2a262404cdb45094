"""One poll of one meter with everything that came: raw words beside values, for whoever stands before the meter."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from fractions import Fraction
from functools import partial
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from collector.drivers.dlt645.exchange import MOST_BLOCK
from collector.drivers.dlt645.frames import WILDCARD, ReadAddress, ReadData, Request
from collector.drivers.line import Answer, Line
from collector.drivers.meters import Sent, sent_values, units_of
from collector.errors import LineError, RefusedReadError, RegisterError, SilentUnitError
from collector.planning.learned_file import LearnedFile
from collector.planning.learning import split
from collector.planning.limits import limits_of
from collector.planning.planner import Read, plan
from collector.polling.sweep import ILLEGAL_ADDRESS
from collector.process.lines import meter_key, open_line
from collector.profiles import DISPLAY, RegisterBlock, Value
from collector.profiles.block import RawNumber
from collector.profiles.dlt645 import DataItem, Dlt645Profile
from collector.profiles.library import Library
from collector.profiles.register import BIT_FUNCTIONS, Register
from collector.registers import DataType
from collector.settings import CollectorSettings, GatewaySettings, LineSettings, MeterSettings
from energy.clocks import DataClock
from energy.errors import TransportError

_F32_DIGITS = 7
_MOST_DIGITS = 15
_MOST_SILENT = 3
"""Requests in a row without an answer after which the meter is not asked for the rest."""


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """One value.

    Attributes:
        name: in the profile.
        raw_bytes: as they stood on the wire, hexadecimal, a register or byte apart.
        raw: the raw number in them, or text; empty where there is none.
        shows: what the meter's display should show: raw number x scale + offset, in `unit`.
        unit: the profile's unit of measure, or that which is set in the meter's menu; empty where there is none.
        sent: what is sent, in base units, CT x PT applied; None where it is not sent or has no value.
        sent_unit: the unit of measure in which it is sent.
        point: under which code it is sent; empty where it is not.
        remark: what is the matter with it.
    """

    name: str
    raw_bytes: str
    raw: str = ""
    shows: str = ""
    unit: str = ""
    sent: float | None = None
    sent_unit: str = ""
    point: str = ""
    remark: str = ""


class _Legend(NamedTuple):
    """What the meter's table says of values, by name: which are sent, and units of measure set in its menu."""

    sent: Mapping[str, Sent]
    units: Mapping[str, str]


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One request and what came of it.

    Attributes:
        request: what was asked, for people.
        took_ms: real milliseconds until the answer, or until it was given up.
        at: data time of the answer, ms UTC; None where there was none.
        values: what it brought.
        error: why it brought nothing.
    """

    request: str
    took_ms: float
    at: int | None = None
    values: tuple[Shown, ...] = ()
    error: str = ""


class _Patience:
    """Whether it is worth asking on: nobody wants to wait for twenty time-outs."""

    def __init__(self) -> None:
        self._silent = 0

    def is_over(self, error: TransportError | None) -> bool:
        """Note what became of a request."""
        self._silent = self._silent + 1 if isinstance(error, SilentUnitError) else 0
        return isinstance(error, LineError) or self._silent >= _MOST_SILENT

    @staticmethod
    def told(count: int) -> Attempt:
        """What is shown instead of the requests that were not made."""
        return Attempt(request=f"{count} further requests", took_ms=0, error="not made: nobody is there")


_Show = Callable[[Answer], Iterable[Shown]]
"""Makes of an answer what is shown."""


async def read_meter(
    settings: CollectorSettings, gateway: GatewaySettings, line: LineSettings, meter: MeterSettings
) -> AsyncIterator[Attempt]:
    """Poll a meter once for all values of its profile.

    Args:
        settings: the whole file, for the profiles' directories and what was learned.
        gateway: whose meter it is.
        line: its line, to which a connection of our own is made.
        meter: its table.

    Raises:
        RejectedError: profile, ratios or units of measure do not fit together.
    """
    clock = DataClock(settings.clock)
    profile = Library(settings.profile_dirs).load_any(meter.profile)
    legend = _Legend(sent_values(meter, profile), units_of(meter, profile))
    way = open_line(line, clock)
    try:
        if isinstance(profile, Dlt645Profile):
            attempts = _read_dlt645(way, str(meter.address), profile, legend)
        else:
            known = LearnedFile(settings.learned_file(gateway)).of(meter_key(line.place, meter))
            limits = limits_of(profile).with_learned(known, profile.registers)
            attempts = _read_modbus(way, int(meter.address), plan(profile.registers, limits), legend)
        async for attempt in attempts:
            yield attempt
    finally:
        way.close()


async def _read_modbus(line: Line, unit: int, reads: Iterable[Read], legend: _Legend) -> AsyncIterator[Attempt]:
    """Ask a Modbus meter; a read that it refuses for its addresses is asked in pieces."""
    waiting, patience = deque(reads), _Patience()
    while waiting:
        read = waiting.popleft()
        attempt, error = await _ask(line, unit, read, partial(_registers, read, legend))
        yield attempt
        if isinstance(error, RefusedReadError) and error.code == ILLEGAL_ADDRESS:
            waiting.extendleft(reversed(split(read)))
        if patience.is_over(error):
            break
    if waiting:
        yield patience.told(len(waiting))


async def _read_dlt645(line: Line, unit: str, profile: Dlt645Profile, legend: _Legend) -> AsyncIterator[Attempt]:
    """Ask a DL/T 645 meter for each value by itself, and for a block where only that brings a value."""
    waiting, patience = deque(_dlt645_requests(unit, profile, legend)), _Patience()
    while waiting:
        request, show = waiting.popleft()
        attempt, error = await _ask(line, unit, request, show)
        yield attempt
        if patience.is_over(error):
            break
    if waiting:
        yield patience.told(len(waiting))


def _dlt645_requests(unit: str, profile: Dlt645Profile, legend: _Legend) -> Iterator[tuple[Request, _Show]]:
    if unit == WILDCARD:
        yield ReadAddress(), _address
    blocks: dict[str, list[DataItem]] = {}
    for item in profile.items:
        if item.data_id is not None:
            yield ReadData(item.data_id, item.length, item.length), partial(_items, [item], legend)
        elif item.block is not None:
            blocks.setdefault(item.block, []).append(item)
    for block, items in blocks.items():
        yield ReadData(block, min(item.block_end for item in items), MOST_BLOCK), partial(_items, items, legend)


async def _ask(
    line: Line, unit: int | str, request: Read | Request, show: _Show
) -> tuple[Attempt, TransportError | None]:
    now = asyncio.get_running_loop().time
    began = now()
    try:
        answer = await line.ask(unit, request)
    except TransportError as error:
        return Attempt(request=str(request), took_ms=_ms(now() - began), error=str(error)), error
    took_ms = _ms(now() - began)
    return Attempt(request=str(request), took_ms=took_ms, at=answer.at, values=tuple(show(answer))), None


def _registers(read: Read, legend: _Legend, answer: Answer) -> Iterator[Shown]:
    try:
        raws = RegisterBlock(read.registers, read.address).decode(answer.data)
    except RegisterError as error:
        raws = [error] * len(read.registers)
    for register, raw in zip(read.registers, raws, strict=True):
        words = " ".join(_word(read, address, answer.data) for address in register.addresses)
        yield _shown(register, words, raw, legend)


def _items(items: Iterable[DataItem], legend: _Legend, answer: Answer) -> Iterator[Shown]:
    for item in items:
        raw: RawNumber | RegisterError
        data = b""
        try:
            data = item.within(answer.data) if item.data_id is None else answer.data
            raw = item.decode(data)
        except RegisterError as error:
            raw = error
        yield _shown(item, data.hex(" "), raw, legend)


def _address(answer: Answer) -> Iterator[Shown]:
    """Which meter it is that answers to the wildcard: the twelve digits that belong into its table."""
    digits = answer.data[::-1].hex()
    yield Shown(name="address", raw_bytes=answer.data.hex(" "), raw=digits, shows=digits)


def _word(read: Read, address: int, data: bytes) -> str:
    at = address - read.address
    if read.function_code in BIT_FUNCTIONS:
        return str(data[at // 8] >> at % 8 & 1) if at // 8 < len(data) else "-"
    return data[2 * at : 2 * at + 2].hex() or "-"


def _shown(value: Value, raw_bytes: str, raw: RawNumber | RegisterError, legend: _Legend) -> Shown:
    sent = legend.sent.get(value.name)
    shown = Shown(name=value.name, raw_bytes=raw_bytes, point=sent.point if sent else "")
    try:
        if isinstance(raw, RegisterError):
            raise raw
        if raw is None:
            return replace(shown, remark="no value")
        if isinstance(raw, str):
            return replace(shown, raw=repr(raw), shows=raw)
        exact = Fraction(raw)
        digits = _digits(value)
        shown = replace(shown, raw=f"{float(exact):.{digits}g}")
        number = float(exact * value.exact_scale + value.exact_offset)
        converted = sent.conversion.apply(raw) if sent else None
    except RegisterError as error:
        return replace(shown, remark=str(error))
    except OverflowError:
        return replace(shown, remark="beyond all numbers: is the byte order right?")
    unit = legend.units.get(value.name, value.unit)
    remarks = []
    if sent and value.ct_pt.ratios:
        remarks.append(f"times {' and '.join(value.ct_pt.ratios)}")
    if unit == DISPLAY:
        remarks.append("the meter's menu decides the unit of measure")
    return replace(
        shown,
        shows=f"{number:.{digits}g}",
        unit="" if unit in ("1", DISPLAY) else unit,
        sent=converted,
        sent_unit="" if sent is None or sent.unit == "1" else sent.unit,
        remark="; ".join(remarks),
    )


def _digits(value: Value) -> int:
    """How many digits mean something: a float32 has between six and nine, and a display shows no more."""
    return _F32_DIGITS if isinstance(value, Register) and value.type is DataType.F32 else _MOST_DIGITS


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 1)
