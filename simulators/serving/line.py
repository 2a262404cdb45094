"""The units behind one address: who answers a request, what goes wrong with it, and when it is sent. Pure."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from simulators.faults.frames import Sent, Way, send
from simulators.faults.kinds import NOT_SERIAL, OF_FRAMES, ONLY_SERIAL, FaultKind
from simulators.faults.schedule import Moment, UnitFaults, ValueFault
from simulators.faults.settings import FaultSettings
from simulators.serving.framing import Frame, Framing
from simulators.serving.pdu import ExceptionCode, Request, exception_pdu


class Reply(NamedTuple):
    """What a device answers: function code and body, `delay_s` real seconds after it was asked."""

    pdu: bytes
    delay_s: float = 0.0


class Device(Protocol):
    """Whatever answers for one unit id."""

    def answer(self, request: Request, at_ms: int, faults: Sequence[ValueFault]) -> Reply | None:
        """The answer at data time `at_ms` (ms UTC) with these faults in its values; None is silence."""


class Unit:
    """A device on a line.

    Args:
        device: what answers.
        faults: how it misbehaves; they may be changed at any time and hold from the next request.
        latency_s: real seconds that an ordinary answer takes.
    """

    def __init__(self, device: Device, faults: UnitFaults | None = None, latency_s: float = 0.0) -> None:
        self.device = device
        self.faults = faults or UnitFaults()
        self.latency_s = latency_s


class Line:
    """The units behind one address, by unit id.

    On a serial line a unit that nobody has is silent; so is a broadcast, to unit 0. On Modbus TCP the gateway itself
    answers for it, with exception 11.

    Args:
        name: for logs and records.
        framing: how its frames are made.
        units: by unit id.
        seed: of the garbage that faults send.
    """

    def __init__(self, name: str, framing: Framing, units: Mapping[int, Unit], seed: int = 0) -> None:
        self.name = name
        self.framing = framing
        self.units = dict(units)
        self._chance = random.Random(f"{seed}/{name}")  # noqa: S311 - repeatable on purpose
        self._before = b""

    def respond(self, request: Request, moment: Moment) -> list[Sent]:
        """What goes back for `request`; nothing is silence."""
        unit = self.units.get(request.unit)
        if unit is None:
            return [] if self.framing.serial else self._send(request, Reply(_unreachable(request)), ())
        struck = unit.faults.strike(moment)
        answer_faults = [fault for fault in struck.answer if self._applies(fault.kind)]
        if refusal := _refusal(request, answer_faults):
            unit.faults.note(refusal.kind, moment.at_ms)
            reply: Reply | None = Reply(exception_pdu(request.function, refusal.code))
        else:
            reply = unit.device.answer(request, moment.at_ms, struck.values)
        if reply is None:
            return []
        on_the_way = self._on_the_way(answer_faults)
        for fault in on_the_way:
            unit.faults.note(fault.kind, moment.at_ms)
        return self._send(request, reply._replace(delay_s=reply.delay_s + unit.latency_s), on_the_way)

    def _send(self, request: Request, reply: Reply, faults: Sequence[FaultSettings]) -> list[Sent]:
        frame = Frame(request.transaction, request.unit, reply.pdu)
        sent = send(frame, faults, Way(self.framing, self._before, self._chance))
        self._before = self.framing.encode(frame)
        return [Sent(one.delay_s + reply.delay_s, one.data) for one in sent]

    def _on_the_way(self, faults: Sequence[FaultSettings]) -> list[FaultSettings]:
        """Those that spoil the answer's way; nothing else can happen to one that is never sent."""
        spoiling = [fault for fault in faults if fault.kind in OF_FRAMES]
        silence = [fault for fault in spoiling if fault.kind is FaultKind.SILENCE]
        return silence[:1] or [fault for fault in spoiling if fault.kind is not FaultKind.STALE or self._before]

    def _applies(self, kind: FaultKind) -> bool:
        """A serial frame has no transaction to be wrong, a frame of Modbus TCP no checksum."""
        return kind not in (NOT_SERIAL if self.framing.serial else ONLY_SERIAL)


class _Refusal(NamedTuple):
    kind: FaultKind
    code: int


def _refusal(request: Request, faults: Sequence[FaultSettings]) -> _Refusal | None:
    """The first of the faults by which a device refuses this request."""
    for fault in faults:
        match fault.kind:
            case FaultKind.EXCEPTION:
                return _Refusal(fault.kind, fault.code)
            case FaultKind.BUSY:
                return _Refusal(fault.kind, ExceptionCode.DEVICE_BUSY)
            case FaultKind.FORBIDDEN if _touches(request, fault):
                return _Refusal(fault.kind, ExceptionCode.ILLEGAL_ADDRESS)
            case _:
                pass
    return None


def _touches(request: Request, fault: FaultSettings) -> bool:
    span = request.span()
    if span is None:
        return False
    first, last = span[0], span[0] + span[1] - 1
    return any(first <= high and low <= last for low, high in fault.ranges)


def _unreachable(request: Request) -> bytes:
    return exception_pdu(request.function, ExceptionCode.GATEWAY_TARGET_FAILED)
