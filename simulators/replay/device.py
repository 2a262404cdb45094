"""A recorded unit: each request gets what was recorded next for it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from energy.errors import RejectedError
from energy.recordings import Recorded, Recording, exchanges_of
from simulators.faults.schedule import ValueFault
from simulators.replay.settings import ReplaySettings
from simulators.serving.line import Reply
from simulators.serving.pdu import ExceptionCode, Request, exception_pdu

_MODBUS = "modbus-"


class ReplayDevice:
    """Answers as a unit did when it was recorded.

    A request that was never recorded gets exception 2. Where no usable answer was recorded (silence, a broken
    connection, an answer that did not fit), there is none.

    Args:
        exchanges: of the unit, in the order in which they were recorded.
        delay_scale: recorded delays times this.
        loop: whether a request starts over after its last recorded answer; otherwise it then gets none.
    """

    def __init__(self, exchanges: Iterable[Recorded], *, delay_scale: float = 1.0, loop: bool = False) -> None:
        self._delay_scale = delay_scale
        self._loop = loop
        self._answers: dict[tuple[int, int, int], list[Recorded]] = {}
        self._next: dict[tuple[int, int, int], int] = {}
        for one in exchanges:
            if one.function is not None and one.address is not None and one.count is not None:
                self._answers.setdefault((one.function, one.address, one.count), []).append(one)

    def answer(self, request: Request, at_ms: int, faults: Sequence[ValueFault] = ()) -> Reply | None:  # noqa: ARG002 - a recording knows neither; the contract has both
        """What was recorded next for this request; None where no answer was."""
        span = request.span()
        key = (request.function, *span) if span else None
        if key is None or key not in self._answers:
            return Reply(exception_pdu(request.function, ExceptionCode.ILLEGAL_ADDRESS))
        at, answers = self._next.get(key, 0), self._answers[key]
        self._next[key] = at + 1
        if at >= len(answers) and not self._loop:
            return None
        return self._reply(request, answers[at % len(answers)])

    def _reply(self, request: Request, one: Recorded) -> Reply | None:
        delay_s = one.delay_ms / 1000 * self._delay_scale
        if one.code is not None:
            return Reply(exception_pdu(request.function, one.code), delay_s)
        data = one.data
        return None if data is None else Reply(bytes((request.function, len(data))) + data, delay_s)


def replayed(recording: Recording, settings: ReplaySettings) -> dict[int, ReplayDevice]:
    """The units of a recorded line, by unit id.

    Raises:
        RejectedError: the recording has no such line, or the line speaks something else than Modbus.
    """
    lines = {line.name: line for line in recording.header.lines}
    name = settings.line or (next(iter(lines)) if len(lines) == 1 else "")
    if name not in lines:
        what = f"has no line {name!r}" if name else f"has {len(lines)} lines, and `line` names none of them"
        raise RejectedError(f"{settings.file} {what}", advice=f"Give `line` as one of: {', '.join(lines)}.")
    if not lines[name].kind.startswith(_MODBUS):
        raise RejectedError(
            f"{settings.file}: {name} is a line of kind {lines[name].kind}; only Modbus lines can be replayed"
        )
    exchanges = list(exchanges_of(recording, name))
    units = {meter.unit for meter in lines[name].meters} | {one.unit for one in exchanges}
    return {
        unit: ReplayDevice(
            (one for one in exchanges if one.unit == unit), delay_scale=settings.delay_scale, loop=settings.loop
        )
        for unit in units
        if isinstance(unit, int)
    }
