"""What a Modbus meter is asked, follows from its profile, from what is sent, and from what its refusals taught."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import structlog

from collector.drivers.meters import Sent
from collector.drivers.modbus.exchange import ModbusExchange, exchanges
from collector.planning.learned_file import LearnedFile
from collector.planning.learning import Refusals
from collector.planning.limits import Learned, limits_of
from collector.profiles import Profile
from energy.errors import StorageError
from energy.logs import Availability

_log = structlog.get_logger("collector")

RETRY_MS = 86_400_000
"""Data time after which a value that the device refused even by itself is asked for again: firmware changes."""


class ModbusRequests:
    """The reads of one meter.

    Args:
        meter: names it in the file of what was learned.
        profile: what its values mean.
        sent: the values that are sent, by name.
        learned: what its refusals taught; what they teach goes there.
        now_ms: data time.
        log: names the gateway and the meter.

    Raises:
        PlanError: no legal read brings a value.
    """

    def __init__(  # noqa: PLR0913 - the parts that meet here
        self,
        meter: str,
        profile: Profile,
        sent: Mapping[str, Sent],
        learned: LearnedFile,
        now_ms: Callable[[], int],
        *,
        log: structlog.typing.FilteringBoundLogger = _log,
    ) -> None:
        self._meter = meter
        self._wanted = [profile.register(name) for name in sent]
        self._profile = profile
        self._sent = sent
        self._limits = limits_of(profile)
        self._file = learned
        self._now_ms = now_ms
        self._refusals = Refusals(learned.of(meter))
        self._log = log
        self._file_health = Availability(log, "learned_file")
        self._plan()

    @property
    def exchanges(self) -> Sequence[ModbusExchange]:
        """The fewest legal reads for what is sent, less what the device refused within a day."""
        if self._planned_for is not self._refusals.learned or not self._planned_at <= self._now_ms() < self._plan_until:
            self._plan()
        return self._exchanges

    @property
    def refused(self) -> Sequence[str]:
        """Names of values that are sent, and that the device refuses even by themselves."""
        return self._refused

    def replace(self, refused: ModbusExchange) -> Sequence[ModbusExchange]:
        """The pieces of a read that the device refused for its addresses; none where it brings one value alone."""
        before = self._refusals.learned
        pieces = self._refusals.refused(refused.request, self._now_ms())
        self._note(before)
        return [ModbusExchange(piece, [(one, self._sent[one.name]) for one in piece.registers]) for piece in pieces]

    def answered(self, exchange: ModbusExchange) -> None:
        """The device answered: with a piece of a refused read, that tells what was refused."""
        before = self._refusals.learned
        self._refusals.answered(exchange.request)
        self._note(before)

    def _plan(self) -> None:
        learned, now = self._refusals.learned, self._now_ms()
        wanted = learned.worth_asking(self._wanted, now, RETRY_MS)
        sent = {register.name: self._sent[register.name] for register in wanted}
        self._refused: Sequence[str] = [name for name in self._sent if name in learned.unreadable]
        self._exchanges: Sequence[ModbusExchange] = exchanges(
            self._profile, sent, self._limits.with_learned(learned, wanted)
        )
        self._planned_for, self._planned_at = learned, now
        again = (at + RETRY_MS for at in learned.unreadable.values())
        self._plan_until = min((at for at in again if at > now), default=2**63)

    def _note(self, before: Learned) -> None:
        """Write down and say what was learned."""
        learned = self._refusals.learned
        if learned is before:
            return
        for name in learned.unreadable.keys() - before.unreadable.keys():
            self._log.warning("value_unreadable", value=name, again_after_s=RETRY_MS // 1000)
        for name in before.unreadable.keys() - learned.unreadable.keys():
            self._log.info("value_readable", value=name)
        for function_code, barriers in learned.barriers.items():
            if barriers != before.barriers.get(function_code):
                fields = {"forbidden": barriers.forbidden, "breaks": barriers.breaks}
                self._log.warning("range_forbidden", function_code=function_code, **fields)
        try:
            self._file.put(self._meter, learned)
        except StorageError as error:
            self._file_health.lost(error)
        else:
            self._file_health.back()
