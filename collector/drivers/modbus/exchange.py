"""What a Modbus meter is asked, and what its answers mean. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import repeat
from typing import Any, cast

from collector.drivers.line import Answer, Outcome
from collector.drivers.meters import Sent
from collector.errors import RegisterError
from collector.planning.limits import Limits
from collector.planning.planner import Read, plan
from collector.profiles import Profile, RawNumber, Register, RegisterBlock
from energy.errors import RejectedError
from energy.readings import Quality, Reading

_NUMBERS = frozenset((int, float))
"""What `float` makes a value of; text, nothing, a fraction and an error have ways of their own."""


class ModbusExchange:
    """One read and the meaning of its answer.

    Args:
        request: the read.
        wanted: the registers that it is for, and what becomes of their values.

    Attributes:
        request: the read.
        points: the points that it brings.
    """

    __slots__ = ("_block", "_plain", "_wanted", "points", "request")

    def __init__(self, request: Read, wanted: Sequence[tuple[Register, Sent]]) -> None:
        self.request = request
        self.points = tuple(sent.point for _, sent in wanted)
        self._block = RegisterBlock([register for register, _ in wanted], request.address)
        self._wanted = tuple((sent.point, register.name, _converting(register, sent)) for register, sent in wanted)
        self._plain = all(convert is float for _, _, convert in self._wanted)

    def take(self, answer: Answer) -> Outcome:
        """The readings in an answer, in base units of measure, CT x PT applied; one bad value costs no other."""
        try:
            raws = self._block.decode(answer.data)
        except RegisterError as error:
            return Outcome([], [error])
        if self._plain and _NUMBERS.issuperset(map(type, raws)):
            # As most answers of most meters are: in one go, which touches little of the memory.
            numbers = cast("list[int | float]", raws)
            return Outcome(list(map(Reading, self.points, repeat(answer.at), map(float, numbers))), [])
        return self._take_each(raws, answer.at)

    def _take_each(self, raws: Sequence[RawNumber | RegisterError], at: int) -> Outcome:
        readings: list[Reading] = []
        faults: list[RejectedError] = []
        for (point, name, convert), raw in zip(self._wanted, raws, strict=True):
            if raw is None:
                readings.append(Reading(point, at, None, Quality.NOT_AVAILABLE))
                continue
            try:
                if isinstance(raw, RegisterError):
                    raise raw
                readings.append(Reading(point, at, convert(raw)))
            except RegisterError as error:
                faults.append(RegisterError(f"{name}: {error}"))
        return Outcome(readings, faults)


def _converting(register: Register, sent: Sent) -> Callable[[Any], float]:
    """From a raw number to the value; text has no unit of measure, so that no conversion exists for it.

    Where a value is its raw number, `float` says so in a tenth of the time; but a raw number that is composed may be
    beyond all floats.
    """
    return float if sent.conversion.is_identity and len(register.parts) == 1 else sent.conversion.apply


def exchanges(profile: Profile, sent: Mapping[str, Sent], limits: Limits) -> tuple[ModbusExchange, ...]:
    """The fewest exchanges that bring the values of a meter that are sent.

    Args:
        profile: what its values mean.
        sent: what becomes of the values that are sent, by their name in the profile.
        limits: what the device stands.

    Raises:
        KeyError: the profile has no value of that name.
        PlanError: no legal read brings a value.
    """
    requests = plan([profile.register(name) for name in sent], limits)
    return tuple(
        ModbusExchange(request, [(register, sent[register.name]) for register in request.registers])
        for request in requests
    )
