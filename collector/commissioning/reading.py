"""One poll of one meter with everything that came: raw words beside values, for whoever stands before the meter."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from fractions import Fraction
from functools import partial

import msgspec

from collector.drivers.dlt645.frames import ReadData
from collector.drivers.line import Answer, Line
from collector.drivers.meters import Sent, sent_values
from collector.errors import LineError, RefusedReadError, RegisterError
from collector.planning.learned_file import LearnedFile
from collector.planning.learning import split
from collector.planning.limits import Limits, limits_of
from collector.planning.planner import Read, plan
from collector.polling.sweep import ILLEGAL_ADDRESS
from collector.process.lines import meter_key, open_line
from collector.profiles import Profile, RegisterBlock, Value
from collector.profiles.block import RawNumber
from collector.profiles.dlt645 import DataItem, Dlt645Profile
from collector.profiles.library import Library
from collector.profiles.register import BIT_FUNCTIONS
from collector.settings import CollectorSettings, GatewaySettings, LineSettings, MeterSettings
from energy.clocks import DataClock
from energy.errors import TransportError


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """One value.

    Attributes:
        name: in the profile.
        raw_bytes: as they stood on the wire, hexadecimal, a register or byte apart.
        raw: the raw number in them, or text; empty where there is none.
        shows: what the meter's display should show: raw number x scale + offset, in `unit`.
        unit: the profile's unit of measure.
        sent: what is sent, in base units, CT x PT applied; None where it is not sent or has no value.
        point: under which code it is sent; empty where it is not.
        remark: what is the matter with it.
    """

    name: str
    raw_bytes: str
    raw: str = ""
    shows: str = ""
    unit: str = ""
    sent: float | None = None
    point: str = ""
    remark: str = ""


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
    sent = sent_values(meter, profile)
    way = open_line(line, clock)
    try:
        if isinstance(profile, Dlt645Profile):
            attempts = read_dlt645(way, str(meter.address), profile, sent)
        else:
            modbus = Library(settings.profile_dirs).load(meter.profile)
            known = LearnedFile(settings.learned_file(gateway)).of(meter_key(line.place, meter))
            limits = limits_of(modbus).with_learned(known, modbus.registers)
            attempts = read_modbus(way, int(meter.address), modbus, sent, limits)
        async for attempt in attempts:
            yield attempt
    finally:
        way.close()


async def read_modbus(
    line: Line, unit: int, profile: Profile, sent: Mapping[str, Sent], limits: Limits
) -> AsyncIterator[Attempt]:
    """Ask a Modbus meter for all values of its profile, those that are sent and those that are not.

    A read that the device refuses for its addresses is asked in pieces.
    """
    waiting = deque(plan(profile.registers, limits))
    while waiting:
        read = waiting.popleft()
        attempt, error = await _ask(line, unit, read, partial(_registers, read, sent))
        yield attempt
        if isinstance(error, RefusedReadError) and error.code == ILLEGAL_ADDRESS:
            waiting.extendleft(reversed(split(read)))
        if isinstance(error, LineError):
            return


async def read_dlt645(
    line: Line, unit: str, profile: Dlt645Profile, sent: Mapping[str, Sent]
) -> AsyncIterator[Attempt]:
    """Ask a DL/T 645 meter for each value of its profile that has an identifier of its own."""
    for item in profile.items:
        if item.data_id is None:
            continue
        request = ReadData(item.data_id, item.length, item.length)
        attempt, error = await _ask(line, unit, request, partial(_item, item, sent))
        yield attempt
        if isinstance(error, LineError):
            return


async def _ask(
    line: Line, unit: int | str, request: Read | ReadData, show: Callable[[Answer], Iterable[Shown]]
) -> tuple[Attempt, TransportError | None]:
    now = asyncio.get_running_loop().time
    began = now()
    try:
        answer = await line.ask(unit, request)
    except TransportError as error:
        return Attempt(request=str(request), took_ms=_ms(now() - began), error=str(error)), error
    took_ms = _ms(now() - began)
    return Attempt(request=str(request), took_ms=took_ms, at=answer.at, values=tuple(show(answer))), None


def _registers(read: Read, sent: Mapping[str, Sent], answer: Answer) -> Iterator[Shown]:
    try:
        raws = RegisterBlock(read.registers, read.address).decode(answer.data)
    except RegisterError as error:
        raws = [error] * len(read.registers)
    for register, raw in zip(read.registers, raws, strict=True):
        words = " ".join(_word(read, address, answer.data) for address in register.addresses)
        yield _shown(register, words, raw, sent)


def _item(item: DataItem, sent: Mapping[str, Sent], answer: Answer) -> Iterator[Shown]:
    raw: RawNumber | RegisterError
    try:
        raw = item.decode(answer.data)
    except RegisterError as error:
        raw = error
    yield _shown(item, answer.data.hex(" "), raw, sent)


def _word(read: Read, address: int, data: bytes) -> str:
    at = address - read.address
    if read.function_code in BIT_FUNCTIONS:
        return str(data[at // 8] >> at % 8 & 1) if at // 8 < len(data) else "-"
    return data[2 * at : 2 * at + 2].hex() or "-"


def _shown(value: Value, raw_bytes: str, raw: RawNumber | RegisterError, sent: Mapping[str, Sent]) -> Shown:
    point = sent[value.name].point if value.name in sent else ""
    unit = "" if value.unit == "1" else value.unit
    if isinstance(raw, RegisterError):
        return Shown(name=value.name, raw_bytes=raw_bytes, point=point, remark=str(raw))
    if raw is None:
        return Shown(name=value.name, raw_bytes=raw_bytes, point=point, remark="no value")
    if isinstance(raw, str):
        return Shown(name=value.name, raw_bytes=raw_bytes, raw=repr(raw), shows=raw)
    exact = Fraction(raw)
    shows = f"{float(exact * value.exact_scale + value.exact_offset):.12g}"
    converted = sent[value.name].conversion.apply(raw) if value.name in sent else None
    remark = f"secondary side, times {' and '.join(value.ct_pt.ratios)}" if value.ct_pt.ratios else ""
    return Shown(
        name=value.name,
        raw_bytes=raw_bytes,
        raw=f"{float(exact):.12g}",
        shows=shows,
        unit=unit,
        sent=converted,
        point=point,
        remark=remark,
    )


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 1)
