"""A simulated meter and the line it hangs on: which words stand where, and what is refused. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from collector.profiles import Profile
from energy.errors import RejectedError
from simulators.modbus_frames import (
    MOST_REGISTERS,
    READ_HOLDING_REGISTERS,
    READ_INPUT_REGISTERS,
    ExceptionCode,
    Request,
    exception_answer,
    registers_answer,
)
from simulators.registers import Counter

CounterLevel = Callable[[int], float]
"""Consumption since the counter's start, in the carrier's base unit, at data time (ms UTC)."""


class ReadRefusedError(RejectedError):
    """The device refuses a read; `code` goes onto the wire."""

    def __init__(self, code: int) -> None:
        super().__init__(f"refused with exception {code}")
        self.code = code


@dataclass(frozen=True, slots=True)
class Fault:
    """How a meter misbehaves; by default it does not.

    Attributes:
        silent: it never answers.
        delay_s: real seconds before it answers.
        exception: it refuses every read with this exception code.
        not_available: its counter says that it has no value; exception 4 where the model has no way to say so.
    """

    silent: bool = False
    delay_s: float = 0.0
    exception: int | None = None
    not_available: bool = False


HEALTHY = Fault()


@dataclass(frozen=True, slots=True)
class Answer:
    """A frame, and how many real seconds it keeps the client waiting."""

    frame: bytes
    delay_s: float = 0.0


class MeterDevice:
    """A meter: its counter runs, its other registers say that they have no value.

    `fault` may be changed at any time and holds from the next request.
    """

    def __init__(self, profile: Profile, counter: Counter, level: CounterLevel) -> None:
        self.fault = HEALTHY
        self._profile = profile
        self._counter = counter
        self._level = level
        functions: set[int] = {register.function_code for register in profile.registers}
        self._still = {function: _still_words(profile, function) for function in functions}

    def read(self, function: int, address: int, count: int, at_ms: int) -> list[int]:
        """The words of a read at data time `at_ms`.

        Registers between those of the profile are zero, as far as the profile does not forbid them.

        Raises:
            ReadRefusedError: exception 1 for a function the meter has no registers of, 2 for an address outside of them
                or forbidden, 3 for more registers than the model gives at once.
        """
        self._check(function, address, count)
        words = self._still[function]
        answer = [words.get(at, 0) for at in range(address, address + count)]
        counter = self._profile.counter_register
        if counter.function_code == function:
            for at, word in self._counter_words(at_ms).items():
                if address <= at < address + count:
                    answer[at - address] = word
        return answer

    def _check(self, function: int, address: int, count: int) -> None:
        if self.fault.exception is not None:
            raise ReadRefusedError(self.fault.exception)
        if function not in self._still:
            raise ReadRefusedError(ExceptionCode.ILLEGAL_FUNCTION)
        if not 1 <= count <= self._profile.max_words:
            raise ReadRefusedError(ExceptionCode.ILLEGAL_VALUE)
        last = address + count - 1
        forbidden = any(address <= high and low <= last for low, high in self._profile.forbidden)
        if forbidden or address < min(self._still[function]) or last > max(self._still[function]):
            raise ReadRefusedError(ExceptionCode.ILLEGAL_ADDRESS)

    def _counter_words(self, at_ms: int) -> dict[int, int]:
        if not self.fault.not_available:
            return self._counter.words(self._level(at_ms))
        missing = self._profile.counter_register.encode_not_available()
        if missing is None:
            raise ReadRefusedError(ExceptionCode.DEVICE_FAILURE)
        return missing


class Line:
    """The meters behind one address, by unit id; the gateway itself answers for the unit ids that nobody has."""

    def __init__(self, meters: Mapping[int, MeterDevice]) -> None:
        self.meters = dict(meters)

    def answer(self, request: Request, at_ms: int) -> Answer | None:
        """What goes back for `request` at data time `at_ms`; None is silence."""
        meter = self.meters.get(request.unit)
        if meter is None:
            return Answer(exception_answer(request, ExceptionCode.GATEWAY_TARGET_FAILED))
        if meter.fault.silent:
            return None
        try:
            frame = registers_answer(request, _read(meter, request, at_ms))
        except ReadRefusedError as refusal:
            frame = exception_answer(request, refusal.code)
        except RejectedError:
            # A counter without a known wrap has outgrown its register.
            frame = exception_answer(request, ExceptionCode.DEVICE_FAILURE)
        return Answer(frame, meter.fault.delay_s)


def _read(meter: MeterDevice, request: Request, at_ms: int) -> list[int]:
    if request.function not in (READ_HOLDING_REGISTERS, READ_INPUT_REGISTERS):
        raise ReadRefusedError(ExceptionCode.ILLEGAL_FUNCTION)
    span = request.span()
    if span is None or not 1 <= span[1] <= MOST_REGISTERS:
        raise ReadRefusedError(ExceptionCode.ILLEGAL_VALUE)
    return meter.read(request.function, *span, at_ms)


def _still_words(profile: Profile, function: int) -> dict[int, int]:
    """Address → word of every register of one function code, each saying "no value" where it can."""
    return {
        address: word
        for register in profile.registers
        if register.function_code == function
        for address, word in (register.encode_not_available() or dict.fromkeys(register.addresses, 0)).items()
    }
