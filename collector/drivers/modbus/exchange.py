"""What a Modbus meter is asked, and what its answers mean. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, cast

from collector.drivers.line import Answer, Outcome
from collector.drivers.settings import MeterBase
from collector.errors import RegisterError
from collector.planning.limits import Limits
from collector.planning.planner import Read, plan
from collector.profiles import DISPLAY, Profile, Register, RegisterBlock
from collector.profiles.conversion import Conversion, conversion, target_unit
from energy.errors import RejectedError
from energy.readings import Quality, Reading


class Sent(NamedTuple):
    """A register whose value is sent.

    Attributes:
        point: code under which it is sent.
        register: where it stands.
        conversion: from its raw number to the value that is sent.
    """

    point: str
    register: Register
    conversion: Conversion


class ModbusExchange:
    """One read and the meaning of its answer.

    Args:
        request: the read.
        sent: what it brings.
    """

    __slots__ = ("_block", "_sent", "points", "request")

    def __init__(self, request: Read, sent: Sequence[Sent]) -> None:
        self.request = request
        self.points = tuple(one.point for one in sent)
        self._block = RegisterBlock([one.register for one in sent], request.address)
        self._sent = tuple((one.point, one.register.name, one.conversion.apply) for one in sent)

    def take(self, answer: Answer) -> Outcome:
        """The readings in an answer, in base units of measure, CT x PT applied; one bad value costs no other."""
        readings: list[Reading] = []
        faults: list[RejectedError] = []
        at = answer.at
        try:
            raws = self._block.decode(answer.data)
        except RegisterError as error:
            return Outcome(readings, [error])
        for (point, name, apply), raw in zip(self._sent, raws, strict=True):
            if raw is None:
                readings.append(Reading(point, at, None, Quality.NOT_AVAILABLE))
                continue
            try:
                if isinstance(raw, RegisterError):
                    raise raw
                # Text has no unit of measure, so that no conversion exists for it.
                readings.append(Reading(point, at, apply(cast("float", raw))))
            except RegisterError as error:
                faults.append(RegisterError(f"{name}: {error}"))
        return Outcome(readings, faults)


def exchanges(
    profile: Profile, points: Mapping[str, str], meter: MeterBase, limits: Limits
) -> tuple[ModbusExchange, ...]:
    """The fewest exchanges that bring the wanted values of a meter.

    Args:
        profile: what its values mean.
        points: codes of the points to send, by name of a value.
        meter: its table, for the ratios of its transformers and the unit of measure that is set in its menu.
        limits: what the device stands.

    Raises:
        KeyError: the profile has no value of that name.
        PlanError: no legal read brings a value.
        RatioError: a ratio is missing.
        UnitError: a unit of measure does not fit, or the value is text.
    """
    wanted = [profile.register(name) for name in points]
    sent = {
        register.name: Sent(points[register.name], register, _conversion(profile, register, meter))
        for register in wanted
    }
    return tuple(
        ModbusExchange(request, [sent[register.name] for register in request.registers])
        for request in plan(wanted, limits)
    )


def _conversion(profile: Profile, register: Register, meter: MeterBase) -> Conversion:
    # What the menu says is about the counter; the other values have the profile's units.
    shown = meter.unit if register.name == profile.counter else ""
    target = target_unit(profile.carrier, shown if register.unit == DISPLAY else register.unit)
    return conversion(register, target, ct=meter.ct, pt=meter.pt, unit=shown)
