"""A simulated meter as a device on a line: what it answers to a read, and what it refuses. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from collector.profiles import MOST_BITS, MOST_WORDS, Profile
from energy.errors import RejectedError
from simulators.faults.schedule import ValueFault
from simulators.faults.values import Level, missing_registers, seen_at, shown, words_are_swapped
from simulators.meters.counter import Counter
from simulators.meters.image import Image
from simulators.meters.values import MEDIA, WATER, Nameplate, Standing
from simulators.serving.line import Reply
from simulators.serving.pdu import (
    READ_COILS,
    READ_DISCRETE_INPUTS,
    READ_HOLDING_REGISTERS,
    READ_INPUT_REGISTERS,
    ExceptionCode,
    Request,
    bits_pdu,
    exception_pdu,
    registers_pdu,
)

_READS = (READ_COILS, READ_DISCRETE_INPUTS, READ_HOLDING_REGISTERS, READ_INPUT_REGISTERS)
_OF_BITS = (READ_COILS, READ_DISCRETE_INPUTS)
_LOAD_OVER_MS = 60_000
"""The load that powers and flows show is the mean of the last minute."""
_HOUR_MS = 3_600_000


class ReadRefusedError(RejectedError):
    """The device refuses a read; `code` goes onto the wire."""

    def __init__(self, code: int) -> None:
        super().__init__(f"refused with exception {code}")
        self.code = code


class MeterDevice:
    """A meter whose counter follows its load, and whose other registers show what belongs to that.

    It answers reads (function codes 1 to 4) of the kinds of registers that its model has.

    Args:
        profile: its registers.
        counter: the one whose differences are consumption.
        level: its consumption.
    """

    def __init__(self, profile: Profile, counter: Counter, level: Level) -> None:
        self.profile = profile
        self.counter = counter
        self._level = level
        scale = counter.scale
        self.plate = Nameplate(scale.base_unit, scale.ct, scale.pt, MEDIA.get(profile.carrier, WATER))
        self._image = Image(profile, scale, self.plate)

    def answer(self, request: Request, at_ms: int, faults: Sequence[ValueFault] = ()) -> Reply:
        """The answer at data time `at_ms` (ms UTC), as the device behaves with these faults."""
        try:
            cells = self.read(request.function, self._span(request), at_ms, faults)
        except ReadRefusedError as refusal:
            return Reply(exception_pdu(request.function, refusal.code))
        except RejectedError:
            # A counter without a known wrap has outgrown its register, or a value cannot say that it is missing.
            return Reply(exception_pdu(request.function, ExceptionCode.DEVICE_FAILURE))
        make = bits_pdu if request.function in _OF_BITS else registers_pdu
        return Reply(make(request.function, cells))

    def read(self, function: int, span: range, at_ms: int, faults: Sequence[ValueFault] = ()) -> list[int]:
        """The words, or bits, of a read at data time `at_ms`.

        Registers between those of the profile are zero, as far as the profile does not forbid them.

        Raises:
            ReadRefusedError: exception 1 for a function that the meter has no registers of, 2 for an address outside
                of them or forbidden, 3 for more than the model gives at once.
            RejectedError: the counter has outgrown its register, or a value is missing and cannot say so.
        """
        self._check(function, span)
        cells = self._image.cells(
            function,
            span,
            self.standing(at_ms, faults),
            missing=missing_registers(self.profile.counter, faults),
            swapped=words_are_swapped(faults),
        )
        return [cells.get(at, 0) for at in span]

    def standing(self, at_ms: int, faults: Sequence[ValueFault] = ()) -> Standing:
        """What the meter stands at, as it shows it at data time `at_ms` (ms UTC)."""
        at_ms = seen_at(at_ms, faults)
        return Standing(
            amount=shown(self._level, self.counter.start, self.counter.scale.end, at_ms, faults),
            per_hour=(self._level(at_ms) - self._level(at_ms - _LOAD_OVER_MS)) * _HOUR_MS / _LOAD_OVER_MS,
            at_s=at_ms / 1000,
        )

    def _span(self, request: Request) -> range:
        if request.function not in _READS:
            raise ReadRefusedError(ExceptionCode.ILLEGAL_FUNCTION)
        span = request.span()
        most = MOST_BITS if request.function in _OF_BITS else MOST_WORDS
        if span is None or not 1 <= span[1] <= most:
            raise ReadRefusedError(ExceptionCode.ILLEGAL_VALUE)
        return range(span[0], span[0] + span[1])

    def _check(self, function: int, span: range) -> None:
        bounds = self._image.bounds(function)
        if bounds is None:
            raise ReadRefusedError(ExceptionCode.ILLEGAL_FUNCTION)
        if len(span) > (self.profile.max_bits if function in _OF_BITS else self.profile.max_words):
            raise ReadRefusedError(ExceptionCode.ILLEGAL_VALUE)
        forbidden = any(span.start <= high and low < span.stop for low, high in self.profile.forbidden)
        if forbidden or span.start < bounds[0] or span.stop > bounds[1]:
            raise ReadRefusedError(ExceptionCode.ILLEGAL_ADDRESS)
